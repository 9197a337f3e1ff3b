package gateway

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// record puts on record what is about to leave. Only what it returns can be sent.
func (x *exchange) record(a *admission, out release) (recorded, error) {
	doc, d := out.document, &x.buffers.decider
	record := x.accessRecord(a)
	record.Decision, record.Status = audit.Released, doc.status
	record.Bytes, record.Part = int64(len(out.body)), out.part
	d.describe(&record, out.report)
	if err := x.append(record); err != nil {
		return recorded{}, err
	}
	x.gateway.options.Observer.Released(&record, a.role())
	if doc.hasRecords() {
		x.ruling.drift.observe(d, out.report, out.part > 1 && doc.framing == masking.Document)
	}
	return recorded{out}, nil
}

// recordRefusal records and counts a refusal, and returns it; or, if the log takes no record of it,
// the refusal that says so. part is the window of a stream that is refused; 0 if the answer has not
// begun.
func (x *exchange) recordRefusal(a *admission, why *refusal, part int) *refusal {
	if why.reason != reasonNotReady {
		record := x.accessRecord(a)
		record.Decision, record.Status = audit.Refused, why.status
		record.Reason = string(why.reason)
		if part > 0 {
			record.Status, record.Part = http.StatusOK, part // what the caller was told before
		}
		// A log that took no record of the release may take one of the refusal, which is smaller.
		if why.reason != reasonLog {
			x.buffers.decider.name(&record)
		}
		if err := x.append(record); err != nil {
			why = refusalOf(err)
		}
	}
	x.gateway.options.Observer.Refused(a.routeName(), a.role(), string(why.reason))
	if why.status >= 500 {
		attributes := []any{
			slog.String("reason", string(why.reason)), slog.Int("status", why.status),
			slog.String("correlation_id", x.id), slog.String("route", a.routeName()),
		}
		if why.cause != nil {
			attributes = append(attributes, slog.String("cause", why.cause.Error()))
		}
		x.handler.Logger.Error("refused", attributes...)
	}
	return why
}

// append writes an access record and waits until it is durable, even if the caller goes away.
func (x *exchange) append(record audit.Record) error {
	defer x.gateway.took(StageAppend, time.Now())
	ctx := context.WithoutCancel(x.request.Context())
	if _, err := x.gateway.state.Load().log.Append(ctx, record); err != nil {
		return unavailable.causedBy(reasonLog, err)
	}
	return nil
}

// accessRecord begins the access record with what is known so far.
func (x *exchange) accessRecord(a *admission) audit.Record {
	r := x.request
	caller := &audit.Caller{Address: address(r)}
	if c := a.caller; c != nil {
		caller.ID, caller.Roles, caller.Organisation = c.ID, c.Roles, c.Organisation
		caller.Region, caller.AMR, caller.ACR = c.Region, c.AMR, c.ACR
		caller.TokenID, caller.Issuer = c.TokenID, c.Issuer
	}
	record := audit.Record{
		Event: audit.EventAccess, Gateway: x.gateway.Name(), Version: Version(),
		RulesDigest: x.ruling.Digest(),
		Access: &audit.Access{
			ID: x.id, Caller: caller,
			Method: method(r), Upstream: x.handler.Name, Protocol: r.Proto,
			RulesReviewers: x.ruling.Reviewers(), Latency: x.handler.Now().Sub(x.begin),
		},
	}
	if r.TLS != nil {
		record.TLS = tls.VersionName(r.TLS.Version)
	}
	if route := a.route; route != nil {
		record.Route = route.Match
		record.Service, record.ServiceOwner = route.Service, route.Owner
	}
	// A purpose that no policy knows is the caller's free text.
	if p, ok := x.ruling.Purpose(a.purpose); ok {
		record.Purpose, record.Basis, record.BasisDocument = p.Name, p.Basis, p.Document
	}
	return record
}

// ruleFiles says who answers for the rules in force.
func ruleFiles(set *rules.Set) []audit.RuleFile {
	var list []audit.RuleFile
	for _, f := range set.Files() {
		list = append(list, audit.RuleFile(f))
	}
	return list
}

// method is the request's method, unless no route can have it: then it is the caller's free text.
func method(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return r.Method
	}
	return "other"
}

// address is the network address of the peer, without the port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
