package rules

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
	"go.yaml.in/yaml/v4"
)

// TestFile is a file of kind: test, which stands beside rules and says what callers must get under
// them:
//
//	kind: test
//	tests:
//	  - name: agents see masks
//	    caller: {id: agent-01, roles: [agent], purposes: [care]}
//	    purpose: care
//	    request: GET /v1/customers/C1
//	    response: {body: '{"name":"张三丰"}'}
//	    expect: {body: '{"name":"张**"}'}
type TestFile struct {
	Name  string
	Rules []string // paths of rule files and their directories
	Tests []Test

	uses []nameUse
}

// nameUse is a name in a consent or grant that the rules should know.
type nameUse struct {
	use
	key string // purposes, purpose, covers or types
}

// CheckNames reports names in consents and grants that the rules do not know. With a purpose, type
// or class that does not exist, a test would pass, or fail, for another reason than it says. The
// error joins all faults, each a [*Fault].
func (f *TestFile) CheckNames(set *Set) error {
	var faults []*Fault
	for _, u := range f.uses {
		known, want := set.types, "one of the catalogue's, or of a policy"
		switch u.key {
		case "purposes", "purpose":
			known, want = slices.Sorted(maps.Keys(set.purposes)), "one that a policy declares"
		case "covers":
			known, want = slices.Concat(set.types, classes, levels, []string{sensitive}),
				"a type, C1 to C3, L1 to L5 or sensitive"
		}
		if !slices.Contains(known, u.name) {
			faults = append(faults, &Fault{u.file, u.node.Line, u.node.Column,
				fmt.Sprintf("%s: the rules have no %q; want %s%s", u.key, u.name, want,
					meant(u.name, known))})
		}
	}
	return joined(faults)
}

// Test is one request under a set of rules, and what its caller must get.
type Test struct {
	Name    string
	At      string // file:line
	Request Request
	Method  string
	Host    string // "" for none
	Target  string // path and query, as sent

	Standings []SubjectStanding
	Response  *TestResponse // nil: the data service does not answer
	Expect    Expectation
}

// SubjectStanding is what is on record about a subject; about every subject where Subject is "".
type SubjectStanding struct {
	Subject string
	Standing
}

// StandingOf gathers what is on record about a subject.
func (t *Test) StandingOf(subject string) Standing { return standingOf(t.Standings, subject) }

func standingOf(all []SubjectStanding, subject string) Standing {
	var have Standing
	for _, s := range all {
		if s.Subject == "" || s.Subject == subject {
			have.Consents = append(have.Consents, s.Consents...)
			have.Grants = append(have.Grants, s.Grants...)
		}
	}
	return have
}

// TestResponse is what the data service answers.
type TestResponse struct {
	Status  int
	Type    string // Content-Type
	Headers map[string]string
	Body    []byte
}

// Expectation is what the caller must get: a refusal, or else all of the other fields that are set.
type Expectation struct {
	Refused  string // the reason
	Body     []byte // nil: any
	BodyAt   string // file:line
	Fields   []ExpectedField
	Released *int // records; nil: any number
	Denied   *int
	At       string // file:line of Refused, or of the numbers of records
}

// ExpectedField is the treatment that a field must get in every record of its kind that is shown.
type ExpectedField struct {
	At        string // file:line
	Kind      string // of record; "" for the route's only kind
	Path      string
	Treatment string
}

// TestTime is the time of tests that state none: a Friday, 10:00 in Shanghai.
var TestTime = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)

// ParseTests reads a file of kind: test, and reads the files of bodies that it names by calling
// read. Its error joins all faults, each a [*Fault].
func ParseTests(f File, read func(name string) ([]byte, error)) (*TestFile, error) {
	p := testParser{source: &source{file: f.Name, faults: new([]*Fault)}, read: read}
	out := &TestFile{Name: f.Name}
	if root := p.parse(f.Data); root != nil {
		p.file(root, out)
	}
	if err := joined(*p.faults); err != nil {
		return nil, err
	}
	out.uses = p.uses
	return out, nil
}

