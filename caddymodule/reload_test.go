package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/rules"
)

func digestOf(t *testing.T, g *gateway) string {
	t.Helper()
	files, err := rules.ReadFiles(filepath.Join(g.dir, "rules"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(files, noPseudonyms{})
	if err != nil {
		t.Fatal(err)
	}
	return set.Digest()
}

// TestReloadUnderLoad alternates two rule sets. Each response matches the one that its record names, and none is refused.
func TestReloadUnderLoad(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	g := start(t, "maskgate "+up)
	g.level = "ERROR"
	clearPolicy := strings.Replace(testPolicy, "C2: mask}", "C2: clear}", 1)
	want := map[string]string{}
	for policy, name := range map[string]string{testPolicy: "张**", clearPolicy: "张三丰"} {
		g.rules(testService, policy)
		want[digestOf(t, g)] = fmt.Sprintf(`{"id":"C1","name":%q,"agentId":%q}`, name, agent.ID)
	}
	callers := g.askAllTheTime(t, 8)
	before := 0
	for i := range 50 {
		g.rules(testService, []string{testPolicy, clearPolicy}[i%2])
		g.load()
		if i == 10 {
			before = runtime.NumGoroutine()
		}
	}
	bodies := callers.end()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+5 })
	met := map[string]int{}
	for _, r := range g.records("") {
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
	access, err := command.OpenAccessLog(g.data())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := access.Verify(); err != nil || s.TailFile != "" {
		t.Errorf("Verify: %+v, %v", s, err)
	}
	var events []audit.Event
	for e, err := range access.Search(audit.Query{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Record.Event == audit.EventStart || e.Record.Event == audit.EventStop {
			events = append(events, e.Record.Event)
		}
	}
	if fmt.Sprint(events) != "[start]" {
		t.Errorf("events %v, want one start", events)
	}
}

// callers ask for a person again and again.
type callers struct {
	answered chan struct{} // has room for one
	stop     func()
	all      sync.WaitGroup
	mu       sync.Mutex
	bodies   map[string]string // by correlation identifier; guarded by mu
}

func (g *gateway) askAllTheTime(t *testing.T, parallel int) *callers {
	stop := make(chan struct{})
	c := &callers{answered: make(chan struct{}, 1), stop: sync.OnceFunc(func() { close(stop) }), bodies: map[string]string{}}
	t.Cleanup(c.all.Wait)
	t.Cleanup(c.stop) // which goes first
	for range parallel {
		r := g.request("GET", "/v1/people/C1")
		c.all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := ask(r)
				if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
					// net/http hangs up on a connection's first request if it comes while the server is stopped, and a sandbox's
					// loopback resets a connection now and then.
					continue
				}
				if err != nil || got.status != 200 {
					t.Errorf("status %d, %v: %s; %.3000s", got.status, err, got.body, captured.String())
					return
				}
				c.mu.Lock()
				c.bodies[got.header.Get(correlationHeader)] = string(got.body)
				c.mu.Unlock()
				select {
				case c.answered <- struct{}{}:
				default:
				}
			}
		})
	}
	return c
}

// end lets the callers ask no more, and returns what they got, by correlation identifier.
func (c *callers) end() map[string]string {
	c.stop()
	c.all.Wait()
	client.CloseIdleConnections()
	bodies := c.bodies
	c.bodies = nil // for whoever measures what is kept
	return bodies
}

func ask(r *http.Request) (seen, error) {
	resp, err := client.Do(r)
	if err != nil {
		return seen{}, err
	}
	defer resp.Body.Close()
	var b strings.Builder
	_, err = copyAll(&b, resp.Body)
	return seen{resp.StatusCode, resp.Header, []byte(b.String())}, err
}

// eventually waits for what other goroutines are about to do.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%s: not within 10 s\n%s", what, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}

