package rules

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// comparison has the operands of one ==, != or in. To CEL, values of two types differ, and no more:
// a status that turned from text to number would quietly pass status != 'frozen'. Here such a
// condition cannot be evaluated.
type comparison struct {
	paths [][]string // of the operands that are values of the record
	kinds []string   // of the other operands
	// hidden reports whether the type of an operand that is no value of the record is known at run
	// time only.
	hidden bool
}

// comparisons collects the comparisons that read the record. It leaves out comparisons with null,
// which ask for the type. It returns errHidden if the type of an operand is known at run time only
// and the operand is no value of the record: nobody would check that type.
func comparisons(checked *ast.AST) (list []comparison, err error) {
	var visit func(e ast.Expr)
	visit = func(e ast.Expr) {
		if e.Kind() == ast.CallKind {
			switch e.AsCall().FunctionName() {
			case operators.Equals, operators.NotEquals, operators.In:
				var c comparison
				switch told := c.add(checked, e.AsCall().Args()); {
				case c.hidden:
					err = errHidden
				case told && len(c.paths) > 0:
					list = append(list, c)
				}
			}
		}
		for _, child := range children(e) {
			visit(child)
		}
	}
	visit(checked.Expr())
	return list, err
}

var errHidden = errors.New("==, != and in want the record's values as they are, or lists of " +
	"them, so that their types are checked; write has(record.status) && record.status != " +
	"'frozen' rather than a choice, dyn() or a map")

// add adds operands. It reports false if an operand is null or of a type that is known at run time
// only.
func (c *comparison) add(checked *ast.AST, operands []ast.Expr) bool {
	for _, e := range operands {
		variable, path := attribute(e)
		switch {
		case variable == "record":
			c.paths = append(c.paths, path)
		case e.Kind() == ast.ListKind:
			if !c.add(checked, e.AsList().Elements()) {
				return false
			}
		default:
			typ := checked.GetType(e.ID())
			if typ.Kind() == types.ListKind { // in a list
				typ = typ.Parameters()[0]
			}
			kind := kindOf(typ.TypeName())
			if kind == "" {
				c.hidden = c.hidden || typ.Kind() != types.NullTypeKind
				return false
			}
			c.kinds = append(c.kinds, kind)
		}
	}
	return true
}

// kindOf names the kind of a CEL type: types that compare with each other, as all types of numbers
// do, are of one kind. It is "" for null and for types that are known at run time only.
func kindOf(typeName string) string {
	switch typeName {
	case "int", "uint", "double":
		return "number"
	case "string", "bool", "bytes", "google.protobuf.Timestamp", "google.protobuf.Duration":
		return typeName
	}
	return ""
}

// check returns an error if a value of the record is of another kind than another operand. A value
// that the record lacks is no error here: CEL fails to evaluate the condition then.
func (c comparison) check(record any) error {
	kinds := c.kinds
	for _, path := range c.paths {
		kind, ok := kindAt(record, path)
		if !ok {
			continue
		}
		for _, other := range kinds {
			if kind != other {
				return fmt.Errorf("the record's value is a %s where a %s is expected", kind, other)
			}
		}
		kinds = append(kinds[:len(kinds):len(kinds)], kind)
	}
	return nil
}

// kindAt returns the kind of the fact at a path of the record, in the words of kindOf; false if
// there is no fact.
func kindAt(record any, path []string) (kind string, ok bool) {
	for _, name := range path {
		object, _ := record.(map[string]any)
		if record, ok = object[name]; !ok {
			return "", false
		}
	}
	switch v := record.(type) {
	case string:
		return "string", true
	case bool:
		return "bool", true
	case int64, float64:
		return "number", true
	case ref.Val:
		if v == types.NullValue {
			return "null", true
		}
	}
	return "", false // noFact, on which CEL fails
}
