package masking_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/maskgate/maskgate/masking"
)

// payloads is a spec with a string that holds JSON, the payload, in which a note may be such a
// string again. A profile has the treatments of the fields of the record, of the payload, and of
// the note.
func payloads() masking.Spec {
	return masking.Spec{
		Records: []masking.RecordSpec{{
			Select: "$[*]", Subject: "$.id",
			Fields: []string{"$.id", "$.payload"},
			Embedded: []masking.Embedded{{
				Field: 1, Fields: []string{"$.idCard", "$.tags", "$.note", "$.born", "$..secret"},
				Embedded: []masking.Embedded{{Field: 2, Fields: []string{"$.idCard"}}},
			}},
		}},
	}
}

func payloadProfile(t testing.TB) *oneProfile {
	card := treatmentOf(t, "cn_id_card")
	return &oneProfile{&masking.Profile{}, &masking.Profile{Treatments: []masking.Treatment{
		{}, {}, // id, payload
		card, {}, {}, treatmentOf(t, "shift(days=30)"), {Rank: masking.RankDrop},
		card, // of note
	}}}
}

func TestEmbedded(t *testing.T) {
	const dropped = "dropped"
	date := masking.Value{Kind: masking.String, Text: []byte("1949-12-31")}
	subject := masking.Value{Kind: masking.String, Text: []byte("A")}
	shift := treatmentOf(t, "shift(days=30)").Transform.(masking.SubjectTransform)
	born, ok := shift.AppendFor(nil, date, subject)
	if !ok {
		t.Fatal("the date is not taken")
	}
	for _, test := range []struct {
		name, payload, want string
		withheld, unlisted  int
	}{
		{name: "an inside that changes", payload: `"{\"idCard\":\"11010519491231002X\"}"`,
			want: `"{\"idCard\":\"1****************X\"}"`},
		{name: "escapes become few",
			payload: `"{\"idCard\": \"11010519491231002\u0058\",\n\t\"tags\":[\"\/\\u5f20\\n\"]}"`,
			want:    `"{\"idCard\": \"1****************X\",\n\t\"tags\":[\"/\\u5f20\\n\"]}"`},
		{name: "an inside that does not change", payload: `"\u007b\"tags\":[\"\/\u5f20\"]\n}"`,
			want: `"\u007b\"tags\":[\"\/\u5f20\"]\n}"`},
		{name: "no escapes at all", payload: `"[]"`, want: `"[]"`},
		{name: "unlisted within", payload: `"{\"tags\":1,\"other\":2}"`, want: `"{\"tags\":1}"`,
			unlisted: 1},
		{name: "dropped within", payload: `"{\"secret\":1,\"tags\":[2]}"`,
			want: `"{\"tags\":[2]}"`},
		{name: "the clear string covers nothing", payload: `"[{\"x\":1},2]"`, want: `"[{}]"`,
			unlisted: 2},
		{name: "withheld within", payload: `"{\"idCard\":true}"`, want: `"{}"`, withheld: 1},
		{name: "the subject is the record's", payload: `"{\"born\":\"1949-12-31\"}"`,
			want: `"{\"born\":\"` + strings.Trim(string(born), `"`) + `\"}"`},
		{name: "a string within a string",
			payload: `"{\"note\":\"{\\\"idCard\\\":\\\"11010519491231002X\\\",\\\"x\\\":1}\"}"`,
			want:    `"{\"note\":\"{\\\"idCard\\\":\\\"1****************X\\\"}\"}"`, unlisted: 1},
		{name: "no JSON within a string within", payload: `"{\"note\":\"张三\"}"`, want: `"{}"`,
			withheld: 1},
		{name: "the root unlisted", payload: `"7"`, want: dropped, unlisted: 1},
		{name: "null within", payload: `"null"`, want: dropped, unlisted: 1},

		{name: "no string", payload: `{"idCard":"11010519491231002X"}`, want: dropped, withheld: 1},
		{name: "null", payload: `null`, want: dropped, withheld: 1},
		{name: "number", payload: `7`, want: dropped, withheld: 1},
		{name: "empty", payload: `""`, want: dropped, withheld: 1},
		{name: "no JSON", payload: `"张三丰"`, want: dropped, withheld: 1},
		{name: "cut short", payload: `"{\"idCard\":\"11010519491231002X\""`, want: dropped,
			withheld: 1},
		{name: "trailing data", payload: `"{} {}"`, want: dropped, withheld: 1},
		{name: "byte order mark", payload: `"\ufeff{}"`, want: dropped, withheld: 1},
		{name: "a name that stands twice", payload: `"{\"tags\":1,\"t\\u0061gs\":2}"`,
			want: dropped, withheld: 1},
		{name: "a lone surrogate", payload: `"[\"\\ud800\"]"`, want: dropped, withheld: 1},
		{name: "a control character", payload: `"[\"\n\"]"`, want: dropped, withheld: 1},
		{name: "deep", payload: `"` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `"`,
			want: `"` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `"`},
		{name: "too deep", payload: `"` + strings.Repeat("[", 129) + strings.Repeat("]", 129) + `"`,
			want: dropped, withheld: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			layout, err := masking.Compile(payloads())
			if err != nil {
				t.Fatal(err)
			}
			in := `[ {"id":"A", "payload": ` + test.payload + ` } ]`
			want := `[ {"id":"A", "payload": ` + test.want + ` } ]`
			if test.want == dropped {
				want = `[ {"id":"A" } ]`
			}
			var report masking.Report
			got, err := layout.Append(t.Context(), nil, []byte(in), masking.Document,
				payloadProfile(t), &report)
			if err != nil || string(got) != want {
				t.Errorf("Append(%s)\n got %s, %v\nwant %s", in, got, err, want)
			}
			withheld := 0
			for _, tally := range report.Tallies {
				for _, n := range tally.Withheld {
					withheld += n
				}
			}
			if withheld != test.withheld || report.Unlisted != test.unlisted {
				t.Errorf("Append(%s): %d withheld, %d unlisted; want %d, %d", in, withheld,
					report.Unlisted, test.withheld, test.unlisted)
			}
			reader := iotest.OneByteReader(strings.NewReader(in))
			got, err = streamed(t, payloads(), reader, masking.Document, payloadProfile(t), 8, 1)
			if err != nil || string(got) != want {
				t.Errorf("Rewrite(%s)\n got %s, %v\nwant %s", in, got, err, want)
			}
		})
	}
}