func TestBrokenRulesLeaveTheOldInForce(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	g := start(t, "maskgate "+up)
	digest := digestOf(t, g)
	references := func() int {
		n, _ := pool.References(g.data() + "\x00test")
		return n
	}
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	for name, tt := range map[string]struct {
		change func()
		want   string
	}{
		"rules":    {func() { g.rules(testService, "kind: policy\nname: x\nrolls: {}\n") }, `policy.yaml:3:1:`},
		"no rules": {func() { _ = os.RemoveAll(filepath.Join(g.dir, "rules")) }, "reading rules"},
		"upstream": {func() { g.site = "maskgate ftp://x" }, "upstream: want"},
		"port":     {func() { g.metrics = occupied.Addr().String() }, "address already in use"},
		"gateway":  {func() { g.options = "purpose_header P:H" }, "purpose_header"},
	} {
		t.Run(name, func(t *testing.T) {
			old := *g
			tt.change()
			if err := g.reload(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("reload: %v, want an error with %q", err, tt.want)
			}
			*g = old
			g.t = t
			g.rules(testService, testPolicy)
			got := g.get("/v1/people/C1")
			if got.status != 200 || g.records(got.header.Get(correlationHeader))[0].RulesDigest != digest {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			if n := references(); n != 1 {
				t.Errorf("%d references to the log, want 1", n)
			}
		})
	}
	g.t = t
	if _, err := openShared(g.data(), "another"); !errors.Is(err, audit.ErrLocked) {
		t.Errorf("opening the directory for another gateway: %v, want ErrLocked", err)
	}
}

// TestFailedStart: a configuration that cannot start lets go of the log.
func TestFailedStart(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	g := &gateway{t: t, dir: t.TempDir(), addr: occupied.Addr().String(), metrics: freeAddress(t), site: "maskgate http://127.0.0.1:1", level: "ERROR"}
	g.rules(testService, testPolicy)
	for range 10 { // apps start in random order
		if err := g.reload(); err == nil {
			t.Fatal("it started")
		}
		if n, ok := pool.References(g.data() + "\x00test"); ok || n != 0 {
			t.Fatalf("%d references to the log remain", n)
		}
	}
	s, err := openShared(g.data(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Destruct(); err != nil {
		t.Error(err)
	}
}

// TestValidateOpensNoLog: a configuration can be validated beside a running gateway, and before the first start.
func TestValidateOpensNoLog(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1")
	config, _, err := adapt(g.caddyfile())
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{g.data(), filepath.Join(g.dir, "other")} {
		var c caddy.Config
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(config), g.data(), data)), &c); err != nil {
			t.Fatal(err)
		}
		size := func() (total int64) {
			_ = filepath.WalkDir(data, func(_ string, d os.DirEntry, err error) error {
				if err == nil {
					info, _ := d.Info()
					total += info.Size() + 1
				}
				return nil
			})
			return total
		}
		before := size()
		if err := caddy.Validate(&c); err != nil {
			t.Fatal(err)
		}
		if size() != before {
			t.Errorf("validating touched %s", data)
		}
	}
}

// TestEarlyRequests: Caddy may listen before the app has started. Requests wait for it, but not for one that failed.
func TestEarlyRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		settle func(a *App)
		want   bool
	}{
		"started": {func(a *App) { a.shared.Store(new(shared)); a.settle.Do(func() { close(a.settled) }) }, true},
		"failed":  {func(a *App) { _ = a.Cleanup() }, false},
	} {
		a := new(App).CaddyModule().New().(*App)
		got := make(chan bool)
		for range 4 {
			go func() { got <- a.ready(t.Context()) }()
		}
		go tt.settle(a)
		for range 4 {
			if ready := <-got; ready != tt.want {
				t.Errorf("%s: ready() = %v", name, ready)
			}
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if new(App).CaddyModule().New().(*App).ready(gone) {
		t.Error("ready() = true for a caller that went away")
	}
}

// noPseudonyms stands in for keys where nothing is rewritten.
type noPseudonyms struct{}

func (noPseudonyms) Pseudonym(string) ([]byte, int) { return nil, 0 }
