package masking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// TestOneProfileForTwoKinds shows that a profile that a decider gives to records of two kinds means
// for each what its kind says of the fields: here, which of them is a string that holds JSON.
func TestOneProfileForTwoKinds(t *testing.T) {
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{
		{Select: "$.strings[*]", Fields: []string{"$.p", "$.q"}},
		{Select: "$.texts[*]", Fields: []string{"$.p"},
			Embedded: []masking.Embedded{{Fields: []string{"$.a"}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	both := &masking.Profile{Treatments: make([]masking.Treatment, 2)}
	d := allClear{masking.Envelope: {}, 0: both, 1: both}
	const (
		text      = `[{"p":"{\"a\":1,\"b\":2}"}]`
		rewritten = `[{"p":"{\"a\":1}"}]`
	)
	for _, test := range []struct{ in, want string }{
		{`{"strings":` + text + `,"texts":` + text + `}`,
			`{"strings":` + text + `,"texts":` + rewritten + `}`},
		{`{"texts":` + text + `,"strings":` + text + `}`,
			`{"texts":` + rewritten + `,"strings":` + text + `}`},
	} {
		got, err := layout.Append(t.Context(), nil, []byte(test.in), masking.Document, d, nil)
		if err != nil || string(got) != test.want {
			t.Errorf("Append(%s) = %s, %v, want %s", test.in, got, err, test.want)
		}
	}
}

// TestCountsOfManyStates shows that every value is counted, also in a record with more objects than
// the engine remembers plans of.
func TestCountsOfManyStates(t *testing.T) {
	const groups, objects = 3, 50
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$"}}}
	var src strings.Builder
	for g := range groups {
		fmt.Fprintf(&src, `,"group%d":{`, g)
		for i := range objects {
			spec.Records[0].Fields = append(spec.Records[0].Fields,
				fmt.Sprintf("$.group%d.object%d.x", g, i))
			fmt.Fprintf(&src, `"object%d":{"x":1},`, i)
		}
		src.WriteString(`"last":0}`)
	}
	doc := []byte("{" + src.String()[1:] + "}")
	want := slices.Repeat([]int{1}, groups*objects)
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	var report masking.Report
	for i := range 3 { // what the first document teaches the engine serves the others
		_, err := layout.Append(t.Context(), nil, doc, masking.Document, profilesOf(spec), &report)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Tallies[1].Treated; !slices.Equal(got, want) {
			t.Errorf("document %d: treated %v, want each field once", i, got)
		}
	}
}

// TestCountsOfUnlikeRecords shows that every value is counted where records have not all members.
func TestCountsOfUnlikeRecords(t *testing.T) {
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$[*]",
		Fields: []string{"$.x", "$.y", "$.z"}}}}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	doc := []byte(`[{"x":1,"y":1,"z":1},{"x":1,"y":1,"z":1},{"x":1,"y":1},{"x":1},{"x":1},` +
		`{"y":1,"z":1},{"x":1,"z":1}]`)
	want := []int{6, 4, 4}
	var report masking.Report
	for i := range 3 { // what the first document teaches the engine serves the others
		_, err := layout.Append(t.Context(), nil, doc, masking.Document, profilesOf(spec), &report)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Tallies[1].Treated; !slices.Equal(got, want) {
			t.Errorf("document %d: treated %v, want %v", i, got, want)
		}
	}
}

// TestCountsOfManyProfiles shows that every value is counted for its own profile, also in a
// response with more profiles than the engine remembers plans of.
func TestCountsOfManyProfiles(t *testing.T) {
	const profiles, times = 20, 3
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{Select: "$[*]",
		Fields: []string{"$.x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	d := inTurn{{}}
	for range times {
		for i := range profiles {
			if i >= len(d)-1 {
				d = append(d, &masking.Profile{Treatments: make([]masking.Treatment, 1)})
			} else {
				d = append(d, d[1+i])
			}
		}
	}
	doc := []byte("[" + strings.Repeat(`{"x":1,"y":2},`, profiles*times-1) + `{"x":1,"y":2}]`)
	var report masking.Report
	for range 2 {
		_, err := layout.Append(t.Context(), nil, doc, masking.Document, d, &report)
		if err != nil {
			t.Fatal(err)
		}
		for _, tally := range report.Tallies[1:] {
			if tally.Records != times || tally.Treated[0] != times {
				t.Errorf("a profile has %d records and %d values, want %d of each", tally.Records,
					tally.Treated[0], times)
			}
		}
	}
	if len(report.Tallies) != 1+profiles {
		t.Errorf("%d tallies, want one for the envelope and %d", len(report.Tallies), profiles)
	}
}
