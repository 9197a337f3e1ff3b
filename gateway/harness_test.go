package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
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
