package gatewaytest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/quota"
)

// quotaTime is when the quotas' tests happen: another day than today, since an implementation goes
// by the time that it is told.
var quotaTime = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// Quotas tests an implementation of [gateway.Quotas]. open returns one that has counted nobody, and
// that is closed, if need be, when its test ends.
func Quotas(t *testing.T, open func(testing.TB) gateway.Quotas) {
	t.Run("Steps", func(t *testing.T) { quotaSteps(t, open) })
	t.Run("Parallel", func(t *testing.T) { quotasInParallel(t, open) })
	t.Run("AllOrNoneInParallel", func(t *testing.T) { quotasAllOrNone(t, open) })
	t.Run("Context", func(t *testing.T) { quotasOfCallerGone(t, open) })
}

// seeing are subjects under the same limits.
func seeing(limits []quota.Limit, pseudonyms ...string) []quota.Subject {
	var list []quota.Subject
	for _, p := range pseudonyms {
		list = append(list, quota.Subject{Pseudonym: p, Limits: limits})
	}
	return list
}

// quotaSteps: what a caller may see, one request after the other.
func quotaSteps(t *testing.T, open func(testing.TB) gateway.Quotas) {
	const day = 24 * time.Hour
	limit := func(role string, subjects int, window time.Duration) quota.Limit {
		return quota.Limit{Role: role, Subjects: subjects, Window: window}
	}
	one, two := []quota.Limit{limit("r", 1, day)}, []quota.Limit{limit("r", 2, day)}
	soon := []quota.Limit{limit("r", 1, 10*time.Minute)}
	type step struct {
		caller, subjects string // subjects apart by spaces
		limits           []quota.Limit
		after            time.Duration // the beginning
		want             bool
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"up to the limit", []step{
			{"u1", "a", two, 0, true}, {"u1", "b", two, 0, true}, {"u1", "c", two, 0, false},
			{"u1", "a b", two, 0, true},
		}},
		{"all or none", []step{
			{"u1", "a", two, 0, true}, {"u1", "b c", two, 0, false}, {"u1", "b", two, 0, true},
			{"u1", "c", two, 0, false},
		}},
		{"none, whatever their order", []step{
			{"u1", "a b c", two, 0, false}, {"u1", "c b", two, 0, true}, {"u1", "a", two, 0, false},
		}},
		{"nobody", []step{{"u1", "", one, 0, true}, {"u1", "a", one, 0, true}}},
		{"each caller", []step{
			{"u1", "a", one, 0, true}, {"u2", "b", one, 0, true}, {"u2", "a", one, 0, false},
			{"u1", "b", one, 0, false},
		}},
		{"callers and roles that read alike", []step{
			{"u", "a", []quota.Limit{limit("1r", 1, day)}, 0, true},
			{"u1", "b", []quota.Limit{limit("r", 1, day)}, 0, true},
			{"u:1", "c", []quota.Limit{limit("r", 1, day)}, 0, true},
			{"u", "d", []quota.Limit{limit("1:r", 1, day)}, 0, true},
			{"U", "e", []quota.Limit{limit("1r", 1, day)}, 0, true},
		}},
		{"each role", []step{
			{"u1", "a", one, 0, true}, {"u1", "b", []quota.Limit{limit("s", 1, day)}, 0, true},
			{"u1", "c", one, 0, false}, {"u1", "c", []quota.Limit{limit("s", 1, day)}, 0, false},
		}},
		{"a second role has room", []step{
			{"u1", "a b", append(one, limit("s", 1, day)), 0, true},
			{"u1", "a b", append(one, limit("s", 1, day)), 0, true},
			{"u1", "c", append(one, limit("s", 1, day)), 0, false},
			{"u1", "c", one, 0, false},
		}},
		{"until the window ends", []step{
			{"u1", "a", one, 0, true}, {"u1", "b", one, day - time.Millisecond, false},
			{"u1", "b", one, day, true}, {"u1", "a", one, day, false},
		}},
		{"a window for each subject", []step{
			{"u1", "a", two, 0, true}, {"u1", "b", two, time.Hour, true},
			{"u1", "c", two, day, true}, {"u1", "d", two, day, false},
			{"u1", "d", two, day + time.Hour, true},
		}},
		{"seeing again prolongs nothing", []step{
			{"u1", "a", one, 0, true}, {"u1", "a", one, 23 * time.Hour, true},
			{"u1", "b", one, day, true},
		}},
		{"a refusal prolongs nothing", []step{
			{"u1", "a", one, 0, true}, {"u1", "a b", one, 23 * time.Hour, false},
			{"u1", "b", one, day, true},
		}},
		{"then it counts anew", []step{
			{"u1", "a", one, 0, true}, {"u1", "a", one, day, true}, {"u1", "b", one, day, false},
		}},
		{"a window of minutes", []step{
			{"u1", "a", soon, 0, true}, {"u1", "b", soon, 10*time.Minute - time.Millisecond, false},
			{"u1", "a", soon, 10 * time.Minute, true}, {"u1", "b", soon, 10 * time.Minute, false},
		}},
		{"a limit that a policy lowers", []step{
			{"u1", "a b", two, 0, true}, {"u1", "a b", one, 0, true}, {"u1", "c", one, 0, false},
		}},
		{"a limit that a policy raises", []step{
			{"u1", "a", one, 0, true}, {"u1", "b", one, 0, false}, {"u1", "b", two, 0, true},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := open(t)
			for i, s := range tt.steps {
				subjects := seeing(s.limits, strings.Fields(s.subjects)...)
				ok, err := q.Take(t.Context(), s.caller, subjects, quotaTime.Add(s.after))
				if ok != s.want || err != nil {
					t.Errorf("step %d: Take(%q, %q) = %v, %v, want %v",
						i+1, s.caller, s.subjects, ok, err, s.want)
				}
			}
		})
	}
}

