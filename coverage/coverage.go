// Package coverage compares rule files with OpenAPI documents: which fields of a service's
// responses no rule names.
//
// An OpenAPI document (3.0 or 3.1) describes responses by schemas; a rule file names fields by
// selectors. [Check] walks each schema and the layout of its route side by side, so that it needs
// no response and is exact for recursive schemas too: a schema is walked anew only where the layout
// tells two places apart.
//
//	operations, err := coverage.Check(set, "openapi.yaml", os.ReadFile, "")
//	for _, o := range operations {
//		fmt.Println(o.Match, o.Unnamed)
//	}
package coverage

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
	"go.yaml.in/yaml/v4"
)

// Operation is one operation of a document, and what rules say of its response.
type Operation struct {
	// Match is the operation's method and path, as the document has them.
	Match string `json:"match"`
	// Route and Service name the route that answers the operation, as its rule file has them. They
	// are empty if no route does: then requests are refused.
	Route   string `json:"route,omitempty"`
	Service string `json:"service,omitempty"`
	// Public reports that responses pass unread.
	Public bool `json:"public,omitempty"`
	// Fields is how many fields the response has. The fields of a recursive schema count once for
	// each place that rules tell apart.
	Fields int `json:"fields"`
	// Unnamed are the fields that no rule names, as selectors from the root, sorted. The segment .*
	// stands for a member whose name the document does not tell.
	Unnamed []string `json:"unnamed"`
}

// Check compares a rule set with the document in a file. read reads the document, and the files
// that it refers to, by their paths. base is the address at which the gateway is asked, or the path
// in front of the document's paths; if it is empty, Check tries the addresses of the document's
// servers. Check leaves out bodies that are not JSON, and answers that never pass, errors above
// all. Errors name the place in the document.
func Check(
	set *rules.Set, name string, read func(name string) ([]byte, error), base string,
) ([]Operation, error) {
	d := &document{read: read, files: map[string]*yaml.Node{}}
	root, err := d.open(name)
	if err != nil {
		return nil, err
	}
	operations, bases, err := d.operations(root)
	if err != nil {
		return nil, err
	}
	if base != "" {
		u, err := url.Parse(base)
		if err != nil {
			return nil, fmt.Errorf("base: want a path or an address, as in /api or " +
				"https://crm.bank.example/api")
		}
		bases = []origin{originOf(u)}
	}
	list := []Operation{}
	for _, o := range operations {
		w := walker{document: d, unnamed: map[string]bool{}, named: map[string]bool{}}
		result := Operation{Match: o.String()}
		for _, b := range bases {
			if r := set.Route(o.method, b.host, b.path+o.path); r != nil && result.Route == "" {
				result.Route, result.Service, result.Public = r.Match, r.Service, r.Public != ""
				w.layout = r.Layout
			}
		}
		for _, s := range o.schemas {
			var reach masking.Reach
			if w.layout != nil {
				reach = w.layout.Reach()
			}
			if err := w.walk(s, "$", reach, nil); err != nil {
				return nil, err
			}
		}
		result.Fields = len(w.unnamed) + len(w.named)
		result.Unnamed = []string{}
		if !result.Public {
			for field := range w.unnamed {
				result.Unnamed = append(result.Unnamed, field)
			}
			slices.Sort(result.Unnamed)
		}
		list = append(list, result)
	}
	return list, nil
}

// walker walks the schemas of one operation.
type walker struct {
	*document
	layout         *masking.Layout // nil: nothing is named
	unnamed, named map[string]bool
}

// visit is a schema on the way from the root, and the state of the layout there.
type visit struct {
	node *yaml.Node
	key  string
}

// maxFields is how many fields a response may have. Schemas that refer to each other can have
// exponentially many fields.
const maxFields = 100_000

