package masking_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// What the engine remembers of one place must hold for all states at which values are met there:
// elements differ by their index, by what filters say of them, and by their kind of record. The
// documents of TestDifferential are too varied to be remembered; these are not.
func TestStatesOfOneShape(t *testing.T) {
	specs := 50
	if long() {
		specs = 250
	}
	for i := range specs {
		rng := rand.New(rand.NewPCG(31, uint64(i)))
		p, err := newPair(likeSpec(rng))
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			continue
		}
		c := newChooser(rng, p.spec)
		c.fails = false
		for range 20 {
			if _, diff := p.compare(likeDocument(rng), masking.Document, c); diff != "" {
				t.Fatalf("spec %d: %s", i, diff)
			}
		}
	}
}

// likeSpec makes kinds of record that lie in one array, whose inputs and fields have the same few
// names.
func likeSpec(rng *rand.Rand) masking.Spec {
	spec := masking.Spec{Unlisted: masking.Unlisted(rng.IntN(3))}
	if rng.IntN(2) == 0 {
		spec.Envelope = []string{pick(rng, "$[*].*", "$[0].aa", "$[?@.id=='z'].bb", "$[*].l")}
	}
	member := func() string {
		return pick(rng, "$.id", "$.aa", "$.bb", "$.cc", "$.*", "$['id','bb']", "$.l[0].aa",
			"$.l[1].aa", "$.l[1].bb", "$.l[?@.id=='x'].aa",
			"$.l[*].id", "$.l[?@.bb==1]['aa','cc']", "$.l[-1].aa")
	}
	kinds := []string{"x", "y", "w"}[:1+rng.IntN(3)]
	for _, id := range kinds {
		r := masking.RecordSpec{Select: fmt.Sprintf("$[?@.id=='%s']", id)}
		if len(kinds) == 1 && rng.IntN(4) == 0 {
			r.Select = "$[*]"
		}
		if rng.IntN(2) == 0 {
			r.Subject = pick(rng, "$.id", "$.aa", "$.bb", "$.l[0].id")
		}
		for range rng.IntN(4) {
			r.Inputs = append(r.Inputs, member())
		}
		for range rng.IntN(4) {
			r.Fields = append(r.Fields, member())
		}
		if rng.IntN(3) == 0 {
			r.Fields = append(r.Fields, pick(rng, "$[?@==1]", "$..[?@=='x']", "$.l[*][?@==1]",
				"$.l[0][?@.z]"))
		}
		spec.Records = append(spec.Records, r)
	}
	return spec
}

// likeDocument makes an array of objects that have the same names in the same order, without white
// space but at the end.
func likeDocument(rng *rand.Rand) []byte {
	var object func(depth int) string
	object = func(depth int) string {
		var b strings.Builder
		b.WriteString(`{"id":` + pick(rng, `"x"`, `"y"`, `"w"`, `"z"`))
		for _, name := range []string{"aa", "bb", "cc"} {
			if rng.IntN(12) > 0 {
				fmt.Fprintf(&b, `,%q:%s`, name, pick(rng, `"x"`, "1", "2", "null", `"许波泽 long"`))
			}
		}
		if depth > 0 {
			list := make([]string, rng.IntN(5))
			for i := range list {
				list[i] = pick(rng, object(0), object(0), object(0), "{}", "null")
			}
			b.WriteString(`,"l":[` + strings.Join(list, ",") + "]")
		}
		return b.String() + "}"
	}
	items := make([]string, 1+rng.IntN(6))
	for i := range items {
		items[i] = object(rng.IntN(2))
	}
	return []byte("[" + strings.Join(items, ",") + "]           ")
}

// Two profiles may share their treatments; each is reported for itself.
func TestSharedTreatments(t *testing.T) {
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{Select: "$[*]",
		Fields: []string{"$.a"}}}})
	if err != nil {
		t.Fatal(err)
	}
	treatments := make([]masking.Treatment, 1)
	d := inTurn{{}, {Treatments: treatments}, {Treatments: treatments}, {Treatments: treatments}}
	var report masking.Report
	if _, err := layout.Append(t.Context(), nil, []byte(`[{"a":1},{"a":2},{"a":3}]`),
		masking.Document, d, &report); err != nil {
		t.Fatal(err)
	}
	for _, tally := range report.Tallies[1:] {
		if tally.Records != 1 || tally.Treated[0] != 1 {
			t.Errorf("%d records, %d treated; want 1, 1", tally.Records, tally.Treated[0])
		}
	}
}

// inTurn gives each record a profile of its own.
type inTurn []*masking.Profile

func (d inTurn) Decide(_ context.Context, _ []masking.Record, profiles []*masking.Profile) error {
	copy(profiles, d)
	return nil
}

// compact is a document as most services write it, or nil if it is none.
func compact(doc []byte) []byte {
	var b strings.Builder
	var raw json.RawMessage
	if json.Unmarshal(doc, &raw) != nil {
		return nil
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(raw) != nil {
		return nil
	}
	return []byte(b.String() + "       ")
}
