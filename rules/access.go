package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
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

// Request is what a decision is about, besides the route. With a zero Time, nothing is permitted
// that depends on the time.
type Request struct {
	Caller  Caller
	Purpose string    // that the caller names
	Time    time.Time // of the decision
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
	roles   []int // that permit, unless a condition that reads the record says otherwise
	caps    []int // that forbid, unless a condition that reads the record says otherwise

	weighed   circumstances // of the record at hand
	key       []byte        // under which the profile of the record at hand is interned
	supposing bool          // whether roles' conditions that read the record are taken to hold
}

// Route finds the route of a request; nil if there is none. host is as the request names it; path
// is as the upstream will receive it.
func (s *Set) Route(method, host, path string) *Route {
	return s.routes.find(method, hostName(host), path)
}

// Admit decides whether a caller may use a route at all, for the purpose that the route fixes or
// else for the one they name. Its error is a [*Denial].
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

// unmet says why a condition does not hold, [ConditionNotMet] or [ConditionUnknown]; "" if it
// holds.
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