// walk lists the fields of a schema (JSON Schema 2020-12, or OpenAPI 3.0's dialect).
func (w *walker) walk(s element, at string, r masking.Reach, way []visit) error {
	v := visit{node: s.node}
	if w.layout != nil {
		v.key = r.Key()
	}
	if slices.Contains(way, v) {
		return nil // recursion: what follows was listed before
	}
	way = append(slices.Clip(way), v)
	if len(w.unnamed)+len(w.named) > maxFields {
		return s.fault("the response has more than %d fields", maxFields)
	}
	if s.node.Kind != yaml.MappingNode { // true, false
		if s.text() != "false" {
			w.field(at, r)
		}
		return nil
	}
	members, err := s.members()
	if err != nil {
		return err
	}
	keys := map[string]element{}
	for _, m := range members {
		keys[m.name] = m.value
	}
	if keys["writeOnly"].text() == "true" {
		return nil // no response has it
	}
	inner := false // the schema says what is inside, or leaves it to others
	if ref, ok := keys["$ref"]; ok {
		inner = true
		target, err := w.resolve(ref)
		if err == nil {
			err = w.walk(target, at, r, way)
		}
		if err != nil {
			return err
		}
	}
	for _, key := range []string{"$dynamicRef", "$recursiveRef"} {
		if ref, ok := keys[key]; ok {
			return ref.fault("%s is not read; write $ref", key)
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		for _, one := range keys[key].items() {
			inner = true
			if err := w.walk(one, at, r, way); err != nil {
				return err
			}
		}
	}
	for _, key := range []string{"then", "else"} {
		if one, ok := keys[key]; ok {
			inner = true
			if err := w.walk(one, at, r, way); err != nil {
				return err
			}
		}
	}
	dependent, err := keys["dependentSchemas"].members()
	if err != nil {
		return err
	}
	for _, one := range dependent {
		inner = true
		if err := w.walk(one.value, at, r, way); err != nil {
			return err
		}
	}
	within, err := w.inside(keys, at, r, way)
	if err != nil {
		return err
	}
	types := keys["type"].items()
	if t, ok := keys["type"]; ok && t.text() != "" {
		types = []element{t}
	}
	for _, t := range types {
		switch t.text() {
		case "object":
			if !within && !inner {
				w.field(at+".*", step(w, r, masking.Reach.AnyMember))
			}
		case "array":
			if !within && !inner {
				w.field(at+"[*]", step(w, r, masking.Reach.Element))
			}
		case "null":
		default:
			w.field(at, r)
		}
	}
	if len(types) == 0 && !within && !inner {
		w.field(at, r) // the schema says nothing, so anything may be there
	}
	return nil
}

// inside walks the schemas of members and elements, and reports whether the schema has any.
func (w *walker) inside(
	keys map[string]element, at string, r masking.Reach, way []visit,
) (some bool, err error) {
	properties, err := keys["properties"].members()
	if err != nil {
		return false, err
	}
	for _, p := range properties {
		some = true
		next := step(w, r, func(r masking.Reach) masking.Reach { return r.Member(p.name) })
		if err := w.walk(p.value, at+selector(p.name), next, way); err != nil {
			return some, err
		}
	}
	others, err := keys["patternProperties"].members()
	if err != nil {
		return some, err
	}
	for _, key := range []string{"additionalProperties", "unevaluatedProperties"} {
		if s, ok := keys[key]; ok {
			some = some || s.text() == "false"
			others = append(others, member{key, s})
		}
	}
	for _, o := range others {
		if o.value.text() == "false" {
			continue
		}
		some = true
		if err := w.walk(o.value, at+".*", step(w, r, masking.Reach.AnyMember), way); err != nil {
			return some, err
		}
	}
	elements := keys["prefixItems"].items()
	for _, key := range []string{"items", "unevaluatedItems"} {
		if s, ok := keys[key]; ok {
			elements = append(elements, s)
		}
	}
	for _, e := range elements {
		some = true
		if err := w.walk(e, at+"[*]", step(w, r, masking.Reach.Element), way); err != nil {
			return some, err
		}
	}
	return some, nil
}

// step takes a step in the layout, if there is a layout.
func step(w *walker, r masking.Reach, to func(masking.Reach) masking.Reach) masking.Reach {
	if w.layout == nil {
		return r
	}
	return to(r)
}

func (w *walker) field(at string, r masking.Reach) {
	if w.layout != nil && r.Named() {
		w.named[at] = true
	} else {
		w.unnamed[at] = true
	}
}

var shorthand = regexp.MustCompile(`^[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_\x{80}-\x{10FFFF}]*$`)

// selector writes a name as a segment of a selector (RFC 9535).
func selector(name string) string {
	if shorthand.MatchString(name) {
		return "." + name
	}
	return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
}
