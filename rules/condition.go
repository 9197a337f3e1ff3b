package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"github.com/maskgate/maskgate/masking"
	"go.yaml.in/yaml/v4"
)

// condition is a compiled when: a CEL expression over caller, request, record, consent, grant and
// time that yields true or false.
type condition struct {
	text     string
	name     string // tells conditions apart: the text, and the zone if it may matter
	program  cel.Program
	checked  *cel.Ast
	zone     *time.Location
	compared []comparison // whose operands must be of one kind

	reads         bool // whether it reads record, consent or grant, which differ between records
	readsStanding bool // whether it reads consent or grant
}

// maxCost bounds the evaluation of a condition, in CEL's cost units (about one for each operation
// or list element).
const maxCost = 10_000

// maxExpression is how many bytes a condition may have.
const maxExpression = 4096

// condition compiles the when of a role or cap; nil if it has none.
func (l *loader) condition(o object, zone *time.Location) *condition {
	n, text := o.values["when"], o.text("when")
	if text == "" {
		return nil
	}
	if len(text) > maxExpression {
		o.fault(n, "when: the expression has %d bytes; want at most %d", len(text), maxExpression)
		return nil
	}
	parsed, issues := conditionEnv.Parse(text)
	if issues.Err() != nil {
		o.celFaults(n, issues)
		return nil
	}
	c := &condition{text: text, name: text, zone: zone}
	if strings.Contains(text, "time") {
		c.name += " (" + zone.String() + ")"
	}
	// Names are checked first: the type checker would say less of a misspelt name.
	named := l.readings(parsed.NativeRep().Expr(), c)
	if named != nil {
		o.fault(n, "when: %v", named)
	}
	checked, issues := conditionEnv.Check(parsed)
	if issues.Err() != nil {
		if named == nil {
			o.celFaults(n, issues)
		}
		return nil
	}
	if checked.OutputType() != cel.BoolType {
		o.fault(n, "when: want an expression that is true or false, as in record.agentId == "+
			"caller.id; this one is of type %s", checked.OutputType())
		return nil
	}
	var err error
	if c.compared, err = comparisons(checked.NativeRep()); err != nil {
		if named == nil {
			o.fault(n, "when: %v", err)
		}
		return nil
	}
	c.checked = checked
	if c.program, err = conditionEnv.Program(checked, cel.CostLimit(maxCost)); err != nil {
		o.fault(n, "when: %v", err)
		return nil
	}
	return c
}

// named is the condition's name, "" for none.
func (c *condition) named() string {
	if c == nil {
		return ""
	}
	return c.name
}

func (s *source) celFaults(n *yaml.Node, issues *cel.Issues) {
	for _, e := range issues.Errors() {
		if e.Location.Column() < 0 { // a limit that the whole expression passes
			s.fault(n, "when: %s; write a simpler expression", e.Message)
			continue
		}
		s.fault(n, "when: column %d of the expression: %s; %s", e.Location.Column()+1, e.Message,
			celRemedy(e.Message))
	}
}

// celRemedy says what to do about what CEL found.
func celRemedy(message string) string {
	switch {
	case strings.Contains(message, "undeclared reference"):
		return "want caller, consent, grant, record, request or time, or one of CEL's functions"
	case strings.Contains(message, "token recognition error at: '= '"):
		return "compare by ==, as in record.agentId == caller.id"
	case strings.Contains(message, "no matching overload"):
		return "compare and join values of one type, as in time.hour >= 8 or 'mfa' in caller.amr"
	}
	return "write it as CEL, as in record.agentId == caller.id && time.hour >= 8"
}