// quotasInParallel: as many subjects are seen as the limit says, exactly, by many requests at once.
func quotasInParallel(t *testing.T, open func(testing.TB) gateway.Quotas) {
	const (
		limit    = 17
		subjects = 60
		askers   = 4 // who ask for each subject
	)
	limits := []quota.Limit{{Role: "r", Subjects: limit, Window: time.Hour}}
	q := open(t)
	begin := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]map[string]int{} // answers of true, by caller and subject
	for i := range subjects * askers {
		for _, caller := range []string{"u1", "u2"} {
			all.Go(func() {
				subject := fmt.Sprint("s", i%subjects)
				<-begin
				ok, err := q.Take(t.Context(), caller, seeing(limits, subject), quotaTime)
				if err != nil {
					t.Errorf("Take(%q, %q) = %v", caller, subject, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[caller] == nil {
					seen[caller] = map[string]int{}
				}
				if ok {
					seen[caller][subject]++
				}
			})
		}
	}
	close(begin)
	all.Wait()
	for caller, subjects := range seen {
		if len(subjects) != limit {
			t.Errorf("%s saw %d subjects, want %d", caller, len(subjects), limit)
		}
		for subject := range subjects {
			if ok, err := q.Take(t.Context(), caller, seeing(limits, subject), quotaTime); !ok ||
				err != nil {
				t.Errorf("%s sees %s no more: %v, %v", caller, subject, ok, err)
			}
		}
		if ok, err := q.Take(t.Context(), caller, seeing(limits, "another"), quotaTime); ok ||
			err != nil {
			t.Errorf("%s sees one more: %v, %v", caller, ok, err)
		}
	}
}

// quotasAllOrNone: of several subjects all are counted or none, by many requests at once too. Each
// asks for three whom nobody else asks for, so in the end whole threes were seen, and the rest of
// the limit is free.
func quotasAllOrNone(t *testing.T, open func(testing.TB) gateway.Quotas) {
	const limit, requests = 20, 50
	limits := []quota.Limit{{Role: "r", Subjects: limit, Window: time.Hour}}
	q := open(t)
	begin := make(chan struct{})
	var all sync.WaitGroup
	var granted atomic.Int32
	for i := range requests {
		all.Go(func() {
			<-begin
			three := seeing(limits, fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i))
			ok, err := q.Take(t.Context(), "u1", three, quotaTime)
			if err != nil {
				t.Errorf("Take() = %v", err)
			}
			if ok {
				granted.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	if n := granted.Load(); n != limit/3 {
		t.Errorf("%d requests for 3 subjects were granted, want %d", n, limit/3)
	}
	free := 0
	for i := range limit {
		ok, err := q.Take(t.Context(), "u1", seeing(limits, fmt.Sprint("d", i)), quotaTime)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			free++
		}
	}
	if free != limit%3 {
		t.Errorf("%d more subjects were granted, want %d: what is refused is not counted",
			free, limit%3)
	}
}

// quotasOfCallerGone: a call ends when its context has, with an answer or with an error that grants
// nothing, and others go on.
func quotasOfCallerGone(t *testing.T, open func(testing.TB) gateway.Quotas) {
	limits := []quota.Limit{{Role: "r", Subjects: 2, Window: time.Hour}}
	q := open(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	const id = "s1:dGhpcyBpcyBubyBvbmU"
	within(t, "Take()", func() {
		ok, err := q.Take(gone, "u1", seeing(limits, id), quotaTime)
		if err != nil && (ok || strings.Contains(err.Error(), id)) {
			t.Errorf("Take() of one who is gone = %v, %v, want no grant with an error, and no name",
				ok, err)
		}
	})
	if ok, err := q.Take(t.Context(), "u1", seeing(limits, id), quotaTime); !ok || err != nil {
		t.Errorf("Take() after that = %v, %v, want true", ok, err)
	}
}

// within fails the test if a call takes too long.
func within(t *testing.T, what string, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s goes on 10 s after its context has ended", what)
	}
}
