package rules

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// Caller is who asks.
type Caller struct {
	ID           string
	Roles        []string
	Organisation string
	Region       string
	ACR          string     // authentication context class (OpenID Connect Core §2)
	AMR          []string   // authentication methods (RFC 8176)
	Purposes     []string   // that the token lets them name
	Address      netip.Addr // network address of the connection
}

// Request is what a decision is about, besides the route.
type Request struct {
	Caller  Caller
	Purpose string    // that the caller names
	Time    time.Time // when it is decided; where it is zero, whatever depends on the time is not permitted
}

// Denial is a request that is not admitted.
type Denial struct{ Reason Reason }

func (d *Denial) Error() string { return "not permitted: " + string(d.Reason) }

// Access is an admitted request. It is for one goroutine.
type Access struct {
	set     *Set
	route   *Route
	purpose *purpose
	request Request
	values  values
	about   about
	roles   []int // that permit, or would if their condition held for the record
	caps    []int // that forbid, or would

	// Of the record at hand.
	in  circumstances
	key []byte

	supposing bool // that roles' conditions of records hold
}

// Profile is what one record's fields get, and why.
type Profile struct {
	masking.Profile
	Kind   string // of record: its selector, or EnvelopeKind
	Fields []Decision
	// Limit is how many records with this profile, or one with a lower limit, a response may show; 0 is any number.
	Limit int
	// Quotas are those of the roles that permit; a record may be shown if its subject is within one of them. None: any may.
	Quotas []Quota
	// Roles are those that permit, in the order of files (by base name) and lines.
	Roles []string
}

// Quota is how many different subjects a caller may see by a role within a time, which begins anew for each subject when
// it is first seen.
type Quota struct {
	Role     string        `json:"role"`
	Subjects int           `json:"subjects"`
	Window   time.Duration `json:"window"` // nanoseconds
}

// Decision is why a field gets its treatment.
type Decision struct {
	Path      string `json:"path"`
	Type      string `json:"type"`
	Treatment string `json:"treatment"`      // as rule files write it
	Reason    Reason `json:"reason"`         // one of those from Permitted to Structure
	Rule      string `json:"rule,omitempty"` // file:line of the entry that decided; "" where none did
}

// Route finds the route of a request; nil if there is none. host is as the request names it; path is as the upstream will
// receive it.
func (s *Set) Route(method, host, path string) *Route {
	return s.routes.find(method, hostName(host), path)
}

// Admit decides whether a caller may use a route at all, for the purpose that the route fixes or else for the one they name.
// Its error is a [*Denial].
func (s *Set) Admit(r *Route, q Request) (*Access, error) { return s.admit(r, q, nil) }

func (s *Set) admit(r *Route, q Request, skipped *skipped) (*Access, error) {
	name := cmp.Or(r.Purpose, q.Purpose)
	p := s.purposes[name]
	switch {
	case name == "":
		return nil, &Denial{PurposeMissing}
	case p == nil:
		return nil, &Denial{PurposeUnknown}
	case !slices.Contains(q.Caller.Purposes, name):
		return nil, &Denial{PurposeNotGranted}
	}
	a := &Access{set: s, route: r, purpose: p, request: q}
	a.values.access = a
	denial := NoRole
	for _, i := range p.roles {
		role := s.roles[i]
		if !slices.Contains(q.Caller.Roles, role.name) {
			continue
		}
		why := role.require.met(&a.request)
		if why == "" && role.when != nil && !role.when.reads {
			why = a.unmet(role.when)
		}
		if why != "" {
			skipped.role(a.set, i, why)
			denial = rather(denial, why)
			continue
		}
		a.roles = append(a.roles, i)
	}
	if len(a.roles) == 0 {
		return nil, &Denial{denial}
	}
	for i, c := range s.caps {
		if c.when != nil && !c.when.reads && a.unmet(c.when) == ConditionNotMet {
			skipped.cap(a.set, i)
			continue
		}
		a.caps = append(a.caps, i)
	}
	return a, nil
}

// unmet says why a condition does not hold: it is false, or cannot be told; "" if it holds.
func (a *Access) unmet(c *condition) Reason {
	switch yes, err := c.holds(&a.values); {
	case err != nil:
		return ConditionUnknown
	case !yes:
		return ConditionNotMet
	}
	return ""
}

// Role names the first of the caller's roles that serves the request.
func (a *Access) Role() string { return a.set.roles[a.roles[0]].name }

// Profile decides one record of the route's layout, about whose subject nothing is on record: kind and inputs are as
// [masking.Record] has them. Equal decisions yield the same pointer.
func (a *Access) Profile(kind int, inputs []masking.Value) *Profile {
	return a.ProfileOf(kind, inputs, Standing{})
}

// ProfileOf decides one record, as Profile does, with what is on record about its subject.
func (a *Access) ProfileOf(kind int, inputs []masking.Value, s Standing) *Profile {
	a.weigh(kind, inputs, s, nil)
	a.encode(kind)
	a.set.mu.RLock()
	p := a.set.profiles[string(a.key)]
	a.set.mu.RUnlock()
	if p != nil {
		return p
	}
	return a.set.intern(string(a.key), a.build(kind))
}

