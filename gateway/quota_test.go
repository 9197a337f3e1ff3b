package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestQuotaOfSubjects: a caller sees as many subjects as the policy says, exactly, however they
// ask: one by one, in parallel, in lists, and across a reload.
func TestQuotaOfSubjects(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if id, ok := strings.CutPrefix(r.URL.Path, "/v1/people/"); ok {
			fmt.Fprint(w, person(id, "张三丰"))
			return
		}
		fmt.Fprintf(w, `{"items":[%s,%s]}`, person("L1", "李四"), person("L2", "王五"))
	})
	policy := strings.Replace(testPolicy, "    treat: {C1: clear, C2: mask}",
		"    treat: {C1: clear, C2: mask}\n    limit: {subjects: 5/1d}", 1)
	w := start(t, up, func(w *world) { w.rules(testService, policy) })
	ids := make(chan string, 40)
	for i := range 40 {
		ids <- fmt.Sprintf("C%d", i%20)
	}
	close(ids)
	var shown sync.Map
	var refused atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		r := w.request("GET", "/v1/people/")
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
	if err := w.reload(); err != nil {
		t.Fatal(err)
	}
	if got := w.get("/v1/people"); got.status != 403 {
		t.Errorf("two more subjects in a list, after a reload: status %d, %s, want 403",
			got.status, got.body)
	}
	shown.Range(func(id, _ any) bool {
		if got := w.get("/v1/people/" + id.(string)); got.status != 200 {
			t.Errorf("a subject seen before: status %d, %s, want 200", got.status, got.body)
		}
		return false
	})
}
