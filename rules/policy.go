package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/maskgate/maskgate/treatment"
)

// purpose is a business reason for access.
type purpose struct {
	name     string
	at       place
	basis    string
	document string
	roles    []int // indexes of the set's roles that serve it
}

// bases are the legal bases of PIPL Art. 13(1), in the order of its items.
var bases = []string{"consent", "contract", "legal_duty", "emergency", "public_interest",
	"disclosed", "law"}

// consentBasis needs the subject's own consent (PIPL Art. 13(1) item 1, Art. 14).
const consentBasis = "consent"

// role is an entry of roles: it permits.
type role struct {
	name      string
	at        place
	purposes  []string
	when      *condition // nil: always
	require   requirement
	treat     map[string]permit // by the word that chooses fields
	grantable []int             // indexes of the set's grantables
	records   int               // in one response; 0: any number
	quota     *Quota            // nil: any number of subjects
}

// permit is an entry of a role's treat.
type permit struct {
	expression treatment.Expression
	at         place
}

// permit returns what the role permits for a field: the entry of the closest word that chooses the
// field; false if no word has an entry.
func (r *role) permit(f *field) (permit, bool) {
	for _, choice := range f.choices() {
		if p, ok := r.treat[choice]; ok {
			return p, true
		}
	}
	return permit{}, false
}

// choices are the words by which policies choose a field, from the closest to the widest.
func (f *field) choices() []string {
	list := []string{f.inRoute, f.inService, f.typ.Name}
	if f.typ.Sensitive {
		list = append(list, sensitive)
	}
	return append(list, f.typ.Class, f.typ.Level)
}

// grantable is a type that grants may show.
type grantable struct {
	Grantable
	at place
}

// capRule is an entry of caps: it forbids.
type capRule struct {
	at                       place
	field, typ, class, level string
	sensitive                *bool
	when                     *condition // nil: always
	expression               treatment.Expression
}

func (c *capRule) covers(f *field) bool {
	return (c.field == "" || c.field == f.inRoute || c.field == f.inService) &&
		(c.typ == "" || c.typ == f.typ.Name) &&
		(c.class == "" || c.class == f.typ.Class) &&
		(c.level == "" || c.level == f.typ.Level) &&
		(c.sensitive == nil || *c.sensitive == f.typ.Sensitive)
}

var (
	classes = []string{"C1", "C2", "C3"}
	levels  = []string{"L1", "L2", "L3", "L4", "L5"}
)

func (l *loader) policy(o object) {
	zone := l.zone(o, "time_zone", shanghai)
	for _, e := range o.pairs("purposes") {
		l.purpose(o.source, e)
	}
	for _, e := range o.pairs("roles") {
		l.role(o.source, e, zone)
	}
	for _, n := range o.items("caps") {
		if n.Kind == yaml.MappingNode {
			l.cap(o.object(n), zone)
		}
	}
}

func (l *loader) purpose(s *source, e pair) {
	name, o := e.key.Value, s.object(e.value)
	if l.set.purposes[name] != nil {
		s.fault(e.key, "purpose %s is declared in another policy too; remove one", name)
	}
	l.set.purposes[name] = &purpose{name: name, at: s.place(e.key), basis: o.text("basis"),
		document: o.text("document")}
}

func (l *loader) role(s *source, e pair, zone *time.Location) {
	name, o := e.key.Value, s.object(e.value)
	r := &role{name: name, at: s.place(e.key), treat: map[string]permit{}}
	if slices.ContainsFunc(l.set.roles, func(other *role) bool { return other.name == name }) {
		s.fault(e.key, "role %s is declared in another policy too; remove one", name)
	}
	var at []*yaml.Node
	r.purposes, at = o.list("purposes")
	for i, p := range r.purposes {
		l.purposeUses = append(l.purposeUses, use{s, at[i], p})
	}
	r.when = l.condition(o, zone)
	r.require = l.require(o.inner("require"), zone)
	for _, t := range o.pairs("treat") {
		what := "role " + name + ": treat"
		l.choice(s, t.key, what)
		if expression, ok := l.treatment(s, t.value, what+": "+t.key.Value); ok {
			r.treat[t.key.Value] = permit{expression, s.place(t.key)}
		}
	}
	for _, g := range o.pairs("grantable") {
		l.grantable(s, g, r)
	}
	limit := o.inner("limit")
	r.records = leadingNumber(limit.text("records"))
	if n, window, ok := strings.Cut(limit.text("subjects"), "/"); ok {
		r.quota = &Quota{Role: name, Subjects: leadingNumber(n), Window: duration(window)}
	}
	l.set.roles = append(l.set.roles, r)
}

// fieldName matches the beginning of a field's name in a policy: its service, perhaps its route,
// and its selector.
var fieldName = regexp.MustCompile(`^[^\s$]+( [A-Z]+ /\S*)? \$`)

// choice checks a word by which a policy chooses fields.
func (l *loader) choice(s *source, n *yaml.Node, what string) {
	word := n.Value
	if fieldName.MatchString(word) {
		l.fieldUses = append(l.fieldUses, use{s, n, word})
		return
	}
	if known := slices.Concat(l.typeNames(), classes, levels,
		[]string{sensitive}); !slices.Contains(known, word) && !l.unread {
		s.fault(n, "%s: unknown choice %q; want a type, %s, C1 to C3, L1 to L5, or a field as in "+
			"customer $.idCard%s", what, word, sensitive, meant(word, known))
	}
}

func (l *loader) grantable(s *source, e pair, r *role) {
	o := s.object(e.value)
	g := grantable{Grantable{Role: r.name, Type: e.key.Value, Approver: o.text("approver"),
		TTL: duration(o.text("ttl")), Uses: leadingNumber(o.text("uses"))}, s.place(e.key)}
	switch t := l.typeOf(s, e.key, "grantable"); {
	case t == nil:
	case t.Name == public:
		s.fault(e.key, "grantable: public fields need no grant; remove it")
	case t.Always != nil:
		s.fault(e.key, "grantable: %s is never shown (always: %s); remove it", t.Name, t.Always)
	}
	r.grantable = append(r.grantable, len(l.set.grantables))
	l.set.grantables = append(l.set.grantables, g)
}

// leadingNumber reads the number that a text such as 50/response begins with; 0 if there is none,
// which was reported before.
func leadingNumber(text string) int {
	n := 0
	for i := 0; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		n = n*10 + int(text[i]-'0')
	}
	return n
}

// duration reads a text such as 30m, 8h or 7d; "" is 0.
func duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	last := len(text) - 1
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour,
		'd': 24 * time.Hour}[text[last]]
	n, _ := strconv.Atoi(text[:last])
	return time.Duration(n) * unit
}

func (l *loader) cap(o object, zone *time.Location) {
	c := &capRule{
		at: o.place(o.node), field: o.text("field"), typ: o.text("type"), class: o.text("class"),
		level:     o.text("level"),
		sensitive: o.flag(sensitive), when: l.condition(o, zone),
	}
	if c.field != "" {
		l.fieldUses = append(l.fieldUses, use{o.source, o.values["field"], c.field})
	}
	if c.typ != "" {
		l.typeOf(o.source, o.values["type"], "cap: type")
	}
	c.expression, _ = l.expression(o, "at_most", "cap")
	l.set.caps = append(l.set.caps, c)
}