// weigh finds out which roles, grants and caps take part in the decision about a record.
func (a *Access) weigh(kind int, inputs []masking.Value, s Standing, skipped *skipped) {
	a.in = circumstances{roles: a.in.roles[:0], caps: a.in.caps[:0], grants: a.in.grants[:0]}
	a.about = about{inputs: inputs, standing: a.resolve(s)}
	a.values.next(&a.about)
	// An envelope is no record: nothing can be told of it.
	unmet := func(c *condition) Reason {
		if kind == masking.Envelope {
			return ConditionUnknown
		}
		return a.unmet(c)
	}
	countless := a.route.kind(kind).countless
	for _, i := range a.roles {
		if countless && a.set.roles[i].quota != nil {
			skipped.role(a.set, i, SubjectUnnamed)
			continue
		}
		if c := a.set.roles[i].when; c != nil && c.reads && !(a.supposing && kind != masking.Envelope) {
			if why := unmet(c); why != "" {
				skipped.role(a.set, i, why)
				continue
			}
		}
		a.in.roles = append(a.in.roles, i)
	}
	for _, i := range a.caps {
		if c := a.set.caps[i].when; c != nil && c.reads && unmet(c) == ConditionNotMet {
			skipped.cap(a.set, i)
			continue
		}
		a.in.caps = append(a.in.caps, i)
	}
	if kind == masking.Envelope {
		return // and it has no subject
	}
	a.in.consent = a.about.standing.consent
	for _, i := range a.about.standing.grants {
		if slices.ContainsFunc(a.in.roles, func(role int) bool { return slices.Contains(a.set.roles[role].grantable, i) }) {
			a.in.grants = append(a.in.grants, i)
		}
	}
}

// encode puts into key all that the profile depends on.
func (a *Access) encode(kind int) {
	a.key = binary.AppendUvarint(a.key[:0], uint64(a.route.index))
	a.key = binary.AppendVarint(a.key, int64(kind))
	a.key = append(append(a.key, a.purpose.name...), 0)
	for _, list := range [...][]int{a.in.roles, a.in.caps, a.in.grants} {
		for _, i := range list {
			a.key = binary.AppendUvarint(a.key, uint64(i)+1)
		}
		a.key = append(a.key, 0)
	}
	if c := a.in.consent; c != nil && a.purpose.basis == consentBasis {
		a.key = append(a.key, 1)
		for _, word := range c.Covers {
			a.key = append(binary.AppendUvarint(a.key, uint64(len(word))), word...)
		}
	}
}

// maxProfiles bounds what is interned. Decisions repeat; a set with more distinct ones starts over.
const maxProfiles = 10_000

func (s *Set) intern(key string, p *Profile) *Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.profiles[key]; first != nil {
		return first
	}
	if len(s.profiles) >= maxProfiles {
		clear(s.profiles)
	}
	s.profiles[key] = p
	return p
}

// build works out the profile of a record that was weighed.
func (a *Access) build(kindIndex int) *Profile {
	if kindIndex != masking.Envelope && len(a.in.roles) == 0 {
		return &Profile{Kind: a.route.Kind(kindIndex), Profile: masking.Profile{Denied: true}}
	}
	k := a.route.kind(kindIndex)
	p := &Profile{Roles: a.set.names(a.in.roles), Kind: k.selector, Limit: mostRecords(a.set.roles, a.in.roles), Quotas: quotas(a.set.roles, a.in.roles)}
	for i := range k.all {
		f := &k.all[i]
		if f.typ == embeddedType {
			p.Treatments = append(p.Treatments, masking.Treatment{})
			p.Fields = append(p.Fields, Decision{f.path, embeddedJSON, embeddedJSON, Structure, ""})
			continue
		}
		_, v := a.decide(f, &a.in)
		env := treatment.Environment{Type: f.typ.Name}
		if keys, purpose := a.set.keys, a.purpose.name; keys != nil { // the profile outlives the access
			env.PseudonymKey = func() ([]byte, int) { return keys.Pseudonym(purpose) }
		}
		t, err := v.expression.Treatment(env)
		if err != nil { // arguments were checked when the rules were loaded
			v, t = verdict{dropExpression, place{}, KeyMissing}, masking.Treatment{Rank: masking.RankDrop}
		}
		p.Treatments = append(p.Treatments, t)
		p.Fields = append(p.Fields, Decision{f.path, f.typ.Name, v.expression.String(), v.reason, v.rule()})
	}
	return p
}

// mostRecords is the most generous limit of the roles; 0 is none.
func mostRecords(all []*role, roles []int) int {
	most := 0
	for _, i := range roles {
		if all[i].records == 0 {
			return 0
		}
		most = max(most, all[i].records)
	}
	return most
}

// quotas are those of the roles; none if one of them has none.
func quotas(all []*role, roles []int) []Quota {
	var list []Quota
	for _, i := range roles {
		if all[i].quota == nil {
			return nil
		}
		list = append(list, *all[i].quota)
	}
	return list
}
