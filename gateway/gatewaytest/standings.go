package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/rules"
)

// A Subject is one about whom something is on record.
type Subject struct {
	gateway.Subject
	Standing rules.Standing
}

// A StandingsStore is an implementation of [gateway.Standings] that has something on record.
type StandingsStore struct {
	// Store is the implementation.
	Store gateway.Standings

	// Fail has what the store reads from fail: nothing can be told any more. Nil: it cannot fail.
	Fail func()

	// Hang has what the store reads from hang: each call waits until its context ends. Nil: it
	// cannot hang.
	Hang func()
}

// onRecord are the subjects whom the tests of standings know.
func onRecord() []Subject {
	granted := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	var list []Subject
	for i := range 40 {
		id := fmt.Sprintf("C%08d", i)
		s := subjectOf(id)
		if i%2 == 0 {
			s.Standing.Consents = []rules.Consent{{
				ID: "consent-of-" + id, Purposes: []string{"loan-review"},
				Covers: []string{"C2", "bank_card"}, Recipients: []string{"hz"}, Notice: "2026-1",
				Granted: granted, Expires: granted.AddDate(1, 0, 0),
			}}
		}
		if i%3 == 0 {
			s.Standing.Grants = []rules.Grant{{
				ID: "grant-of-" + id, Caller: "agent-07", Purpose: "loan-review",
				Types: []string{"cn_id_card"}, Approver: "officer-01",
				ApproverRoles: []string{"compliance"}, Approved: granted, Used: 1,
			}}
		}
		list = append(list, s)
	}
	return list
}

// subjectOf is a subject about whom nothing is on record.
func subjectOf(id string) Subject {
	return Subject{Subject: gateway.Subject{
		ID: id, Pseudonyms: []string{"s2:new-" + id, "s1:old-" + id},
	}}
}

// standingRequest is the request about which standings are asked: what is on record holds for it.
var standingRequest = rules.Request{
	Caller: rules.Caller{
		ID: "agent-07", Roles: []string{"agent"}, Organisation: "hz",
		Purposes: []string{"loan-review"},
	},
	Purpose: "loan-review",
	Time:    time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC),
}

// Standings tests an implementation of [gateway.Standings]. open returns one that has the subjects
// on record, and nobody else; it is closed, if need be, when its test ends.
func Standings(t *testing.T, open func(testing.TB, []Subject) StandingsStore) {
	have := onRecord()
	stranger := subjectOf("C9")
	backwards := slices.Clone(have)
	slices.Reverse(backwards)
	for _, tt := range []struct {
		name     string
		subjects []Subject
	}{
		{"nobody", nil},
		{"one", have[:1]},
		{"one without anything", have[1:2]},
		{"all", have},
		{"in another order", backwards},
		{"a stranger", []Subject{stranger}},
		{"a stranger between others", []Subject{have[6], stranger, have[0]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, have)
			checkStandings(t, s.Store, tt.subjects)
			checkStandings(t, s.Store, tt.subjects) // again: nothing is used up by asking
		})
	}
	t.Run("Parallel", func(t *testing.T) {
		s := open(t, have)
		var all sync.WaitGroup
		for i := range 20 {
			some := []Subject{have[i], stranger, have[i+20], have[19-i]}
			all.Go(func() { checkStandings(t, s.Store, some) })
		}
		all.Wait()
	})
	t.Run("Context", func(t *testing.T) { standingsOfCallerGone(t, open(t, have), have) })
	t.Run("Fail", func(t *testing.T) { standingsThatFail(t, open(t, have), have) })
}

// checkStandings asks about subjects, and wants of each what is on record, in their order.
func checkStandings(t *testing.T, s gateway.Standings, subjects []Subject) {
	t.Helper()
	asked, want := askedAbout(subjects)
	got, err := s.Standings(t.Context(), standingRequest, asked)
	if err != nil {
		t.Errorf("Standings(%d subjects) = %v", len(asked), err)
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Standings(%d subjects) (-want +got):\n%s", len(asked), diff)
	}
	if again, _ := askedAbout(subjects); !cmp.Equal(asked, again) {
		t.Errorf("Standings altered the subjects: %v", asked)
	}
}

func askedAbout(subjects []Subject) (asked []gateway.Subject, want []rules.Standing) {
	for _, s := range subjects {
		asked = append(asked, gateway.Subject{ID: s.ID, Pseudonyms: slices.Clone(s.Pseudonyms)})
		want = append(want, s.Standing)
	}
	return asked, want
}

// standingsOfCallerGone: a call ends when its context does, with all answers or with an error.
func standingsOfCallerGone(t *testing.T, s StandingsStore, have []Subject) {
	asked, want := askedAbout(have)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	within(t, "Standings()", func() {
		got, err := s.Store.Standings(gone, standingRequest, asked)
		if err == nil && !cmp.Equal(want, got, cmpopts.EquateEmpty()) {
			t.Errorf("Standings() for a caller who is gone = %d answers, not what is on record",
				len(got))
		}
	})
	checkStandings(t, s.Store, have)
	if s.Hang == nil {
		return
	}
	s.Hang()
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	within(t, "Standings()", func() {
		_, err := s.Store.Standings(soon, standingRequest, asked)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Standings() that hangs = %v, want the context's error", err)
		}
	})
}

// standingsThatFail: a store that cannot tell says so each time, also about whom it told of before,
// and its error names no subject.
func standingsThatFail(t *testing.T, s StandingsStore, have []Subject) {
	checkStandings(t, s.Store, have)
	if s.Fail == nil {
		return
	}
	s.Fail()
	asked, _ := askedAbout(have)
	for range 2 {
		_, err := s.Store.Standings(t.Context(), standingRequest, asked)
		if err == nil {
			t.Error("Standings() of a store that failed = nil, want an error")
			continue
		}
		for _, subject := range asked {
			for _, name := range append(subject.Pseudonyms, subject.ID) {
				if strings.Contains(err.Error(), name) {
					t.Errorf("Standings() = %q, which names a subject", err)
				}
			}
		}
	}
}
