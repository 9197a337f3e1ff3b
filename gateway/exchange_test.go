package gateway

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
)

// breaking lets callers in, and leaves the request so that the next step panics.
type breaking struct{}

func (breaking) Authenticate(ctx context.Context, r *http.Request) (auth.Caller, error) {
	caller, err := verifier.Authenticate(ctx, r)
	r.URL = nil
	return caller, err
}

// TestPanicNamesCaller: the record of a request that panicked says who asked, as far as that was
// known. Whoever probes for panics is found.
func TestPanicNamesCaller(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1", func(w *world) { w.options.Authenticator = breaking{} })
	got := w.get("/v1/people/C1")
	records := w.records(got.header.Get(correlationHeader))
	if got.status != 500 || len(records) != 1 || records[0].Reason != "panic" ||
		records[0].Caller.ID != agent.ID || records[0].Route != "GET /v1/people/{id}" {
		t.Errorf("%d, on record %+v; want a panic of %s, with the route",
			got.status, records, agent.ID)
	}
	if !strings.Contains(w.log.String(), `"cause":"runtime.errorString at `) {
		t.Errorf("the refusal does not say where the panic was: %s", w.log.String())
	}
}

// TestStreamBeginsEmpty: a window of which nothing is left begins the answer, too. It is on record
// as released, so the caller is told.
func TestStreamBeginsEmpty(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, strings.Replace(event("C1"), agent.ID, "agent-99", 1)) // denied
		w.(http.Flusher).Flush()
		<-next
		fmt.Fprint(w, event("C2"))
	}, testPolicy)
	begun := make(chan *http.Response, 1)
	go func() {
		resp, err := fresh.Do(w.request("GET", "/v1/events"))
		if err != nil {
			t.Error(err)
		}
		begun <- resp
	}()
	select {
	case resp := <-begun:
		defer resp.Body.Close()
		close(next)
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || !strings.Contains(line, "C2") {
			t.Errorf("then %q, %v; want the second event", line, err)
		}
	case <-time.After(10 * time.Second):
		close(next)
		t.Error("the answer did not begin with its first window")
	}
}

// TestShadowOfCallerGone: a caller who leaves while a store is asked is no decision of the rules,
// so the shadow is not compared with it.
func TestShadowOfCallerGone(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 2)
	g := &register{answer: func(
		ctx context.Context, list []rules.Standing,
	) ([]rules.Standing, error) {
		asked <- struct{}{}
		if ctx.Value(http.ServerContextKey) != nil { // the request; the shadow gets its answer
			return waiting(ctx, list)
		}
		return list, nil
	}}
	w := start(t, answering(t, person("C1", "张三丰")), g.of, withShadow(testService, testPolicy))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := fresh.Do(w.request("GET", "/v1/people/C1").WithContext(ctx)); err == nil {
		t.Fatal("there was an answer")
	}
	eventually(t, "it is on record", func() bool { return len(w.records("")) == 1 })
	eventually(t, "the request has ended", func() bool { return w.serving.Load() == 0 })
	eventually(t, "no shadow decides", func() bool {
		return w.gateway.shadowJobs.running.Load() == 0
	})
	if r, _ := w.gateway.Shadow(); r.Different != 0 || r.Failed != 0 {
		t.Errorf("the shadow differs from a caller who left: %+v", r)
	}
}
