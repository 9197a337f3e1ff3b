package rules

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"go.yaml.in/yaml/v4"
)

// purpose is a business reason for access.
type purpose struct {
	name  string
	basis string
}

// bases are the legal bases of PIPL Art. 13(1), in the order of its items.
var bases = []string{"consent", "contract", "legal_duty", "emergency", "public_interest", "disclosed", "law"}

// consentBasis needs the subject's own consent (PIPL Art. 13(1) item 1, Art. 14).
const consentBasis = "consent"

// role permits.
type role struct {
	name     string
	at       place
	purposes []string
	when     *condition // nil: always
	amr      []string   // required authentication methods (RFC 8176)
	treat    map[string]permit
	records  int // in one response; 0: any number
}

// permit is one entry of a role's treat.
type permit struct {
	expression masking.Expression
	at         place
}

// permit returns what the role permits for a type: the entry for the type goes before that for its class, and that
// before the one for its level.
func (r *role) permit(t *fieldType) (permit, bool) {
	for _, key := range []string{t.Name, t.Class, t.Level} {
		if p, ok := r.treat[key]; ok {
			return p, true
		}
	}
	return permit{}, false
}

// limit is one entry of caps: it forbids.
type limit struct {
	at                place
	typ, class, level string
	sensitive         *bool
	when              *condition // nil: always
	expression        masking.Expression
}

func (c *limit) covers(t *fieldType) bool {
	return (c.typ == "" || c.typ == t.Name) &&
		(c.class == "" || c.class == t.Class) &&
		(c.level == "" || c.level == t.Level) &&
		(c.sensitive == nil || *c.sensitive == t.Sensitive)
}

var (
	classes = []string{"C1", "C2", "C3"}
	levels  = []string{"L1", "L2", "L3", "L4", "L5"}
)

func (l *loader) policy(o object) {
	o.required("name")
	if n := o.values["purposes"]; n != nil {
		for _, e := range o.entries(n, "purposes") {
			l.purpose(o.source, e)
		}
	}
	if n := o.values["roles"]; n != nil {
		for _, e := range o.entries(n, "roles") {
			l.role(o.source, e)
		}
	}
	if n := o.values["caps"]; n != nil {
		if n.Kind != yaml.SequenceNode {
			o.fault(n, "caps: want a list, as in - {class: C3, at_most: drop}")
			return
		}
		for _, item := range n.Content {
			l.cap(o.source, item)
		}
	}
}

func (l *loader) purpose(s *source, e entry) {
	name := e.key.Value
	o := s.object(e.value, "purpose "+name, "basis")
	p := &purpose{name: name, basis: o.required("basis")}
	if p.basis != "" && !slices.Contains(bases, p.basis) {
		s.fault(o.values["basis"], "basis: want one of %s (PIPL Art. 13); have %q%s", strings.Join(bases, ", "), p.basis, meant(p.basis, bases))
	}
	if l.set.purposes[name] != nil {
		s.fault(e.key, "purpose %s is declared in another policy too; remove one", name)
	}
	l.set.purposes[name] = p
}

func (l *loader) role(s *source, e entry) {
	name := e.key.Value
	o := s.object(e.value, "role "+name, "purposes", "when", "require", "treat", "limit")
	r := &role{name: name, at: s.place(e.key), purposes: o.list("purposes"), treat: map[string]permit{}}
	if slices.ContainsFunc(l.set.roles, func(other *role) bool { return other.name == name }) {
		s.fault(e.key, "role %s is declared in another policy too; remove one", name)
	}
	if len(r.purposes) == 0 {
		s.fault(e.key, "role %s: want purposes, a list of those it serves", name)
	}
	for i, p := range r.purposes {
		l.purposeUses = append(l.purposeUses, use{s, o.values["purposes"].Content[i], p})
	}
	if n := o.values["when"]; n != nil {
		r.when = l.condition(s, n)
	}
	if n := o.values["require"]; n != nil {
		r.amr = s.object(n, "require", "amr").list("amr")
		if len(r.amr) == 0 {
			s.fault(n, "require: want amr, a list of authentication methods, as in {amr: [mfa]}")
		}
	}
	if n := o.values["treat"]; n != nil {
		l.treat(s, n, r)
	} else {
		s.fault(e.key, "role %s: want treat, what it permits, as in {C2: mask}", name)
	}
	if n := o.values["limit"]; n != nil {
		r.records = l.recordLimit(s.object(n, "limit", "records"))
	}
	l.set.roles = append(l.set.roles, r)
}

