package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

// The harness runs Caddy in this process, which has only one: no test here is parallel.

var (
	issuer    *demo.Issuer
	issuerDir string
	agent, _  = demo.Find("customer-service")
)

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(func() int {
		var err error
		if issuerDir, err = os.MkdirTemp("", "maskgate-issuer"); err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(issuerDir)
		if issuer, err = demo.OpenIssuer(issuerDir); err != nil {
			log.Fatal(err)
		}
		return m.Run()
	}())
}

// world is a running Caddy with Maskgate in it.
type world struct {
	t             testing.TB
	dir           string // of rules and data
	addr, metrics string
	site          string // directives of the site
	level         string
	options       string // further options of the app
}

// start runs Caddy with these directives in its site. The changes come before Caddy loads them:
// Caddy resets connections that come right at a reload.
func start(t testing.TB, site string, changes ...func(*world)) *world {
	t.Helper()
	g := &world{
		t: t, dir: t.TempDir(), addr: freeAddress(t), metrics: freeAddress(t), site: site,
		level: "INFO",
	}
	for g.metrics == g.addr {
		g.metrics = freeAddress(t) // the system gives the same port twice now and then
	}
	g.rules(gatewaytest.ServiceFile, gatewaytest.PolicyFile)
	for _, change := range changes {
		change(g)
	}
	captured.Reset()
	log.SetOutput(&captured)
	g.load()
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	g.await(g.addr)
	g.await(g.metrics)
	return g
}

// await waits until an address answers: Caddy resets connections that come right at a load. It
// sends bytes that are no request, so no handler sees them.
func (g *world) await(addr string) {
	g.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for ; time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c, "no request\r\n\r\n")
		n, _ := c.Read(make([]byte, 1))
		c.Close()
		if n > 0 {
			return
		}
	}
	g.t.Fatalf("%s does not answer", addr)
}

func (g *world) rules(service, policy string) {
	g.t.Helper()
	gatewaytest.WriteRules(g.t, g.rulesDir(), service, policy)
}

func (g *world) rulesDir() string { return filepath.Join(g.dir, "rules") }

func (g *world) data() string { return filepath.Join(g.dir, "data") }

