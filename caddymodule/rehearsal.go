package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// rehearsal runs requests through the exchange that serves them in a gateway, but for what is around the rules: no token is
// verified, no network is asked, nothing is recorded.
type rehearsal struct {
	set     *rules.Set
	metrics *metrics // that nobody reads
}

func newRehearsal(set *rules.Set) (*rehearsal, error) {
	m, err := newMetrics(prometheus.NewRegistry(), new(App))
	return &rehearsal{set, m}, err
}

// begin sets a request up. Limits are a gateway's defaults; no quota has been used.
func (r *rehearsal) begin(t *rules.Test) (*exchange, error) {
	u, err := url.ParseRequestURI(t.Target)
	if err != nil {
		return nil, badRequest.because(reasonPath) // a server refuses it before any handler sees it
	}
	app := &App{PurposeHeader: "Maskgate-Purpose", metrics: r.metrics}
	app.shared.Store(&shared{})
	x := &exchange{
		handler:  &Handler{Timeout: caddy.Duration(time.Minute), MaxResponse: 1 << 20, MaxRequest: 1 << 20, app: app, logger: zap.NewNop()},
		app:      app,
		ruling:   &ruling{Set: r.set},
		upstream: canned{t.Response},
		begin:    t.Request.Time,
		buffers:  new(buffers),
		request: &http.Request{
			Method: t.Method, URL: u, Host: t.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
		},
		entry: entry{standing: func(subject masking.Value) rules.Standing { return t.StandingOf(string(subject.Text)) }},
	}
	if t.Request.Purpose != "" {
		x.request.Header.Set(app.PurposeHeader, t.Request.Purpose)
	}
	if a := t.Request.Caller.Address; a.IsValid() {
		x.request.RemoteAddr = netip.AddrPortFrom(a, 1).String()
	}
	path, err := targetPath(x.request)
	if err != nil {
		return nil, err
	}
	c := t.Request.Caller
	return x, x.admitCaller(auth.Caller{
		ID: c.ID, Roles: c.Roles, Organisation: c.Organisation, Purposes: c.Purposes, AMR: c.AMR, ACR: c.ACR, Region: c.Region,
	}, path)
}

// ask says what the caller of a test gets.
func (r *rehearsal) ask(t *rules.Test) ruletest.Outcome {
	x, err := r.begin(t)
	var out release
	if err == nil {
		out, err = x.fetch()
	}
	var o ruletest.Outcome
	if x != nil {
		o.Route = x.route
	}
	if err != nil {
		why := refusalOf(err)
		o.Refused, o.Cause = string(why.reason), x.causeOf(why)
		return o
	}
	d := &x.buffers.decider
	o.Body, o.Released, o.Denied = bytes.Clone(out.body), x.buffers.report.Records-d.denied, d.denied
	for _, g := range d.groups {
		shown := ruletest.Shown{Profile: g.profile, Records: g.records}
		if tally := x.buffers.report.Of(&g.profile.Profile); tally != nil {
			for _, f := range fields(g.profile, tally) {
				shown.Occurred = append(shown.Occurred, f.Path)
			}
		}
		o.Shown = append(o.Shown, shown)
	}
	return o
}

// explain decides a request as a gateway would, and says why.
func explain(set *rules.Set, t *rules.Test) (*rules.Explanation, error) {
	r, err := newRehearsal(set)
	if err != nil {
		return nil, err
	}
	x, refused := r.begin(t)
	if x == nil || x.route == nil || refused != nil && x.access == nil && refusalOf(refused).status != notPermitted.status {
		why := refusalOf(refused)
		out := &rules.Explanation{RulesDigest: set.Digest(), Refused: rules.Reason(why.reason), Cause: x.causeOf(why)}
		if x != nil && x.route != nil {
			out.Route, out.Service = x.route.Match, x.route.Service
		}
		return out, nil
	}
	var records []rules.Record
	if refused == nil && x.route.Public == "" {
		records = x.records(t)
	}
	why := set.Explain(x.route, x.entry.request, records...)
	if t.Response != nil && why.Refused == "" {
		o := r.ask(t)
		why.Refused, why.Cause = rules.Reason(o.Refused), o.Cause
	}
	return why, nil
}

// causeOf says more of a refusal than a gateway does: names of query parameters are the caller's text, which a gateway keeps out of its log.
func (x *exchange) causeOf(why *refusal) string {
	switch {
	case why.cause != nil:
		return why.cause.Error()
	case why.reason != reasonQuery || x == nil || x.route == nil:
		return ""
	}
	values, err := url.ParseQuery(x.request.URL.RawQuery)
	if err != nil {
		return "the query cannot be read"
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if fault := parameterFault(x.route, name, values[name]); fault != "" {
			faults = append(faults, fault)
		}
	}
	if faults == nil {
		return fmt.Sprintf("the query has more than %d bytes", maxQuery)
	}
	listed := "it lists none"
	if names := x.route.Query(); len(names) > 0 {
		listed = "it lists " + strings.Join(names, ", ")
	}
	return strings.Join(faults, ", ") + "; " + listed + " (query, in the service file)"
}

// canned is a data service that answers what a test says.
type canned struct{ response *rules.TestResponse }

func (c canned) ask(_ *http.Request, buf *bytes.Buffer, limit int64) (answer, error) {
	if c.response == nil {
		return answer{}, upstreamFailed.because(reasonUpstreamDown)
	}
	a := answer{status: c.response.Status, header: http.Header{"Content-Type": {c.response.Type}}}
	for name, value := range c.response.Headers {
		a.header.Set(name, value)
	}
	if !a.carriesData() {
		return a, nil
	}
	buf.Write(c.response.Body)
	if int64(buf.Len()) > limit {
		return a, upstreamRefused.because(reasonTooLarge)
	}
	return a, nil
}

// records are those of what the data service answers to a request that was admitted, in the order of the document; where it
// does not answer, one of each kind, supposing that it is such as roles' conditions want it.
func (x *exchange) records(t *rules.Test) []rules.Record {
	c := collector{exchange: x}
	if t.Response == nil {
		for kind := masking.Envelope; kind < len(x.route.Kinds())-1; kind++ {
			c.records = append(c.records, rules.Record{Kind: kind, Standing: t.StandingOf(""), Supposing: true})
		}
		return c.records
	}
	framing := x.route.Framing(mediaTypeOf(t.Response.Type))
	// Whatever is wrong with the answer, the request is refused for.
	_, _ = x.route.Layout.Append(context.Background(), nil, t.Response.Body, framing, &c, nil)
	return c.records
}

func mediaTypeOf(contentType string) string {
	mediaType, _, _ := mime.ParseMediaType(contentType) // what cannot be parsed is no type that a route has
	return mediaType
}

// collector keeps the records of a response.
type collector struct {
	*exchange
	records []rules.Record
}

// Decide implements [masking.Decider].
func (c *collector) Decide(_ context.Context, records []masking.Record, profiles []*masking.Profile) error {
	for i, r := range records {
		kept := rules.Record{Kind: r.Kind}
		for _, v := range r.Inputs {
			kept.Inputs = append(kept.Inputs, masking.Value{Kind: v.Kind, Text: bytes.Clone(v.Text)})
		}
		if r.Kind != masking.Envelope {
			kept.Standing = c.standing(r.Subject)
		}
		c.records = append(c.records, kept)
		profiles[i] = &c.access.ProfileOf(kept.Kind, kept.Inputs, kept.Standing).Profile
	}
	return nil
}
