package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/rules"
)

func TestQuotas(t *testing.T) {
	day := func(role string, n int) rules.Quota {
		return rules.Quota{Role: role, Subjects: n, Window: 24 * time.Hour}
	}
	begin := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	type step struct {
		caller, subjects string // subjects apart by spaces
		after            time.Duration
		want             bool
	}
	for _, test := range []struct {
		name   string
		quotas []rules.Quota
		steps  []step
	}{
		{"up to the limit", []rules.Quota{day("r", 2)}, []step{{"u1", "a", 0, true}, {"u1", "b", 0, true}, {"u1", "c", 0, false}, {"u1", "a b", 0, true}}},
		{"all or none", []rules.Quota{day("r", 2)}, []step{{"u1", "a", 0, true}, {"u1", "b c", 0, false}, {"u1", "b", 0, true}}},
		{"more at once than ever", []rules.Quota{day("r", 2)}, []step{{"u1", "a b c", 0, false}, {"u1", "a b", 0, true}}},
		{"each caller", []rules.Quota{day("r", 1)}, []step{{"u1", "a", 0, true}, {"u2", "b", 0, true}, {"u2", "a", 0, false}}},
		{"until the time is over", []rules.Quota{day("r", 1)}, []step{{"u1", "a", 0, true}, {"u1", "b", 24*time.Hour - 1, false}, {"u1", "b", 24 * time.Hour, true}, {"u1", "a", 24 * time.Hour, false}}},
		{"seeing again prolongs nothing", []rules.Quota{day("r", 1)}, []step{{"u1", "a", 0, true}, {"u1", "a", 23 * time.Hour, true}, {"u1", "b", 24 * time.Hour, true}}},
		{"then it counts anew", []rules.Quota{day("r", 1)}, []step{{"u1", "a", 0, true}, {"u1", "a", 24 * time.Hour, true}, {"u1", "b", 24 * time.Hour, false}}},
		{"a second role has room", []rules.Quota{day("r", 1), day("s", 1)}, []step{{"u1", "a", 0, true}, {"u1", "b", 0, true}, {"u1", "a b", 0, true}, {"u1", "c", 0, false}}},
		{"nobody to count", []rules.Quota{day("r", 1)}, []step{{"u1", "", 0, true}}},
	} {
		var q quotas
		for i, s := range test.steps {
			var subjects []sighting
			for _, subject := range strings.Fields(s.subjects) {
				subjects = append(subjects, sighting{subject, test.quotas})
			}
			if got := q.take(s.caller, subjects, begin.Add(s.after)); got != s.want {
				t.Errorf("%s: step %d: take(%q, %q) = %v, want %v", test.name, i+1, s.caller, s.subjects, got, s.want)
			}
		}
	}
}

// Memory is given up when times are over.
func TestQuotasForget(t *testing.T) {
	var q quotas
	begin := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	of := []rules.Quota{{Role: "r", Subjects: 10, Window: time.Minute}}
	for i := range 1000 {
		q.take(fmt.Sprint("u", i), []sighting{{"a", of}}, begin)
	}
	q.take("u", []sighting{{"a", of}}, begin.Add(2*sweepEvery))
	if len(q.seen) != 1 {
		t.Errorf("%d tallies are kept, want 1", len(q.seen))
	}
}

// A caller sees as many subjects as the policy says, exactly, however they ask: one by one, in parallel, in lists, and
// across a reload.
func TestQuotaOfSubjects(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if id, ok := strings.CutPrefix(r.URL.Path, "/v1/people/"); ok {
			fmt.Fprint(w, person(id, "张三丰"))
			return
		}
		fmt.Fprintf(w, `{"items":[%s,%s]}`, person("L1", "李四"), person("L2", "王五"))
	})
	policy := strings.Replace(testPolicy, "    treat: {C1: clear, C2: mask}", "    treat: {C1: clear, C2: mask}\n    limit: {subjects: 5/1d}", 1)
	g := start(t, "maskgate "+up, func(g *gateway) { g.rules(testService, policy) })
	ids := make(chan string, 40)
	for i := range 40 {
		ids <- fmt.Sprintf("C%d", i%20)
	}
	close(ids)
	var shown sync.Map
	var refused atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		r := g.request("GET", "/v1/people/")
		wg.Go(func() {
			for id := range ids {
				one := r.Clone(r.Context())
				one.URL.Path += id
				got, err := ask(one)
				switch {
				case err != nil:
					t.Errorf("%s: %v", id, err)
				case got.status == 200:
					shown.Store(id, true)
				case got.status == 403 && strings.Contains(string(got.body), "too_many_subjects"):
					refused.Add(1)
				default:
					t.Errorf("%s: status %d, %s", id, got.status, got.body)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	shown.Range(func(any, any) bool { n++; return true })
	if n != 5 || refused.Load() == 0 {
		t.Errorf("%d subjects were shown and %d requests refused, want 5 shown", n, refused.Load())
	}
	g.load()
	g.await(g.addr)
	client.CloseIdleConnections() // those of the servers before
	if got := g.get("/v1/people"); got.status != 403 {
		t.Errorf("two more subjects in a list, after a reload: status %d, %s, want 403", got.status, got.body)
	}
	shown.Range(func(id, _ any) bool {
		if got := g.get("/v1/people/" + id.(string)); got.status != 200 {
			t.Errorf("a subject seen before: status %d, %s, want 200", got.status, got.body)
		}
		return false
	})
}
