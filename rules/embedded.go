package rules

import (
	"slices"

	"github.com/maskgate/maskgate/masking"
)

// embeddedJSON is the key that a field has, instead of a type, if it is a string that holds JSON,
// as in $.payload: {embedded_json: {$.idCard: cn_id_card}}. The string itself is structure, like an
// object: no rule treats it. The route's unlisted says what becomes of values in the string that no
// selector names.
const embeddedJSON = "embedded_json"

// embeddedType is the type of a string that holds JSON. It has no class and no level, and neither
// treat nor a cap can name it.
var embeddedType = &fieldType{Name: embeddedJSON}

// embedded reads the fields of the JSON in a string.
func (l *loader) embedded(o object, path string, r *Route) []field {
	for _, k := range fieldShape.keys {
		if n := o.values[k.name]; n != nil && k.name != embeddedJSON {
			o.fault(n, "field %s: a string that holds JSON is structure, so %s says nothing; "+
				"remove it", path, k.name)
		}
	}
	return l.fields(o, embeddedJSON, r)
}

// embeddedIn returns which of the fields hold JSON, and its selectors.
func embeddedIn(fields []field) []masking.Embedded {
	var list []masking.Embedded
	for i, f := range fields {
		if f.typ == embeddedType {
			list = append(list, masking.Embedded{Field: i, Fields: selectors(f.inside),
				Embedded: embeddedIn(f.inside)})
		}
	}
	return list
}

// withEmbedded returns fields of a route, and behind them the fields of the JSON in strings, in the
// order of [masking.Profile.Treatments]. The path of a field within a string is the path of the
// string, a bar, and the path from the root of the JSON: $.payload | $.idCard.
func withEmbedded(fields []field, r *Route) []field {
	all := slices.Clone(fields)
	for _, f := range fields {
		for _, inner := range withEmbedded(f.inside, r) {
			named := r.field(f.path + " | " + inner.path)
			named.typ, named.at, named.reason = inner.typ, inner.at, inner.reason
			all = append(all, named)
		}
	}
	return all
}

func selectors(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.path
	}
	return list
}
