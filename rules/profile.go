package rules

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// Profile is what one record's fields get, and why.
type Profile struct {
	masking.Profile
	Kind   string // of record: its selector, or Envelope
	Fields []Decision
	// Limit is how many records with this profile, or with a profile of a lower limit, a response
	// may show; 0: any number.
	Limit int
	// Quotas are the quotas of the roles that permit. A record may be shown if its subject is
	// within any of these quotas; none: any record may.
	Quotas []Quota
	// Roles are the roles that permit, in the order of files (by base name) and lines.
	Roles []string
}

// Quota is how many different subjects a caller may see by a role within a time, which begins anew
// for each subject when it is first seen.
type Quota struct {
	Role     string        `json:"role"`
	Subjects int           `json:"subjects"`
	Window   time.Duration `json:"window"` // nanoseconds
}

// Decision is why a field gets its treatment.
type Decision struct {
	Path      string `json:"path"`
	Type      string `json:"type"`
	Treatment string `json:"treatment"` // as rule files write it
	Reason    Reason `json:"reason"`    // from Permitted to Structure
	// Rule is file:line of the entry that decided; "" where no entry did.
	Rule string `json:"rule,omitempty"`
}

// Profile decides one record of the route's layout as if nothing were on record about its subject.
// kind and inputs are those of [masking.Record]. Equal decisions yield the same pointer.
func (a *Access) Profile(kind int, inputs []masking.Value) *Profile {
	return a.ProfileOf(kind, inputs, Standing{})
}

// ProfileOf decides one record as Profile does, but with what is on record about its subject.
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
	a.weighed = circumstances{
		roles: a.weighed.roles[:0], caps: a.weighed.caps[:0], grants: a.weighed.grants[:0],
	}
	a.about = about{inputs: inputs, holding: a.holding(s)}
	a.values.next(&a.about)
	// An envelope is no record, so no condition that reads a record can be told.
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
		if c := a.set.roles[i].when; c != nil && c.reads &&
			!(a.supposing && kind != masking.Envelope) {
			if why := unmet(c); why != "" {
				skipped.role(a.set, i, why)
				continue
			}
		}
		a.weighed.roles = append(a.weighed.roles, i)
	}
	for _, i := range a.caps {
		if c := a.set.caps[i].when; c != nil && c.reads && unmet(c) == ConditionNotMet {
			skipped.cap(a.set, i)
			continue
		}
		a.weighed.caps = append(a.weighed.caps, i)
	}
	if kind == masking.Envelope { // it has no subject, so neither consent nor grant
		return
	}
	a.weighed.consent = a.about.holding.consent
	for _, i := range a.about.holding.grants {
		allows := func(role int) bool { return slices.Contains(a.set.roles[role].grantable, i) }
		if slices.ContainsFunc(a.weighed.roles, allows) {
			a.weighed.grants = append(a.weighed.grants, i)
		}
	}
}

// encode writes everything that the profile depends on into a.key.
func (a *Access) encode(kind int) {
	a.key = binary.AppendUvarint(a.key[:0], uint64(a.route.index))
	a.key = binary.AppendVarint(a.key, int64(kind))
	a.key = append(append(a.key, a.purpose.name...), 0)
	for _, list := range [...][]int{a.weighed.roles, a.weighed.caps, a.weighed.grants} {
		for _, i := range list {
			a.key = binary.AppendUvarint(a.key, uint64(i)+1)
		}
		a.key = append(a.key, 0)
	}
	if c := a.weighed.consent; c != nil && a.purpose.basis == consentBasis {
		a.key = append(a.key, 1)
		for _, word := range c.Covers {
			a.key = append(binary.AppendUvarint(a.key, uint64(len(word))), word...)
		}
	}
}

// maxProfiles is how many profiles a set keeps. Decisions repeat; where more differ, the set
// forgets all profiles and starts over.
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

// build works out the profile of the record that was weighed last.
func (a *Access) build(kindIndex int) *Profile {
	if kindIndex != masking.Envelope && len(a.weighed.roles) == 0 {
		return &Profile{Kind: a.route.Kind(kindIndex), Profile: masking.Profile{Denied: true}}
	}
	k := a.route.kind(kindIndex)
	p := &Profile{
		Kind:   k.selector,
		Roles:  a.set.names(a.weighed.roles),
		Limit:  mostRecords(a.set.roles, a.weighed.roles),
		Quotas: quotas(a.set.roles, a.weighed.roles),
	}
	for i := range k.all {
		f := &k.all[i]
		if f.typ == embeddedType {
			p.Treatments = append(p.Treatments, masking.Treatment{})
			p.Fields = append(p.Fields, Decision{f.path, embeddedJSON, embeddedJSON, Structure, ""})
			continue
		}
		_, v := a.decide(f, &a.weighed)
		env := treatment.Environment{Type: f.typ.Name}
		// The profile outlives the access, so the function must not hold on to it.
		if keys, purpose := a.set.keys, a.purpose.name; keys != nil {
			env.PseudonymKey = func() ([]byte, int) { return keys.Pseudonym(purpose) }
		}
		t, err := v.expression.Treatment(env)
		if err != nil { // arguments were checked when the rules were loaded
			v = verdict{dropExpression, place{}, KeyMissing}
			t = masking.Treatment{Rank: masking.RankDrop}
		}
		p.Treatments = append(p.Treatments, t)
		p.Fields = append(p.Fields,
			Decision{f.path, f.typ.Name, v.expression.String(), v.reason, v.rule()})
	}
	return p
}

// mostRecords is the highest limit of records of the roles at the indexes; 0 if a role has no
// limit.
func mostRecords(roles []*role, indexes []int) int {
	most := 0
	for _, i := range indexes {
		if roles[i].records == 0 {
			return 0
		}
		most = max(most, roles[i].records)
	}
	return most
}

// quotas are the quotas of the roles at the indexes; nil if a role has no quota.
func quotas(roles []*role, indexes []int) []Quota {
	var list []Quota
	for _, i := range indexes {
		if roles[i].quota == nil {
			return nil
		}
		list = append(list, *roles[i].quota)
	}
	return list
}

// Envelope stands where a kind of record has its selector, and means everything outside records: in
// [Kind.Name], [Profile.Kind], [Account.Kind] and [Change.Kind]. Its index is [masking.Envelope].
const Envelope = "envelope"

// Kinds are the kinds of record of the route's layout, the envelope last. A public route has none.
func (r *Route) Kinds() []Kind {
	if r.Public != "" {
		return nil
	}
	kinds := make([]Kind, 0, len(r.kinds)+1)
	for i := range r.kinds {
		kinds = append(kinds, r.describe(i))
	}
	return append(kinds, r.describe(masking.Envelope))
}

// Kind is a kind of record, or the envelope.
type Kind struct {
	Name   string   // its selector, or [Envelope]
	Fields []string // the selectors of its fields, in the order of [Profile.Fields]
}

func (r *Route) describe(index int) Kind {
	k := r.kind(index)
	fields := make([]string, len(k.all))
	for i, f := range k.all {
		fields[i] = f.path
	}
	return Kind{k.selector, fields}
}
