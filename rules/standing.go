package rules

import (
	"slices"
	"time"
)

// Standing is what is on record about one subject: what they consented to, and the exceptions that
// were approved. With the zero value, purposes that rest on consent show public fields only, and no
// grant holds.
type Standing struct {
	Consents []Consent // the first that holds for the request counts
	Grants   []Grant
}

// Consent is a subject's authorisation (PIPL Art. 14, 23, 29).
type Consent struct {
	ID         string
	Purposes   []string
	Covers     []string  // types, classes and levels; for sensitive fields see coversField
	Recipients []string  // organisations; none: any
	Notice     string    // version of the notice that the subject was shown
	Granted    time.Time // zero: never
	Expires    time.Time // zero: not at a fixed time
	Withdrawn  time.Time // zero: not withdrawn
}

// holds reports whether the subject consents to this access. To a request without a time, nobody
// does.
func (c *Consent) holds(purpose string, q *Request) bool {
	return slices.Contains(c.Purposes, purpose) &&
		(len(c.Recipients) == 0 || q.Caller.Organisation != "" && slices.Contains(c.Recipients,
			q.Caller.Organisation)) &&
		during(q.Time, c.Granted, c.Expires) && (c.Withdrawn.IsZero() || q.Time.Before(c.Withdrawn))
}

// coversField reports whether the consent covers a field. A sensitive field is covered by its type,
// or by the word sensitive, but by no class or level: PIPL Art. 29 wants a separate consent.
func (c *Consent) coversField(f *field) bool {
	if f.typ.Sensitive {
		return slices.Contains(c.Covers, f.typ.Name) || slices.Contains(c.Covers, sensitive)
	}
	return slices.ContainsFunc([]string{f.typ.Name, f.typ.Class, f.typ.Level},
		func(word string) bool {
			return word != "" && slices.Contains(c.Covers, word)
		})
}

func (c *Consent) variable() map[string]any {
	return known(map[string]any{
		"id": c.ID, "purposes": c.Purposes, "covers": c.Covers, "recipients": c.Recipients,
		"notice":  c.Notice,
		"granted": c.Granted, "expires": c.Expires,
	})
}

// Grantable is an exception that a policy allows: fields of a type may be granted to a role.
type Grantable struct {
	Role     string
	Type     string
	Approver string        // role that whoever approves must have
	TTL      time.Duration // how long a grant holds from its approval
	Uses     int           // how many accesses it is good for; 0: any number
}

// Grant is an approved exception: for one caller, the fields of some types of one subject's records
// are shown in clear.
type Grant struct {
	ID            string
	Caller        string // id of the caller
	Purpose       string
	Types         []string
	Approver      string // id; never the caller's own
	ApproverRoles []string
	Approved      time.Time
	Expires       time.Time // zero: when the policy's ttl ends
	Used          int       // how many accesses it was used for before this one
}

// holds reports whether the grant is good for this access to fields of a type, on the terms of the
// policy in force.
func (g *Grant) holds(able *grantable, purpose string, q *Request) bool {
	return g.Caller != "" && g.Caller == q.Caller.ID && g.Purpose == purpose &&
		slices.Contains(g.Types, able.Type) &&
		g.Approver != "" && g.Approver != g.Caller && slices.Contains(g.ApproverRoles,
		able.Approver) &&
		during(q.Time, g.Approved, g.Expires) && q.Time.Before(g.Approved.Add(able.TTL)) &&
		(able.Uses == 0 || g.Used < able.Uses)
}

func (g *Grant) variable() map[string]any {
	return known(map[string]any{"id": g.ID, "types": g.Types, "approver": g.Approver,
		"approved": g.Approved, "expires": g.Expires})
}

// during reports whether now is at or after from, and before to. A zero to is never; with a zero
// now or from, during reports false.
func during(now, from, to time.Time) bool {
	return !now.IsZero() && !from.IsZero() && !now.Before(from) && (to.IsZero() || now.Before(to))
}

// ReadsStandings reports whether a decision under this access may depend on what is on record about
// a subject. If not, [Access.ProfileOf] decides alike whatever the [Standing], so nobody need look
// one up. It may, where the purpose rests on consent, where a role that may permit allows grants,
// and where a condition that may decide reads consent or grant.
func (a *Access) ReadsStandings() bool {
	reads := func(c *condition) bool { return c != nil && c.readsStanding }
	return a.purpose.basis == consentBasis ||
		slices.ContainsFunc(a.roles, func(i int) bool {
			r := a.set.roles[i]
			return len(r.grantable) > 0 || reads(r.when)
		}) ||
		slices.ContainsFunc(a.caps, func(i int) bool { return reads(a.set.caps[i].when) })
}

// holding is the part of a Standing that holds for one access.
type holding struct {
	consent *Consent
	grant   *Grant // the first that holds
	grants  []int  // indexes of the set's grantables for which a grant holds
}

func (a *Access) holding(s Standing) holding {
	var have holding
	for i := range s.Consents {
		if s.Consents[i].holds(a.purpose.name, &a.request) {
			have.consent = &s.Consents[i]
			break
		}
	}
	if len(s.Grants) == 0 {
		return have
	}
	for _, role := range a.roles {
		for _, index := range a.set.roles[role].grantable {
			able := &a.set.grantables[index]
			i := slices.IndexFunc(s.Grants, func(g Grant) bool {
				return g.holds(able, a.purpose.name, &a.request)
			})
			if i < 0 {
				continue
			}
			have.grants = append(have.grants, index)
			if have.grant == nil {
				have.grant = &s.Grants[i]
			}
		}
	}
	return have
}