// ParseCaller reads a caller as tests have it, in YAML or JSON, as in
//
//	{"id": "agent-01", "roles": ["agent"], "purposes": ["care"]}
//
// Errors call the text by the name.
func ParseCaller(name, text string) (Caller, error) {
	p := testParser{source: &source{file: name, faults: new([]*Fault)}}
	var c Caller
	if root := p.parse([]byte(text)); root != nil {
		p.check(root, &form{object: callerShape}, "caller", "")
		c = p.caller(p.object(root))
	}
	return c, joined(*p.faults)
}

// ParseStanding reads what is on record about subjects: an object with the keys consents and grants
// of tests, in YAML or JSON. Grants that name no caller or purpose have those of the request.
func ParseStanding(name, text string, q Request) ([]SubjectStanding, error) {
	p := testParser{source: &source{file: name, faults: new([]*Fault)}}
	var list []SubjectStanding
	if root := p.parse([]byte(text)); root != nil {
		p.check(root, &form{object: standingShape}, "standing", "")
		list = p.standings(p.object(root), q)
	}
	return list, joined(*p.faults)
}

// standingShape has the keys of a test that say what is on record.
var standingShape = &shape{"standing", slices.Collect(func(yield func(key) bool) {
	for _, k := range caseShape.keys {
		if (k.name == "consents" || k.name == "grants") && !yield(k) {
			return
		}
	}
})}

type testParser struct {
	*source
	read func(name string) ([]byte, error)
	uses []nameUse
}

func (p *testParser) file(root *yaml.Node, out *TestFile) {
	o := p.object(root)
	if kind := o.text("kind"); kind != "test" {
		why := "give a file that ends in _test.yaml, or its directory"
		if name := p.source.file; strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)),
			"_test") {
			why = "the name of the file ends in _test, so it holds tests"
		}
		p.fault(root, "want kind: test; have %q; %s", kind, why)
		return
	}
	p.check(root, &form{object: testShape}, "test", "")
	dir := filepath.Dir(p.source.file)
	for _, path := range listed(o, "rules") {
		out.Rules = append(out.Rules, filepath.Join(dir, path))
	}
	if len(out.Rules) == 0 {
		out.Rules = []string{dir}
	}
	names := map[string]int{}
	for _, n := range o.items("tests") {
		if n.Kind != yaml.MappingNode {
			continue
		}
		t := p.test(p.object(n))
		if line, ok := names[t.Name]; ok && t.Name != "" {
			p.fault(n, "case: the name %q stands twice, first in line %d; change one", t.Name, line)
		}
		names[t.Name] = n.Line
		out.Tests = append(out.Tests, t)
	}
}

// at cites a place by the file's name as it was given, so that editors find the file.
func (p *testParser) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", p.source.file, n.Line) }

func (p *testParser) test(o object) Test {
	t := Test{Name: o.text("name"), At: p.at(o.node)}
	t.Request = Request{Caller: p.caller(o.inner("caller")), Purpose: o.text("purpose"),
		Time: p.time(o, "time")}
	if t.Request.Time.IsZero() {
		t.Request.Time = TestTime
	}
	if text := o.text("request"); text != "" {
		var err error
		if t.Method, t.Host, t.Target, err = ParseRequest(text); err != nil {
			p.fault(o.values["request"], "request: %v", err)
		}
	}
	t.Standings = p.standings(o, t.Request)
	if o.values["response"] != nil {
		t.Response = p.response(o.inner("response"))
	}
	if o.values["expect"] != nil {
		t.Expect = p.expect(o.inner("expect"))
		if t.Response == nil && t.Expect.Refused == "" {
			p.fault(o.node, "case: want the key response, which the caller is to get something "+
				"of, or expect: {refused: …}")
		}
	}
	return t
}

