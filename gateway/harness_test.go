package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/keys"
	"github.com/maskgate/maskgate/rules"
)

var (
	issuer   *demo.Issuer
	verifier *auth.Verifier // of the issuer's tokens
	agent, _ = demo.Find("customer-service")
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "maskgate-issuer")
		if err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if issuer, err = demo.OpenIssuer(dir); err != nil {
			log.Fatal(err)
		}
		file := filepath.Join(dir, demo.JWKSFile)
		jwks, err := auth.OpenJWKS(context.Background(), file, auth.JWKSOptions{})
		if err != nil {
			log.Fatal(err)
		}
		defer jwks.Close()
		verifier, err = auth.New(auth.Config{
			Issuer: demo.IssuerURL, Audience: []string{demo.Audience},
		}, jwks)
		if err != nil {
			log.Fatal(err)
		}
		log.SetOutput(&standardLog)
		return m.Run()
	}())
}

// standardLog is what the standard logger writes, which all worlds share.
var standardLog memory

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

// world is a gateway that runs behind an HTTP server, in front of one upstream. A test of its own
// has a world of its own, so tests are parallel.
type world struct {
	t    testing.TB
	dir  string // of rules and data
	addr string // of the server

	// What changes set before the world starts.
	options  Options
	handler  Handler
	streams  bool
	narrow   bool     // connections of callers take few bytes that are not read yet
	upstream Upstream // instead of the address that start was given
	level    slog.Level
	logs     func(Log) Log // puts a log of the test's own in front of the one on disk
	quotas   Quotas        // instead of those in memory

	gateway  *Gateway
	state    *State
	log      *memory
	observed *observed
	server   *httptest.Server
	serving  atomic.Int32            // requests that the handler has yet to end
	open     atomic.Int32            // connections of callers
	idle     func()                  // closes connections to the data service that are idle
	front    atomic.Pointer[Handler] // which a reload swaps
	stop     func()                  // ends the world before its test ends
}

// start runs a gateway in front of the data service at an address. The changes come before it is
// made.
func start(t testing.TB, address string, changes ...func(*world)) *world {
	t.Helper()
	w := build(t, address, changes...)
	w.listen()
	return w
}

// build is start without a server.
func build(t testing.TB, address string, changes ...func(*world)) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), log: &memory{}, observed: newObserved(), level: slog.LevelInfo,
		idle: func() {},
	}
	w.options = Options{
		Name: "test", Rules: []string{filepath.Join(w.dir, "rules")},
		// Hundreds of gateways start here, so none waits for its rule files to settle.
		Watch:         Watch{Off: true, Settle: time.Microsecond},
		Authenticator: verifier, Observer: w.observed,
	}
	w.handler = Handler{Name: address}
	w.rules(testService, testPolicy)
	for _, change := range changes {
		change(w)
	}
	w.options.Logger = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{
		Level: w.level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.LevelKey {
				a.Value = slog.StringValue(strings.ToLower(a.Value.String()))
			}
			return a
		},
	}))
	if w.upstream == nil {
		service, err := NewService(address, w.streams)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(service.Retire)
		w.upstream, w.idle = service, service.transport.CloseIdleConnections
	}
	var err error
	if w.state, err = OpenState(w.data(), w.options.Name); err != nil {
		t.Fatal(err)
	}
	if w.logs != nil {
		w.state.log = w.logs(w.state.log)
	}
	if w.quotas != nil {
		w.state.quotas = w.quotas
	}
	if err := w.begin(); err != nil {
		t.Fatalf("starting the gateway: %v", err)
	}
	w.stop = sync.OnceFunc(func() {
		if w.server != nil {
			w.server.CloseClientConnections()
			w.server.Close()
		}
		if err := w.gateway.Stop(); err != nil && w.state.log.Err() == nil {
			t.Errorf("stopping the gateway: %v", err)
		}
		w.gateway.Close()
		if err := w.state.Close(); err != nil && !errors.Is(err, audit.ErrUnwritable) {
			t.Errorf("closing the state: %v", err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// listen serves the world's handler.
func (w *world) listen() {
	serve := func(writer http.ResponseWriter, r *http.Request) {
		w.serving.Add(1)
		defer w.serving.Add(-1)
		w.front.Load().Serve(writer, r, w.upstream)
	}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(serve))
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.Config.ConnState = counted(&w.open)
	if w.narrow {
		w.server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			_ = c.(*net.TCPConn).SetWriteBuffer(4096)
			return ctx
		}
	}
	w.server.Start()
	w.addr = w.server.Listener.Addr().String()
}

// counted counts the connections of a server that are open.
func counted(open *atomic.Int32) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

// ways are the ways in which a data service may be asked, each a change of a world.
var ways = map[string]func(*world){
	"own transport": func(*world) {},
	"guarded":       func(w *world) { w.upstream, w.idle = proxied(w.t, w.handler.Name) },
}

// proxied asks the data service at an address by a reverse proxy behind the guard. idle closes its
// connections that are idle.
func proxied(t testing.TB, address string) (up Upstream, idle func()) {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	return Guarded(func(w http.ResponseWriter, r *http.Request) (failed error) {
		proxy := httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = to.Scheme, to.Host, ""
			},
			Transport:    transport,
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
			ErrorLog:     log.New(io.Discard, "", 0), // it quotes the answer
		}
		proxy.ServeHTTP(w, r)
		return failed
	}), transport.CloseIdleConnections
}

