package rules

import "github.com/maskgate/maskgate/masking"

// Kinds are the kinds of record of the route's layout, the envelope last. A public route has none.
func (r *Route) Kinds() []Kind {
	if r.Public != "" {
		return nil
	}
	kinds := make([]Kind, 0, len(r.kinds)+1)
	for i := range r.kinds {
		kinds = append(kinds, r.describe(i))
	}
	return append(kinds, r.describe(masking.Envelope))
}

// EnvelopeKind names, where kinds of record are named by their selectors, what lies outside any record.
const EnvelopeKind = "envelope"

// Kind is a kind of record, or the envelope.
type Kind struct {
	Name   string   // its selector, or EnvelopeKind, as [Profile.Kind] has it
	Fields []string // the selectors of its fields, in the order of [Profile.Fields]
}

func (r *Route) describe(index int) Kind {
	k := r.kind(index)
	fields := make([]string, len(k.all))
	for i, f := range k.all {
		fields[i] = f.path
	}
	return Kind{k.selector, fields}
}
