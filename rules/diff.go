package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Effect is what a change does.
type Effect string

const (
	Opens   Effect = "opens"   // somebody may see or ask more than before, or may perhaps
	Closes  Effect = "closes"  // somebody may see or ask less than before, and nobody more
	Changes Effect = "changes" // nobody may see or ask more or less, but something is otherwise
)

// Change is something that one set of rules does otherwise than another, and for whom.
type Change struct {
	Effect Effect `json:"effect"`
	What   string `json:"what"` // treatment, or a key: route, public, query, when …
	// Roles says for whom: for callers with all of these roles and no other; none: for anyone.
	Roles   []string `json:"roles,omitempty"`
	Purpose string   `json:"purpose,omitempty"`
	Service string   `json:"service,omitempty"`
	// Route is method and path; with a host as in GET //crm.bank.example/v1/customers.
	Route   string   `json:"route,omitempty"`
	Kind    string   `json:"kind,omitempty"` // of record: its selector, or Envelope
	Field   string   `json:"field,omitempty"`
	Old     string   `json:"old"`
	New     string   `json:"new"`
	OldRule string   `json:"old_rule,omitempty"` // file:line
	NewRule string   `json:"new_rule,omitempty"`
	If      []string `json:"if,omitempty"` // only if all of these hold
}

// Diff says what changes for whom if one set of rules takes the place of another. To find out, it
// decides each field of each route of either set, under both sets: for each role and purpose, with
// each condition of a cap true and false, with and without consents, with and without grants. In
// these decisions the conditions and requirements of roles are met; Diff compares them by
// themselves. It decides several roles together where they may show what none shows alone.
//
// Where Diff cannot tell, a change opens: a condition was rewritten, a treatment shows something
// else, records lie elsewhere.
func Diff(before, after *Set) []Change {
	d := differ{before: before, after: after, changes: []Change{}}
	d.purposes()
	d.roles()
	for _, p := range answers(before, after) {
		d.answer(p)
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		return cmp.Or(
			strings.Compare(strings.Join(a.Roles, " "), strings.Join(b.Roles, " ")),
			strings.Compare(a.Purpose, b.Purpose),
			strings.Compare(a.Service, b.Service), strings.Compare(a.Route, b.Route))
	})
	return d.changes
}

// differ collects the changes between two sets.
type differ struct {
	before, after *Set
	changes       []Change
	narrowed      []string // roles whose condition or requirement is another than before
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// purposes compares the legal bases of purposes.
func (d *differ) purposes() {
	for _, name := range d.purposeNames() {
		a, b := d.before.Basis(name), d.after.Basis(name)
		if a == b {
			continue
		}
		effect := Changes // deciding fields finds what it opens or closes
		if a == consentBasis && b != "" {
			effect = Opens
		}
		d.add(Change{Effect: effect, What: "basis", Purpose: name, Old: orNone(a), New: orNone(b)})
	}
}

// purposeNames returns the purposes of both sets.
func (d *differ) purposeNames() []string {
	return union(slices.Sorted(maps.Keys(d.before.purposes)),
		slices.Sorted(maps.Keys(d.after.purposes)))
}

// union returns the elements of both lists, each once: the first list's, then the second's.
func union(a, b []string) []string {
	list := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func orNone(text string) string { return cmp.Or(text, "none") }

// route compares what two routes let through besides fields. label has service and route.
func (d *differ) route(label Change, a, b *Route) {
	change := func(effect Effect, what, old, now string) {
		c := label
		c.Effect, c.What, c.Old, c.New = effect, what, orNone(old), orNone(now)
		d.add(c)
	}
	lists := func(what string, old, now []string) {
		slices.Sort(old)
		slices.Sort(now)
		effect := Closes
		if slices.ContainsFunc(now, func(s string) bool { return !slices.Contains(old, s) }) {
			effect = Opens
		}
		if !slices.Equal(old, now) {
			change(effect, what, strings.Join(old, " "), strings.Join(now, " "))
		}
	}
	lists("query", slices.Clone(a.query), slices.Clone(b.query))
	lists("headers", canonical(a.Headers), canonical(b.Headers))
	lists("media_types", slices.Clone(a.MediaTypes), slices.Clone(b.MediaTypes))
	if a.Public != "" || b.Public != "" {
		return
	}
	if a.unlisted != b.unlisted {
		change(opensIf(b.unlistedExpression().Rank() < a.unlistedExpression().Rank()), "unlisted",
			a.unlistedExpression().String(), b.unlistedExpression().String())
	}
	if a.keepPositions != b.keepPositions {
		// Positions that are kept show how many elements were dropped.
		change(opensIf(b.keepPositions), "keep_positions", yesNo(a.keepPositions),
			yesNo(b.keepPositions))
	}
	if a.Purpose != b.Purpose {
		change(opensIf(a.Purpose != ""), "purpose", a.Purpose, b.Purpose)
	}
	// Under another name of its service or route, a request may meet another outcome of a condition
	// that reads the name.
	for _, name := range []struct{ attribute, old, now string }{
		{"service", a.Service, b.Service}, {"route", a.Match, b.Match},
	} {
		if name.old != name.now && (d.before.conditionsRead("request", name.attribute) ||
			d.after.conditionsRead("request", name.attribute)) {
			change(Opens, "request."+name.attribute, name.old, name.now)
		}
	}
	for _, selector := range union(a.selectors(), b.selectors()) {
		x, y := a.kindOf(selector), b.kindOf(selector)
		c := label
		c.Effect, c.Kind, c.Old, c.New = Opens, selector, "a record", "a record"
		switch {
		case x == nil:
			c.What, c.Old = "record", "none"
		case y == nil:
			// The values of the record belong to the envelope now, or to another record.
			c.What, c.New = "record", "none"
		case x.subject != y.subject:
			c.What, c.Old, c.New = "subject", orNone(x.subject), orNone(y.subject)
		default:
			continue
		}
		d.add(c)
	}
}

// conditionsRead reports whether a condition of a role or cap reads an attribute of a variable.
func (s *Set) conditionsRead(variable, attribute string) bool {
	reads := func(c *condition) bool {
		return c != nil && c.readsAny(func(name string, path []string) bool {
			return name == variable && slices.Equal(path, []string{attribute})
		})
	}
	return slices.ContainsFunc(s.roles, func(r *role) bool { return reads(r.when) }) ||
		slices.ContainsFunc(s.caps, func(c *capRule) bool { return reads(c.when) })
}

func opensIf(opens bool) Effect {
	if opens {
		return Opens
	}
	return Closes
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