// readings checks the names that an expression reads, and adds the names of the record to the
// inputs of the set.
func (l *loader) readings(root ast.Expr, c *condition) error {
	var faults []error
	var visit func(e ast.Expr)
	visit = func(e ast.Expr) {
		variable, path := attribute(e)
		if v, ok := variables[variable]; ok {
			c.reads = c.reads || v.ofStanding
			c.readsStanding = c.readsStanding || v.ofStanding
			faults = append(faults, v.knows(variable, path))
			return
		}
		if variable == "record" {
			c.reads = true
			if len(path) == 0 {
				faults = append(faults,
					errors.New("record alone cannot be read; name what is read of it, as in "+
						"record.agentId"))
				return
			}
			faults = append(faults, l.set.inputs.add(path))
			return
		}
		if e.Kind() == ast.ComprehensionKind && readsRecord(e.AsComprehension().IterRange()) {
			faults = append(faults, errors.New("a macro cannot go through values of the record; "+
				"compare them one by one, as in record.a == 'x' || record.b == 'x'"))
		}
		for _, child := range children(e) {
			visit(child)
		}
	}
	visit(root)
	return errors.Join(faults...)
}

func readsRecord(e ast.Expr) bool {
	variable, _ := attribute(e)
	return variable == "record" || slices.ContainsFunc(children(e), readsRecord)
}

// attribute takes record.a.b apart into "record" and [a b]; its variable is "" for any other
// expression.
func attribute(e ast.Expr) (variable string, path []string) {
	for e.Kind() == ast.SelectKind {
		path = append(path, e.AsSelect().FieldName())
		e = e.AsSelect().Operand()
	}
	if e.Kind() != ast.IdentKind {
		return "", nil
	}
	slices.Reverse(path)
	return e.AsIdent(), path
}

// readsAny reports whether the condition reads a variable, or one of its attributes, for which f is
// true.
func (c *condition) readsAny(f func(variable string, path []string) bool) bool {
	var within func(e ast.Expr) bool
	within = func(e ast.Expr) bool {
		variable, path := attribute(e)
		return variable != "" && f(variable, path) || slices.ContainsFunc(children(e), within)
	}
	return within(c.checked.NativeRep().Expr())
}

func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var list []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			list = append(list, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return list
	case ast.StructKind:
		var list []ast.Expr
		for _, field := range e.AsStruct().Fields() {
			list = append(list, field.AsStructField().Value())
		}
		return list
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	}
	return nil
}

// inputs are the values that the conditions of a set read of a record, as paths of names.
type inputs [][]string

func (paths *inputs) add(path []string) error {
	for _, other := range *paths {
		if slices.Equal(other, path) {
			return nil
		}
		n := min(len(other), len(path))
		if slices.Equal(other[:n], path[:n]) {
			return fmt.Errorf("record.%s and record.%s are both read, but one lies within the "+
				"other; read values, not objects",
				strings.Join(other, "."), strings.Join(path, "."))
		}
	}
	*paths = append(*paths, path)
	return nil
}

// selectors are the inputs as JSONPaths from the record.
func (paths inputs) selectors() []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = "$"
		for _, name := range path {
			// A name in CEL has no quotes. In backticks it may have dots and dashes.
			list[i] += "['" + name + "']"
		}
	}
	return list
}

// facts builds CEL's record from the inputs that were found. Objects, arrays and numbers beyond a
// float64 become noFact: has finds them, but a condition that reads them fails.
func (paths inputs) facts(values []masking.Value) map[string]any {
	record := map[string]any{}
	for i, path := range paths {
		if values[i].Kind == masking.Invalid {
			continue
		}
		v := fact(values[i])
		at := record
		for _, name := range path[:len(path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[path[len(path)-1]] = v
	}
	return record
}

var noFact = types.NewErr("the record's value cannot be read")

func fact(v masking.Value) any {
	switch v.Kind {
	case masking.String:
		return string(v.Text)
	case masking.Bool:
		return v.Text[0] == 't'
	case masking.Null:
		return types.NullValue
	case masking.Number:
		if n, err := strconv.ParseInt(string(v.Text), 10, 64); err == nil {
			return n
		}
		if x, err := strconv.ParseFloat(string(v.Text), 64); err == nil {
			return x
		}
	}
	return noFact
}

// holds evaluates the condition. An error means that nobody can tell whether it holds.
func (c *condition) holds(vars *values) (bool, error) {
	vars.zone = c.zone
	for _, group := range c.compared {
		if err := group.check(vars.record()); err != nil {
			return false, err
		}
	}
	out, _, err := c.program.Eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("want true or false; have a value of type %s",
			out.Type().TypeName())
	}
	return bool(b), nil
}
