package rules

import (
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// side is either set of a comparison, with the route, kind of record and purpose that are compared.
type side struct {
	set     *Set
	route   *Route
	kind    *kind // of record; nil if the route lacks it
	purpose string
}

// scenario is what a decision depends on besides callers' roles.
type scenario struct {
	caps    map[string]bool // by name of a cap's condition: whether it holds, or cannot be told
	consent string          // the only word that the consent covers; "": there is no consent
	grant   bool
}

// result is what a field gets, with a text for people.
type result struct {
	verdict
	text string
}

// maxConditions is how many conditions of caps a field may have for all their combinations to be
// decided.
const maxConditions = 8

// maxTogether is how many roles may serve a purpose for all their combinations to be decided.
const maxTogether = 6

// fields compares what the fields of two routes get, for each purpose and role.
func (d *differ) fields(p answer) {
	flipped := d.flipped()
	selectors := union([]string{Envelope}, union(p.before.selectors(), p.after.selectors()))
	for _, purpose := range d.purposeNames() {
		for _, selector := range selectors {
			a := side{d.before, p.before, p.before.kindOf(selector), purpose}
			b := side{d.after, p.after, p.after.kindOf(selector), purpose}
			label := p.label
			label.What, label.Purpose, label.Kind = "treatment", purpose, selector
			for _, path := range union(a.kind.paths(), b.kind.paths()) {
				label.Field = path
				d.field(label, a, b, flipped)
			}
		}
	}
}

func (k *kind) paths() []string {
	if k == nil {
		return nil
	}
	var list []string
	for i := range k.all {
		list = append(list, k.all[i].path)
	}
	return list
}

// flipped reports whether two roles stand in another order than before. The order counts where
// neither of two treatments shows all that the other does: there the first stands.
func (d *differ) flipped() bool {
	var both []string
	for _, name := range d.before.Roles() {
		if d.after.role(name) != nil {
			both = append(both, name)
		}
	}
	other := slices.DeleteFunc(d.after.Roles(), func(name string) bool {
		return d.before.role(name) == nil
	})
	return !slices.Equal(both, other)
}

// field compares what a field gets: for each role alone, and then for several roles where these may
// get something else together.
func (d *differ) field(label Change, a, b side, flipped bool) {
	var serving []string
	opened := map[string]bool{}
	touched := flipped
	for _, name := range union(d.before.Roles(), d.after.Roles()) {
		if !a.serves(name) && !b.serves(name) {
			continue
		}
		serving = append(serving, name)
		touched = touched || slices.Contains(d.narrowed, name)
		for _, c := range d.compare(label, a, b, []string{name}, []string{name}) {
			touched = true
			opened[name] = opened[name] || c.Effect == Opens
			d.add(c)
		}
	}
	if !touched || len(serving) < 2 ||
		inOrder(append(a.permits(label.Field, serving), b.permits(label.Field, serving)...)) {
		return
	}
	var shown [][]string
	for _, held := range together(serving) {
		known := slices.ContainsFunc(held, func(name string) bool { return opened[name] }) ||
			slices.ContainsFunc(shown, func(fewer []string) bool {
				return !slices.ContainsFunc(fewer, func(name string) bool {
					return !slices.Contains(held, name)
				})
			})
		if known {
			continue
		}
		for _, c := range d.openedTogether(label, a, b, held) {
			d.add(c)
			shown = append(shown, held)
		}
	}
}

// permits returns what each of the roles permits for a field.
func (s *side) permits(path string, roles []string) []treatment.Expression {
	var list []treatment.Expression
	if f := s.kind.field(path); f != nil && f.typ != embeddedType {
		for _, r := range s.set.roles {
			if p, ok := r.permit(f); ok && slices.Contains(roles, r.name) {
				list = append(list, f.typ.resolve(p.expression))
			}
		}
	}
	return list
}

// inOrder reports whether any two of the treatments are comparable: one shows all that the other
// does. If so, several roles permit together what one of them permits alone.
func inOrder(list []treatment.Expression) bool {
	for i, e := range list {
		if slices.ContainsFunc(list[:i], func(other treatment.Expression) bool {
			return !e.Covers(other) && !other.Covers(e)
		}) {
			return false
		}
	}
	return true
}

// together returns the combinations of two names or more, the small ones first.
func together(names []string) [][]string {
	var list [][]string
	if len(names) > maxTogether {
		for i := range names {
			for j := range i {
				list = append(list, []string{names[j], names[i]})
			}
		}
		return list
	}
	for mask := range 1 << len(names) {
		if bits.OnesCount(uint(mask)) < 2 {
			continue
		}
		var some []string
		for i, name := range names {
			if mask>>i&1 == 1 {
				some = append(some, name)
			}
		}
		list = append(list, some)
	}
	slices.SortStableFunc(list, func(a, b []string) int { return len(a) - len(b) })
	return list
}

// openedTogether returns what opens for callers who hold several roles. It also tries what opens if
// narrowed roles do not permit any more: after the change their conditions may not hold.
func (d *differ) openedTogether(label Change, a, b side, held []string) []Change {
	left := [][]string{held}
	for _, name := range held {
		if slices.Contains(d.narrowed, name) {
			left = append(left, slices.DeleteFunc(slices.Clone(held), func(other string) bool {
				return other == name
			}))
		}
	}
	left = append(left, slices.DeleteFunc(slices.Clone(held), func(name string) bool {
		return slices.Contains(d.narrowed, name)
	}))
	for _, after := range left {
		changes := d.compare(label, a, b, held, after)
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Effect != Opens })
		if len(changes) > 0 {
			return changes
		}
	}
	return nil
}

