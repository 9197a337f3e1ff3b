package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/maskgate/maskgate/treatment"
)

// schemaAddress is where the published schema is.
const schemaAddress = "https://github.com/maskgate/maskgate/blob/main/rules.schema.json"

// Schema returns the JSON Schema (draft 7, which editors know best) of rule files, made from the
// declaration of their keys. It completes and checks what a file may hold; selectors, conditions,
// arguments of treatments and what files say of each other are [Load]'s to check.
func Schema() []byte {
	names := slices.Sorted(maps.Keys(catalogue))
	definitions := map[string]any{
		treatmentWords.name(): words(treatment.Names()),
		typeWords.name():      words(names),
		selectorTexts.name():  map[string]any{"type": "string", "pattern": `^\$`},
		matchTexts.name():     map[string]any{"type": "string", "pattern": `^[A-Z]+ /`},
		choiceWords.name():    words(slices.Concat(names, []string{sensitive}, classes, levels)),
	}
	root := map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"$id":     schemaAddress,
		"title":   "Maskgate rule file",
		"description": "kind: service says what the fields of a data service are; kind: policy " +
			"says who may see them; kind: test says what callers must get.",
		"type":     "object",
		"required": []string{"kind"},
		"properties": map[string]any{"kind": map[string]any{"enum": []string{"service", "policy",
			"test"}}},
		"definitions": definitions,
	}
	var cases []any
	for _, s := range []*shape{serviceShape, policyShape, testShape} {
		define(s, definitions)
		cases = append(cases, map[string]any{
			"if": map[string]any{"properties": map[string]any{
				"kind": map[string]any{"const": s.name}}},
			"then": reference(s.name),
		})
	}
	root["allOf"] = cases
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil { // impossible: maps, lists and texts
		panic(fmt.Sprintf("encoding the schema: %v", err))
	}
	return out.Bytes()
}

// define adds a shape to the definitions, and the shapes that it refers to.
func define(s *shape, definitions map[string]any) {
	if definitions[s.name] != nil {
		return
	}
	properties := map[string]any{}
	object := map[string]any{"type": "object", "additionalProperties": false,
		"properties": properties}
	definitions[s.name] = object
	var required []string
	for _, k := range s.keys {
		p := k.form.schema(definitions)
		if p["$ref"] != nil { // draft 7 ignores what stands beside $ref
			p = map[string]any{"allOf": []any{p}}
		}
		p["description"] = k.doc + " As in " + k.name + ": " + k.like
		properties[k.name] = p
		if k.required {
			required = append(required, k.name)
		}
	}
	if required != nil {
		object["required"] = required
	} else {
		object["minProperties"] = 1
	}
}

func (f *form) schema(definitions map[string]any) map[string]any {
	var kinds []any
	if f.text != nil {
		kinds = append(kinds, f.text.schema())
	}
	if f.list != nil {
		kinds = append(kinds, map[string]any{"type": "array", "minItems": 1, "uniqueItems": true,
			"items": f.list.schema(definitions)})
	}
	if f.mapping != nil {
		m := map[string]any{"type": "object", "additionalProperties": f.mapping.schema(definitions)}
		if f.keys != noWords {
			m["propertyNames"] = reference(f.keys.name())
		}
		kinds = append(kinds, m)
	}
	if f.object != nil {
		define(f.object, definitions)
		kinds = append(kinds, reference(f.object.name))
	}
	if len(kinds) == 1 {
		return kinds[0].(map[string]any)
	}
	return map[string]any{"anyOf": kinds}
}

func (t *text) schema() map[string]any {
	switch {
	case t.known != noWords:
		return reference(t.known.name())
	case len(t.words) > 0:
		return map[string]any{"enum": t.words}
	case t.prose:
		return map[string]any{"type": "string", "pattern": `\S`,
			"not": map[string]any{"enum": truths}}
	case t.flag:
		return map[string]any{"type": "boolean"}
	case t.count:
		return map[string]any{"type": "integer", "minimum": 1, "maximum": 999_999_999}
	case t.tally:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": 999_999_999}
	case t.pattern != nil:
		return map[string]any{"type": "string", "pattern": t.pattern.String()}
	}
	return map[string]any{"type": []string{"string", "number", "boolean"}, "pattern": `\S`}
}

func (v vocabulary) name() string {
	return [...]string{"", "type_name", "choice_name", "treatment_name", "selector", "match"}[v]
}

func reference(name string) map[string]any {
	return map[string]any{"$ref": "#/definitions/" + name}
}

// words is the schema of a text that editors complete to a known word, and that may be another word
// too. It has no description: editors would show that instead of the key's.
func words(known []string) map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"enum": known},
		map[string]any{"type": "string", "pattern": `\S`}}}
}
