package gateway

import (
	"bytes"
	"context"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// Explain decides the request of a test as a gateway would, by the stages that serve requests, and
// says why. If the test has a response that can be read, Explain explains each of the response's
// records; else one record of each kind, supposing that the record is as the conditions of roles
// want it. The explanation's Refused says why a gateway would refuse the request, if it would. Many
// goroutines may explain by one set.
func Explain(set *rules.Set, t *rules.Test) *rules.Explanation {
	r, err := newRehearsal(set, t)
	if err != nil {
		return &rules.Explanation{
			RulesDigest: set.Digest(), Refused: rules.Reason(ReasonOf(err)),
		}
	}
	var a admission
	refused := r.exchange.admit(&a)
	if refused != nil && (a.route == nil || refusalOf(refused).status != notPermitted.status) {
		why := refusalOf(refused)
		x := &rules.Explanation{
			RulesDigest: set.Digest(), Refused: rules.Reason(why.reason),
			Cause: r.causeOf(why, a.route),
		}
		if a.route != nil {
			x.Route, x.Service = a.route.Match, a.route.Service
		}
		return x
	}
	var records []rules.Record
	if refused == nil && a.route.Public == "" {
		if t.Response != nil {
			records = r.records(&a)
		}
		if len(records) == 0 {
			records = r.supposed(a.route)
		}
	}
	x := set.Explain(a.route, a.request, records...)
	if t.Response != nil && x.Refused == "" {
		o := Rehearse(set)(t)
		x.Refused, x.Cause = rules.Reason(o.Refused), o.Cause
	}
	return x
}

// supposed returns one record of each kind, of which nothing is known.
func (r *rehearsal) supposed(route *rules.Route) (list []rules.Record) {
	for kind := masking.Envelope; kind < len(route.Kinds())-1; kind++ {
		list = append(list, rules.Record{
			Kind: kind, Standing: r.test.StandingOf(""), Supposing: true,
		})
	}
	return list
}

// records returns the records of what the data service answers to a request that was admitted, in
// the order of the document. It returns no error: the rehearsal refuses the request for whatever is
// wrong with the answer.
func (r *rehearsal) records(a *admission) []rules.Record {
	x := r.exchange
	answer, err := x.upstream.Ask(x.request, &x.buffers.upstream, x.handler.MaxResponse)
	if err != nil {
		return nil
	}
	doc, err := answer.open(a.route, x.buffers.upstream.Bytes())
	if err != nil {
		return nil
	}
	c := collector{rehearsal: r, admission: a}
	_, _ = doc.rewrite(x.request.Context(), &c, x.buffers)
	return c.kept
}

// collector keeps the records of a document.
type collector struct {
	*rehearsal
	admission *admission
	kept      []rules.Record
}

// Decide implements [masking.Decider].
func (c *collector) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	for i, r := range records {
		kept := rules.Record{Kind: r.Kind}
		for _, v := range r.Inputs {
			v.Text = bytes.Clone(v.Text)
			kept.Inputs = append(kept.Inputs, v)
		}
		if r.Kind != masking.Envelope && r.Subject.Kind != masking.Invalid {
			kept.Standing = c.test.StandingOf(string(r.Subject.Text))
		}
		c.kept = append(c.kept, kept)
		profiles[i] = &c.admission.access.ProfileOf(kept.Kind, kept.Inputs, kept.Standing).Profile
	}
	return nil
}
