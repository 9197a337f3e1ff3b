package rules

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// comparison is the operands of one ==, != or in. CEL says of values of two types that they differ, and no more: a status
// that turned from text to number would quietly pass status != 'frozen'. Here that is a condition that cannot be evaluated.
type comparison struct {
	paths  [][]string // operands that are values of the record
	kinds  []string   // of the other operands
	hidden bool       // one is of a type that only shows at run time, and no value of the record
}

// comparisons collects the comparisons that read the record, except those with null, which ask for the type. Its error says that an
// operand's type cannot be told beforehand, and that it is not a value of the record by itself: then nobody would check it.
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

var errHidden = errors.New("==, != and in want the record's values as they are, or lists of them, so that their types are checked; " +
	"write has(record.status) && record.status != 'frozen' rather than a choice, dyn() or a map")

// add adds operands; it reports false if one is null or of a type that only shows at run time.
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

// kindOf joins CEL's types of numbers, which compare with each other; "" for null and what only shows at run time.
func kindOf(typeName string) string {
	switch typeName {
	case "int", "uint", "double":
		return "number"
	case "string", "bool", "bytes", "google.protobuf.Timestamp", "google.protobuf.Duration":
		return typeName
	}
	return ""
}

// check reports whether the values that the record has are of the type of the other operands. What is missing is CEL's
// to find out.
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

// kindAt is the kind of a fact, as kindOf has it.
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
	return "", false // CEL fails on it
}
