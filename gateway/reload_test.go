package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
)

// TestReloadUnderLoad alternates two rule sets. Each response matches the one that its record
// names, and none is refused.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	w := start(t, up, func(w *world) { w.level = slog.LevelError })
	clearPolicy := strings.Replace(testPolicy, "C2: mask}", "C2: clear}", 1)
	want := map[string]string{}
	for policy, name := range map[string]string{testPolicy: "张**", clearPolicy: "张三丰"} {
		w.rules(testService, policy)
		want[digestOf(t, w)] = fmt.Sprintf(`{"id":"C1","name":%q,"agentId":%q}`, name, agent.ID)
	}
	callers := w.askAllTheTime(t, 8)
	for i := range 50 {
		w.rules(testService, []string{testPolicy, clearPolicy}[i%2])
		if err := w.reload(); err != nil {
			t.Fatal(err)
		}
		if callers.await(t); t.Failed() {
			break
		}
	}
	bodies := callers.end()
	met := map[string]int{}
	for _, r := range w.records("") {
		body, ok := bodies[r.ID]
		if !ok {
			continue // recorded, but the caller was hung up on
		}
		if body != want[r.RulesDigest] {
			t.Fatalf("under %s left %q, want %q", r.RulesDigest, body, want[r.RulesDigest])
		}
		met[r.RulesDigest]++
		delete(bodies, r.ID)
	}
	if len(bodies) > 0 || len(met) != 2 {
		t.Errorf("%d responses are not on record; records by digest: %v", len(bodies), met)
	}
	set, err := keys.ReadDirectory(w.data())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := audit.Verify(set.AuditDir(), set.Keys()); err != nil || s.TailFile != "" {
		t.Errorf("Verify: %+v, %v", s, err)
	}
	var events []audit.Event
	for _, r := range w.search(audit.Query{}) {
		if r.Event == audit.EventStart || r.Event == audit.EventStop {
			events = append(events, r.Event)
		}
	}
	if fmt.Sprint(events) != "[start]" {
		t.Errorf("events %v, want one start", events)
	}
}

// TestReloadsEnd: a gateway that another has taken over from leaves no goroutine behind. Goroutines
// are counted, so the test runs alone.
func TestReloadsEnd(t *testing.T) {
	w := start(t, "http://127.0.0.1:1", quick)
	before := runtime.NumGoroutine()
	for range 50 {
		if err := w.reload(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// callers ask for a person again and again.
type callers struct {
	stop func()
	all  sync.WaitGroup

	mu       sync.Mutex        // guards what follows
	bodies   map[string]string // by correlation identifier
	begun    int               // requests
	answered int               // the number of the latest request that was answered
}

func (w *world) askAllTheTime(t *testing.T, parallel int) *callers {
	stop := make(chan struct{})
	c := &callers{stop: sync.OnceFunc(func() { close(stop) }), bodies: map[string]string{}}
	t.Cleanup(c.all.Wait)
	t.Cleanup(c.stop) // which goes first
	for range parallel {
		r := w.request("GET", "/v1/people/C1")
		c.all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				number := c.begin()
				got, err := ask(r)
				if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
					errors.Is(err, syscall.EPIPE) {
					continue // a sandbox's loopback resets a connection now and then
				}
				if err != nil || got.status != 200 {
					t.Errorf("status %d, %v: %s; %.3000s",
						got.status, err, got.body, w.log.String())
					return
				}
				c.keep(number, got)
			}
		})
	}
	return c
}

func (c *callers) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
	return c.begun
}

func (c *callers) keep(number int, got seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies[got.header.Get(correlationHeader)] = string(got.body)
	c.answered = max(c.answered, number)
}

// await waits for the answer to a request that has yet to begin.
func (c *callers) await(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	begun := c.begun
	c.mu.Unlock()
	eventually(t, "a request is answered", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.answered > begun
	})
}

// end lets the callers ask no more, and returns what they got, by correlation identifier.
func (c *callers) end() map[string]string {
	c.stop()
	c.all.Wait()
	bodies := c.bodies
	c.bodies = nil // for whoever measures what is kept
	return bodies
}

// TestBrokenReloads: a configuration that is broken leaves the one before it as it was.
func TestBrokenReloads(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	w := start(t, up)
	digest := digestOf(t, w)
	for _, tt := range []struct {
		name   string
		change func()
		want   string
	}{
		{"rules", func() {
			w.rules(testService, "kind: policy\nname: x\nrolls: {}\n")
		}, "policy.yaml:3:1:"},
		{"no rules", func() { _ = os.RemoveAll(filepath.Join(w.dir, "rules")) }, "reading rules"},
		{"none named", func() { w.options.Rules = nil }, "set rules"},
		{"gateway", func() { w.options.PurposeHeader = "P:H" }, "purpose_header"},
		{"handler", func() { w.handler.MaxResponse = -1 }, "max_response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options, handler := w.options, w.handler
			tt.change()
			if err := w.reload(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("reload: %v, want an error with %q", err, tt.want)
			}
			w.options, w.handler = options, handler
			w.rules(testService, testPolicy)
			got := w.get("/v1/people/C1")
			if got.status != 200 ||
				w.records(got.header.Get(correlationHeader))[0].RulesDigest != digest {
				t.Errorf("status %d: %s", got.status, got.body)
			}
		})
	}
	if _, err := OpenState(w.data(), "another"); !errors.Is(err, audit.ErrLocked) {
		t.Errorf("opening the directory for another gateway: %v, want ErrLocked", err)
	}
}

// TestEarlyRequests: a server may listen before the gateway has started. Requests wait for it, but
// not for one that failed.
func TestEarlyRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		settle func(g *Gateway)
		want   bool
	}{
		{"started", func(g *Gateway) {
			g.state.Store(new(State))
			g.settle.Do(func() { close(g.settled) })
		}, true},
		{"failed", (*Gateway).Close, false},
	} {
		g := newGateway(Options{})
		got := make(chan bool)
		for range 4 {
			go func() { got <- g.ready(t.Context()) }()
		}
		go tt.settle(g)
		for range 4 {
			if ready := <-got; ready != tt.want {
				t.Errorf("%s: ready() = %v", tt.name, ready)
			}
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if newGateway(Options{}).ready(gone) {
		t.Error("ready() = true for a caller that went away")
	}
}