func (l *loader) treat(s *source, n *yaml.Node, r *role) {
	keys := slices.Concat(typeNames(), classes, levels)
	for _, e := range s.entries(n, "treat") {
		if !slices.Contains(keys, e.key.Value) {
			s.fault(e.key, "treat: unknown type, class or level %q; want a type of the catalogue, C1 to C3 or L1 to L5%s", e.key.Value, meant(e.key.Value, keys))
			continue
		}
		if expression, ok := l.expression(s, e.value, "treat: "+e.key.Value); ok {
			r.treat[e.key.Value] = permit{expression, s.place(e.key)}
		}
	}
}

var recordsPattern = regexp.MustCompile(`^([1-9][0-9]{0,8})/response$`)

func (l *loader) recordLimit(o object) int {
	text := o.required("records")
	m := recordsPattern.FindStringSubmatch(text)
	if m == nil {
		if text != "" {
			o.fault(o.values["records"], "limit: records: want a number for each response, as in 50/response; have %q", text)
		}
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func (l *loader) cap(s *source, n *yaml.Node) {
	o := s.object(n, "cap", "type", "class", "level", "sensitive", "when", "at_most")
	c := &limit{at: s.place(n), typ: o.text("type"), class: o.text("class"), level: o.text("level")}
	for _, check := range []struct {
		key, value string
		known      []string
	}{
		{"type", c.typ, typeNames()}, {"class", c.class, classes}, {"level", c.level, levels},
	} {
		if check.value != "" && !slices.Contains(check.known, check.value) {
			s.fault(o.values[check.key], "cap: unknown %s %q%s", check.key, check.value, meant(check.value, check.known))
		}
	}
	if text := o.text("sensitive"); text != "" {
		if text != "true" && text != "false" {
			s.fault(o.values["sensitive"], "cap: sensitive: want true or false; have %q", text)
		}
		b := text == "true"
		c.sensitive = &b
	}
	if n := o.values["when"]; n != nil {
		c.when = l.condition(s, n)
	}
	if n := o.values["at_most"]; n != nil {
		c.expression, _ = l.expression(s, n, "cap: at_most")
	} else {
		o.required("at_most")
	}
	l.set.caps = append(l.set.caps, c)
}

// noKeys stands in for the keys when arguments are only checked.
var noKeys = masking.Environment{PseudonymKey: func() ([]byte, int) { return make([]byte, masking.MinKey), 0 }}

func (l *loader) expression(s *source, n *yaml.Node, what string) (masking.Expression, bool) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && strings.EqualFold(n.Value, "null") {
		s.fault(n, "%s: without quotes, null is YAML's word for no value; write 'null' for the treatment, or drop to remove the value", what)
		return masking.Expression{}, false
	}
	text := s.scalar(n, what)
	if text == "" {
		return masking.Expression{}, false
	}
	e, err := masking.ParseExpression(text)
	if err == nil {
		_, err = e.Treatment(noKeys)
	}
	if err != nil {
		s.fault(n, "%s: %v", what, err)
		return e, false
	}
	return e, true
}

// use is a place that names a purpose.
type use struct {
	*source
	node *yaml.Node
	name string
}

// loader gathers the files of a set.
type loader struct {
	set         *Set
	faults      []*Fault
	services    []string
	purposeUses []use
}

func (l *loader) file(f File) {
	s := &source{f.Name, &l.faults}
	root := s.parse(f.Data)
	if root == nil {
		return
	}
	kind := ""
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == "kind" {
				kind = root.Content[i+1].Value
			}
		}
	}
	switch kind {
	case "service":
		l.service(s.object(root, "service", "kind", "name", "owner", "routes"))
	case "policy":
		l.policy(s.object(root, "policy", "kind", "name", "purposes", "roles", "caps"))
	default:
		s.fault(root, "want kind: service or kind: policy; have %q", kind)
	}
}

// compile does what takes all files: purposes are checked, and each route's selectors merged into a layout.
func (l *loader) compile() {
	known := slices.Sorted(maps.Keys(l.set.purposes))
	for _, u := range l.purposeUses {
		if u.name != "" && l.set.purposes[u.name] == nil {
			u.fault(u.node, "unknown purpose %q; declare it under purposes of a policy%s", u.name, meant(u.name, known))
		}
	}
	if len(l.faults) > 0 {
		return
	}
	for _, r := range l.set.routes {
		if r.Public == "" {
			l.compileRoute(r)
		}
	}
	if len(l.set.routes) == 0 {
		l.faults = append(l.faults, &Fault{"rules", 1, 1, "no file declares a route; want at least one of kind: service"})
	}
}
