package rules

import (
	"mime"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"go.yaml.in/yaml/v4"
)

// Route is one route of a service file. It is immutable.
type Route struct {
	// Match is the route's method and path template, as written: "GET /v1/customers/{id}".
	Match   string
	Service string
	Owner   string
	// Public is why responses of the route pass unread: they are free of personal data. Empty: they are rewritten.
	Public string
	// MediaTypes are the types that responses may have; never empty.
	MediaTypes []string
	// Purpose is the purpose that the route fixes; empty: the caller names one.
	Purpose string
	// Layout is where records, subjects and fields lie; nil for a public route.
	Layout *masking.Layout

	index    int
	at       place
	query    []string
	envelope kind
	kinds    []kind
	unlisted masking.Unlisted

	keepPositions bool // of array elements, where some are dropped
}

// kind is a kind of record.
type kind struct {
	selector string // "envelope" for what is outside any record
	subject  string
	fields   []fieldRule
	at       *yaml.Node
}

type fieldRule struct {
	path   string
	typ    *fieldType
	inside []fieldRule // of a string that holds JSON
}

// AllowsQuery reports whether the route's service file lists the query parameter.
func (r *Route) AllowsQuery(name string) bool { return slices.Contains(r.query, name) }

// Kind names a kind of record of the route's layout: its selector, or "envelope".
func (r *Route) Kind(kind int) string { return r.kind(kind).selector }

func (r *Route) kind(index int) *kind {
	if index == masking.Envelope {
		return &r.envelope
	}
	return &r.kinds[index]
}

// Single reports whether the route's first kind of record occurs at most once in a document: to deny that record, in
// each document of a response, is to deny the request. A public route has none.
func (r *Route) Single() bool { return len(r.kinds) > 0 && masking.Singular(r.kinds[0].selector) }

// jsonTypes are the media types that the masking engine reads, and their framing (RFC 8259 §11; application/x-ndjson
// is by convention; RFC 7464; HTML, server-sent events).
var jsonTypes = map[string]masking.Framing{
	"application/json":     masking.Document,
	"application/x-ndjson": masking.Lines,
	"application/json-seq": masking.Sequence,
	"text/event-stream":    masking.Events,
}

// Framing is how JSON texts lie in a body of that media type, which must be one of the route's.
func (r *Route) Framing(mediaType string) masking.Framing { return jsonTypes[mediaType] }

func (l *loader) service(o object) {
	name := o.required("name")
	owner := o.required("owner")
	if name != "" && slices.Contains(l.services, name) {
		o.fault(o.values["name"], "service %s is declared twice; give one another name", name)
	}
	l.services = append(l.services, name)
	routes := o.values["routes"]
	if routes == nil || routes.Kind != yaml.SequenceNode || len(routes.Content) == 0 {
		at := routes
		if at == nil {
			at = o.node
		}
		o.fault(at, "service: want routes, a list with at least one route")
		return
	}
	for _, n := range routes.Content {
		r := l.route(o.source, n)
		r.Service, r.Owner = name, owner
	}
}

func (l *loader) route(s *source, n *yaml.Node) *Route {
	o := s.object(n, "route", "match", "public", "purpose", "media_types", "envelope", "record", "subject", "fields", "records", "query", "unlisted", "keep_positions")
	r := &Route{
		Match:      o.required("match"),
		Public:     o.text("public"),
		Purpose:    o.text("purpose"),
		MediaTypes: o.list("media_types"),
		index:      len(l.set.routes),
		at:         s.place(n),
		query:      o.list("query"),
	}
	l.set.routes = append(l.set.routes, r)
	if r.Purpose != "" {
		l.purposeUses = append(l.purposeUses, use{s, o.values["purpose"], r.Purpose})
	}
	if r.Match != "" {
		method, segments, err := parseMatch(r.Match)
		if err != nil {
			s.fault(o.values["match"], "match: %v", err)
		} else if other := l.set.table.add(method, segments, r); other != nil {
			s.fault(o.values["match"], "match: the route at %s matches the same requests; remove one", other.at)
		}
	}
	if len(r.MediaTypes) == 0 {
		r.MediaTypes = []string{"application/json"}
	}
	for _, m := range r.MediaTypes {
		_, isJSON := jsonTypes[m]
		if parsed, params, err := mime.ParseMediaType(m); err != nil || parsed != m || len(params) > 0 {
			s.fault(o.values["media_types"], "media_types: want a bare, lower-case type, as in application/json; have %q", m)
		} else if !isJSON && r.Public == "" {
			s.fault(o.values["media_types"], "media_types: %s cannot be rewritten; want application/json, application/x-ndjson, application/json-seq or text/event-stream, or a public route", m)
		}
	}
	if r.Public != "" {
		for _, key := range []string{"envelope", "record", "subject", "fields", "records", "unlisted", "keep_positions", "purpose"} {
			if o.values[key] != nil {
				s.fault(o.values[key], "route: a public route passes unread, so %s says nothing; remove one of the two", key)
			}
		}
		return r
	}
	l.layout(o, r)
	return r
}

