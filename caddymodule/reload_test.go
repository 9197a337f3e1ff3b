package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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
	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

// TestReloadUnderLoad alternates two rule sets. Each response matches the one that its record
// names, and none is refused.
func TestReloadUnderLoad(t *testing.T) {
	up := gatewaytest.Serve(t, gatewaytest.OnePerson)
	g := start(t, "maskgate "+up)
	g.level = "ERROR"
	clearPolicy := strings.Replace(gatewaytest.PolicyFile, "C2: mask}", "C2: clear}", 1)
	want := map[string]string{}
	for policy, name := range map[string]string{gatewaytest.PolicyFile: "张**", clearPolicy: "张三丰"} {
		g.rules(gatewaytest.ServiceFile, policy)
		digest := gatewaytest.RulesDigest(t, g.rulesDir())
		want[digest] = fmt.Sprintf(`{"id":"C1","name":%q,"agentId":%q}`, name, agent.ID)
	}
	callers := g.askAllTheTime(t, 8)
	before := 0
	for i := range 50 {
		g.rules(gatewaytest.ServiceFile, []string{gatewaytest.PolicyFile, clearPolicy}[i%2])
		g.load()
		callers.await(t) // so that responses of both sets are met
		if i == 10 {
			before = runtime.NumGoroutine()
		}
	}
	bodies := callers.end()
	gatewaytest.Eventually(t, "goroutines end", func() bool {
		return runtime.NumGoroutine() <= before+5
	})
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
	var events []string
	for e, err := range access.Search(audit.Query{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Record.Event == audit.EventStart || e.Record.Event == audit.EventStop {
			events = append(events, string(e.Record.Event))
		}
	}
	if fmt.Sprint(events) != "[start]" {
		t.Errorf("events %v, want one start", events)
	}
}

// callers ask for a person again and again.
type callers struct {
	parallel int
	answered chan struct{} // has room for one answer
	stop     func()
	all      sync.WaitGroup
	mu       sync.Mutex
	bodies   map[string]string // by correlation identifier; guarded by mu
}

func (g *world) askAllTheTime(t *testing.T, parallel int) *callers {
	stop := make(chan struct{})
	c := &callers{
		parallel: parallel,
		answered: make(chan struct{}, 1),
		stop:     sync.OnceFunc(func() { close(stop) }),
		bodies:   map[string]string{},
	}
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
				got, err := gatewaytest.Ask(r)
				if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
					errors.Is(err, syscall.EPIPE) {
					// net/http hangs up on a connection whose first request comes while the server
					// stops, and a sandbox's loopback interface resets a connection now and then.
					continue
				}
				if err != nil || got.Status != 200 {
					t.Errorf("status %d, %v: %s; %.3000s",
						got.Status, err, got.Body, captured.String())
					return
				}
				c.mu.Lock()
				c.bodies[got.Header.Get(correlationHeader)] = string(got.Body)
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

// await waits for an answer to a request that is made from now on. An earlier answer may wait in
// the channel, and each caller may have a request in flight.
func (c *callers) await(t *testing.T) {
	t.Helper()
	for range 1 + c.parallel + 1 {
		select {
		case <-c.answered:
		case <-time.After(10 * time.Second):
			t.Fatal("no answer within 10 s")
		}
	}
}

// end lets the callers ask no more, and returns what they got, by correlation identifier.
func (c *callers) end() map[string]string {
	c.stop()
	c.all.Wait()
	gatewaytest.Client.CloseIdleConnections()
	bodies := c.bodies
	c.bodies = nil // for whoever measures what is kept
	return bodies
}

func TestBrokenRulesLeaveTheOldInForce(t *testing.T) {
	up := gatewaytest.Serve(t, gatewaytest.OnePerson)
	g := start(t, "maskgate "+up)
	digest := gatewaytest.RulesDigest(t, g.rulesDir())
	references := func() int {
		n, _ := pool.References(stateKey(g.data(), "test"))
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
		"rules": {
			func() { g.rules(gatewaytest.ServiceFile, "kind: policy\nname: x\nrolls: {}\n") },
			`policy.yaml:3:1:`,
		},
		"no rules": {func() { _ = os.RemoveAll(g.rulesDir()) }, "reading rules"},
		"upstream": {func() { g.site = "maskgate ftp://x" }, "upstream: want"},
		"port":     {func() { g.metrics = occupied.Addr().String() }, "address already in use"},
		"gateway":  {func() { g.options = "purpose_header P:H" }, "purpose_header"},
		"limit": {
			func() { g.site = "maskgate http://127.0.0.1:1 {\n max_response 100GiB\n}" },
			"max_response: want at most 1GiB",
		},
		"nothing": {func() { g.site = "maskgate" }, "nothing stands behind the guard"},
		"stream": {
			func() { g.site = "maskgate {\n stream\n}\nrespond hello" },
			"stream needs an upstream",
		},
	} {
		t.Run(name, func(t *testing.T) {
			old := *g
			tt.change()
			if err := g.reload(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("reload: %v, want an error with %q", err, tt.want)
			}
			*g = old
			g.t = t
			g.rules(gatewaytest.ServiceFile, gatewaytest.PolicyFile)
			got := g.get("/v1/people/C1")
			id := got.Header.Get(correlationHeader)
			if got.Status != 200 || g.records(id)[0].RulesDigest != digest {
				t.Errorf("status %d: %s", got.Status, got.Body)
			}
			if n := references(); n != 1 {
				t.Errorf("%d references to the log, want 1", n)
			}
		})
	}
	g.t = t
	if _, err := gateway.OpenState(g.data(), "another"); !errors.Is(err, audit.ErrLocked) {
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
	g := &world{
		t: t, dir: t.TempDir(), addr: occupied.Addr().String(), metrics: freeAddress(t),
		site: "maskgate http://127.0.0.1:1", level: "ERROR",
	}
	g.rules(gatewaytest.ServiceFile, gatewaytest.PolicyFile)
	for range 10 { // apps start in random order
		if err := g.reload(); err == nil {
			t.Fatal("it started")
		}
		if n, ok := pool.References(stateKey(g.data(), "test")); ok || n != 0 {
			t.Fatalf("%d references to the log remain", n)
		}
	}
	s, err := gateway.OpenState(g.data(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestValidateOpensNoLog: a configuration can be validated beside a running gateway, and before the
// first start.
func TestValidateOpensNoLog(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1")
	config, _, err := adapt(g.caddyfile())
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{g.data(), filepath.Join(g.dir, "other")} {
		var c caddy.Config
		text := strings.ReplaceAll(string(config), g.data(), data)
		if err := json.Unmarshal([]byte(text), &c); err != nil {
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

// TestFailedConfigurationOnRecord: when a configuration with other rules fails to start, the access
// log names the rules that stay in force.
func TestFailedConfigurationOnRecord(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	g := start(t, "maskgate http://127.0.0.1:1", func(g *world) { g.options = "watch off\n" })
	before := g.inForce()
	metrics := g.metrics
	g.metrics = occupied.Addr().String()
	taken := 0
	// Apps start in random order: Maskgate's starts before the one that cannot, or not at all.
	for i := range 10 {
		g.rules(gatewaytest.ServiceFile, fmt.Sprintf("%s# changed %d\n", gatewaytest.PolicyFile, i))
		if err := g.reload(); err == nil {
			t.Fatal("it started")
		}
		access, err := command.OpenAccessLog(g.data())
		if err != nil {
			t.Fatal(err)
		}
		var last audit.Record
		n := 0
		for e, err := range access.Search(audit.Query{Event: audit.EventRules}, "") {
			if err != nil {
				t.Fatal(err)
			}
			last, n = e.Record, n+1
		}
		if last.RulesDigest != before {
			t.Errorf("the last rules on record are %s, want %s, which are in force",
				last.RulesDigest, before)
		}
		taken = n
	}
	t.Logf("%d changes on record", taken)
	g.metrics = metrics
}

// TestFaultsOfConfiguration: an error has all faults of an app, or of a handler, and names their
// options. A fault by which requests are only refused is a warning.
func TestFaultsOfConfiguration(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1")
	for name, tt := range map[string]struct {
		site, options string
		want          []string // of the error
		logged        string   // in a configuration without faults
	}{
		"handler": {
			site: "maskgate ftp://x {\n max_response 2GiB\n request_headers Range\n" +
				" response_headers Etag\n record_shapes /dev/null/x\n}",
			want: []string{
				"upstream: want", "max_response: want at most 1GiB", "request header Range",
				"response header Etag", "record_shapes: ",
			},
		},
		"app": {
			site: "maskgate http://127.0.0.1:1", options: "purpose_header P:H\nshadow /nowhere\n",
			want: []string{"purpose_header: want"},
		},
		"guard of nothing": {site: "maskgate", want: []string{"nothing stands behind the guard"}},
		"nothing at a path": {
			site: "handle /v1/* {\n maskgate\n}",
			want: []string{"nothing stands behind the guard"},
		},
		"something behind": {site: "maskgate\nrespond hello"},
		"something elsewhere": {
			site: "maskgate /v1/* http://127.0.0.1:1\nmaskgate /v2/*\nrespond hello",
		},
		"services": {
			site:   "maskgate http://127.0.0.1:1 {\n services people claim\n}",
			logged: `"services":["claim"],"in_rule_files":["people"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			of := *g
			of.t, of.site, of.options = t, tt.site, tt.options
			config, _, err := adapt(of.caddyfile())
			if err != nil {
				t.Fatal(err)
			}
			var c caddy.Config
			if err := json.Unmarshal(config, &c); err != nil {
				t.Fatal(err)
			}
			captured.Reset()
			err = caddy.Validate(&c)
			if (err == nil) != (tt.want == nil) {
				t.Errorf("Validate() = %v, want %q", err, tt.want)
			}
			for _, want := range tt.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("Validate() = %v, want it to say %q", err, want)
				}
			}
			if !strings.Contains(captured.String(), tt.logged) {
				t.Errorf("logged %s, want %s", captured.String(), tt.logged)
			}
		})
	}
}