// begin makes a gateway of the options, starts it, and lets the handler serve with it.
func (w *world) begin() error {
	g, err := New(context.Background(), w.options)
	if err != nil {
		return err
	}
	h := w.handler
	h.Gateway = g
	if err = h.Complete(); err == nil {
		err = g.Start(w.state)
	}
	if err != nil {
		g.Close()
		return err
	}
	w.gateway, w.handler = g, h
	w.front.Store(&h)
	return nil
}

// reload does what a change of the configuration does: the gateway of the options as they are now
// starts with the same state, and only then the old one stops. With an error the old one goes on.
func (w *world) reload() error {
	old := w.gateway
	if err := w.begin(); err != nil {
		return err
	}
	defer old.Close()
	return old.Stop()
}

// quick has the rule files watched, and taken soon after they change.
func quick(w *world) { w.options.Watch = Watch{Settle: time.Millisecond} }

func (w *world) rules(service, policy string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "rules")
	err := errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "service.yaml"), []byte(service), 0o600),
		os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600))
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

// inForce is the digest of the rules in force.
func (w *world) inForce() string { return w.gateway.ruling.Load().Digest() }

// token makes a token for a person, which is valid for an hour.
func token(t testing.TB, p demo.Person) string {
	t.Helper()
	text, err := issuer.Token(p, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request makes a request by the agent, for customer service; edits come last.
func (w *world) request(method, path string, edits ...func(*http.Request)) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://"+w.addr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token(w.t, agent))
	r.Header.Set("Maskgate-Purpose", "customer-service")
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// client keeps connections, as callers do; it follows no redirect and decodes no body.
var client = &http.Client{
	Timeout: 20 * time.Second,
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 100, DisableCompression: true, DialContext: dial,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// fresh is a client that keeps no connection.
var fresh = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial},
}

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

func ask(r *http.Request) (seen, error) {
	resp, err := client.Do(r)
	if err != nil {
		return seen{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return seen{resp.StatusCode, resp.Header, body}, err
}

func (w *world) do(r *http.Request) seen {
	w.t.Helper()
	got, err := ask(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return got
}

func (w *world) get(path string, edits ...func(*http.Request)) seen {
	w.t.Helper()
	return w.do(w.request("GET", path, edits...))
}

// raw sends bytes and returns every byte that comes back until the connection ends, or nothing came
// for a while.
func (w *world) raw(text string) []byte {
	w.t.Helper()
	c, err := dial(w.t.Context(), "tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
	all, _ := io.ReadAll(c) // a reset is an end too
	return all
}

// statusOf is the status of the first answer in what came back; 0 if there is none.
func statusOf(all []byte) int {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// head is a request's head for raw, without the last line.
func (w *world) head(line string, more ...string) string {
	lines := append([]string{line, "Host: " + w.addr, "Authorization: Bearer " + token(w.t, agent),
		"Maskgate-Purpose: customer-service", "Connection: close"}, more...)
	return strings.Join(lines, "\r\n") + "\r\n"
}

// records are the access records of a correlation identifier, or all of them.
func (w *world) records(id string) []audit.Record {
	w.t.Helper()
	return w.search(audit.Query{ID: id, Event: audit.EventAccess})
}

// logged is what operators can read: the gateway's own log, and the process's.
func (w *world) logged() string { return w.log.String() + standardLog.String() }

// search finds records in the log on disk.
func (w *world) search(q audit.Query) []audit.Record {
	w.t.Helper()
	var list []audit.Record
	for e, err := range audit.Search(keys.AuditDir(w.data()), q) {
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, e.Record)
	}
	return list
}

// person is a JSON answer about a customer of the agent.
func person(id, name string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"pin":"1234","agentId":%q,"other":"unlisted"}`,
		id, name, agent.ID)
}

// upstreamOf serves a handler over HTTP.
func upstreamOf(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s.URL
}

// script is an upstream that reads a request's head, answers with these bytes and ends the
// connection.
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
	buf bytes.Buffer // guarded by mu
}

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

// observed is an observer that counts.
type observed struct {
	mu     sync.Mutex
	counts map[string]int // guarded by mu
}

func newObserved() *observed { return &observed{counts: map[string]int{}} }

func (o *observed) add(what string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[what] += n
}

// of is how often something was observed: "stage auth", "released <route> <role>", "field
// <treatment>", "refused <route> <role>", "reason <reason>" or "<set> <result>".
func (o *observed) of(what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[what]
}

func (o *observed) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprint(o.counts)
}

func (o *observed) Took(s Stage, _ time.Duration) { o.add("stage "+string(s), 1) }

func (o *observed) Released(r *audit.Record, role string) {
	o.add("released "+r.Route+" "+role, 1)
	for _, p := range r.Profiles {
		for _, f := range p.Fields {
			o.add("field "+f.Treatment, f.Count)
		}
	}
}

func (o *observed) Refused(route, role, reason string) {
	o.add("refused "+route+" "+role, 1)
	o.add("reason "+reason, 1)
}

func (o *observed) Reloaded(set, result string, _ []string) { o.add(set+" "+result, 1) }

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

// ended reports whether a channel is closed.
func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// noPseudonyms stands in for keys where nothing is rewritten.
type noPseudonyms struct{}

func (noPseudonyms) Pseudonym(string) ([]byte, int) { return nil, 0 }

// digestOf is the digest of the rules on disk.
func digestOf(t testing.TB, w *world) string {
	t.Helper()
	files, err := rules.ReadFiles(filepath.Join(w.dir, "rules"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(files, noPseudonyms{})
	if err != nil {
		t.Fatal(err)
	}
	return set.Digest()
}

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
