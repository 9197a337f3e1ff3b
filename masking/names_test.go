package masking_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// namesOf lists what a report has.
func namesOf(r *masking.Report) []string {
	var list []string
	for i := range r.Names.Len() {
		list = append(list, string(r.Names.At(i)))
	}
	return list
}

// allClear gives every record a profile that shows all fields.
type allClear map[int]*masking.Profile

func (c allClear) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	for i, r := range records {
		profiles[i] = c[r.Kind]
	}
	return nil
}

func TestNames(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"n%d":1`, i)
	}
	for name, tt := range map[string]struct {
		unlisted masking.Unlisted
		src      string
		want     []string
		more     bool
	}{
		"none": {masking.UnlistedDrop, `{"a":1,"items":[{"b":2}]}`, nil, false},
		"in envelope and record": {masking.UnlistedDrop, `{"x" : 1,"items":[{"y":{"z":1},"b":2}]}`,
			[]string{`"x"`, `"y"`}, false},
		"each once": {masking.UnlistedDrop,
			`{"items":[{"y":1,"z":1},{"y":1,"z":1},{"z":1,"y":1,"w":1}]}`,
			[]string{`"y"`, `"z"`, `"w"`}, false},
		"as written": {masking.UnlistedDrop, `{"a\"":1,"\u0061":2}`, []string{`"a\""`},
			false},
		"elements have none": {masking.UnlistedDrop, `{"items":[{"b":1}],"list":[1,2]}`,
			[]string{`"list"`}, false},
		"passed": {masking.UnlistedPass, `{"x":1}`, nil, false},
		"masked": {masking.UnlistedMask, `{"x":1}`, nil, false},
		"long": {masking.UnlistedDrop, `{"` + strings.Repeat("x", 100) + `":1}`,
			[]string{`"` + strings.Repeat("x", 63)}, false},
		"too many": {masking.UnlistedDrop, "{" + strings.Join(many, ",") + "}", nil,
			true},
	} {
		t.Run(name, func(t *testing.T) {
			layout, err := masking.Compile(masking.Spec{
				Envelope: []string{"$.a"}, Records: []masking.RecordSpec{{Select: "$.items[*]",
					Fields: []string{"$.b"}}}, Unlisted: tt.unlisted,
			})
			if err != nil {
				t.Fatal(err)
			}
			p := &masking.Profile{Treatments: make([]masking.Treatment, 1)}
			d := allClear{masking.Envelope: p, 0: p}
			report := &masking.Report{}
			for range 2 { // a report is used again
				src := []byte(tt.src)
				_, err := layout.Append(t.Context(), nil, src, masking.Document, d, report)
				if err != nil {
					t.Fatal(err)
				}
				got := namesOf(report)
				if tt.more {
					got, tt.want = got[:1], []string{`"n0"`}
					if report.Names.Len() != 32 {
						t.Errorf("%d names are kept, want 32", report.Names.Len())
					}
				}
				if !slices.Equal(got, tt.want) || report.Names.More() != tt.more {
					t.Errorf("Names of %.60s = %v, more %v, want %v, more %v", tt.src, got,
						report.Names.More(), tt.want, tt.more)
				}
			}
			// The windows of a stream have them too.
			var streamed []string
			err = layout.Rewrite(t.Context(), bytes.NewReader([]byte(tt.src)), masking.Document, d,
				func(_ []byte, r *masking.Report) error {
					streamed = append(streamed, namesOf(r)...)
					return nil
				})
			if err != nil || !tt.more && !slices.Equal(streamed, tt.want) {
				t.Errorf("Rewrite: names %v, %v, want %v", streamed, err, tt.want)
			}
		})
	}
}