// TestEmbeddedTreatments shows that the treatment of a string that holds JSON is that of any field:
// one other than clear replaces or drops the string whole.
func TestEmbeddedTreatments(t *testing.T) {
	const in = `{"p":"{\"a\":1}","q":"[1]"}`
	for _, test := range []struct {
		name   string
		spec   masking.Spec
		treat  []string // verbs, by field
		want   string
		counts []int // treated, then withheld, by field
	}{
		{"dropped", masking.Spec{
			Envelope: []string{"$.p"},
			Embedded: []masking.Embedded{{Fields: []string{"$.a"}}},
		}, []string{"drop", "clear"}, `{}`, []int{1, 0, 0, 0}},
		{"replaced", masking.Spec{
			Envelope: []string{"$.p"},
			Embedded: []masking.Embedded{{Fields: []string{"$.a"}}},
		}, []string{"stars", "clear"}, `{"p":"***"}`, []int{1, 0, 0, 0}},
		{"in clear for two fields", masking.Spec{
			Envelope: []string{"$.*", "$.p"},
			Embedded: []masking.Embedded{{Field: 1, Fields: []string{"$.a"}}},
		}, []string{"clear", "clear", "digits"}, in, []int{1, 1, 1, 0, 0, 0}},
		{"embedded twice", masking.Spec{
			Envelope: []string{"$.*", "$.p"},
			Embedded: []masking.Embedded{
				{Field: 1, Fields: []string{"$.a"}}, {Field: 0, Fields: []string{"$[*]"}},
			},
		}, []string{"clear", "clear", "clear", "digits"}, `{"q":"[1]"}`,
			[]int{1, 0, 0, 1, 1, 0, 0, 0}},
		{"a container around records", masking.Spec{
			Envelope: []string{"$.p"},
			Embedded: []masking.Embedded{{}},
			Records:  []masking.RecordSpec{{Select: "$.p.r"}},
		}, []string{"clear"}, `{"p":"{}"}`, []int{1, 0}},
	} {
		layout, err := masking.Compile(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		envelope := &masking.Profile{}
		for _, verb := range test.treat {
			envelope.Treatments = append(envelope.Treatments, verbs[verb])
		}
		d := &oneProfile{envelope, &masking.Profile{}}
		var report masking.Report
		got, err := layout.Append(t.Context(), nil, []byte(in), masking.Document, d, &report)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Append(%s) = %s, %v, want %s", test.name, in, got, err, test.want)
			continue
		}
		counts := slices.Concat(report.Tallies[0].Treated, report.Tallies[0].Withheld)
		if !slices.Equal(counts, test.counts) {
			t.Errorf("%s: treated and withheld %v, want %v", test.name, counts, test.counts)
		}
		got, err = streamed(t, test.spec, strings.NewReader(in), masking.Document, d, 8, 1)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Rewrite(%s) = %s, %v, want %s", test.name, in, got, err, test.want)
		}
	}
	// A container around records that is said to be a string goes whole, also in a stream.
	spec := masking.Spec{Envelope: []string{"$.p"}, Embedded: []masking.Embedded{{}},
		Records: []masking.RecordSpec{{Select: "$.p.r[*]", Fields: []string{"$"}}}}
	d := &oneProfile{&masking.Profile{Treatments: make([]masking.Treatment, 1)},
		&masking.Profile{Treatments: make([]masking.Treatment, 1)}}
	src := strings.NewReader(`{"p":{"r":[1,2,3]}}`)
	got, err := streamed(t, spec, src, masking.Document, d, 4, 1)
	if err != nil || string(got) != `{}` {
		t.Errorf("Rewrite of a container in the place of a string = %s, %v, want {}", got, err)
	}
}

