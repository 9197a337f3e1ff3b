package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
)

// An admission is what is known of a request before the data service is asked: who asks, for which
// route and purpose, and what the rules permit. If the request is refused, the admission holds what
// was known by then, for the access record.
type admission struct {
	caller  *auth.Caller // nil: nobody is known
	route   *rules.Route // nil: none is known
	query   string       // encoded anew
	purpose string
	request rules.Request // zero before the rules were asked, and on public routes
	access  *rules.Access // nil before they permitted it, and on public routes
}

// admit finds out who asks, for what, and whether they may. It fills in the admission as it goes,
// so that what is known goes on record whatever happens, a panic too.
func (x *exchange) admit(a *admission) error {
	r := x.request
	defer x.gateway.took(StageAuth, time.Now())
	path, err := targetPath(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodConnect || r.Header.Get("Upgrade") != "" {
		return badRequest.because(reasonUpgrade)
	}
	caller, err := x.gateway.options.Authenticator.Authenticate(r.Context(), r)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		// They waited for keys, say, and left. Another error stays what it is, even if they left.
		return callerGone.because(reasonCallerGone)
	}
	if err != nil {
		return err
	}
	a.caller = &caller
	if a.route, err = x.handler.routeOf(x.ruling.Set, r, path); err != nil {
		return err
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if r.ContentLength > x.handler.MaxRequest {
			return tooLarge.because(reasonRequestTooLarge)
		}
	default:
		if r.ContentLength != 0 {
			return badRequest.because(reasonBody)
		}
	}
	return a.decide(x.ruling.Set, r, x.gateway.options.PurposeHeader, x.begin)
}

// decide decides whether a set lets the caller in, once the route is known.
func (a *admission) decide(
	set *rules.Set, r *http.Request, purposeHeader string, now time.Time,
) (err error) {
	if a.query, err = targetQuery(r, a.route); err != nil {
		return err
	}
	if a.route.Public != "" {
		return nil
	}
	a.purpose = a.route.Purpose
	if named := r.Header.Values(purposeHeader); a.purpose == "" && len(named) == 1 {
		a.purpose = named[0]
	}
	peer, _ := netip.ParseAddr(address(r)) // none: the zero address is in no network
	a.request = rules.Request{
		Caller:  CallerAt(*a.caller, peer.WithZone("")),
		Purpose: a.purpose,
		Time:    now,
	}
	a.access, err = set.Admit(a.route, a.request)
	return err
}

// CallerAt returns a caller as rules have them. address is the network address that the caller
// comes from; the zero address if it is not known.
func CallerAt(c auth.Caller, address netip.Addr) rules.Caller {
	return rules.Caller{
		ID: c.ID, Roles: c.Roles, Organisation: c.Organisation, Region: c.Region,
		ACR: c.ACR, AMR: c.AMR, Purposes: c.Purposes, Address: address,
	}
}

// renew decides again, as of now, whether the set lets the same caller in for the same purpose. If
// it does not, the admission stays as it was, to tell of what was admitted before.
func (a *admission) renew(set *rules.Set, now time.Time) error {
	request := a.request
	request.Time = now
	access, err := set.Admit(a.route, request)
	if err != nil {
		return err
	}
	a.request, a.access = request, access
	return nil
}

func (a *admission) routeName() string {
	if a.route == nil {
		return "none"
	}
	return a.route.Match
}

func (a *admission) role() string {
	if a.access == nil {
		return "none"
	}
	return a.access.Role()
}

// purposeName is the purpose if a policy of the set knows it, else "none": any other purpose is the
// caller's free text.
func (a *admission) purposeName(set *rules.Set) string {
	if set.Basis(a.purpose) == "" {
		return "none"
	}
	return a.purpose
}