// serves reports whether a role serves the purpose on the route.
func (s *side) serves(name string) bool {
	return s.route != nil && s.route.Public == "" &&
		(s.route.Purpose == "" || s.route.Purpose == s.purpose) &&
		slices.Contains(s.set.role(name).serves(), s.purpose)
}

// compare compares what a field gets in all scenarios, for callers who hold the roles in before. In
// the set after the change, the roles in after permit.
func (d *differ) compare(label Change, a, b side, before, after []string) []Change {
	type outcome struct {
		change Change
		in     []scenario
	}
	var outcomes []outcome
	all := scenarios(label.Field, a, b)
	for _, sc := range all {
		old, now := a.result(label.Field, before, sc), b.result(label.Field, after, sc)
		if old.text == now.text ||
			old.expression.Rank() == masking.RankDrop && now.expression.Rank() == masking.RankDrop {
			continue
		}
		c := label
		c.Roles, c.Old, c.New = before, old.text, now.text
		c.OldRule, c.NewRule = old.rule(), now.rule()
		switch {
		case !old.expression.Covers(now.expression):
			c.Effect = Opens
		case !now.expression.Covers(old.expression):
			c.Effect = Closes
		default:
			c.Effect = Changes
		}
		i := slices.IndexFunc(outcomes, func(o outcome) bool {
			return o.change.Old == c.Old && o.change.New == c.New
		})
		if i < 0 {
			i = len(outcomes)
			outcomes = append(outcomes, outcome{change: c})
		}
		outcomes[i].in = append(outcomes[i].in, sc)
	}
	var list []Change
	for _, o := range outcomes {
		o.change.If = common(all, o.in)
		list = append(list, o.change)
	}
	return list
}

// result decides a field for callers who hold the roles.
func (s *side) result(path string, roles []string, sc scenario) result {
	none := func(why string) result { return result{verdict{expression: dropExpression}, why} }
	if s.route == nil {
		return none("no route")
	}
	if s.route.Public != "" {
		return result{verdict{expression: clearExpression}, "public"}
	}
	var held []string
	for _, name := range roles {
		if s.serves(name) {
			held = append(held, name)
		}
	}
	if held == nil {
		return none("refused")
	}
	f := s.kind.field(path)
	if f == nil {
		return s.missing(path, held, sc)
	}
	if f.typ == embeddedType {
		return none(embeddedJSON) // the fields of the JSON are compared by themselves
	}
	a := Access{set: s.set, route: s.route, purpose: s.set.purposes[s.purpose]}
	_, v := a.decide(f, s.circumstances(held, sc))
	return result{v, v.expression.String()}
}

// missing returns what becomes of a field that the route does not name. The field may lie in a
// string that is treated whole, other selectors may select it, or it is unlisted.
func (s *side) missing(path string, held []string, sc scenario) result {
	if i := strings.LastIndex(path, " | "); i >= 0 {
		outer := path[:i]
		if f := s.kind.field(outer); f == nil || f.typ != embeddedType {
			return s.result(outer, held, sc)
		}
	}
	e := s.route.unlistedExpression()
	best := result{verdict{expression: e}, "unlisted: " + e.String()}
	for _, other := range s.kind.paths() {
		if strings.Contains(path+other, " | ") || !masking.Concerns(other, path) {
			continue
		}
		if r := s.result(other, held, sc); r.expression.Rank() < best.expression.Rank() {
			best = result{r.verdict, "perhaps " + r.text + ", by " + other}
		}
	}
	return best
}

