package rules

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
)

// Caller is who asks.
type Caller struct {
	ID           string
	Roles        []string
	Organisation string
	Region       string
	ACR          string   // authentication context class (OpenID Connect Core §2)
	AMR          []string // authentication methods (RFC 8176)
	Purposes     []string // that the token lets them name
}

// Reason is why a request or record is refused. It is one of the constants below.
type Reason string

const (
	PurposeMissing    Reason = "purpose_missing"     // the request names no purpose
	PurposeUnknown    Reason = "purpose_unknown"     // no policy knows the purpose
	PurposeNotGranted Reason = "purpose_not_granted" // the token does not carry the purpose
	NoRole            Reason = "no_role"             // no role of the caller serves the purpose
	AssuranceTooLow   Reason = "assurance_too_low"   // a role would serve, but for the authentication methods it requires
	ConditionNotMet   Reason = "condition_not_met"   // a role would serve, but for its condition
	TooManyRecords    Reason = "too_many_records"    // the response has more records than the caller's roles may see at once
)

// Denial is a request that is not admitted.
type Denial struct{ Reason Reason }

func (d *Denial) Error() string { return "not permitted: " + string(d.Reason) }

// Access is an admitted request. It is for one goroutine.
type Access struct {
	set     *Set
	route   *Route
	purpose *purpose
	caller  Caller
	vars    map[string]any // of conditions; see variables
	roles   []int          // that permit, or would if their condition held for the record
	caps    []int          // that forbid, or would
	key     []byte
}

// Profile is what one record's fields get, and why.
type Profile struct {
	masking.Profile
	Kind   string // of record: its selector, or "envelope"
	Fields []Decision
	// Limit is how many records with this profile, or one with a lower limit, a response may show; 0 is any number.
	Limit int
}

// Decision is why a field gets its treatment.
type Decision struct {
	Path      string
	Type      string
	Treatment string // as rule files write it
	Rule      string // file:line of the entry that decided, or a word for what no entry decides
}

// What decides where no entry of a policy does.
const (
	byDefault = "default"         // no role permits anything
	byType    = "type"            // of the catalogue: public, or a credential
	noConsent = "consent_missing" // the purpose rests on consent, and none is on record
	noKey     = "key_missing"     // the treatment needs a key, and the set was loaded without
)

// Route finds the route of a request; nil if there is none. path is as the upstream will receive it.
func (s *Set) Route(method, path string) *Route { return s.table.find(method, path) }

// Basis returns the legal basis of a purpose, "" if no policy knows the purpose.
func (s *Set) Basis(purpose string) string {
	if p := s.purposes[purpose]; p != nil {
		return p.basis
	}
	return ""
}

// Admit decides whether a caller may use a route at all, for the purpose that the route fixes or else for the one they name.
// Its error is a [*Denial].
func (s *Set) Admit(r *Route, caller Caller, purposeName string) (*Access, error) {
	if r.Purpose != "" {
		purposeName = r.Purpose
	}
	if purposeName == "" {
		return nil, &Denial{PurposeMissing}
	}
	p := s.purposes[purposeName]
	if p == nil {
		return nil, &Denial{PurposeUnknown}
	}
	if !slices.Contains(caller.Purposes, purposeName) {
		return nil, &Denial{PurposeNotGranted}
	}
	a := &Access{set: s, route: r, purpose: p, caller: caller}
	reason := NoRole
	for i, role := range s.roles {
		if !slices.Contains(caller.Roles, role.name) || !slices.Contains(role.purposes, purposeName) {
			continue
		}
		if slices.ContainsFunc(role.amr, func(m string) bool { return !slices.Contains(caller.AMR, m) }) {
			reason = AssuranceTooLow
			continue
		}
		if role.when != nil && !role.when.reads {
			if ok, err := role.when.holds(a.variables()); err != nil || !ok {
				if reason == NoRole { // what the caller can mend goes first: signing in with another factor
					reason = ConditionNotMet
				}
				continue
			}
		}
		a.roles = append(a.roles, i)
	}
	if len(a.roles) == 0 {
		return nil, &Denial{reason}
	}
	for i, c := range s.caps {
		if c.when != nil && !c.when.reads {
			if ok, err := c.when.holds(a.variables()); err == nil && !ok {
				continue
			}
		}
		a.caps = append(a.caps, i)
	}
	return a, nil
}

// variables are what every condition can read. Few sets of rules have conditions, so they are made when one asks.
func (a *Access) variables() map[string]any {
	if a.vars == nil {
		method, _, _ := strings.Cut(a.route.Match, " ")
		caller := map[string]any{"roles": a.caller.Roles, "amr": a.caller.AMR, "purposes": a.caller.Purposes}
		for name, value := range map[string]string{
			"id": a.caller.ID, "organisation": a.caller.Organisation, "region": a.caller.Region, "acr": a.caller.ACR,
		} {
			if value != "" { // what the token does not say cannot be told: region != 'US' is no licence for all who have none
				caller[name] = value
			}
		}
		a.vars = map[string]any{
			"caller":  caller,
			"request": map[string]any{"method": method, "route": a.route.Match, "purpose": a.purpose.name},
		}
	}
	return a.vars
}

// Role names the first of the caller's roles that serves the request.
func (a *Access) Role() string { return a.set.roles[a.roles[0]].name }

