package rules

import "github.com/maskgate/maskgate/masking"

// Envelope stands where a kind of record has its selector, and means everything outside records: in
// [Kind.Name], [Profile.Kind], [Account.Kind] and [Change.Kind]. Its index is [masking.Envelope].
const Envelope = "envelope"

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

// Kind is a kind of record, or the envelope.
type Kind struct {
	Name   string   // its selector, or [Envelope]
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