// circumstances returns the circumstances of a scenario. The conditions and requirements of the
// roles held are met.
func (s *side) circumstances(held []string, sc scenario) *circumstances {
	outside := s.kind == &s.route.envelope
	c := &circumstances{}
	for i, r := range s.set.roles {
		if slices.Contains(held, r.name) && !(outside && r.when != nil && r.when.reads) &&
			!(s.kind.countless && r.quota != nil) {
			c.roles = append(c.roles, i)
			if sc.grant && !outside {
				c.grants = append(c.grants, r.grantable...)
			}
		}
	}
	for i, rule := range s.set.caps {
		if !rule.asks(s) || sc.caps[rule.when.named()] {
			c.caps = append(c.caps, i)
		}
	}
	if sc.consent != "" && !outside {
		c.consent = &Consent{Covers: []string{sc.consent}}
	}
	return c
}

// asks reports whether the cap has a condition that may be false. A condition that reads a record
// cannot be told of an envelope, so the cap always applies there.
func (c *capRule) asks(s *side) bool {
	return c.when != nil && !(s.kind == &s.route.envelope && c.when.reads)
}

// scenarios returns the scenarios that matter to a field.
func scenarios(path string, a, b side) []scenario {
	var conditions []string
	consents, grants := []string{""}, []bool{false}
	for _, s := range []*side{&a, &b} {
		f := s.kind.field(path)
		if f == nil || f.typ == embeddedType || s.route.Public != "" {
			continue
		}
		for _, c := range s.set.caps {
			if c.asks(s) && c.covers(f) {
				conditions = union(conditions, []string{c.when.named()})
			}
		}
		if s.kind == &s.route.envelope {
			continue
		}
		if s.set.Basis(s.purpose) == consentBasis {
			words := []string{f.typ.Name, sensitive, f.typ.Class, f.typ.Level}
			words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
			consents = union(consents, words)
		}
		able := func(g grantable) bool { return g.Type == f.typ.Name }
		if slices.ContainsFunc(s.set.grantables, able) {
			grants = []bool{false, true}
		}
	}
	var list []scenario
	for _, held := range assignments(conditions) {
		for _, consent := range consents {
			for _, grant := range grants {
				list = append(list, scenario{held, consent, grant})
			}
		}
	}
	return list
}

// assignments returns all ways in which conditions may hold. If there are more than maxConditions,
// it returns the ways in which at most two conditions differ from the rest.
func assignments(conditions []string) []map[string]bool {
	n := len(conditions)
	var list []map[string]bool
	take := func(holds func(i int) bool) {
		m := make(map[string]bool, n)
		for i, c := range conditions {
			m[c] = holds(i)
		}
		list = append(list, m)
	}
	if n <= maxConditions {
		for mask := range 1 << n {
			take(func(i int) bool { return mask>>i&1 == 1 })
		}
		return list
	}
	for _, usual := range []bool{false, true} {
		for x := range n {
			for y := range x + 1 {
				take(func(i int) bool { return (i == x || i == y) != usual })
			}
		}
		take(func(int) bool { return usual })
	}
	return list
}

// common says what holds in each of some scenarios, but not in each of all.
func common(all, some []scenario) []string {
	var list []string
	constant := func(get func(scenario) bool, yes, no string) {
		first := get(some[0])
		differs := func(s scenario) bool { return get(s) != first }
		if slices.ContainsFunc(some, differs) || !slices.ContainsFunc(all, differs) {
			return
		}
		if first {
			list = append(list, yes)
		} else {
			list = append(list, no)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(some[0].caps)) {
		constant(func(s scenario) bool { return s.caps[name] }, name, "not ("+name+")")
	}
	constant(func(s scenario) bool { return s.grant }, "a grant holds", "no grant holds")
	var words, never []string
	for _, s := range all {
		words = union(words, []string{s.consent})
	}
	for _, word := range words {
		if !slices.ContainsFunc(some, func(s scenario) bool { return s.consent == word }) {
			never = append(never, word)
		}
	}
	have := slices.DeleteFunc(slices.Clone(words), func(w string) bool {
		return slices.Contains(never, w)
	})
	switch {
	case never == nil:
	case slices.Equal(have, []string{""}):
		list = append(list, "no consent holds")
	case slices.Contains(have, ""):
		list = append(list, "no consent holds, or none that covers "+strings.Join(never, " or "))
	default:
		list = append(list, "a consent covers "+strings.Join(have, " or "))
	}
	return list
}
