package rules

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/maskgate/maskgate/masking"
)

// reach finds out on which routes each role can be met, and reports roles that are met nowhere.
// Public routes do not count. A role is met nowhere if every route fixes a purpose that the role
// does not serve, or if its condition can hold on no route. What is known before a request comes
// decides that: the route, the purposes that the role serves, the context classes and times that it
// requires, and that there are no grants if no policy allows any.
func (l *linter) reach() {
	l.meets = make([][]bool, len(l.set.roles))
	for i, role := range l.set.roles {
		l.meets[i] = make([]bool, len(l.set.list))
		var served, met, all int
		for _, r := range l.set.list {
			if r.Public != "" {
				continue
			}
			all++
			if purposes := role.purposesOn(r); len(purposes) > 0 {
				served++
				if l.meets[i][r.index] = l.possible(role, r, purposes); l.meets[i][r.index] {
					met++
				}
			}
		}
		about := "role " + role.name
		switch {
		case met > 0 || all == 0:
		case served == 0:
			l.add(roleUnreachable, Error, role.at, about,
				"every route fixes a purpose, and none of them is one that the role serves (%s); "+
					"add the purpose of a route, or remove the role",
				strings.Join(role.purposes, ", "))
		default:
			l.add(roleUnreachable, Error, role.at, about,
				"its condition (when) cannot hold on any route, with the purposes, requirements "+
					"and grants that there are; compare it with them, or remove the role")
		}
	}
}

// purposesOn returns the purposes that the role serves on a route.
func (r *role) purposesOn(route *Route) []string {
	switch {
	case route.Purpose == "":
		return r.purposes
	case slices.Contains(r.purposes, route.Purpose):
		return []string{route.Purpose}
	}
	return nil
}

// knowledge has what is known of the variables of conditions: variable, attribute, value. A nil
// value means that the attribute is known to be missing. Nothing is known of an attribute that
// knowledge lacks.
type knowledge map[string]map[string]any

func (k knowledge) with(variable string, attributes map[string]any) knowledge {
	next := knowledge{variable: attributes}
	for name, have := range k {
		if name != variable {
			next[name] = have
		}
	}
	return next
}

// possible reports whether the role's condition can hold on a route.
func (l *linter) possible(role *role, r *Route, purposes []string) bool {
	c := role.when
	if c == nil {
		return true
	}
	known := knowledge{}
	if len(l.set.grantables) == 0 {
		known = known.with("grant", missing("grant"))
	}
	if !c.mentions("request") {
		purposes = purposes[:1]
	}
	acrs := role.require.acr
	if len(acrs) == 0 || !c.mentions("caller") {
		acrs = []string{""}
	}
	times := []map[string]any{nil}
	if w := role.require.window; w != nil && c.mentions("time") &&
		w.zone.String() == c.zone.String() {
		times = w.hours()
	}
	method, _, _ := strings.Cut(r.Match, " ")
	for _, purpose := range purposes {
		known = known.with("request", map[string]any{"method": method, "route": r.Match,
			"service": r.Service, "purpose": purpose})
		for _, acr := range acrs {
			if acr != "" {
				known = known.with("caller", map[string]any{"acr": acr})
			}
			for _, clock := range times {
				if l.holds(c, known.with("time", clock)) {
					return true
				}
			}
		}
	}
	return false
}

// missing returns the attributes of a variable, all known to be missing.
func missing(variable string) map[string]any {
	attributes := map[string]any{}
	for name := range variables[variable].attributes {
		attributes[name] = nil
	}
	return attributes
}

// hours returns the hours of the week in which the window is open, as the variable time has them.
func (w *window) hours() []map[string]any {
	var list []map[string]any
	for day, open := range w.days {
		for hour := range 24 {
			within := func(s span) bool { return s.from < (hour+1)*60 && hour*60 < s.to }
			if open && slices.ContainsFunc(w.spans, within) {
				list = append(list, map[string]any{"weekday": (day+6)%7 + 1, "hour": hour})
			}
		}
	}
	return list
}

// mentions reports whether the condition reads the variable.
func (c *condition) mentions(variable string) bool {
	return c.readsAny(func(name string, _ []string) bool { return name == variable })
}

// holds reports whether a condition can hold, given what is known.
func (l *linter) holds(c *condition, known knowledge) bool {
	program := l.partial[c]
	if program == nil {
		var err error
		if program, err = conditionEnv.Program(c.checked, cel.EvalOptions(cel.OptPartialEval),
			cel.CostLimit(maxCost)); err != nil {
			return true // impossible: it compiled before
		}
		l.partial[c] = program
	}
	vars := map[string]any{"record": nothing}
	unknown := []*cel.AttributePatternType{cel.AttributePattern("record")}
	for name, v := range variables {
		have := map[string]any{}
		vars[name] = have
		if len(known[name]) == 0 {
			unknown = append(unknown, cel.AttributePattern(name))
			continue
		}
		for attribute := range v.attributes {
			switch value, ok := known[name][attribute]; {
			case !ok:
				unknown = append(unknown, cel.AttributePattern(name).QualString(attribute))
			case value != nil:
				have[attribute] = value
			}
		}
	}
	activation, err := cel.PartialVars(vars, unknown...)
	if err != nil {
		return true
	}
	out, _, err := program.Eval(activation)
	return err == nil && (types.IsUnknown(out) || out == types.True)
}

