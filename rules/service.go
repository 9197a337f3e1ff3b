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
	// Match is the route's method and path template, its service's prefix included, as in
	// GET /v1/customers/{id}.
	Match   string
	Service string
	Owner   string
	// Hosts are the host names by which the service is asked; none: any.
	Hosts []string
	// Public is why responses of the route pass unread: they are free of personal data. Empty: they
	// are rewritten.
	Public string
	// MediaTypes are the media types that responses may have; never empty.
	MediaTypes []string
	// Headers are the response headers that may pass.
	Headers []string
	// Unlisted is why values that no selector names pass. Empty: they do not.
	Unlisted string
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

	keepPositions bool // whether null takes the place of array elements that are dropped
}

// kind is a kind of record.
type kind struct {
	selector string // or Envelope
	subject  string
	fields   []field
	all      []field // fields, then what withEmbedded adds: the order of Profile.Treatments
	at       *yaml.Node

	// countless reports whether the kind names no subject although it has fields that are not
	// public: then nobody can count whom a caller sees by it.
	countless bool
}

// complete fills in what follows from the fields.
func (k *kind) complete(r *Route) {
	k.all = withEmbedded(k.fields, r)
	k.countless = k.subject == "" && slices.ContainsFunc(k.all, func(f field) bool {
		return f.typ != embeddedType && f.typ.Name != public
	})
}

// field is a field of a kind of record.
type field struct {
	path string
	at   place
	typ  *fieldType

	reason string // why it is less protected than its type
	// The names by which policies choose the field: SERVICE SELECTOR, SERVICE METHOD PATH SELECTOR.
	inService, inRoute string
	inside             []field // of the JSON that the field, a string, holds
}

// fields are the fields of the envelope and of all kinds of record.
func (r *Route) fields() []field {
	list := slices.Clone(r.envelope.all)
	for _, k := range r.kinds {
		list = append(list, k.all...)
	}
	return list
}

// Query returns the query parameters that the route's service file lists.
func (r *Route) Query() []string { return slices.Clone(r.query) }

// AllowsQuery reports whether the route's service file lists the query parameter.
func (r *Route) AllowsQuery(name string) bool { return slices.Contains(r.query, name) }

// Kind names a kind of record of the route's layout: its selector, or [Envelope].
func (r *Route) Kind(kind int) string { return r.kind(kind).selector }

func (r *Route) kind(index int) *kind {
	if index == masking.Envelope {
		return &r.envelope
	}
	return &r.kinds[index]
}

// Single reports whether the route's first kind of record occurs at most once in a document. If it
// does, a response with that record denied in each document is a request denied. A public route has
// no kind of record.
func (r *Route) Single() bool { return len(r.kinds) > 0 && masking.Singular(r.kinds[0].selector) }

// jsonTypes are the media types that the masking engine reads, and their framing (RFC 8259 §11;
// application/x-ndjson is by convention; RFC 7464; HTML, server-sent events).
var jsonTypes = map[string]masking.Framing{
	"application/json":     masking.Document,
	"application/x-ndjson": masking.Lines,
	"application/json-seq": masking.Sequence,
	"text/event-stream":    masking.Events,
}

// Framing returns how JSON texts lie in a body of a media type, which must be among MediaTypes.
func (r *Route) Framing(mediaType string) masking.Framing { return jsonTypes[mediaType] }

func (l *loader) service(o object) {
	name, prefix := o.text("name"), o.text("prefix")
	if other, ok := l.services[name]; ok && name != "" {
		o.fault(o.values["name"], "service %s is declared at %s too; give one another name", name,
			other)
	} else if name != "" {
		l.services[name] = o.place(o.values["name"])
	}
	hosts, _ := o.list("hosts")
	hosts = slices.Compact(slices.Sorted(slices.Values(hosts)))
	if _, _, err := parseMatch("GET " + prefix); err != nil {
		if strings.HasPrefix(prefix, "/") { // if not, the check of its form has reported it
			o.fault(o.values["prefix"], "prefix: %v", err)
		}
		prefix = ""
	}
	for _, n := range o.items("routes") {
		if n.Kind == yaml.MappingNode {
			l.route(o.object(n), Route{Service: name, Owner: o.text("owner"), Hosts: hosts}, prefix)
		}
	}
}

// route adds a route; r has what the keys of its service say of it.
func (l *loader) route(o object, r Route, prefix string) {
	r.index, r.at = len(l.set.list), o.place(o.node)
	r.Public, r.Purpose = o.text("public"), o.text("purpose")
	r.query, _ = o.list("query")
	l.set.list = append(l.set.list, &r)
	if r.Purpose != "" {
		l.purposeUses = append(l.purposeUses, use{o.source, o.values["purpose"], r.Purpose})
	}
	if text := o.text("match"); text != "" {
		method, segments, err := parseMatch(text)
		if err != nil {
			o.fault(o.values["match"], "match: %v", err)
		} else if prefix != "" {
			_, own, _ := strings.Cut(text, " ")
			r.Match = method + " " + prefix + strings.TrimSuffix(own, "/")
			_, segments, _ = parseMatch(r.Match)
		} else {
			r.Match = text
		}
		if err == nil {
			if other := l.set.routes.add(r.Hosts, method, segments, &r); other != nil {
				o.fault(o.values["match"], "match: the route at %s matches the same requests; "+
					"remove one", other.at)
			}
		}
	}
	l.mediaTypes(o, &r)
	var at []*yaml.Node
	r.Headers, at = o.list("headers")
	for i, name := range r.Headers {
		if err := CheckHeader(name); err != nil {
			o.fault(at[i], "headers: %v", err)
		}
	}
	if r.Public != "" {
		for _, key := range []string{"envelope", "record", "subject", "fields", "records",
			"unlisted", "keep_positions", "purpose"} {
			if o.values[key] != nil {
				o.fault(o.values[key], "route: a public route passes unread, so %s says nothing; "+
					"remove one of the two", key)
			}
		}
		return
	}
	l.layout(o, &r)
}