func (g *world) caddyfile() string {
	return fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	servers {
		protocols h1
	}
	log {
		output test_memory
		format json
		level %s
	}
	maskgate {
		data %s
		rules %s
		gateway test
		token {
			issuer %s
			audience %s
			keys %s
		}
		%s
	}
}
http://%s {
	bind 127.0.0.1
	%s
}
http://%s {
	bind 127.0.0.1
	metrics /metrics
	maskgate_status
}
`, g.level, g.data(), g.rulesDir(), demo.IssuerURL, demo.Audience,
		filepath.Join(issuerDir, demo.JWKSFile), g.options,
		strings.Replace(g.addr, "127.0.0.1", "", 1), g.site,
		strings.Replace(g.metrics, "127.0.0.1", "", 1))
}

func (g *world) reload() error {
	config, _, err := adapt(g.caddyfile())
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

func (g *world) load() {
	g.t.Helper()
	if err := g.reload(); err != nil {
		g.t.Fatalf("loading: %v\n%s", err, captured.String())
	}
}

func adapt(text string) ([]byte, []caddyconfig.Warning, error) {
	adapter := caddyfile.Adapter{ServerType: httpcaddyfile.ServerType{}}
	return adapter.Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
}

func token(t testing.TB, p demo.Person) string {
	t.Helper()
	text, err := issuer.Token(p, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// request makes a request by the agent, for customer service; edits come last.
func (g *world) request(method, path string, edits ...func(*http.Request)) *http.Request {
	g.t.Helper()
	return gatewaytest.Request(g.t, method, g.addr, path, token(g.t, agent), edits...)
}

func (g *world) do(r *http.Request) gatewaytest.Seen {
	g.t.Helper()
	got, err := gatewaytest.Ask(r)
	if err != nil {
		g.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return got
}

func (g *world) get(path string, edits ...func(*http.Request)) gatewaytest.Seen {
	g.t.Helper()
	return g.do(g.request("GET", path, edits...))
}

// raw sends bytes and returns every byte that comes back until the connection ends.
func (g *world) raw(text string) []byte {
	g.t.Helper()
	return gatewaytest.Raw(g.t, g.addr, text)
}

// head is a request's head for raw, by the agent, without the empty line at its end.
func (g *world) head(requestLine string, headerLines ...string) string {
	g.t.Helper()
	return gatewaytest.Head(requestLine, g.addr, token(g.t, agent), headerLines...)
}

// records are the access records of a correlation identifier, or all of them.
func (g *world) records(id string) []audit.Record {
	g.t.Helper()
	access, err := command.OpenAccessLog(g.data())
	if err != nil {
		g.t.Fatal(err)
	}
	var list []audit.Record
	for e, err := range access.Search(audit.Query{ID: id, Event: audit.EventAccess}, "") {
		if err != nil {
			g.t.Fatal(err)
		}
		list = append(list, e.Record)
	}
	return list
}

func (g *world) scrape() string {
	g.t.Helper()
	_, body := g.status("/metrics")
	return body
}

// status asks at the operators' listener.
func (g *world) status(path string) (int, string) {
	g.t.Helper()
	resp, err := gatewaytest.Fresh.Get("http://" + g.metrics + path)
	// The loopback interface of a sandbox resets a connection now and then; no test is about the
	// connections of this listener.
	for range 5 {
		if err == nil {
			break
		}
		resp, err = gatewaytest.Fresh.Get("http://" + g.metrics + path)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// captured is what Caddy has logged since the last world started.
var captured gatewaytest.Log

// memoryLog is the log writer module of captured.
type memoryLog struct{}

func (memoryLog) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.writers.test_memory",
		New: func() caddy.Module { return new(memoryLog) },
	}
}
func (memoryLog) String() string                                { return "memory" }
func (memoryLog) WriterKey() string                             { return "memory" }
func (memoryLog) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }
func (memoryLog) OpenWriter() (io.WriteCloser, error) {
	return struct {
		io.Writer
		io.Closer
	}{&captured, io.NopCloser(nil)}, nil
}

// scripted is a handler of Caddy's chain whose behaviour a test sets.
type scripted struct{}

var (
	behaviourMu sync.Mutex
	behaviour   func(http.ResponseWriter, *http.Request) error // guarded by behaviourMu
)

func behave(f func(http.ResponseWriter, *http.Request) error) {
	behaviourMu.Lock()
	defer behaviourMu.Unlock()
	behaviour = f
}

func (scripted) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.test_upstream",
		New: func() caddy.Module { return new(scripted) },
	}
}

func (scripted) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	behaviourMu.Lock()
	f := behaviour
	behaviourMu.Unlock()
	return f(w, r)
}

func init() {
	caddy.RegisterModule(memoryLog{})
	caddy.RegisterModule(scripted{})
	httpcaddyfile.RegisterHandlerDirective("test_upstream",
		func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
			h.Next()
			return scripted{}, nil
		})
	httpcaddyfile.RegisterDirectiveOrder("test_upstream", httpcaddyfile.Before, "reverse_proxy")
}

const correlationHeader = "X-Correlation-Id"

// as is an edit by which the agent, changed in some way, makes a request.
func as(t testing.TB, change func(*demo.Person)) func(*http.Request) {
	p := agent
	change(&p)
	return gatewaytest.Header("Authorization", "Bearer "+token(t, p))
}

// quick is the option by which changes of rule files are taken soon.
const quick = "watch {\n settle 1ms\n}\n"

// readiness is the answer of /ready.
func (g *world) readiness() (int, gateway.Health) {
	g.t.Helper()
	status, body := g.status("/ready")
	var h gateway.Health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		g.t.Fatalf("/ready: %v: %s", err, body)
	}
	return status, h
}

// inForce is the digest of the rules in force.
func (g *world) inForce() string {
	g.t.Helper()
	_, h := g.readiness()
	return h.Rules.Digest
}
