package rules

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/maskgate/maskgate/treatment"
)

// fieldType is a type of the catalogue or of a policy, or a type as one field overrides it.
type fieldType struct {
	Name      string
	Class     string // C1 to C3 (JR/T 0171-2020), "" where the standard gives none
	Level     string // L1 to L5 (JR/T 0197-2020)
	Sensitive bool   // PIPL Art. 28
	Mask      treatment.Expression
	Always    *treatment.Expression // a cap that no rule lifts; nil: none
}

// public is the type of values that are about nobody: clear to whoever is admitted.
const public = "public"

// sensitive is the word for sensitive personal information, in types and fields, treat and caps.
const sensitive = "sensitive"

//go:embed catalogue.yaml
var catalogueFile []byte

var catalogue = mustReadCatalogue()

func mustReadCatalogue() map[string]*fieldType {
	var entries map[string]struct {
		Class     string
		Level     int
		Sensitive bool
		Mask      string
		Always    string
	}
	if err := yaml.Load(catalogueFile, &entries, yaml.WithKnownFields()); err != nil {
		panic(fmt.Sprintf("reading the built-in type catalogue: %v", err))
	}
	expression := func(text string) treatment.Expression {
		e, err := treatment.ParseExpression(text)
		if err != nil {
			panic(fmt.Sprintf("reading the built-in type catalogue: %v", err))
		}
		return e
	}
	types := map[string]*fieldType{}
	for name, e := range entries {
		t := &fieldType{Name: name, Class: e.Class, Level: fmt.Sprintf("L%d", e.Level),
			Sensitive: e.Sensitive, Mask: treatment.Redact}
		if e.Mask != "" {
			t.Mask = expression(e.Mask)
		}
		if e.Always != "" {
			always := expression(e.Always)
			t.Always = &always
		}
		types[name] = t
	}
	return types
}

// declare adds the types that a policy declares, and overrides types of the catalogue in what the
// policy says of them.
func (l *loader) declare(o object) {
	for _, e := range o.pairs("types") {
		name, t := e.key.Value, o.object(e.value)
		builtIn := catalogue[name]
		switch other, ok := l.typeDeclared[name]; {
		case ok:
			o.fault(e.key, "type %s: declared at %s too; remove one", name, other)
			continue
		case name == public:
			o.fault(e.key, "type public: it cannot be changed, since fields of it are clear to "+
				"all; declare a type of another name")
			continue
		case slices.Contains(classes, name) || slices.Contains(levels, name) || name == sensitive ||
			name == embeddedJSON || !typeName.MatchString(name):
			o.fault(e.key, "type %s: want a name of lower-case letters, digits and _, as in "+
				"employee_number, that is no class, level, %s or %s", name, sensitive, embeddedJSON)
			continue
		}
		l.typeDeclared[name] = o.place(e.key)
		own := &fieldType{Name: name, Mask: treatment.Redact}
		if builtIn != nil {
			*own = *builtIn
		} else if t.values["level"] == nil && e.value.Kind == yaml.MappingNode {
			o.fault(e.value, "type %s: want the key level, as in level: L3", name)
		}
		own.override(l, t, "type "+name)
		if always, ok := l.expression(t, "always", "type "+name); ok {
			if own.Always == nil || always.Rank() > own.Always.Rank() {
				own.Always = &always
			} else {
				o.fault(t.values["always"], "type %s: the catalogue's %s is as strict; remove "+
					"always", name, own.Always)
			}
		}
		l.types[name] = own
	}
}

var typeName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// override sets class, level, sensitivity and mask to what an object says of them, if it does.
func (t *fieldType) override(l *loader, o object, what string) {
	if class := o.text("class"); class != "" {
		t.Class = class
	}
	if level := o.text("level"); level != "" {
		t.Level = level
	}
	if b := o.flag(sensitive); b != nil {
		t.Sensitive = *b
	}
	if mask, ok := l.expression(o, "mask", what); ok {
		if mask.Name == "mask" && len(mask.Args) == 0 {
			o.fault(o.values["mask"], "%s: mask: want what mask does to it, as in "+
				"mask(keep_last=4), not mask itself", what)
			return
		}
		t.Mask = mask
	}
}

// weaker names the keys by which t protects less than the usual type. The mask is among them unless
// it is plain that it shows nothing that the usual mask does not.
func (t *fieldType) weaker(usual *fieldType) []string {
	var list []string
	if t.Class < usual.Class { // C1 to C3; "" is the lowest
		list = append(list, "class")
	}
	if t.Level < usual.Level {
		list = append(list, "level")
	}
	if usual.Sensitive && !t.Sensitive {
		list = append(list, sensitive)
	}
	if t.Mask.Rank() <= usual.Mask.Rank() && !usual.Mask.Shows(t.Mask) {
		list = append(list, "mask")
	}
	return list
}

// resolve puts the type's default in the place of a bare mask.
func (t *fieldType) resolve(e treatment.Expression) treatment.Expression {
	if e.Name == "mask" && len(e.Args) == 0 {
		return t.Mask
	}
	return e
}