// ParseRequest takes a request apart, as in GET /v1/customers?page=1, or, with a host,
// GET //crm.bank.example/v1/customers?page=1.
func ParseRequest(text string) (method, host, target string, err error) {
	method, target, ok := strings.Cut(text, " ")
	if rest, ok := strings.CutPrefix(target, "//"); ok {
		end := strings.IndexByte(rest+"/", '/')
		host, target = rest[:end], rest[end:]
	}
	if !ok || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" ||
		!strings.HasPrefix(target, "/") || strings.ContainsAny(target, " #") {
		return "", "", "", fmt.Errorf("want a method and a path, as in GET /v1/customers?page=1, "+
			"or GET //crm.bank.example/v1/customers with a host; have %q", text)
	}
	return method, host, target, nil
}

func (p *testParser) caller(o object) Caller {
	c := Caller{
		ID: o.text("id"), Roles: listed(o, "roles"), Purposes: listed(o, "purposes"),
		Organisation: o.text("organisation"),
		Region:       o.text("region"), AMR: listed(o, "amr"), ACR: o.text("acr"),
	}
	if text := o.text("address"); text != "" {
		var err error
		if c.Address, err = netip.ParseAddr(text); err != nil || c.Address.Zone() != "" {
			p.fault(o.values["address"], "caller: address: want an IP address, as in 10.1.2.3; "+
				"have %q", text)
		}
	}
	return c
}

func (p *testParser) standings(o object, q Request) []SubjectStanding {
	var list []SubjectStanding
	for _, n := range o.items("consents") {
		c := p.object(n)
		p.use(c, "purposes", "covers")
		list = append(list, SubjectStanding{c.text("subject"), Standing{Consents: []Consent{{
			ID: c.text("id"), Purposes: listed(c, "purposes"), Covers: listed(c, "covers"),
			Recipients: listed(c, "recipients"), Notice: c.text("notice"),
			Granted: p.time(c, "granted"), Expires: p.time(c, "expires"),
			Withdrawn: p.time(c, "withdrawn"),
		}}}})
	}
	for _, n := range o.items("grants") {
		g := p.object(n)
		p.use(g, "purpose", "types")
		list = append(list, SubjectStanding{g.text("subject"), Standing{Grants: []Grant{{
			ID: g.text("id"), Caller: cmp.Or(g.text("caller"), q.Caller.ID),
			Purpose: cmp.Or(g.text("purpose"), q.Purpose), Types: listed(g, "types"),
			Approver: g.text("approver"), ApproverRoles: listed(g, "approver_roles"),
			Approved: p.time(g, "approved"), Expires: p.time(g, "expires"),
			Used: leadingNumber(g.text("used")),
		}}}})
	}
	return list
}

// use notes the names at keys, for [TestFile.CheckNames].
func (p *testParser) use(o object, keys ...string) {
	for _, key := range keys {
		names, at := o.list(key)
		if n := o.values[key]; scalar(n) != "" {
			names, at = []string{scalar(n)}, []*yaml.Node{n}
		}
		for i, name := range names {
			p.uses = append(p.uses, nameUse{use{p.source, at[i], name}, key})
		}
	}
}

func (p *testParser) time(o object, key string) time.Time {
	text := o.text(key)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.fault(o.values[key], "%s: want a time (RFC 3339), as in 2026-11-20T10:00:00+08:00; "+
			"have %q", key, text)
	}
	return t
}

func (p *testParser) response(o object) *TestResponse {
	r := &TestResponse{Status: cmp.Or(leadingNumber(o.text("status")), 200),
		Type: cmp.Or(o.text("type"), "application/json"), Headers: map[string]string{}}
	if r.Status < 100 || r.Status > 599 {
		p.fault(o.values["status"], "status: want one from 100 to 599; have %d", r.Status)
	}
	for _, e := range o.pairs("headers") {
		if !IsHeaderName(e.key.Value) {
			p.fault(e.key, "headers: want the name of a header, as in X-Total-Count; have %q",
				e.key.Value)
		}
		r.Headers[e.key.Value] = scalar(e.value)
	}
	r.Body, _ = p.body(o)
	return r
}

