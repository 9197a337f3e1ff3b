package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// dropAll decides that nothing passes.
type dropAll struct{ Proposal }

func (d dropAll) Decide(_ context.Context, records []masking.Record,
	profiles []*masking.Profile) error {
	for i, r := range records {
		fields := d.Envelope
		if r.Kind != masking.Envelope {
			fields = d.Records[r.Kind].Fields
		}
		profiles[i] = &masking.Profile{
			Treatments: slices.Repeat([]masking.Treatment{{Rank: masking.RankDrop}}, typed(fields))}
	}
	return nil
}

// typed counts fields that have a type, also of JSON in strings.
func typed(fields []Field) int {
	n := 0
	for _, f := range fields {
		if f.Type != "" {
			n += 1 + typed(f.Fields)
		}
	}
	return n
}

// Whatever a service answers, the proposal is a service file that loads and that fits the answers.
// The same answers yield the same proposal.
func TestProposalLoads(t *testing.T) {
	names := append(slices.Sorted(maps.Keys(dictionary)), "a", "b-c", "@type", "$ref", "x.y",
		"data", "13812345678", "it's", `q"`, "ä", "姓名", "true", "null", "1", "")
	values := []any{nil, true, 1, 2.5, "", "app", "11010519491231002X", "440524188001010014",
		"13812345678", "张三丰", "C1", "C2", "text with 13812345678",
		`{"mobile":"13812345678","custNo":"1"}`, `[{"x":"{\"idCard\":\"11010519491231002X\"}"}]`,
		`{"a":`}
	for seed := range uint64(150) {
		d := rand.New(rand.NewPCG(seed, 1))
		var value func(depth int) any
		value = func(depth int) any {
			switch n := d.IntN(10); {
			case depth == 0 || n < 5:
				return values[d.IntN(len(values))]
			case n < 8:
				object := map[string]any{}
				for range d.IntN(6) {
					object[names[d.IntN(len(names))]] = value(depth - 1)
				}
				if d.IntN(2) == 0 {
					object["custNo"] = fmt.Sprint(d.IntN(5))
				}
				return object
			default:
				var array []any
				for range d.IntN(4) {
					array = append(array, value(depth-1))
				}
				return array
			}
		}
		r := New()
		docs := map[string][][]byte{}
		for route := range 3 {
			for range 4 {
				doc, err := json.Marshal(value(5))
				if err != nil {
					t.Fatal(err)
				}
				match := fmt.Sprintf("GET /v1/x%d/{id}", route)
				docs[match] = append(docs[match], doc)
				if err := r.Add(match, "application/json", names[:3], [][]byte{doc}); err != nil {
					t.Fatal(err)
				}
			}
		}
		service := Propose("claims", "true", r.Routes())
		text := service.YAML()
		set, err := rules.Load([]rules.File{{Name: "x.yaml", Data: text}}, nil)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for i, route := range set.Routes() {
			for _, doc := range docs[route.Match] {
				if _, err := route.Layout.Append(t.Context(), nil, doc, masking.Document,
					dropAll{service.Routes[i]}, nil); err != nil &&
					!errors.Is(err, masking.ErrNothing) {
					t.Fatalf("seed %d: %s: %v\n%s\n%s", seed, route.Match, err, doc, text)
				}
			}
		}
		if again := Propose("claims", "true", r.Routes()).YAML(); string(again) != string(text) {
			t.Fatalf("seed %d: another proposal the second time", seed)
		}
	}
}
