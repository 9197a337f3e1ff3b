package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
)

// Decisions that all differ must not fill the memory. Here each rests on a consent that covers
// another word.
func TestProfilesAreBounded(t *testing.T) {
	set, err := Load([]File{
		{"s.yaml", []byte("kind: service\nname: s\nowner: o\n" +
			"routes: [{match: GET /a, fields: {$.name: person_name}}]\n")},
		{"p.yaml", []byte("kind: policy\nname: p\npurposes: {loan: {basis: consent}}\n" +
			"roles: {r: {purposes: [loan], treat: {C2: clear}}}\n")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	caller := Caller{ID: "u1", Roles: []string{"r"}, Purposes: []string{"loan"}}
	a, err := set.Admit(set.Routes()[0], Request{Caller: caller, Purpose: "loan", Time: now})
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for i := range maxProfiles + 100 {
		covers := []string{fmt.Sprintf("type_%d", i), []string{"C1", "C2"}[i%2]}
		p := a.ProfileOf(0, nil, Standing{Consents: []Consent{{
			Purposes: []string{"loan"}, Covers: covers, Granted: now.Add(-time.Hour),
		}}})
		want := []masking.Rank{masking.RankDrop, masking.RankClear}[i%2]
		if got := p.Treatments[0].Rank; got != want {
			t.Fatalf("decision %d: rank %v, want %v", i, got, want)
		}
		most = max(most, len(set.profiles))
	}
	if most > maxProfiles {
		t.Errorf("%d profiles are kept, want at most %d", most, maxProfiles)
	}
}