func TestEmbeddedFaults(t *testing.T) {
	nested := func(n int) masking.Embedded {
		e := masking.Embedded{Fields: []string{"$.a"}}
		for range n - 1 {
			e = masking.Embedded{Fields: []string{"$.a"}, Embedded: []masking.Embedded{e}}
		}
		return e
	}
	for _, test := range []struct {
		name     string
		embedded []masking.Embedded
		fault    string
	}{
		{"four deep", []masking.Embedded{nested(4)}, ""},
		{"five deep", []masking.Embedded{nested(5)},
			"more than 4 JSON texts lie one within the other"},
		{"no such field", []masking.Embedded{{Field: 1}}, "want a field of the record"},
		{"negative", []masking.Embedded{{Field: -1}}, "want a field of the record"},
		{"twice", []masking.Embedded{{}, {}}, "each at most once"},
		{"selector", []masking.Embedded{{Fields: []string{"$.["}}}, "selector $.["},
	} {
		for _, spec := range []masking.Spec{
			{Envelope: []string{"$.a"}, Embedded: test.embedded},
			{Records: []masking.RecordSpec{{Select: "$", Fields: []string{"$.a"},
				Embedded: test.embedded}}},
		} {
			_, err := masking.Compile(spec)
			if (err == nil) != (test.fault == "") ||
				err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s: Compile = %v, want %q", test.name, err, test.fault)
			}
		}
	}
	layout, err := masking.Compile(payloads())
	if err != nil {
		t.Fatal(err)
	}
	short := &oneProfile{&masking.Profile{},
		&masking.Profile{Treatments: make([]masking.Treatment, 7)}}
	doc := []byte(`[{"id":"A"}]`)
	if _, err := layout.Append(t.Context(), nil, doc, masking.Document, short, nil); err == nil {
		t.Error("a profile without a treatment for the innermost field: no error")
	}
}

// TestEmbeddedFilterWork shows that the bound of what filters may do is one for all strings of a
// response.
func TestEmbeddedFilterWork(t *testing.T) {
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$", Fields: []string{"$.p[*]"},
		Embedded: []masking.Embedded{{Fields: []string{"$..[?" +
			strings.Repeat("count(@..*)>=0&&", 5) + "@]"}}}}}}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	d := &oneProfile{&masking.Profile{}, &masking.Profile{Treatments: make([]masking.Treatment, 2)}}
	text := `"` + strings.Repeat("[", 120) + strings.Repeat("0,", 2999) + "0" +
		strings.Repeat("]", 120) + `",`
	src := []byte(`{"p":[` + strings.TrimSuffix(strings.Repeat(text, 40), ",") + `]}`)
	var report masking.Report
	if _, err := layout.Append(t.Context(), nil, src, masking.Document, d, &report); err != nil {
		t.Fatal(err)
	}
	if withheld := report.Tallies[1].Withheld[0]; withheld < 10 || withheld == 40 {
		t.Errorf("%d strings of 40 are withheld, want those behind the ones that used up the work",
			withheld)
	}
}

// TestEmbeddedStays shows that bytes outside the strings that change are the input's.
func TestEmbeddedStays(t *testing.T) {
	spec := masking.Spec{Envelope: []string{"$[*]"},
		Embedded: []masking.Embedded{{Fields: []string{"$.a"}}}}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	d := &oneProfile{envelope: &masking.Profile{Treatments: make([]masking.Treatment, 2)}}
	src := []byte("[ \"{\\\"a\\\":\\u0031}\" ,\t\"\\u007b }\",\"{\\\"a\\\":1e400}\"]\n")
	got, err := layout.Append(t.Context(), nil, src, masking.Document, d, nil)
	if err != nil || !bytes.Equal(got, src) {
		t.Errorf("Append(%s) = %s, %v, want it as it is", src, got, err)
	}
}