// layout reads the kinds of record of a route.
func (l *loader) layout(o object, r *Route) {
	switch text := o.text("unlisted"); text {
	case "", "drop":
	case "mask":
		r.unlisted = masking.UnlistedMask
	case "pass":
		r.unlisted = masking.UnlistedPass
	default:
		o.fault(o.values["unlisted"], "unlisted: want drop, mask or pass; have %q", text)
	}
	r.keepPositions = o.flag("keep_positions")
	r.envelope = kind{selector: "envelope", at: o.node}
	if n := o.values["envelope"]; n != nil {
		r.envelope.fields = l.fields(o.source, n, "envelope")
	}
	records := o.values["records"]
	if records == nil {
		r.kinds = append(r.kinds, l.record(o))
		return
	}
	for _, key := range []string{"record", "subject", "fields"} {
		if o.values[key] != nil {
			o.fault(o.values[key], "route: %s goes into the entries of records", key)
		}
	}
	if records.Kind != yaml.SequenceNode || len(records.Content) == 0 {
		o.fault(records, "records: want a list of kinds of record, each with record, subject and fields")
		return
	}
	for _, n := range records.Content {
		r.kinds = append(r.kinds, l.record(o.object(n, "records", "record", "subject", "fields")))
	}
}

func (l *loader) record(o object) kind {
	k := kind{selector: o.text("record"), subject: o.text("subject"), at: o.node}
	if k.selector == "" {
		k.selector = "$"
	}
	for _, key := range []string{"record", "subject"} {
		if text := o.text(key); text != "" {
			l.selector(o.source, o.values[key], key, text)
		}
	}
	if n := o.values["fields"]; n != nil {
		k.fields = l.fields(o.source, n, "fields")
	} else if o.node.Kind == yaml.MappingNode {
		o.fault(o.node, "%s: want fields, a mapping of selectors to types", o.what)
	}
	return k
}

func (l *loader) fields(s *source, n *yaml.Node, what string) []fieldRule {
	var fields []fieldRule
	for _, e := range s.entries(n, what) {
		l.selector(s, e.key, what, e.key.Value)
		if e.value.Kind == yaml.MappingNode {
			fields = append(fields, fieldRule{e.key.Value, embeddedType, l.embedded(s, e.value, what+": "+e.key.Value)})
			continue
		}
		name := s.scalar(e.value, what+": "+e.key.Value)
		t := catalogue[name]
		if t == nil {
			if name == embeddedJSON {
				s.fault(e.value, "%s: embedded_json wants the fields of the JSON in the string, as in {embedded_json: {$.name: person_name}}", what)
			} else if name != "" {
				s.fault(e.value, "%s: unknown type %q; want one of the catalogue's%s", what, name, meant(name, typeNames()))
			}
			continue
		}
		fields = append(fields, fieldRule{path: e.key.Value, typ: t})
	}
	return fields
}

func (l *loader) selector(s *source, n *yaml.Node, what, text string) {
	if err := masking.CheckSelector(text); err != nil {
		s.fault(n, "%s: %v", what, err)
	}
}

// compileRoute merges a route's selectors, and those that conditions read, into a layout.
func (l *loader) compileRoute(r *Route) {
	spec := masking.Spec{Unlisted: r.unlisted, KeepPositions: r.keepPositions}
	spec.Envelope, spec.Embedded = selectors(r.envelope.fields), embeddedIn(r.envelope.fields)
	for _, k := range r.kinds {
		spec.Records = append(spec.Records, masking.RecordSpec{
			Select:   k.selector,
			Subject:  k.subject,
			Inputs:   l.set.inputs.selectors(),
			Fields:   selectors(k.fields),
			Embedded: embeddedIn(k.fields),
		})
	}
	var err error
	if r.Layout, err = masking.Compile(spec); err != nil {
		s := &source{r.at.file, &l.faults}
		s.fault(&yaml.Node{Line: r.at.line, Column: r.at.column}, "route: %s", strings.TrimPrefix(err.Error(), "compiling layout: "))
	}
}
