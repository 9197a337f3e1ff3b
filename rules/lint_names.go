package rules

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/maskgate/maskgate/masking"
)

// names reports names that conditions and subjects read and that nothing declares. No record has a
// name that is misspelt: !has(record.frozn) always holds, record.agentld == caller.id never does.
func (l *linter) names() {
	known := l.set.requestWords()
	for i, role := range l.set.roles {
		l.condition(role.when, role.at, "role "+role.name, known, func(r *Route) bool {
			return l.meets[i][r.index]
		})
	}
	for _, c := range l.set.caps {
		l.condition(c.when, c.at, "cap", known, func(*Route) bool { return true })
	}
	for _, r := range l.set.list {
		for i := range r.kinds {
			if k := &r.kinds[i]; k.subject != "" && !k.declares(k.subject) {
				at := place{r.at.file, k.at.Line, k.at.Column}
				l.add(nameUndeclared, Warning, at, r.Service+" "+r.Match+" subject "+k.subject,
					"no field of the record is there; where no record has one, every response is "+
						"refused; name it under fields as what it is, or mend the name")
			}
		}
	}
}

// condition reports names of records that a condition reads and no route declares, of the routes
// for which on is true. It also reports routes, services and purposes that the condition compares
// with and that are not known.
func (l *linter) condition(
	c *condition, at place, about string, known map[string]map[string]bool, on func(*Route) bool,
) {
	if c == nil || !slices.ContainsFunc(l.set.list, on) { // reach reports a role met nowhere
		return
	}
	declared := func(selector string) bool {
		return slices.ContainsFunc(l.set.list, func(r *Route) bool {
			return on(r) && slices.ContainsFunc(r.kinds, func(k kind) bool {
				return k.subject == selector || k.declares(selector)
			})
		})
	}
	var visit func(e ast.Expr)
	visit = func(e ast.Expr) {
		if variable, path := attribute(e); variable == "record" {
			if selector := (inputs{path}).selectors()[0]; !declared(selector) {
				name := "record." + strings.Join(path, ".")
				l.add(nameUndeclared, Warning, at, about+" "+name,
					"its condition reads %s, and no record that it is about has such a field, by "+
						"the service files; mend the name, or declare the field as what it is",
					name)
			}
			return
		}
		if attribute, texts := compared(e); known[attribute] != nil {
			for _, text := range texts {
				if !known[attribute][text] {
					l.add(nameUndeclared, Warning, at, about+" request."+attribute+" "+text,
						"its condition compares request.%s with %q, and there is no such %s; "+
							"mend the name%s", attribute, text, attribute,
						meant(text, slices.Sorted(maps.Keys(known[attribute]))))
				}
			}
		}
		for _, child := range children(e) {
			visit(child)
		}
	}
	visit(c.checked.NativeRep().Expr())
}

// requestWords returns the values that attributes of the request can have, where rules say which.
func (s *Set) requestWords() map[string]map[string]bool {
	known := map[string]map[string]bool{"route": {}, "service": {}, "purpose": {}}
	for _, r := range s.list {
		known["route"][r.Match], known["service"][r.Service] = true, true
	}
	for name := range s.purposes {
		known["purpose"][name] = true
	}
	return known
}

// declares reports whether a field of the kind may be what a selector selects, or lie within it.
func (k *kind) declares(selector string) bool {
	return slices.ContainsFunc(k.fields, func(f field) bool {
		return !masking.Apart(f.path, selector)
	})
}

// compared returns the attribute of the request that a comparison reads, and the texts that it
// compares it with.
func compared(e ast.Expr) (name string, texts []string) {
	if e.Kind() != ast.CallKind {
		return "", nil
	}
	switch call := e.AsCall(); call.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.In:
		for _, operand := range call.Args() {
			if variable, path := attribute(operand); variable == "request" && len(path) == 1 {
				name = path[0]
			}
			literals := []ast.Expr{operand}
			if operand.Kind() == ast.ListKind {
				literals = operand.AsList().Elements()
			}
			for _, literal := range literals {
				if literal.Kind() == ast.LiteralKind {
					if text, ok := literal.AsLiteral().(types.String); ok {
						texts = append(texts, string(text))
					}
				}
			}
		}
	}
	return name, texts
}
