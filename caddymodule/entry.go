package caddymodule

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// entry is what a set of rules makes of a request, before the upstream is asked.
type entry struct {
	route   *rules.Route
	query   string // encoded anew
	purpose string
	request rules.Request // zero before admission, and on public routes
	access  *rules.Access // nil likewise

	standing func(subject masking.Value) rules.Standing // what is on record about a subject; nil: nothing is
}

// admit decides whether a set lets a caller in, once the route is known. What is known of the entry stays with it if not.
func (e *entry) admit(set *rules.Set, r *http.Request, caller auth.Caller, purposeHeader string, now time.Time) (err error) {
	if e.query, err = targetQuery(r, e.route); err != nil {
		return err
	}
	if e.route.Public != "" {
		return nil
	}
	e.purpose = e.route.Purpose
	if named := r.Header.Values(purposeHeader); e.purpose == "" && len(named) == 1 {
		e.purpose = named[0]
	}
	peer, _ := netip.ParseAddr(address(r)) // none: the zero address is in no network
	e.request = rules.Request{
		Caller:  callerAt(caller, peer.WithZone("")),
		Purpose: e.purpose,
		Time:    now,
	}
	e.access, err = set.Admit(e.route, e.request)
	return err
}

// callerAt is a caller as rules have them: with the address that they come from, the zero one if it is not known.
func callerAt(c auth.Caller, address netip.Addr) rules.Caller {
	return rules.Caller{
		ID: c.ID, Roles: c.Roles, Organisation: c.Organisation, Region: c.Region, ACR: c.ACR, AMR: c.AMR, Purposes: c.Purposes, Address: address,
	}
}

// renew decides again, as of now, whether the set lets the same caller in for the same purpose. If not, the entry stays as it was,
// to tell of what was admitted before.
func (e *entry) renew(set *rules.Set, now time.Time) error {
	request := e.request
	request.Time = now
	access, err := set.Admit(e.route, request)
	if err != nil {
		return err
	}
	e.request, e.access = request, access
	return nil
}

func (e *entry) routeName() string {
	if e.route == nil {
		return "none"
	}
	return e.route.Match
}

func (e *entry) role() string {
	if e.access == nil {
		return "none"
	}
	return e.access.Role()
}

// purposeName is the purpose, if a policy of the set knows it: any other is the caller's free text.
func (e *entry) purposeName(set *rules.Set) string {
	if set.Basis(e.purpose) == "" {
		return "none"
	}
	return e.purpose
}