// Profile decides one record of the route's layout: kind and inputs are as [masking.Record] has them. Equal
// decisions yield the same pointer.
func (a *Access) Profile(kind int, inputs []masking.Value) *Profile {
	a.key = binary.AppendUvarint(a.key[:0], uint64(a.route.index))
	a.key = binary.AppendVarint(a.key, int64(kind))
	a.key = append(append(a.key, a.purpose.name...), 0)
	bare := len(a.key)
	var vars map[string]any
	// holds evaluates a condition that reads the record. An envelope is no record: nothing can be told of it.
	holds := func(c *condition) (yes, told bool) {
		if kind == masking.Envelope {
			return false, false
		}
		if vars == nil {
			vars = maps.Clone(a.variables())
			vars["record"] = a.set.inputs.facts(inputs)
		}
		ok, err := c.holds(vars)
		return ok, err == nil
	}
	for _, i := range a.roles {
		if c := a.set.roles[i].when; c != nil && c.reads {
			if yes, told := holds(c); !told || !yes {
				continue
			}
		}
		a.key = binary.AppendUvarint(a.key, uint64(i)+1)
	}
	permitted := len(a.key) > bare
	a.key = append(a.key, 0)
	split := len(a.key)
	for _, i := range a.caps {
		if c := a.set.caps[i].when; c != nil && c.reads {
			if yes, told := holds(c); told && !yes {
				continue
			}
		}
		a.key = binary.AppendUvarint(a.key, uint64(i)+1)
	}
	a.set.mu.RLock()
	p := a.set.profiles[string(a.key)]
	a.set.mu.RUnlock()
	if p != nil {
		return p
	}
	if kind != masking.Envelope && !permitted {
		p = &Profile{Kind: a.route.Kind(kind), Profile: masking.Profile{Denied: true}}
	} else {
		p = a.build(kind, list(a.key[bare:split-1]), list(a.key[split:]))
	}
	return a.set.intern(string(a.key), p)
}

// list decodes the numbers of roles or caps in a key.
func list(key []byte) []int {
	var numbers []int
	for len(key) > 0 {
		n, size := binary.Uvarint(key)
		numbers = append(numbers, int(n)-1)
		key = key[size:]
	}
	return numbers
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

// build works out the profile of the records of a kind that these roles permit and these caps forbid.
func (a *Access) build(kindIndex int, roles, caps []int) *Profile {
	k := a.route.kind(kindIndex)
	p := &Profile{Kind: k.selector, Limit: mostRecords(a.set.roles, roles)}
	for _, f := range withEmbedded(k.fields) {
		if f.typ == embeddedType {
			p.Treatments = append(p.Treatments, masking.Treatment{})
			p.Fields = append(p.Fields, Decision{f.path, embeddedJSON, embeddedJSON, byType})
			continue
		}
		expression, rule := a.decide(f.typ, roles, caps)
		env := masking.Environment{Type: f.typ.Name}
		if keys, purpose := a.set.keys, a.purpose.name; keys != nil { // the profile outlives the access
			env.PseudonymKey = func() ([]byte, int) { return keys.Pseudonym(purpose) }
		}
		t, err := expression.Treatment(env)
		if err != nil { // arguments were checked when the rules were loaded
			expression, rule, t = dropExpression, noKey, masking.Treatment{Rank: masking.RankDrop}
		}
		p.Treatments = append(p.Treatments, t)
		p.Fields = append(p.Fields, Decision{f.path, f.typ.Name, expression.String(), rule})
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

var (
	clearExpression = masking.Expression{Name: "clear"}
	dropExpression  = masking.Expression{Name: "drop"}
)

// decide composes permits and caps for one type, and says which entry decided.
func (a *Access) decide(t *fieldType, roles, caps []int) (masking.Expression, string) {
	best, rule := dropExpression, byDefault
	switch {
	case t.Name == public:
		best, rule = clearExpression, byType
	case a.purpose.basis == consentBasis:
		rule = noConsent
	default:
		for _, i := range roles {
			if p, ok := a.set.roles[i].permit(t); ok {
				e := t.resolve(p.expression)
				if rule == byDefault || moreOpen(e, best) {
					best, rule = e, p.at.String()
				}
			}
		}
	}
	if t.Always != nil && t.Always.Rank() > best.Rank() {
		best, rule = *t.Always, byType
	}
	var ceilings []permit
	for _, i := range caps {
		if c := a.set.caps[i]; c.covers(t) {
			if e, ok := c.ceiling(t, best); ok {
				ceilings = append(ceilings, permit{e, c.at})
			}
		}
	}
	// The stricter last: one that went before could hide that two of the others have nothing in common.
	slices.SortStableFunc(ceilings, func(a, b permit) int { return cmp.Compare(a.expression.Rank(), b.expression.Rank()) })
	for _, c := range ceilings {
		if capped := under(best, c.expression); capped.String() != best.String() {
			best, rule = capped, c.at.String()
		}
	}
	return best, rule
}

// moreOpen reports whether e shows all that other does, and more.
func moreOpen(e, other masking.Expression) bool {
	if e.Rank() != other.Rank() {
		return e.Rank() < other.Rank()
	}
	return e.Shows(other) && !other.Shows(e)
}

// ceiling returns the most open expression that the cap leaves of what roles permit, and false if it leaves that as it is:
// a cap at mask, without arguments, is at one with whatever mask a role spells out.
func (c *limit) ceiling(t *fieldType, permitted masking.Expression) (masking.Expression, bool) {
	if c.expression.Name != "mask" || len(c.expression.Args) > 0 {
		return c.expression, true
	}
	e := t.resolve(c.expression)
	if e.Rank() < c.expression.Rank() {
		e = masking.Redact // the type's own mask is more open than the cap
	}
	return e, permitted.Rank() < c.expression.Rank()
}

// under returns what is left of an expression under a ceiling: never anything more open.
func under(e, ceiling masking.Expression) masking.Expression {
	switch cmp.Compare(e.Rank(), ceiling.Rank()) {
	case -1:
		return ceiling
	case 0:
		return e.Meet(ceiling)
	}
	return e
}
