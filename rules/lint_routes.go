package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
)

// routes reports pairs of routes that both match some request, so that one of them goes before the
// other. The teams should know which requests that takes away, and the data service may choose the
// other route and answer for it.
//
// It also reports pairs that only their hosts tell apart: the caller writes the header Host, and so
// chooses between them.
func (l *linter) routes() {
	for i, a := range l.set.list {
		for _, b := range l.set.list[i+1:] {
			path, ok := bothMatch(a, b)
			if !ok {
				continue
			}
			if host, shared := sharedHost(a, b); shared {
				l.shadow(a, b, host, path)
			} else {
				l.add(hostDecides, Warning, b.at, "service "+b.Service+" and service "+a.Service,
					"only the host tells requests as for %s from those of the route at %s, and a "+
						"caller may name either; have the requests for each host reach a data "+
						"service of its own, and accept it, saying how", path, a.at)
			}
		}
	}
}

// shadow reports a pair of routes that both match a request. The gateway's own look-up says which
// of them goes first.
func (l *linter) shadow(a, b *Route, host, path string) {
	method, _, _ := strings.Cut(a.Match, " ")
	winner, loser := a, b
	switch l.set.Route(method, host, path) {
	case a:
	case b:
		winner, loser = b, a
	default:
		return // a third route goes before both, and is reported with each of them
	}
	about := winner.Match + " before " + loser.Match
	if winner.Service != loser.Service {
		about = winner.Service + " " + winner.Match + " before " + loser.Service + " " + loser.Match
	}
	at := method + " " + path
	if host != "" {
		at += " of " + host
	}
	var why string
	switch {
	case len(winner.Hosts) > 0 && len(loser.Hosts) == 0:
		why = "a service that lists the host goes before one that lists none"
	case narrower(winner, loser):
		why = "a literal segment goes before a parameter"
	default:
		why = "the earlier literal segment decides here, where other routers may choose otherwise"
	}
	what := "the request %s matches the route at %s too, and %s; "
	if winner.Public != "" && loser.Public == "" {
		what += "the answer passes unread, so an answer of the other route would leave unmasked; "
	}
	l.add(routeShadowed, Warning, winner.at, about, what+"change one of the paths or hosts, or "+
		"accept it, saying why no such request is meant for the other", at, loser.at, why)
}

// narrower reports whether a has a literal in every place where b has one. Both match some path.
func narrower(a, b *Route) bool {
	y := segmentsOf(b)
	for i, segment := range segmentsOf(a) {
		if isParam(segment) && !isParam(y[i]) {
			return false
		}
	}
	return true
}

// sharedHost returns a host by which both routes are asked, "" if every host is such; false if they
// share none.
func sharedHost(a, b *Route) (host string, ok bool) {
	switch {
	case len(a.Hosts) > 0 && len(b.Hosts) > 0:
		i := slices.IndexFunc(a.Hosts, func(h string) bool { return slices.Contains(b.Hosts, h) })
		if i < 0 {
			return "", false
		}
		return a.Hosts[i], true
	case len(a.Hosts)+len(b.Hosts) > 0:
		return slices.Concat(a.Hosts, b.Hosts)[0], true
	}
	return "", true
}

// bothMatch returns a path that both routes match by the same method; false if there is none. Where
// both have a parameter, the path has its text, in braces, which is no literal of a third route.
func bothMatch(a, b *Route) (path string, ok bool) {
	method, own, _ := strings.Cut(a.Match, " ")
	otherMethod, other, _ := strings.Cut(b.Match, " ")
	if method != otherMethod || strings.Count(own, "/") != strings.Count(other, "/") {
		return "", false
	}
	x, y := segmentsOf(a), segmentsOf(b)
	for i, segment := range x {
		switch {
		case isParam(segment):
			segment = y[i]
		case !isParam(y[i]) && segment != y[i]:
			return "", false
		}
		path += "/" + segment
	}
	return path, true
}

// fields reports two selectors of a kind of record that can select the same value and say different
// things of it.
func (l *linter) fields() {
	for _, r := range l.set.list {
		for _, k := range append([]kind{r.envelope}, r.kinds...) {
			l.twice(k.fields)
		}
	}
}

func (l *linter) twice(fields []field) {
	for _, o := range masking.Overlaps(selectors(fields)) {
		a, b := &fields[o.First], &fields[o.Second]
		about := b.inRoute + " and " + a.path
		x, y := a.says(), b.says()
		if a.typ.Name != b.typ.Name {
			x, y = a.typ.Name, b.typ.Name
		}
		switch {
		case x == y:
		case o.Same:
			l.add(fieldTypedTwice, Error, b.at, about, "both are the same value, here %s, at %s "+
				"%s; remove one", y, a.at, x)
		default:
			l.add(fieldTypedTwice, Warning, b.at, about,
				"both can select one value, here %s, at %s %s: it gets the stricter treatment of "+
					"the two; narrow a selector, or accept it if that is meant", y, a.at, x)
		}
	}
	for i := range fields {
		l.twice(fields[i].inside)
	}
}

// says describes what the field says that its value is.
func (f *field) says() string {
	t := f.typ
	if t == embeddedType || t.Name == public {
		return t.Name
	}
	words := []string{t.Name, cmp.Or(t.Class, "no class"), t.Level, "mask " + t.Mask.String()}
	if t.Sensitive {
		words = append(words, sensitive)
	}
	return strings.Join(words, ", ")
}

// types reports types of which no policy says anything, so that their fields never leave. That may
// be meant, or forgotten. If there is no policy at all, it reports none.
func (l *linter) types() {
	type use struct {
		first *field
		count int
		match string
	}
	uses, order := map[string]*use{}, []string(nil)
	treated := map[string]bool{}
	for _, r := range l.set.list {
		for _, f := range r.fields() {
			if f.typ.Name == public || f.typ == embeddedType {
				continue
			}
			if uses[f.typ.Name] == nil {
				uses[f.typ.Name] = &use{first: &f, match: r.Match}
				order = append(order, f.typ.Name)
			}
			uses[f.typ.Name].count++
			treated[f.typ.Name] = treated[f.typ.Name] || l.treated(&f)
		}
	}
	for _, name := range order {
		if u := uses[name]; !treated[name] && len(l.set.policies) > 0 {
			more := ""
			if u.count > 1 {
				more = fmt.Sprintf(" and %d more", u.count-1)
			}
			l.add(typeUntreated, Warning, u.first.at, "type "+name,
				"no policy says anything of it, so it is always dropped, in %s of %s%s; add the "+
					"type, its class or its level to treat of a role, as %s: drop if that is meant",
				u.first.path, u.match, more, name)
		}
	}
}

// treated reports whether a policy, or the field's type, says what becomes of a field.
func (l *linter) treated(f *field) bool {
	return f.typ.Always != nil && f.typ.Always.Rank() == masking.RankDrop || l.withheld(f) ||
		slices.ContainsFunc(l.set.roles, func(r *role) bool { _, ok := r.permit(f); return ok }) ||
		slices.ContainsFunc(l.set.grantables, func(g grantable) bool {
			return g.Type == f.typ.Name
		})
}
