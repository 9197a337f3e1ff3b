package rules

import (
	"cmp"
	"errors"
	"slices"

	"github.com/maskgate/maskgate/masking"
)

// Record is one record of a response, for Explain: the arguments of [Access.ProfileOf].
type Record struct {
	Kind     int
	Inputs   []masking.Value // nil: nothing is known of the record
	Standing Standing
	// Supposing says to take conditions of roles that read the record for true, so that Explain
	// says what would become of such a record.
	Supposing bool
}

// Explanation is a decision with its reasons.
type Explanation struct {
	RulesDigest string    `json:"rules_digest"`
	Route       string    `json:"route"`
	Service     string    `json:"service"`
	Purpose     string    `json:"purpose,omitempty"` // if a policy declares it
	Basis       string    `json:"basis,omitempty"`
	Public      string    `json:"public,omitempty"`  // why responses pass unread
	Refused     Reason    `json:"refused,omitempty"` // "" for an admitted request
	Cause       string    `json:"cause,omitempty"`   // of the refusal, if more can be said
	Skipped     []Entry   `json:"skipped,omitempty"` // roles and caps that take no part
	Records     []Account `json:"records,omitempty"`
}

// Account is the decision about one record.
type Account struct {
	Kind    string        `json:"kind"` // of record: its selector, or Envelope
	Denied  bool          `json:"denied,omitempty"`
	Roles   []string      `json:"roles,omitempty"`   // that permit
	Suppose []Supposition `json:"suppose,omitempty"` // what was taken for granted
	Limit   int           `json:"limit,omitempty"`   // see [Profile]
	Quotas  []Quota       `json:"quotas,omitempty"`  // see [Profile]
	// Skipped are the roles and caps that take part in the request, but not in this record.
	Skipped []Entry        `json:"skipped,omitempty"`
	Fields  []FieldAccount `json:"fields,omitempty"`
}

// Supposition is a role's condition that is supposed to hold for a record of which nothing is
// known.
type Supposition struct {
	Rule string `json:"rule"` // file:line
	Role string `json:"role"`
	When string `json:"when"`
}

// FieldAccount is the decision about one field, and the entries that did not decide it.
type FieldAccount struct {
	Decision
	Others []Entry `json:"others,omitempty"`
}

// Entry is an entry of a policy that did not decide, and why.
type Entry struct {
	Rule      string `json:"rule"`                // file:line
	Role      string `json:"role,omitempty"`      // "" for a cap
	Treatment string `json:"treatment,omitempty"` // that the entry permits or leaves
	Reason    Reason `json:"reason"`
}

// skipped collects the entries that take no part. A nil *skipped collects nothing.
type skipped struct{ entries []Entry }

func (s *skipped) role(set *Set, i int, why Reason) {
	if s != nil {
		s.entries = append(s.entries, Entry{Rule: set.roles[i].at.String(), Role: set.roles[i].name,
			Reason: why})
	}
}

func (s *skipped) cap(set *Set, i int) {
	if s != nil {
		s.entries = append(s.entries, Entry{Rule: set.caps[i].at.String(),
			Treatment: set.caps[i].expression.String(), Reason: ConditionNotMet})
	}
}

// Explain decides as Admit and ProfileOf do, by the same code, and says why. If no record is given,
// it explains the envelope and a record of each kind of the route of which nothing is known.
func (s *Set) Explain(r *Route, q Request, records ...Record) *Explanation {
	name := cmp.Or(r.Purpose, q.Purpose)
	x := &Explanation{RulesDigest: s.digest, Route: r.Match, Service: r.Service}
	if p, ok := s.Purpose(name); ok {
		x.Purpose, x.Basis = p.Name, p.Basis
	}
	if r.Public != "" {
		x.Public = r.Public
		return x
	}
	out := &skipped{}
	for i, role := range s.roles {
		switch {
		case !slices.Contains(q.Caller.Roles, role.name):
			out.role(s, i, RoleNotHeld)
		case !slices.Contains(role.purposes, name):
			out.role(s, i, PurposeNotServed)
		}
	}
	a, err := s.admit(r, q, out)
	x.Skipped = out.entries
	var denial *Denial
	if errors.As(err, &denial) {
		x.Refused = denial.Reason
		return x
	}
	if len(records) == 0 {
		for kind := masking.Envelope; kind < len(r.kinds); kind++ {
			records = append(records, Record{Kind: kind})
		}
	}
	for _, record := range records {
		x.Records = append(x.Records, a.account(record))
	}
	return x
}

// account decides one record and says why.
func (a *Access) account(record Record) Account {
	out := &skipped{}
	if record.Inputs == nil {
		record.Inputs = make([]masking.Value, len(a.set.inputs))
	}
	a.supposing = record.Supposing
	a.weigh(record.Kind, record.Inputs, record.Standing, out)
	p := a.build(record.Kind)
	account := Account{Kind: p.Kind, Denied: p.Denied, Roles: p.Roles, Limit: p.Limit,
		Quotas: p.Quotas, Skipped: out.entries}
	for _, i := range a.weighed.roles {
		if role := a.set.roles[i]; record.Supposing && role.when != nil && role.when.reads {
			account.Suppose = append(account.Suppose, Supposition{role.at.String(), role.name,
				role.when.text})
		}
	}
	fields := a.route.kind(record.Kind).all
	for i, d := range p.Fields {
		account.Fields = append(account.Fields, FieldAccount{d, a.others(&fields[i])})
	}
	return account
}

// others says of each entry that takes part in the record, and did not decide a field, why it did
// not.
func (a *Access) others(f *field) []Entry {
	if f.typ == embeddedType {
		return nil
	}
	permitted, left := a.decide(f, &a.weighed)
	var list []Entry
	note := func(e Entry, at place, about bool) {
		e.Rule = at.String()
		switch {
		case at == left.at:
			return
		case !about:
			e.Reason = SaysNothing
		case e.Role == "":
			e.Reason = LessStrict
		case at == permitted.at || permitted.reason != Permitted && permitted.reason != Granted:
			e.Reason = Overruled
		default:
			e.Reason = LessOpen
		}
		list = append(list, e)
	}
	for _, i := range a.weighed.roles {
		role := a.set.roles[i]
		if p, ok := role.permit(f); ok {
			note(Entry{Role: role.name, Treatment: f.typ.resolve(p.expression).String()}, p.at,
				true)
		} else {
			note(Entry{Role: role.name}, role.at, false)
		}
		for _, able := range role.grantable {
			switch g := &a.set.grantables[able]; {
			case g.Type != f.typ.Name:
			case slices.Contains(a.weighed.grants, able):
				note(Entry{Role: role.name, Treatment: clearExpression.Name}, g.at, true)
			default:
				list = append(list, Entry{Rule: g.at.String(), Role: role.name,
					Treatment: clearExpression.Name, Reason: NoGrant})
			}
		}
	}
	for _, i := range a.weighed.caps {
		c := a.set.caps[i]
		note(Entry{Treatment: c.expression.String()}, c.at, c.covers(f))
	}
	return list
}