// body reads the body at the key body, or in the file at the key file, and returns it with its
// place; nil if neither key is there.
func (p *testParser) body(o object) ([]byte, *yaml.Node) {
	n, file := o.values["body"], o.values["file"]
	switch {
	case n != nil && file != nil:
		p.fault(file, "file: body says the same; remove one")
	case n != nil:
		return []byte(n.Value), n
	case scalar(file) != "":
		data, err := p.read(filepath.Join(filepath.Dir(p.source.file), scalar(file)))
		if err != nil {
			p.fault(file, "file: %v", err)
		}
		return data, file
	}
	return nil, nil
}

func (p *testParser) expect(o object) Expectation {
	var e Expectation
	body, at := p.body(o)
	if at != nil {
		e.Body, e.BodyAt = append([]byte{}, body...), p.at(at)
	}
	if n := o.values["refused"]; n != nil {
		e.Refused, e.At = o.text("refused"), p.at(n)
		if len(o.values) > 1 {
			p.fault(n, "expect: a request that is refused gets nothing else; remove refused or "+
				"the rest")
		}
	}
	for _, f := range o.pairs("fields") {
		if f.value.Kind != yaml.MappingNode {
			e.Fields = append(e.Fields, p.expectField("", f))
			continue
		}
		for _, inner := range pairsOf(f.value) {
			e.Fields = append(e.Fields, p.expectField(f.key.Value, inner))
		}
	}
	if n := o.values["records"]; n != nil {
		records := p.object(n)
		e.At = p.at(n)
		for key, into := range map[string]**int{"released": &e.Released, "denied": &e.Denied} {
			if text := records.text(key); text != "" {
				count, _ := strconv.Atoi(text)
				*into = &count
			}
		}
	}
	return e
}

func (p *testParser) expectField(kind string, f pair) ExpectedField {
	e, err := treatment.ParseExpression(scalar(f.value))
	if err == nil {
		_, err = e.Treatment(noKeys)
	}
	if err != nil && scalar(f.value) != "" {
		p.fault(f.value, "fields: %v", err)
	}
	return ExpectedField{At: p.at(f.key), Kind: kind, Path: f.key.Value, Treatment: scalar(f.value)}
}

func listed(o object, key string) []string {
	texts, _ := o.list(key)
	return texts
}

// FieldName names a field of a route: the selector of its kind of record, or [Envelope], and the
// path of the field.
type FieldName struct{ Kind, Path string }

// Fields are the route's fields, the envelope's first. Strings that hold JSON are not among them:
// they are structure.
func (r *Route) Fields() []FieldName {
	var list []FieldName
	for i := masking.Envelope; i < len(r.kinds); i++ {
		k := r.kind(i)
		for _, f := range k.all {
			if f.typ != embeddedType {
				list = append(list, FieldName{k.selector, f.path})
			}
		}
	}
	return list
}

// Resolve returns what an expression of a policy comes to for a field: mask comes to the mask of
// the field's type. It also returns the field's whole name. Kind may be "" if the route has one
// kind of record only.
func (r *Route) Resolve(name FieldName, expression string) (FieldName, string, error) {
	e, err := treatment.ParseExpression(expression)
	if err != nil {
		return name, "", err
	}
	var kinds []string
	for i := range r.kinds {
		kinds = append(kinds, r.kinds[i].selector)
	}
	if name.Kind == "" && len(kinds) == 1 {
		name.Kind = kinds[0]
	}
	kinds = append(kinds, r.envelope.selector)
	i := slices.Index(kinds, name.Kind)
	if i < 0 {
		return name, "", fmt.Errorf("%s has several kinds of record; say which: one of %s", r.Match,
			strings.Join(kinds, ", "))
	}
	k := &r.envelope
	if i < len(r.kinds) {
		k = &r.kinds[i]
	}
	var paths []string
	for _, f := range k.all {
		if f.path == name.Path && f.typ != embeddedType {
			return name, f.typ.resolve(e).String(), nil
		}
		paths = append(paths, f.path)
	}
	return name, "", fmt.Errorf("%s has no field %s in %s%s", r.Match, name.Path, name.Kind,
		meant(name.Path, paths))
}
