// Package gateway takes one request from the caller's token to the bytes that are released, and
// keeps the rules in force. It knows net/http and log/slog; Caddy's side is package caddymodule.
//
// # The way of a request
//
// A [Handler] stands in front of one data service. A request goes through stages, each of which
// hands a typed value to the next, and is refused at the first that fails:
//
//	admit    request    -> admission  who asks, for what, and whether the rules let them in
//	ask      admission  -> document   what the data service answered, checked against the route
//	rewrite  document   -> release    each record decided, its fields treated
//	record   release    -> recorded   on disk, in the access log
//	send     recorded   -> bytes      only what is recorded can be sent
//
// An answer that is too large for the buffer goes through the last three stages window by window.
// Every refusal is a problem document (RFC 9457), and is on record too.
//
// There is one way from an [Answer] to decided bytes, and all take it: the request itself, the
// shadow (rules that are not in force, beside those that are), the recording of shapes, and the
// tests of rules ([Rehearse], [Explain]).
//
// # What requests share
//
// A [Gateway] holds the rules in force, which change with their files, and what the configuration
// says. A [State] is a data directory in use: keys, access log, quotas. It outlives a change of the
// configuration: the new Gateway starts with it before the old one stops.
//
// What may be done in more than one way is an interface of one to four methods: [Authenticator],
// [Standings], [Quotas], [Log], [Upstream], [Observer]. Package gatewaytest has a contract test for
// each interface that may have several implementations. Implementations stand elsewhere: kinds of
// credentials in package auth, stores of counts in package quota, stores of consents and grants in
// a package consent, beside quota, once there is one. Who embeds a Gateway chooses them in its
// [Options]; caddymodule's app.go does. What ships or indexes access records is no Log: it reads
// audit.Follow.
//
// # Where things are
//
// The stages: handler.go begins, exchange.go leads from stage to stage; admit.go with target.go
// (path, route, query); upstream.go, guard.go and body.go ask; rewrite.go is the one way (whatever
// an answer must go through before it is decided, such as decoding, goes into its function open);
// decider.go and standings.go decide each record; stream.go does so window by window; record.go
// records; reply.go sends. problem.go has all refusals, header.go all that decides about headers,
// buffers.go what requests reuse, stdlog.go what is cut out of the standard log.
//
// What requests share: gateway.go and seams.go (the interfaces); state.go; ruling.go (which rules
// are in force), source.go (files to sets) and reload.go (when); shadow.go; drift.go and
// unlisted.go notice that a data service has changed; shapes.go records what answers look like;
// status.go tells operators; version.go.
//
// The tests of rules: rehearsal.go and explain.go.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// Options are what a configuration says of a gateway.
type Options struct {
	// Name names the gateway in the access log. Default: the host's name.
	Name string

	// Rules are the rule files, or directories of them. Required.
	Rules []string

	// Shadow are the rule files, or directories of them, of a set that stands beside the one in
	// force: it decides requests too, and nothing leaves by it. Default: none.
	Shadow []string

	// Watch says how changes of rule files are noticed.
	Watch Watch

	// Drift is the number of responses of a route, in a row, after which a selector that matched
	// nothing in them is reported. Below 0 nobody looks for such selectors, nor for members that no
	// rule lists. Default: 1000.
	Drift int

	// PurposeHeader is the request header that names the purpose of an access, where the route does
	// not fix one. Default: [DefaultPurposeHeader].
	PurposeHeader string

	// Authenticator says who asks. Required.
	Authenticator Authenticator

	// Standings says what is on record about subjects. Nil: nothing is on record.
	Standings Standings

	// Observer is told what happens. Nil: nobody is.
	Observer Observer

	// Logger is for the gateway's operators. Required.
	Logger *slog.Logger
}

// DefaultPurposeHeader is the request header that names the purpose, unless options say another.
const DefaultPurposeHeader = "Maskgate-Purpose"