func (l *loader) mediaTypes(o object, r *Route) {
	var at []*yaml.Node
	if r.MediaTypes, at = o.list("media_types"); len(r.MediaTypes) == 0 {
		r.MediaTypes = []string{"application/json"}
	}
	for i, n := range at {
		m := r.MediaTypes[i]
		_, isJSON := jsonTypes[m]
		if parsed, params, err := mime.ParseMediaType(m); err != nil || parsed != m ||
			len(params) > 0 {
			o.fault(n, "media_types: want a bare, lower-case type, as in application/json; have %q",
				m)
		} else if !isJSON && r.Public == "" {
			o.fault(n, "media_types: %s cannot be rewritten; want application/json, "+
				"application/x-ndjson, application/json-seq or text/event-stream, or a public "+
				"route", m)
		}
	}
}

// layout reads the kinds of record of a route.
func (l *loader) layout(o object, r *Route) {
	if o.text("unlisted") == "mask" {
		r.unlisted = masking.UnlistedMask
	} else if r.Unlisted = o.inner("unlisted").text("pass"); r.Unlisted != "" {
		r.unlisted = masking.UnlistedPass
	}
	if keep := o.flag("keep_positions"); keep != nil {
		r.keepPositions = *keep
	}
	r.envelope = kind{selector: Envelope, at: o.node, fields: l.fields(o, "envelope", r)}
	r.envelope.complete(r)
	if o.values["records"] == nil {
		r.kinds = append(r.kinds, l.record(o, r, "route"))
		return
	}
	for _, k := range recordKeys {
		if o.values[k.name] != nil {
			o.fault(o.values[k.name], "route: %s goes into the entries of records; move it there",
				k.name)
		}
	}
	for _, n := range o.items("records") {
		if n.Kind == yaml.MappingNode {
			r.kinds = append(r.kinds, l.record(o.object(n), r, "record"))
		}
	}
}

func (l *loader) record(o object, r *Route, what string) kind {
	k := kind{selector: o.text("record"), subject: o.text("subject"), at: o.node}
	if k.selector == "" {
		k.selector = "$"
	}
	for _, key := range []string{"record", "subject"} {
		if text := o.text(key); text != "" {
			l.selector(o.source, o.values[key], key, text)
		}
	}
	if o.values["fields"] == nil {
		o.fault(o.node, "%s: want the key fields, as in fields: {$.name: person_name}", what)
	}
	k.fields = l.fields(o, "fields", r)
	k.complete(r)
	return k
}

func (l *loader) fields(o object, key string, r *Route) []field {
	var fields []field
	for _, e := range o.pairs(key) {
		path := e.key.Value
		l.selector(o.source, e.key, key, path)
		f := r.field(path)
		f.at = o.place(e.key)
		if inner := o.object(e.value); inner.values[embeddedJSON] != nil {
			f.typ, f.inside = embeddedType, l.embedded(inner, path, r)
		} else if f.typ = l.fieldType(o.source, e, key); f.typ == nil {
			l.untyped = append(l.untyped, f.inService, f.inRoute)
			continue
		}
		f.reason = o.object(e.value).text("reason")
		fields = append(fields, f)
	}
	return fields
}

// field returns a field of the route by its path, still without a type.
func (r *Route) field(path string) field {
	return field{path: path, inService: r.Service + " " + path, inRoute: r.Service + " " + r.Match +
		" " + path}
}

// fieldType reads what a field is: the name of a type, or a type and in what the field differs from
// it.
func (l *loader) fieldType(s *source, e pair, what string) *fieldType {
	if e.value.Kind != yaml.MappingNode {
		return l.typeOf(s, e.value, what)
	}
	o := s.object(e.value)
	what = "field " + e.key.Value
	if o.values["type"] == nil {
		s.fault(e.value, "%s: want the key type, as in type: cn_id_card, or embedded_json with "+
			"the fields of the JSON that the string holds", what)
		return nil
	}
	usual := l.typeOf(s, o.values["type"], what+": type")
	if usual == nil {
		return nil
	}
	if usual.Name == public && len(o.values) > 1 {
		s.fault(e.value, "%s: a public field is clear to all, so nothing else can be said of it; "+
			"give it another type", what)
		return nil
	}
	t := *usual
	t.override(l, o, what)
	weaker := t.weaker(usual)
	if reason := o.text("reason"); reason == "" && len(weaker) > 0 {
		s.fault(e.value, "%s: it is less protected than its type, by %s; say why, as in reason: "+
			"the branch's own address", what, strings.Join(weaker, ", "))
	} else if reason != "" && len(weaker) == 0 {
		s.fault(o.values["reason"], "%s: reason is for less protection than the type's; remove it",
			what)
	}
	return &t
}

func (l *loader) selector(s *source, n *yaml.Node, what, text string) {
	if err := masking.CheckSelector(text); err != nil {
		s.fault(n, "%s: %v", what, err)
	}
}

// compileRoute compiles the selectors of a route, and what conditions read of records, to a layout.
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
		s.fault(&yaml.Node{Line: r.at.line, Column: r.at.column}, "route: %s",
			strings.TrimPrefix(err.Error(), "compiling layout: "))
	}
}
