package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
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

const testService = `
kind: service
name: people
owner: test
routes:
  - match: GET /v1/people/{id}
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.pin: pin, $.agentId: public}
  - match: POST /v1/people/{id}
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name}
  - match: GET /v1/people
    query: [page, q]
    record: $.items[*]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/lines
    media_types: [application/x-ndjson]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/public
    public: a list of countries
    media_types: [application/json, text/plain]
`

const testPolicy = `
kind: policy
name: test
purposes:
  customer-service: {basis: contract}
  loan-review: {basis: contract}
roles:
  customer-service:
    purposes: [customer-service]
    when: record.agentId == caller.id
    treat: {C1: clear, C2: mask}
  credit-officer:
    purposes: [loan-review]
    require: {amr: [mfa]}
    treat: {C1: clear, C2: clear}
`

// world is a running Caddy with Maskgate in it.
type world struct {
	t             testing.TB
	dir           string // of rules and data
	addr, metrics string
	site          string // directives of the site
	level         string
	options       string // more of the app's
}

// start runs a gateway in front of what the site's directives say. Changes come before it is loaded: Caddy resets
// connections that come right at a reload.
func start(t testing.TB, site string, changes ...func(*world)) *world {
	t.Helper()
	g := &world{t: t, dir: t.TempDir(), addr: freeAddress(t), metrics: freeAddress(t), site: site, level: "INFO"}
	for g.metrics == g.addr {
		g.metrics = freeAddress(t) // the system gives the same port twice now and then
	}
	g.rules(testService, testPolicy)
	for _, change := range changes {
		change(g)
	}
	captured.reset()
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

// await waits until an address answers: Caddy resets connections that come right at a load. What it sends is no request, so
// no handler sees it.
func (g *world) await(addr string) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
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
	dir := filepath.Join(g.dir, "rules")
	for name, text := range map[string]string{"service.yaml": service, "policy.yaml": policy} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			g.t.Fatal(err)
		}
	}
}

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
`, g.level, g.data(), filepath.Join(g.dir, "rules"), demo.IssuerURL, demo.Audience, filepath.Join(issuerDir, demo.JWKSFile),
		g.options, strings.Replace(g.addr, "127.0.0.1", "", 1), g.site, strings.Replace(g.metrics, "127.0.0.1", "", 1))
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

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func token(t testing.TB, p demo.Person) string {
	t.Helper()
	text, err := issuer.Token(p, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request makes a request by the agent, for customer service; edits come last.
func (g *world) request(method, path string, edits ...func(*http.Request)) *http.Request {
	g.t.Helper()
	r, err := http.NewRequest(method, "http://"+g.addr+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token(g.t, agent))
	r.Header.Set("Maskgate-Purpose", "customer-service")
	for _, edit := range edits {
		edit(r)
	}
	return r
}

var client = &http.Client{
	Timeout:       20 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true, DialContext: dial},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// fresh is a client that keeps no connection.
var fresh = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}

// dial connects, and tries again where it could not: no answer was begun then.
func dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	for range 5 {
		if c, err = new(net.Dialer).DialContext(ctx, network, addr); err == nil {
			break
		}
	}
	return c, err
}

// seen is an answer, whole.
type seen struct {
	status int
	header http.Header
	body   []byte
}

func (g *world) do(r *http.Request) seen {
	g.t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		g.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatalf("%s %s: reading: %v", r.Method, r.URL.Path, err)
	}
	return seen{resp.StatusCode, resp.Header, body}
}

func (g *world) get(path string, edits ...func(*http.Request)) seen {
	g.t.Helper()
	return g.do(g.request("GET", path, edits...))
}

// raw sends bytes and returns every byte that comes back until the connection ends, or nothing came for a while.
func (g *world) raw(text string) []byte {
	g.t.Helper()
	c, err := dial(g.t.Context(), "tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		g.t.Fatal(err)
	}
	all, _ := io.ReadAll(c) // a reset is an end too
	return all
}

// head is a request's head for raw, without the last line.
func (g *world) head(line string, more ...string) string {
	lines := append([]string{line, "Host: " + g.addr, "Authorization: Bearer " + token(g.t, agent),
		"Maskgate-Purpose: customer-service", "Connection: close"}, more...)
	return strings.Join(lines, "\r\n") + "\r\n"
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
	resp, err := fresh.Get("http://" + g.metrics + path)
	for range 5 { // the loopback of a sandbox resets a connection now and then; no test is about that of the metrics
		if err == nil {
			break
		}
		resp, err = fresh.Get("http://" + g.metrics + path)
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

// person is a JSON answer about a customer of the agent.
func person(id, name string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"pin":"1234","agentId":%q,"other":"unlisted"}`, id, name, agent.ID)
}

// upstreamOf serves a handler over HTTP.
func upstreamOf(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s.URL
}

// script is an upstream that reads a request's head, answers with these bytes and ends the connection.
func script(t testing.TB, answer string) string { return scriptThen(t, answer, func(net.Conn) {}) }

func scriptThen(t testing.TB, answer string, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, answer)
					then(c)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// memory is a log writer that keeps all.
type memory struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var captured memory

func (m *memory) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf.Write(b)
}

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf.String()
}

func (m *memory) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buf.Reset()
}

// memoryLog is the log writer module of captured.
type memoryLog struct{}

func (memoryLog) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.test_memory", New: func() caddy.Module { return new(memoryLog) }}
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
	return caddy.ModuleInfo{ID: "http.handlers.test_upstream", New: func() caddy.Module { return new(scripted) }}
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
	httpcaddyfile.RegisterHandlerDirective("test_upstream", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return scripted{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_upstream", httpcaddyfile.Before, "reverse_proxy")
}

// headerOf returns a header's names and values, but for those that differ from run to run.
func headerOf(h http.Header, without ...string) map[string]string {
	flat := map[string]string{}
	for name, v := range maps.All(h) {
		flat[name] = strings.Join(v, " | ")
	}
	for _, name := range without {
		delete(flat, name)
	}
	return flat
}

const correlationHeader = "X-Correlation-Id"

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// as has the request made by the agent with something about them changed.
func as(t testing.TB, change func(*demo.Person)) func(*http.Request) {
	p := agent
	change(&p)
	return header("Authorization", "Bearer "+token(t, p))
}

// quick is what tests of watching say of it.
const quick = "watch {\n settle 1ms\n}\n"

// readiness is what /ready says.
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