// A Gateway is what the requests of all handlers share under one configuration. Many goroutines may
// call its methods at once, but for Start, Stop and Close.
type Gateway struct {
	options Options

	ruling       atomic.Pointer[ruling]
	source       *source // of rules
	shadowSource *source // nil without a shadow
	shadowJobs   shadowJobs
	watching     func() // ends it; nil if rule files are not watched

	state   atomic.Pointer[State] // nil until Start
	settled chan struct{}         // closed once it is known whether Start succeeded
	settle  sync.Once
}

// New makes a gateway and loads its rules. It opens nothing that another gateway may have open, so
// a configuration can be validated beside one that runs. Its error joins all faults; if ctx ends
// while the rule files are read, that is one of them.
func New(ctx context.Context, o Options) (*Gateway, error) {
	var faults []error
	if o.PurposeHeader != "" && !rules.IsHeaderName(o.PurposeHeader) {
		faults = append(faults, errors.New("purpose_header: want the name of a header"))
	}
	if o.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			faults = append(faults, fmt.Errorf("naming the gateway: %w; set gateway", err))
		}
		o.Name = host
	}
	g := newGateway(o)
	if len(o.Rules) == 0 {
		faults = append(faults, errors.New("set rules, the rule files or their directory"))
	} else if err := g.loadRules(ctx); err != nil {
		faults = append(faults, err)
	}
	return g, errors.Join(faults...)
}

// newGateway makes a gateway without rules.
func newGateway(o Options) *Gateway {
	o.Watch.complete()
	if o.Drift == 0 {
		o.Drift = 1000
	}
	if o.PurposeHeader == "" {
		o.PurposeHeader = DefaultPurposeHeader
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Gateway{options: o, settled: make(chan struct{})}
}

// Name is the gateway's name in the access log.
func (g *Gateway) Name() string { return g.options.Name }

// Pseudonym implements [rules.Keys], once the gateway has started. Each purpose has a key of its
// own, so that pseudonyms cannot be joined across purposes.
func (g *Gateway) Pseudonym(purpose string) (key []byte, version int) {
	k := g.state.Load().keys.Pseudonym(purpose)
	return k.Secret, k.Version
}

// Start puts the rules in force, and begins to watch their files. When it returns, that is on
// record, and requests are served. If it fails, requests that wait for it are refused once Close is
// called.
func (g *Gateway) Start(s *State) error {
	if err := s.begin(g); err != nil {
		return err
	}
	g.state.Store(s)
	g.settle.Do(func() { close(g.settled) })
	g.watchRules()
	return nil
}

// Stop ends the watching of rule files, and takes the gateway's rules out of force. The rules of a
// gateway that was started later, with the same state, stay in force. If there is none, and an
// earlier one has not stopped, the earlier one's rules are in force again; Stop returns an error if
// that cannot be put on record. Requests may still be in flight, so the state must stay open until
// Close.
func (g *Gateway) Stop() error {
	g.stopWatching()
	if s := g.state.Load(); s != nil {
		return s.end(g)
	}
	return nil
}

// Close releases what the gateway holds, but for its state. It may follow a Start that failed.
func (g *Gateway) Close() {
	g.stopWatching()
	g.settle.Do(func() { close(g.settled) })
}

// startWait is how long a request waits for the gateway to start.
const startWait = 10 * time.Second

// ready reports whether the gateway has started, and waits for that. A server may listen a moment
// before, on every reload too, so requests may come early.
func (g *Gateway) ready(ctx context.Context) bool {
	if g.state.Load() != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	select {
	case <-g.settled:
	case <-ctx.Done():
	}
	return g.state.Load() != nil
}

// took tells the observer how long a stage took that began at a time.
func (g *Gateway) took(stage Stage, begin time.Time) {
	g.options.Observer.Took(stage, time.Since(begin))
}

var _ rules.Keys = (*Gateway)(nil)
