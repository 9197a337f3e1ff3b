package gateway

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
)

// A rehearsal runs a test of rules through the stages that serve a request. The test says what is
// around the stages: who asks, what the data service answers, what is on record about subjects. The
// access log is in memory, and no quota has been used.
type rehearsal struct {
	test     *rules.Test
	exchange *exchange
	log      memoryLog
}

// Rehearse returns a gateway that runs tests of a set of rules. Many goroutines may run tests at
// once.
func Rehearse(set *rules.Set) ruletest.Gateway {
	return func(t *rules.Test) ruletest.Outcome {
		r, err := newRehearsal(set, t)
		if err != nil {
			return ruletest.Outcome{Refused: ReasonOf(err)}
		}
		o, out := r.run()
		return r.outcomeOf(&o, &out)
	}
}

// newRehearsal sets a test up, with a gateway's defaults. It returns an error for a request that a
// server refuses before any handler sees it.
func newRehearsal(set *rules.Set, t *rules.Test) (*rehearsal, error) {
	u, err := url.ParseRequestURI(t.Target)
	if err != nil {
		return nil, badRequest.because(reasonPath)
	}
	r := &rehearsal{test: t}
	g := newGateway(Options{
		Name: "test", Authenticator: r, Standings: r, Logger: slog.New(slog.DiscardHandler),
	})
	g.ruling.Store(&ruling{Set: set})
	// Nobody reads the log, so a key that is no secret makes its pseudonyms.
	g.state.Store(newState("test", &r.log, []audit.SubjectKey{{}}))
	h := &Handler{Gateway: g, Now: func() time.Time { return t.Request.Time }}
	if err := h.Complete(); err != nil {
		return nil, err
	}
	request := &http.Request{
		Method: t.Method, URL: u, Host: t.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody,
	}
	if t.Request.Purpose != "" {
		request.Header.Set(DefaultPurposeHeader, t.Request.Purpose)
	}
	if a := t.Request.Caller.Address; a.IsValid() {
		request.RemoteAddr = netip.AddrPortFrom(a, 1).String()
	}
	r.exchange = h.exchange(request, canned{t.Response})
	return r, nil
}

func (r *rehearsal) run() (outcome, recorded) {
	return r.exchange.run(newReply(httptest.NewRecorder(), r.exchange))
}

// outcomeOf says what the caller of the test gets.
func (r *rehearsal) outcomeOf(o *outcome, out *recorded) ruletest.Outcome {
	defer r.exchange.buffers.free()
	have := ruletest.Outcome{Route: o.admission.route}
	if o.err != nil {
		why := refusalOf(o.err)
		have.Refused, have.Cause = string(why.reason), r.causeOf(why, o.admission.route)
		return have
	}
	d, report := &r.exchange.buffers.decider, out.report
	have.Body, have.Released, have.Denied = bytes.Clone(out.body), report.Records-d.denied, d.denied
	for _, g := range d.groups {
		shown := ruletest.Shown{Profile: g.profile, Records: g.records}
		if tally := report.Of(&g.profile.Profile); tally != nil {
			for _, f := range fields(g.profile, tally) {
				shown.Occurred = append(shown.Occurred, f.Path)
			}
		}
		have.Shown = append(have.Shown, shown)
	}
	return have
}

// causeOf returns what a test is told of a refusal beyond its reason; "" if that is all. Names of
// query parameters are among it: a gateway keeps them out of its log, since they are the caller's
// text.
func (r *rehearsal) causeOf(why *refusal, route *rules.Route) string {
	switch {
	case why.cause != nil:
		return why.cause.Error()
	case why.reason != reasonQuery || route == nil:
		return ""
	}
	values, err := url.ParseQuery(r.exchange.request.URL.RawQuery)
	if err != nil {
		return "the query cannot be read"
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if fault := parameterFault(route, name, values[name]); fault != "" {
			faults = append(faults, fault)
		}
	}
	if faults == nil {
		return fmt.Sprintf("the query has more than %d bytes", maxQuery)
	}
	listed := "it lists none"
	if names := route.Query(); len(names) > 0 {
		listed = "it lists " + strings.Join(names, ", ")
	}
	return strings.Join(faults, ", ") + "; " + listed + " (query, in the service file)"
}

// Authenticate implements [Authenticator]: the test says who asks.
func (r *rehearsal) Authenticate(context.Context, *http.Request) (auth.Caller, error) {
	c := r.test.Request.Caller
	return auth.Caller{
		ID: c.ID, Organisation: c.Organisation, Region: c.Region, ACR: c.ACR,
		Roles: slices.Clone(c.Roles), Purposes: slices.Clone(c.Purposes), AMR: slices.Clone(c.AMR),
		Expires: r.test.Request.Time.AddDate(1, 0, 0), // a test has no token that could expire
	}, nil
}

// Standings implements [Standings]: the test says what is on record.
func (r *rehearsal) Standings(
	_ context.Context, _ rules.Request, subjects []Subject,
) ([]rules.Standing, error) {
	list := make([]rules.Standing, len(subjects))
	for i, s := range subjects {
		list[i] = r.test.StandingOf(s.ID)
	}
	return list, nil
}

// canned is a data service that answers what a test says.
type canned struct{ response *rules.TestResponse }

// Ask implements [Upstream].
func (c canned) Ask(_ *http.Request, buf *bytes.Buffer, limit int64) (Answer, error) {
	if c.response == nil {
		return Answer{}, upstreamFailed.because(reasonUpstreamDown)
	}
	a := Answer{Status: c.response.Status, Header: http.Header{"Content-Type": {c.response.Type}}}
	for name, value := range c.response.Headers {
		a.Header.Set(name, value)
	}
	if !a.CarriesData() {
		return a, nil
	}
	if int64(len(c.response.Body)) > limit {
		return a, upstreamRefused.because(reasonTooLarge)
	}
	buf.Write(c.response.Body)
	return a, nil
}

// memoryLog is a log that forgets with the process.
type memoryLog struct {
	mu      sync.Mutex
	records []audit.Record // guarded by mu
}

// Append implements [Log].
func (l *memoryLog) Append(_ context.Context, r audit.Record) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return int64(len(l.records) - 1), nil
}

// Err implements [Log].
func (l *memoryLog) Err() error { return nil }