// TestNamesInText: names within JSON in strings are among them.
func TestNamesInText(t *testing.T) {
	layout, err := masking.Compile(masking.Spec{
		Records: []masking.RecordSpec{{Select: "$", Fields: []string{"$.p"},
			Embedded: []masking.Embedded{{Fields: []string{"$.a"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := allClear{masking.Envelope: {}, 0: {Treatments: make([]masking.Treatment, 2)}}
	report := &masking.Report{}
	out, err := layout.Append(t.Context(), nil, []byte(`{"p":"{\"a\":1,\"x\":2}","y":3}`),
		masking.Document, d, report)
	if want := `{"p":"{\"a\":1}"}`; err != nil || string(out) != want {
		t.Fatalf("Append = %s, %v, want %s", out, err, want)
	}
	if got, want := namesOf(report), []string{`"x"`, `"y"`}; !slices.Equal(got, want) {
		t.Errorf("Names = %v, want %v", got, want)
	}
}

// TestNamesPlace: each name has the place of its object, in the selectors' words.
func TestNamesPlace(t *testing.T) {
	items := func(fields ...string) masking.Spec {
		return masking.Spec{Records: []masking.RecordSpec{{Select: "$.items[*]", Subject: "$.id",
			Fields: fields}}}
	}
	for name, tt := range map[string]struct {
		spec masking.Spec
		src  string
		want []string
	}{
		"envelope": {masking.Spec{Envelope: []string{"$.page.size"}}, `{"x":1,"page":{"y":1}}`,
			[]string{`$ "x"`, `$.page "y"`}},
		"record": {items("$.name"), `{"x":1,"items":[{"id":1,"y":1},{"id":2,"y":1}]}`,
			[]string{`$ "x"`, `$.items[*] "id"`, `$.items[*] "y"`}},
		"in a record": {items("$.a['b c'].d", "$.a.e"),
			`{"items":[{"id":1,"a":{"x":1,"b c":{"y":1}}}]}`,
			[]string{`$.items[*] "id"`, `$.items[*].a "x"`, `$.items[*].a['b c'] "y"`}},
		"a record that is the whole": {masking.Spec{Records: []masking.RecordSpec{{Select: "$",
			Fields: []string{"$.a.b"}}}},
			`{"x":1,"a":{"y":1}}`, []string{`$ "x"`, `$.a "y"`}},
		"alike in two places": {items("$.a.z", "$.b.z"),
			`{"items":[{"id":1,"a":{"x":1},"b":{"x":1}}]}`,
			[]string{`$.items[*] "id"`, `$.items[*].a "x"`, `$.items[*].b "x"`}},
		"around records": {masking.Spec{Records: []masking.RecordSpec{{Select: "$.data.items[*]"}}},
			`{"data":{"x":1,"items":[{"y":1}]}}`,
			[]string{`$.data "x"`, `$.data.items[*] "y"`}},
		"of a wildcard": {masking.Spec{Envelope: []string{"$.people.*.mobile"}},
			`{"people":{"张三":{"x":1},"李四":{"x":1}}}`, []string{`$.people.* "x"`}},
		"anywhere": {masking.Spec{Envelope: []string{"$.a..b"}}, `{"a":{"x":{"y":1}}}`,
			[]string{`$.a.. "y"`}},
		"of a condition": {masking.Spec{Envelope: []string{"$.a[?@.t == 1].b"}},
			`{"a":[{"t":1,"b":1},{"t":2,"x":1}]}`, []string{`$.a[?@.t == 1] "t"`}},
		"nothing selected": {masking.Spec{}, `{"x":1}`, []string{`$ "x"`}},
		"in a text": {masking.Spec{Records: []masking.RecordSpec{{Select: "$.items[*]",
			Fields: []string{"$.p"}, Embedded: []masking.Embedded{{Fields: []string{"$.a.b"}}}}}},
			`{"items":[{"p":"{\"x\":1,\"a\":{\"b\":1,\"y\":2}}"}]}`,
			[]string{`$.items[*].p | $ "x"`, `$.items[*].p | $.a "y"`}},
	} {
		t.Run(name, func(t *testing.T) {
			layout, err := masking.Compile(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			d := profilesOf(tt.spec)
			for i, r := range tt.spec.Records {
				n := len(r.Fields)
				for _, e := range r.Embedded {
					n += len(e.Fields)
				}
				d[i] = &masking.Profile{Treatments: make([]masking.Treatment, n)}
			}
			placed := func(r *masking.Report) (list []string) {
				for i := range r.Names.Len() {
					list = append(list, r.Names.Place(i)+" "+string(r.Names.At(i)))
				}
				return list
			}
			report := &masking.Report{}
			_, err = layout.Append(t.Context(), nil, []byte(tt.src), masking.Document, d, report)
			if err != nil {
				t.Fatal(err)
			}
			if got := placed(report); !slices.Equal(got, tt.want) {
				t.Errorf("Append(%s): names %q, want %q", tt.src, got, tt.want)
			}
			outside, _ := layout.Needs()
			if outside != masking.NeedNothing {
				return // such a response does not stream
			}
			var streamed []string
			long := tt.src + strings.Repeat(" ", 2000) // longer than the buffer: it streams
			spec := tt.spec
			spec.Limits.Buffer = 1000
			if layout, err = masking.Compile(spec); err != nil {
				t.Fatal(err)
			}
			err = layout.Rewrite(t.Context(), strings.NewReader(long), masking.Document, d,
				func(_ []byte, r *masking.Report) error {
					streamed = append(streamed, placed(r)...)
					return nil
				})
			if err != nil || !slices.Equal(streamed, tt.want) {
				t.Errorf("Rewrite(%s): names %q, %v, want %q", tt.src, streamed, err, tt.want)
			}
		})
	}
}
