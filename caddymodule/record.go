package caddymodule

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

// record begins the access record with what is known so far.
func (x *exchange) record() audit.Record {
	r := x.request
	record := audit.Record{
		Event: audit.EventAccess, Gateway: x.app.Gateway, Version: version(), RulesDigest: x.ruling.Digest(),
		Access: &audit.Access{
			ID:     x.id,
			Caller: &audit.Caller{Address: address(r)},
			Method: method(r), Upstream: x.handler.Upstream,
			RulesReviewers: x.ruling.Reviewers(),
			Latency:        time.Since(x.begin),
			Protocol:       r.Proto,
		},
	}
	if r.TLS != nil {
		record.TLS = tls.VersionName(r.TLS.Version)
	}
	if c := x.caller; c != nil {
		record.Caller = &audit.Caller{
			ID: c.ID, Roles: c.Roles, Organisation: c.Organisation, TokenID: c.TokenID, Issuer: c.Issuer,
			AMR: c.AMR, ACR: c.ACR, Region: c.Region, Address: address(r),
		}
	}
	if x.route != nil {
		record.Route, record.Service, record.ServiceOwner = x.route.Match, x.route.Service, x.route.Owner
	}
	// A purpose that no policy knows is the caller's free text.
	if p, ok := x.ruling.Purpose(x.purpose); ok {
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

// method is the request's method, unless it is none that a route can have: then it is the caller's free text.
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

// append writes the record and waits until it is durable. The caller's going away does not end the wait.
func (x *exchange) append(record audit.Record) error {
	defer x.app.metrics.since(stageAppend, time.Now())
	if _, err := x.app.shared.Load().log.Append(context.WithoutCancel(x.request.Context()), record); err != nil {
		return unavailable.causedBy(reasonLog, err)
	}
	return nil
}

// recordRelease puts on record what is about to leave.
func (x *exchange) recordRelease(out release, report *masking.Report) error {
	record := x.record()
	record.Decision, record.Status, record.Bytes, record.Part = audit.Released, out.status, int64(len(out.body)), x.part
	x.buffers.decider.describe(&record, report)
	if err := x.append(record); err != nil {
		return err
	}
	x.app.metrics.count(&record, x.role())
	if x.access != nil && out.mediaType != "" {
		d := &x.buffers.decider
		x.ruling.drift.observe(d, report, x.part > 1 && d.framing == masking.Document)
	}
	return nil
}

// refused records and counts a refusal. One that cannot be recorded becomes one that says so.
func (x *exchange) refused(why *refusal) *refusal {
	if why.reason != reasonNotReady {
		record := x.record()
		record.Decision, record.Reason, record.Status = audit.Refused, string(why.reason), why.status
		if x.begun {
			record.Status, record.Part = http.StatusOK, x.part+1 // what the caller was told before, and the part that is missing
		}
		// A log that took no record of the release may take one of the refusal, which is smaller.
		if why.reason != reasonLog {
			x.buffers.decider.name(&record)
		}
		if err := x.append(record); err != nil {
			why = refusalOf(err)
		}
	}
	x.app.metrics.refused(x.routeName(), x.role(), why.reason)
	if why.status >= 500 {
		x.handler.logger.Error("refused", zap.String("reason", string(why.reason)), zap.Int("status", why.status),
			zap.String("correlation_id", x.id), zap.String("route", x.routeName()), zap.NamedError("cause", why.cause))
	}
	return why
}
