package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Service is a proposed service file.
type Service struct {
	Name   string     `json:"service"`
	Owner  string     `json:"owner"`
	Routes []Proposal `json:"routes"`
}

// Proposal is what is proposed for one route.
type Proposal struct {
	Match      string         `json:"match"`
	Answers    int            `json:"answers"`          // how many it rests on
	Unread     map[string]int `json:"unread,omitempty"` // how many answers were not read, by reason
	MediaTypes []string       `json:"media_types,omitempty"`
	Query      []string       `json:"query,omitempty"` // parameters that were seen
	Envelope   []Field        `json:"envelope,omitempty"`
	Records    []Record       `json:"records"`
}

// Record is a kind of record.
type Record struct {
	Select  string  `json:"record"`
	Subject string  `json:"subject,omitempty"` // relative to the record
	Why     string  `json:"why"`               // why that subject, or why none
	Fields  []Field `json:"fields"`            // relative to the record
}

// Field is a field and its type, or a value that is left out and so dropped.
type Field struct {
	Path string `json:"path"`
	Type string `json:"type,omitempty"` // "": left out
	Why  string `json:"why"`            // the evidence
	// Fields are the fields of the JSON in the field's strings, relative to the root of the JSON,
	// if the type is embedded_json.
	Fields []Field `json:"fields,omitempty"`
}

// embeddedJSON is the type of a string that holds JSON.
const embeddedJSON = "embedded_json"

// Propose proposes a service file from what is known of the answers of routes. It depends on
// nothing else: the same routes yield the same file.
func Propose(name, owner string, routes []*Route) *Service {
	s := &Service{Name: name, Owner: owner}
	for _, r := range routes {
		s.Routes = append(s.Routes, propose1(r))
	}
	return s
}

func propose1(r *Route) Proposal {
	p := Proposal{Match: r.Match, Answers: r.Answers, Unread: r.Unread,
		Query: slices.Sorted(maps.Keys(r.Query))}
	if types := slices.Sorted(maps.Keys(r.MediaTypes)); len(types) > 0 &&
		!slices.Equal(types, []string{"application/json"}) {
		p.MediaTypes = types
	}
	about := anything
	for segment := range strings.SplitSeq(r.Match, "/") {
		about = topicOf(segment, about)
	}
	v := &survey{shapes: map[string]*Shape{}}
	v.walk(r.Shape, path{}, place{topic: about})
	kinds := v.records()
	v.fold(kinds)
	for _, k := range kinds {
		record := Record{Select: k.path.from(nil), Why: "no field of it is an identifier of a " +
			"person that each record has; name one if there is"}
		if k.subject != nil {
			record.Subject = k.subject.path.from(k.path)
			record.Why = fmt.Sprintf("each record has one (%s)", many(v.shape(k.path).Objects,
				"record"))
		}
		p.Records = append(p.Records, record)
	}
	for _, l := range v.leaves {
		innermost := -1
		for i, k := range kinds {
			if l.path.within(k.path) &&
				(innermost < 0 || len(k.path) >= len(kinds[innermost].path)) {
				innermost = i
			}
		}
		if innermost < 0 {
			p.Envelope = append(p.Envelope, l.field(nil, false))
			continue
		}
		k := &p.Records[innermost]
		k.Fields = append(k.Fields, l.field(kinds[innermost].path, true))
	}
	return p
}

// field returns what is proposed for a leaf. Its path is relative to outer: the record, or the root
// if the leaf lies in no record.
func (l leaf) field(outer path, inRecord bool) Field {
	f := Field{Path: l.path.from(outer), Type: l.typ, Why: l.why}
	if inRecord && l.typ == string(harmless) && l.shape.total(word, company) == 0 {
		// A total is a count of pages outside records, and somebody's debt within a record.
		f.Type, f.Why = "", "public by its name, but a number or a yes of a record is about its "+
			"subject"
	}
	for _, inner := range l.inner {
		f.Fields = append(f.Fields, inner.field(nil, inRecord))
	}
	return f
}

// YAML writes the service file, with the evidence for each line as a comment.
func (s *Service) YAML() []byte {
	w := &writer{}
	w.line(0, "# Proposed by maskgate rules discover. Names and values were judged, and no value "+
		"is in this file. Its team must read each line: what is")
	w.line(0, "# left out is dropped, what is public is shown to every admitted caller.")
	w.line(0, "kind: service")
	w.line(0, "name: %s", scalar(s.Name))
	w.line(0, "owner: %s", scalar(s.Owner))
	w.line(0, "routes:")
	for _, p := range s.Routes {
		w.route(p)
	}
	return w.Bytes()
}

type writer struct{ bytes.Buffer }

func (w *writer) line(depth int, form string, args ...any) {
	fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(form, args...))
}

func (w *writer) route(p Proposal) {
	note := many(p.Answers, "answer")
	for _, reason := range slices.Sorted(maps.Keys(p.Unread)) {
		note += fmt.Sprintf("; %d not read: %s", p.Unread[reason], reason)
	}
	w.line(1, "# %s.", note)
	w.line(1, "- match: %s", scalar(p.Match))
	if len(p.MediaTypes) > 0 {
		w.line(2, "media_types: [%s]", strings.Join(p.MediaTypes, ", "))
	}
	if len(p.Query) > 0 {
		names := make([]string, len(p.Query))
		for i, name := range p.Query {
			names[i] = scalar(name)
		}
		w.line(2, "query: [%s]  # as they were seen", strings.Join(names, ", "))
	}
	w.fields(2, "envelope", p.Envelope)
	if len(p.Records) == 1 {
		w.record(2, p.Records[0])
		return
	}
	w.line(2, "records:")
	for _, r := range p.Records {
		w.line(3, "- record: %s", scalar(r.Select))
		r.Select = ""
		w.record(4, r)
	}
}

func (w *writer) record(depth int, r Record) {
	if r.Select != "" && r.Select != "$" {
		w.line(depth, "record: %s", scalar(r.Select))
	}
	if r.Subject != "" {
		w.line(depth, "subject: %s  # %s", scalar(r.Subject), r.Why)
	} else {
		w.line(depth, "# There is no subject: %s.", r.Why)
	}
	w.fields(depth, "fields", r.Fields)
}

func (w *writer) fields(depth int, key string, fields []Field) {
	listed := slices.ContainsFunc(fields, func(f Field) bool { return f.Type != "" })
	switch {
	case listed:
		w.line(depth, "%s:", key)
	case key == "fields":
		w.line(depth, "fields: {}")
	case len(fields) > 0:
		w.line(depth, "# Outside records:")
	}
	for _, f := range fields {
		switch f.Type {
		case "":
			w.line(depth+1, "# left out: %s: %s", f.Path, f.Why)
		case embeddedJSON:
			w.line(depth+1, "%s:  # %s", scalar(f.Path), f.Why)
			w.fields(depth+2, embeddedJSON, f.Fields)
		default:
			w.line(depth+1, "%s: %s  # %s", scalar(f.Path), f.Type, f.Why)
		}
	}
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// scalar writes a text as YAML, in quotes where it could be read as something else.
func scalar(text string) string {
	plain := text != "" &&
		strings.IndexByte("$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", text[0]) >= 0 &&
		!strings.ContainsAny(text, "'\"\\#:,") && strings.TrimSpace(text) == text &&
		!slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"},
			strings.ToLower(text))
	if plain {
		return text
	}
	quoted, err := json.Marshal(text) // YAML 1.2 takes JSON's strings
	if err != nil {
		panic(err) // impossible: a string
	}
	return string(quoted)
}
