package rules

import (
	"net/textproto"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// answer says which routes answer the same requests before and after; nil: no route does.
type answer struct {
	label         Change // has service and route
	before, after *Route
}

// unlikely is a segment that no path has.
const unlikely = "~maskgate~any~"

// maxVariants is how many paths are tried for a route at most.
const maxVariants = 256

// answers finds out which routes answer requests before and after. It tries the requests that each
// route of either set is made for, by each host that a service lists, and takes for a parameter
// also the literals that other routes have in its place.
func answers(before, after *Set) []answer {
	routes := slices.Concat(before.list, after.list)
	var allHosts []string
	for _, r := range routes {
		allHosts = union(allHosts, r.Hosts)
	}
	var list []answer
	seen := map[[2]*Route]bool{}
	for _, r := range routes {
		hosts := r.Hosts
		if len(hosts) == 0 {
			hosts = append([]string{""}, allHosts...)
		}
		method, _, _ := strings.Cut(r.Match, " ")
		for _, path := range variants(r, routes) {
			for _, host := range hosts {
				p := answer{before: before.routes.find(method, host, path),
					after: after.routes.find(method, host, path)}
				named := closest(p.before, p.after)
				if named == nil { // neither set answers by this host
					continue
				}
				p.label = Change{Service: named.Service, Route: named.Match}
				if key := [2]*Route{p.before, p.after}; !seen[key] {
					seen[key] = true
					if host != "" && (p.before == nil || p.after == nil) {
						p.label.Route = strings.Replace(named.Match, " ", " //"+host, 1)
					}
					list = append(list, p)
				}
			}
		}
	}
	return list
}

// closest returns whichever of two routes matches fewer paths. Either may be nil, or both.
func closest(a, b *Route) *Route {
	if b == nil || a != nil && strings.Count(a.Match, "{") < strings.Count(b.Match, "{") {
		return a
	}
	return b
}

// variants returns paths that the route is made for.
func variants(r *Route, routes []*Route) []string {
	segments := segmentsOf(r)
	paths := []string{""}
	for i, s := range segments {
		words := []string{s}
		if isParam(s) {
			words = []string{unlikely}
			for _, other := range routes {
				if o := segmentsOf(other); len(o) == len(segments) && !isParam(o[i]) {
					words = union(words, []string{o[i]})
				}
			}
		}
		var longer []string
		for _, w := range words {
			for _, p := range paths {
				if len(longer) < maxVariants {
					longer = append(longer, p+"/"+w)
				}
			}
		}
		paths = longer
	}
	return paths
}

func segmentsOf(r *Route) []string {
	_, path, _ := strings.Cut(r.Match, " ")
	return strings.Split(strings.TrimPrefix(path, "/"), "/")
}

// answer compares what two routes do, for everybody.
func (d *differ) answer(p answer) {
	a, b := p.before, p.after
	change := func(effect Effect, what, old, now string) {
		c := p.label
		c.Effect, c.What, c.Old, c.New = effect, what, old, now
		d.add(c)
	}
	switch {
	case b == nil:
		change(Closes, "route", "answered", "none")
		return
	case a == nil:
		change(Opens, "route", "none", "answered")
	default:
		d.route(p.label, a, b)
	}
	switch {
	case b.Public != "" && (a == nil || a.Public == ""):
		change(Opens, "public", "no", "yes")
	case a != nil && a.Public != "" && b.Public == "":
		change(Closes, "public", "yes", "no")
	case b.Public == "":
		d.fields(p)
	}
}

func (r *Route) unlistedExpression() treatment.Expression {
	switch {
	case r == nil:
		return dropExpression
	case r.unlisted == masking.UnlistedPass:
		return clearExpression
	case r.unlisted == masking.UnlistedMask:
		return treatment.Redact
	}
	return dropExpression
}

// selectors returns the selectors of the route's kinds of record; of a nil route, none.
func (r *Route) selectors() []string {
	if r == nil {
		return nil
	}
	var list []string
	for i := range r.kinds {
		list = append(list, r.kinds[i].selector)
	}
	return list
}

// kindOf returns the kind of record with a selector, or the envelope; nil if the route has none.
func (r *Route) kindOf(selector string) *kind {
	if r == nil {
		return nil
	}
	if selector == r.envelope.selector {
		return &r.envelope
	}
	for i := range r.kinds {
		if r.kinds[i].selector == selector {
			return &r.kinds[i]
		}
	}
	return nil
}

func (k *kind) field(path string) *field {
	if k != nil {
		for i := range k.all {
			if k.all[i].path == path {
				return &k.all[i]
			}
		}
	}
	return nil
}

func canonical(headers []string) []string {
	list := make([]string, len(headers))
	for i, h := range headers {
		list[i] = textproto.CanonicalMIMEHeaderKey(h)
	}
	return list
}
