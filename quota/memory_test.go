package quota

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMemory takes the steps of each row, one after another.
func TestMemory(t *testing.T) {
	t.Parallel()
	day := func(role string, n int) Limit {
		return Limit{Role: role, Subjects: n, Window: 24 * time.Hour}
	}
	begin := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	type step struct {
		caller, subjects string // spaces separate the subjects
		after            time.Duration
		want             bool
	}
	for _, test := range []struct {
		name   string
		limits []Limit
		steps  []step
	}{
		{"up to the limit", []Limit{day("r", 2)}, []step{
			{"u1", "a", 0, true}, {"u1", "b", 0, true}, {"u1", "c", 0, false},
			{"u1", "a b", 0, true},
		}},
		{"all or none", []Limit{day("r", 2)}, []step{
			{"u1", "a", 0, true}, {"u1", "b c", 0, false}, {"u1", "b", 0, true},
		}},
		{"more at once than ever", []Limit{day("r", 2)}, []step{
			{"u1", "a b c", 0, false}, {"u1", "a b", 0, true},
		}},
		{"each caller", []Limit{day("r", 1)}, []step{
			{"u1", "a", 0, true}, {"u2", "b", 0, true}, {"u2", "a", 0, false},
		}},
		{"until the time is over", []Limit{day("r", 1)}, []step{
			{"u1", "a", 0, true}, {"u1", "b", 24*time.Hour - 1, false},
			{"u1", "b", 24 * time.Hour, true}, {"u1", "a", 24 * time.Hour, false},
		}},
		{"seeing again prolongs nothing", []Limit{day("r", 1)}, []step{
			{"u1", "a", 0, true}, {"u1", "a", 23 * time.Hour, true},
			{"u1", "b", 24 * time.Hour, true},
		}},
		{"then it counts anew", []Limit{day("r", 1)}, []step{
			{"u1", "a", 0, true}, {"u1", "a", 24 * time.Hour, true},
			{"u1", "b", 24 * time.Hour, false},
		}},
		{"a second role has room", []Limit{day("r", 1), day("s", 1)}, []step{
			{"u1", "a", 0, true}, {"u1", "b", 0, true}, {"u1", "a b", 0, true},
			{"u1", "c", 0, false},
		}},
		{"nobody to count", []Limit{day("r", 1)}, []step{{"u1", "", 0, true}}},
	} {
		var m Memory
		for i, s := range test.steps {
			var subjects []Subject
			for _, subject := range strings.Fields(s.subjects) {
				subjects = append(subjects, Subject{subject, test.limits})
			}
			got, err := m.Take(t.Context(), s.caller, subjects, begin.Add(s.after))
			if got != s.want || err != nil {
				t.Errorf("%s: step %d: Take(%q, %q) = %v, %v, want %v",
					test.name, i+1, s.caller, s.subjects, got, err, s.want)
			}
		}
	}
}

// TestMemoryForgets: a tally is removed when the time of its last subject is over.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	var m Memory
	begin := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	subjects := []Subject{{"a", []Limit{{Role: "r", Subjects: 10, Window: time.Minute}}}}
	take := func(caller string, now time.Time) {
		t.Helper()
		if _, err := m.Take(t.Context(), caller, subjects, now); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		take(fmt.Sprint("u", i), begin)
	}
	take("u", begin.Add(2*sweepEvery))
	if len(m.seen) != 1 {
		t.Errorf("%d tallies are kept, want 1", len(m.seen))
	}
}
