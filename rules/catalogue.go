package rules

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"github.com/maskgate/maskgate/masking"
	"go.yaml.in/yaml/v4"
)

// fieldType is what a field can be.
type fieldType struct {
	Name      string
	Class     string // C1 to C3 (JR/T 0171-2020), "" where the standard gives none
	Level     string // L1 to L5 (JR/T 0197-2020)
	Sensitive bool   // PIPL Art. 28
	Mask      masking.Expression
	Always    *masking.Expression // a cap that no rule lifts
}

// public is the type of what is not about anybody: clear to whoever is admitted.
const public = "public"

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
	expression := func(text string) masking.Expression {
		e, err := masking.ParseExpression(text)
		if err != nil {
			panic(fmt.Sprintf("reading the built-in type catalogue: %v", err))
		}
		return e
	}
	types := map[string]*fieldType{}
	for name, e := range entries {
		t := &fieldType{Name: name, Class: e.Class, Level: fmt.Sprintf("L%d", e.Level), Sensitive: e.Sensitive, Mask: masking.Redact}
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

func typeNames() []string { return slices.Sorted(maps.Keys(catalogue)) }

// resolve puts the type's default in the place of a bare mask.
func (t *fieldType) resolve(e masking.Expression) masking.Expression {
	if e.Name == "mask" && len(e.Args) == 0 {
		return t.Mask
	}
	return e
}
