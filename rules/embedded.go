package rules

import (
	"slices"

	"github.com/maskgate/maskgate/masking"
	"go.yaml.in/yaml/v4"
)

// embeddedJSON is what service files say, instead of a type, of strings that hold JSON, as in
// $.payload: {embedded_json: {$.idCard: cn_id_card}}. The string itself is structure, like an object: no rule treats it, and what no
// selector names within it is what the route's unlisted says.
const embeddedJSON = "embedded_json"

// embeddedType is the type of a string that holds JSON. No class or level is its, and no treat or cap can name it.
var embeddedType = &fieldType{Name: embeddedJSON}

// embedded reads what a string holds.
func (l *loader) embedded(s *source, n *yaml.Node, what string) []fieldRule {
	o := s.object(n, what, embeddedJSON)
	inside := o.values[embeddedJSON]
	if inside == nil {
		if len(n.Content) == 0 {
			s.fault(n, "%s: want a type, or {embedded_json: …} with the fields of the JSON that the string holds", what)
		}
		return nil
	}
	return l.fields(s, inside, what+": "+embeddedJSON)
}

// embeddedIn returns what is embedded in fields, as a layout has it.
func embeddedIn(fields []fieldRule) []masking.Embedded {
	var list []masking.Embedded
	for i, f := range fields {
		if f.typ == embeddedType {
			list = append(list, masking.Embedded{Field: i, Fields: selectors(f.inside), Embedded: embeddedIn(f.inside)})
		}
	}
	return list
}

// withEmbedded returns fields with those of what is embedded behind them, in the order of [masking.Profile.Treatments]. The path of a field within
// a string is the string's, a bar, and its own in the string.
func withEmbedded(fields []fieldRule) []fieldRule {
	all := slices.Clone(fields)
	for _, f := range fields {
		for _, inner := range withEmbedded(f.inside) {
			inner.path = f.path + " | " + inner.path
			all = append(all, inner)
		}
	}
	return all
}

func selectors(fields []fieldRule) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.path
	}
	return list
}