// secondFactor reports whether the role wants more than one factor of its callers, by its
// requirement or its condition: mfa or two methods (RFC 8176), or a context class, whose meaning
// only the company knows.
func (l *linter) secondFactor(r *role) bool {
	if len(r.require.acr) > 0 || len(r.require.amr) > 1 || slices.Contains(r.require.amr, "mfa") {
		return true
	}
	return r.when != nil && r.when.mentions("caller") &&
		!l.holds(r.when, knowledge{"caller": {"amr": []string{}, "acr": nil}})
}

// multiFactor reports a role that shows sensitive personal information in clear, by its entries or
// by grants, to callers with one factor. PIPL Art. 28 wants strict protection for such information,
// Art. 51 access by need.
func (l *linter) multiFactor(index int) {
	role := l.set.roles[index]
	if l.secondFactor(role) {
		return
	}
	var names []string
	at := role.at
	l.view(index, func(_ *Route, _ *kind, seen []sight) {
		for _, s := range seen {
			granted := slices.ContainsFunc(role.grantable, func(i int) bool {
				return l.set.grantables[i].Type == s.field.typ.Name
			})
			if !s.field.typ.Sensitive || slices.Contains(names, s.field.typ.Name) ||
				s.rank() != masking.RankClear && !(granted && l.shownByGrant(s.field)) {
				continue
			}
			if len(names) == 0 && s.at != (place{}) {
				at = s.at
			}
			names = append(names, s.field.typ.Name)
		}
	})
	if len(names) > 0 {
		l.add(sensitiveNoMFA, Warning, at, "role "+role.name,
			"it shows sensitive personal information (PIPL Art. 28) in clear, %s, to callers who "+
				"signed in with one factor; add require: {amr: [mfa]}, in small letters as "+
				"tokens have it (RFC 8176), or mask it", strings.Join(names, ", "))
	}
}

// subjects reports fields that a role permits in vain: the role limits subjects, and the records of
// the fields name none, so nobody could count.
func (l *linter) subjects(index int) {
	role := l.set.roles[index]
	if role.quota == nil {
		return
	}
	l.view(index, func(_ *Route, k *kind, seen []sight) {
		i := slices.IndexFunc(seen, func(s sight) bool { return s.rank() < masking.RankDrop })
		if !k.countless || i < 0 {
			return
		}
		l.add(subjectUnnamed, Warning, seen[i].field.at, "role "+role.name+": "+
			seen[i].field.inRoute,
			"the role limits subjects, and what is shown here names none, so nobody could count "+
				"and it is left out; name the subject of the record, or let a role without that "+
				"limit show it")
	})
}

// grants reports exceptions that cannot come about: the role is met on no route that has a field of
// the type, or caps leave less than clear of every such field.
func (l *linter) grants() {
	for index, role := range l.set.roles {
		for _, i := range role.grantable {
			g := l.set.grantables[i]
			fields, open := 0, 0
			for _, r := range l.set.list {
				for _, f := range r.fields() {
					if l.meets[index][r.index] && f.typ.Name == g.Type {
						fields++
						if l.shownByGrant(&f) {
							open++
						}
					}
				}
			}
			var why string
			switch {
			case fields == 0:
				why = "no route on which the role can be met has a field of the type"
			case open == 0:
				why = "a cap always leaves less than clear of it"
			default:
				continue
			}
			l.add(grantVoid, Warning, g.at, fmt.Sprintf("role %s: grantable %s", role.name, g.Type),
				"no grant can show it, since %s; remove it, or lift what forbids it", why)
		}
	}
}

// shownByGrant reports whether a grant shows a field in clear, as far as caps without a condition
// let it.
func (l *linter) shownByGrant(f *field) bool {
	a := l.access()
	return a.capped(f, &circumstances{caps: l.always()},
		verdict{expression: clearExpression}).expression.Rank() == masking.RankClear
}

// access returns an access that decides as if every subject had consented to everything.
func (l *linter) access() *Access { return &Access{set: l.set, purpose: &purpose{}} }

// always returns the indexes of caps without a condition.
func (l *linter) always() []int {
	var list []int
	for i, c := range l.set.caps {
		if c.when == nil {
			list = append(list, i)
		}
	}
	return list
}

// sight is a field, and what a role shows of it.
type sight struct {
	field *field
	verdict
}

func (s sight) rank() masking.Rank { return s.expression.Rank() }

// view calls f with what a role alone shows at most of each kind of record, on each route where the
// role can be met. No condition of a cap holds, every consent is there, and every subject is named.
func (l *linter) view(index int, f func(*Route, *kind, []sight)) {
	a, alone := l.access(), &circumstances{roles: []int{index}, caps: l.always()}
	for _, r := range l.set.list {
		if !l.meets[index][r.index] {
			continue
		}
		kinds := r.kinds
		// Of an envelope, a role whose condition reads the record permits nothing.
		if when := l.set.roles[index].when; when == nil || !when.reads {
			kinds = append([]kind{r.envelope}, kinds...)
		}
		for i := range kinds {
			k := &kinds[i]
			var seen []sight
			for j := range k.all {
				if field := &k.all[j]; field.typ != embeddedType && field.typ.Name != public {
					_, v := a.decide(field, alone)
					seen = append(seen, sight{field, v})
				}
			}
			f(r, k, seen)
		}
	}
}
