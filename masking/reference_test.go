package masking_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// A reference masks as the package comment says, by the slowest and plainest means: it builds the
// whole tree and asks every selector about every value. It shares no code with the engine.
type reference struct {
	spec     masking.Spec
	envelope []query
	texts    []referenceText // of the envelope
	kinds    []referenceKind
}

type referenceKind struct {
	records    query
	hasSubject bool
	subject    query
	inputs     []query
	fields     []query
	texts      []referenceText
}

// referenceText is what is embedded in a field.
type referenceText struct {
	field, first, count int // the treatments of its fields
	inside              *reference
}

var (
	errNothing = errors.New("reference: the root of a document is dropped")
	errOverlap = errors.New("reference: two kinds of record select one value")
	errProfile = errors.New("reference: no usable profile")
)

func newReference(spec masking.Spec) (*reference, error) {
	def := func(limit *int, value int) {
		if *limit == 0 {
			*limit = value
		}
	}
	def(&spec.Limits.Depth, 128)
	def(&spec.Limits.Name, 64<<10)
	def(&spec.Limits.Record, 1<<20)
	r := &reference{spec: spec}

	var errs []error
	parse := func(s string) query {
		q, err := parseQuery(s)
		if err != nil {
			errs = append(errs, err)
		}
		return q
	}
	parseAll := func(list []string) (qs []query) {
		for _, s := range list {
			qs = append(qs, parse(s))
		}
		return qs
	}
	embedded := func(fields int, list []masking.Embedded) (texts []referenceText) {
		for _, e := range list {
			inside, err := newReference(masking.Spec{Envelope: e.Fields, Embedded: e.Embedded,
				Unlisted: spec.Unlisted, KeepPositions: spec.KeepPositions, Limits: spec.Limits})
			if err != nil {
				errs = append(errs, err)
				continue
			}
			count := treatmentsOf(e.Fields, e.Embedded)
			texts = append(texts, referenceText{e.Field, fields, count, inside})
			fields += count
		}
		return texts
	}
	r.envelope, r.texts = parseAll(spec.Envelope), embedded(len(spec.Envelope), spec.Embedded)
	for _, rec := range spec.Records {
		k := referenceKind{records: parse(rec.Select), inputs: parseAll(rec.Inputs),
			fields: parseAll(rec.Fields), texts: embedded(len(rec.Fields), rec.Embedded)}
		if rec.Subject != "" {
			k.hasSubject, k.subject = true, parse(rec.Subject)
		}
		r.kinds = append(r.kinds, k)
	}
	return r, errors.Join(errs...)
}

// treatmentsOf is how many treatments fields have, with those of what is embedded in them.
func treatmentsOf(fields []string, embedded []masking.Embedded) int {
	n := len(fields)
	for _, e := range embedded {
		n += treatmentsOf(e.Fields, e.Embedded)
	}
	return n
}

// A node is one value of a document.
type node struct {
	kind     masking.Kind
	lo, hi   int    // the value is src[lo:hi]
	start    int    // where its member begins; lo if it is no member
	name     string // unescaped
	index    int    // among its siblings
	text     []byte // a string's content
	raw      string // the value as written, if it is no container
	parent   *node
	children []*node
	path     []*node // from below the root to the node itself
	place    bool    // a record selector selects it
	record   *referenceRecord
	owner    *referenceRecord
}

func (n *node) container() bool { return n.kind == masking.Object || n.kind == masking.Array }

type referenceRecord struct {
	kind    int
	index   int // in the window
	base    *node
	parent  *referenceRecord
	subject masking.Value
	profile *masking.Profile
	tally   *masking.Tally
}

// run is one call of Append.
type run struct {
	*reference
	src      []byte
	records  []*referenceRecord
	unlisted int
}

func (r *reference) Append(
	ctx context.Context, dst, src []byte, framing masking.Framing, d masking.Decider,
	report *masking.Report,
) ([]byte, error) {
	m := &run{reference: r, src: src}

	var roots []*node
	if framing == masking.Document {
		root, err := m.parse(0, len(src))
		if err != nil {
			return dst, err
		}
		roots = append(roots, root)
	} else {
		lo := 0
		for line := range bytes.SplitAfterSeq(src, []byte("\n")) {
			if len(bytes.Trim(line, " \t\r\n")) > 0 {
				root, err := m.parse(lo, lo+len(line))
				if err != nil {
					return dst, err
				}
				roots = append(roots, root)
			}
			lo += len(line)
		}
	}

	for _, root := range roots {
		envelope := &referenceRecord{kind: masking.Envelope, base: root, index: len(m.records)}
		m.records = append(m.records, envelope)
		if err := m.findRecords(root, envelope); err != nil {
			return dst, err
		}
	}

	window := make([]masking.Record, len(m.records))
	profiles := make([]*masking.Profile, len(m.records))
	for i, rec := range m.records {
		window[i] = masking.Record{Kind: rec.kind, Parent: -1}
		if rec.kind == masking.Envelope {
			continue
		}
		window[i].Parent = rec.parent.index
		k := m.kinds[rec.kind]
		if k.hasSubject {
			found := m.own(rec, k.subject)
			if len(found) != 1 || found[0].kind != masking.Number &&
				(found[0].kind != masking.String || len(found[0].text) == 0) {
				return dst, &masking.SubjectError{Found: len(found)}
			}
			rec.subject = m.valueOf(found[0])
			window[i].Subject = rec.subject
		}
		for _, q := range k.inputs {
			var v masking.Value
			if found := m.own(rec, q); len(found) == 1 {
				v = m.valueOf(found[0])
			}
			window[i].Inputs = append(window[i].Inputs, v)
		}
	}
	if err := d.Decide(ctx, window, profiles); err != nil {
		return dst, err
	}

	var tallies []*masking.Tally
	decided := 0
	for i, rec := range m.records {
		p := profiles[i]
		fields := treatmentsOf(m.spec.Envelope, m.spec.Embedded)
		if rec.kind != masking.Envelope {
			fields = treatmentsOf(m.spec.Records[rec.kind].Fields,
				m.spec.Records[rec.kind].Embedded)
		}
		if p == nil || !p.Denied && len(p.Treatments) != fields || p.Denied &&
			rec.kind == masking.Envelope {
			return dst, errProfile
		}
		rec.profile = p
		at := slices.IndexFunc(tallies, func(t *masking.Tally) bool { return t.Profile == p })
		if at < 0 {
			at = len(tallies)
			tallies = append(tallies, &masking.Tally{Profile: p, Treated: make([]int, fields),
				Withheld: make([]int, fields)})
		}
		rec.tally = tallies[at]
		rec.tally.Records++
		if rec.kind != masking.Envelope {
			decided++
		}
	}

	out := slices.Clone(dst)
	end := 0
	for _, root := range roots {
		text, keep := m.judge(root, false)
		if !keep && framing == masking.Document {
			return dst, errNothing
		}
		if !keep { // the whole line goes
			out = append(out, src[end:end+bytes.LastIndexByte(src[end:root.lo], '\n')+1]...)
			end = len(src)
			if i := bytes.IndexByte(src[root.hi:], '\n'); i >= 0 {
				end = root.hi + i + 1
			}
			continue
		}
		out = append(out, src[end:root.lo]...)
		out = append(out, text...)
		end = root.hi
	}
	out = append(out, src[end:]...)
	if report != nil {
		*report = masking.Report{Records: decided, Unlisted: m.unlisted}
		for _, t := range tallies {
			report.Tallies = append(report.Tallies, *t)
		}
	}
	return out, nil
}

// findRecords finds the records at and below n in document order and says which record owns each
// value.
func (m *run) findRecords(n *node, owner *referenceRecord) error {
	root := m.root(n)
	for i, k := range m.kinds {
		if !k.records.selects(root, n) {
			continue
		}
		n.place = true
		if n.kind == masking.Null {
			continue
		}
		if n.record != nil {
			return errOverlap
		}
		if n.hi-n.lo > m.spec.Limits.Record {
			return syntaxError(n.lo, "record too long")
		}
		n.record = &referenceRecord{kind: i, index: len(m.records), base: n, parent: owner}
		m.records = append(m.records, n.record)
	}
	if n.record != nil {
		owner = n.record
	}
	n.owner = owner
	for _, c := range n.children {
		if err := m.findRecords(c, owner); err != nil {
			return err
		}
	}
	return nil
}

func (m *run) root(n *node) *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// own returns the values that q selects from a record and that belong to it and to no inner record.
func (m *run) own(rec *referenceRecord, q query) (found []*node) {
	var visit func(n *node)
	visit = func(n *node) {
		if n.owner == rec && q.selects(rec.base, n) {
			found = append(found, n)
		}
		for _, c := range n.children {
			visit(c)
		}
	}
	visit(rec.base)
	return found
}

func (m *run) valueOf(n *node) masking.Value {
	if n.kind != masking.String {
		return masking.Value{Kind: n.kind, Text: m.src[n.lo:n.hi:n.hi]}
	}
	return masking.Value{Kind: n.kind, Text: n.text}
}

func (m *run) fieldsOf(rec *referenceRecord) []query {
	if rec.kind == masking.Envelope {
		return m.envelope
	}
	return m.kinds[rec.kind].fields
}

// judge returns the text that stands for n, and whether anything does. covered says that n is an
// element of an array of the same record that is a field in clear, or of an array in one.
func (m *run) judge(n *node, covered bool) ([]byte, bool) {
	rec := n.owner
	if n.record != nil {
		covered = false
		if rec.profile.Denied {
			return nil, false
		}
	}

	field := -1
	for i, q := range m.fieldsOf(rec) {
		if q.selects(rec.base, n) && (field < 0 ||
			rec.profile.Treatments[i].Rank > rec.profile.Treatments[field].Rank) {
			field = i
		}
	}
	if field >= 0 {
		switch t := rec.profile.Treatments[field]; t.Rank {
		case masking.RankClear:
			var texts []referenceText
			for _, x := range m.textsOf(rec) {
				if m.fieldsOf(rec)[x.field].selects(rec.base, n) {
					texts = append(texts, x)
				}
			}
			if len(texts) > 0 {
				return m.text(n, texts)
			}
			rec.tally.Treated[field]++
			return m.inside(n, n.kind == masking.Array), true
		case masking.RankDrop:
			rec.tally.Treated[field]++
			return nil, false
		default:
			text, ok := t.Transform.Append(nil, m.valueOf(n))
			if s, asks := t.Transform.(masking.SubjectTransform); asks &&
				rec.subject.Kind != masking.Invalid {
				text, ok = s.AppendFor(nil, m.valueOf(n), rec.subject)
			}
			if !ok {
				rec.tally.Withheld[field]++
				return nil, false
			}
			rec.tally.Treated[field]++
			return text, true
		}
	}

	if n.kind == masking.Null && n.place {
		return m.src[n.lo:n.hi], true
	}
	if n.container() && (n == rec.base || m.live(n)) || covered {
		return m.inside(n, covered && n.kind == masking.Array), true
	}
	switch m.spec.Unlisted {
	case masking.UnlistedPass:
		return m.inside(n, false), true
	case masking.UnlistedMask:
		m.unlisted++
		return []byte(`"****"`), true
	default:
		m.unlisted++
		return nil, false
	}
}

func (m *run) textsOf(rec *referenceRecord) []referenceText {
	if rec.kind == masking.Envelope {
		return m.texts
	}
	return m.kinds[rec.kind].texts
}

// text judges a string that holds JSON. The field that is counted is the first of those that the
// automaton meets.
func (m *run) text(n *node, texts []referenceText) ([]byte, bool) {
	rec := n.owner
	x := slices.MinFunc(texts, func(a, b referenceText) int { return a.field - b.field })
	if len(texts) > 1 || n.kind != masking.String {
		rec.tally.Withheld[x.field]++
		return nil, false
	}
	inner := &run{reference: x.inside, src: n.text}
	root, err := inner.parse(0, len(n.text))
	if err == nil {
		envelope := &referenceRecord{kind: masking.Envelope, base: root, subject: rec.subject}
		err = inner.findRecords(root, envelope)
		treatments := rec.profile.Treatments[x.first : x.first+x.count]
		envelope.profile = &masking.Profile{Treatments: treatments}
		envelope.tally = &masking.Tally{Treated: rec.tally.Treated[x.first : x.first+x.count],
			Withheld: rec.tally.Withheld[x.first : x.first+x.count]}
	}
	if err != nil {
		rec.tally.Withheld[x.field]++
		return nil, false
	}
	rec.tally.Treated[x.field]++
	text, keep := inner.judge(root, false)
	m.unlisted += inner.unlisted
	if !keep {
		return nil, false
	}
	text = slices.Concat(n.text[:root.lo], text, n.text[root.hi:])
	if bytes.Equal(text, n.text) {
		return m.src[n.lo:n.hi], true
	}
	return []byte(`"` + strings.NewReplacer(shortEscapes...).Replace(string(text)) + `"`), true
}

// shortEscapes are what must be escaped in a string that holds JSON: it has no other control
// characters.
var shortEscapes = []string{`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`}

// inside returns n with its members judged one by one.
func (m *run) inside(n *node, covered bool) []byte {
	if len(n.children) == 0 {
		return m.src[n.lo:n.hi]
	}
	first, last := n.children[0], n.children[len(n.children)-1]
	out := []byte{m.src[n.lo]}
	kept := 0
	for i, c := range n.children {
		text, keep := m.judge(c, covered)
		if !keep && n.kind == masking.Array && m.spec.KeepPositions {
			text, keep = []byte("null"), true
		}
		if !keep {
			continue
		}
		if kept == 0 {
			out = append(out, m.src[n.lo+1:first.start]...)
		} else {
			out = append(out, m.src[n.children[i-1].hi:c.start]...)
		}
		kept++
		out = append(out, m.src[c.start:c.lo]...)
		out = append(out, text...)
	}
	if kept > 0 {
		out = append(out, m.src[last.hi:n.hi-1]...)
	}
	return append(out, m.src[n.hi-1])
}

// live reports whether some selector could still reach into the container n, whatever its members
// are.
func (m *run) live(n *node) bool {
	for _, k := range m.kinds {
		if k.records.reachesInto(m.root(n), n) {
			return true
		}
	}
	relative := m.fieldsOf(n.owner)
	if n.owner.kind != masking.Envelope {
		k := m.kinds[n.owner.kind]
		relative = slices.Concat(relative, k.inputs)
		if k.hasSubject {
			relative = append(relative, k.subject)
		}
	}
	return slices.ContainsFunc(relative,
		func(q query) bool { return q.reachesInto(n.owner.base, n) })
}

// A query is a list of segments.
type query []segment

type segment struct {
	descendant bool
	selectors  []selector
	spaced     bool // there is white space within its brackets
}

type selector struct {
	wildcard bool
	isIndex  bool
	isSlice  bool
	name     string
	index    int
	slice    [3]*int // start, end, step
	filter   *expression
}

// hits reports whether a segment that its parent is at selects n. base is what $ stands for.
func (s segment) hits(base, n *node) bool {
	return slices.ContainsFunc(s.selectors, func(x selector) bool { return x.hits(base, n) })
}

func (x selector) hits(base, n *node) bool {
	inArray, length := n.parent.kind == masking.Array, len(n.parent.children)
	switch {
	case x.wildcard:
		return true
	case x.filter != nil:
		return x.filter.test(base, n)
	case x.isSlice:
		return inArray && slices.Contains(sliceIndexes(x.slice, length), n.index)
	case x.isIndex:
		return inArray && (n.index == x.index || n.index == length+x.index)
	default:
		return !inArray && n.name == x.name
	}
}

// sliceIndexes is the pseudocode of RFC 9535 section 2.3.4.2.2.
func sliceIndexes(slice [3]*int, length int) (list []int) {
	or := func(i *int, otherwise int) int {
		if i != nil {
			return *i
		}
		return otherwise
	}
	normalize := func(i int) int {
		if i >= 0 {
			return i
		}
		return length + i
	}
	step := or(slice[2], 1)
	switch {
	case step > 0:
		start, end := normalize(or(slice[0], 0)), normalize(or(slice[1], length))
		lower, upper := min(max(start, 0), length), min(max(end, 0), length)
		for i := lower; i < upper; i += step {
			list = append(list, i)
		}
	case step < 0:
		start, end := normalize(or(slice[0], length-1)), normalize(or(slice[1], -length-1))
		upper, lower := min(max(start, -1), length-1), min(max(end, -1), length-1)
		for i := upper; lower < i; i += step {
			list = append(list, i)
		}
	}
	return list
}

func (s segment) fits(kind masking.Kind) bool {
	return s.descendant || slices.ContainsFunc(s.selectors, func(x selector) bool {
		return x.wildcard || x.filter != nil || (x.isIndex || x.isSlice) == (kind == masking.Array)
	})
}

func (q query) selects(base, n *node) bool { return q.matches(base, n.path[len(base.path):]) }

func (q query) matches(base *node, steps []*node) bool {
	if len(q) == 0 || len(steps) == 0 {
		return len(q) == 0 && len(steps) == 0
	}
	return q[0].hits(base, steps[0]) && q[1:].matches(base, steps[1:]) || q[0].descendant &&
		q.matches(base, steps[1:])
}

// reachesInto reports whether q could select something below the container n.
func (q query) reachesInto(base, n *node) bool {
	return q.reaches(base, n.path[len(base.path):], n.kind)
}

func (q query) reaches(base *node, steps []*node, kind masking.Kind) bool {
	if len(q) == 0 {
		return false
	}
	if len(steps) == 0 {
		return q[0].fits(kind)
	}
	return q[0].hits(base, steps[0]) && q[1:].reaches(base, steps[1:], kind) || q[0].descendant &&
		q.reaches(base, steps[1:], kind)
}

func syntaxError(offset int, format string, args ...any) error {
	return &masking.SyntaxError{Offset: int64(offset), Reason: "reference: " +
		fmt.Sprintf(format, args...)}
}

// parse builds the tree of the JSON text in src[lo:hi].
func (m *run) parse(lo, hi int) (*node, error) {
	text := m.src[lo:hi]
	if !utf8.Valid(text) {
		return nil, syntaxError(lo, "not UTF-8")
	}
	if !json.Valid(text) {
		return nil, syntaxError(lo, "not JSON")
	}
	p := &treeParser{run: m, dec: json.NewDecoder(bytes.NewReader(text)), off: lo, end: lo,
		limit: hi}
	p.dec.UseNumber()
	return p.value(nil, -1, "", 0)
}

type treeParser struct {
	*run
	dec        *json.Decoder
	off        int // of the text in src
	end, limit int
}

// token returns the next token and its span. What lies between two tokens is white space, commas
// and colons.
func (p *treeParser) token() (t json.Token, lo, hi int) {
	t, err := p.dec.Token()
	if err != nil && err != io.EOF {
		panic(err) // json.Valid accepted the text
	}
	lo = p.end
	for lo < p.limit && strings.IndexByte(" \t\r\n,:", p.src[lo]) >= 0 {
		lo++
	}
	p.end = p.off + int(p.dec.InputOffset())
	return t, lo, p.end
}

// value parses one value. start is where its member begins, -1 if it is no member.
func (p *treeParser) value(parent *node, start int, name string, depth int) (*node, error) {
	t, lo, hi := p.token()
	n := &node{lo: lo, hi: hi, raw: string(p.src[lo:hi]), start: start, name: name, parent: parent}
	if start < 0 {
		n.start = lo
	}
	if parent != nil {
		n.index = len(parent.children)
		parent.children = append(parent.children, n)
		n.path = append(slices.Clip(parent.path), n)
	}
	switch t := t.(type) {
	case nil:
		n.kind = masking.Null
	case bool:
		n.kind = masking.Bool
	case json.Number:
		n.kind = masking.Number
	case string:
		n.kind, n.text = masking.String, []byte(t)
		if err := p.checkString(lo, hi); err != nil {
			return nil, err
		}
	case json.Delim:
		depth++
		if depth > p.spec.Limits.Depth {
			return nil, syntaxError(lo, "nested too deep")
		}
		n.kind = masking.Array
		if t == '{' {
			n.kind = masking.Object
		}
		seen := map[string]bool{}
		for p.dec.More() {
			start, name := -1, ""
			if n.kind == masking.Object {
				t, lo, hi := p.token()
				if err := p.checkString(lo, hi); err != nil {
					return nil, err
				}
				if hi-lo > p.spec.Limits.Name {
					return nil, syntaxError(lo, "name too long")
				}
				start, name = lo, t.(string)
				if seen[name] {
					return nil, syntaxError(lo, "duplicate name")
				}
				seen[name] = true
			}
			if _, err := p.value(n, start, name, depth); err != nil {
				return nil, err
			}
		}
		_, _, n.hi = p.token()
	}
	return n, nil
}

// checkString refuses lone surrogates in the string src[lo:hi].
func (p *treeParser) checkString(lo, hi int) error {
	s := p.src[lo:hi]
	unit := func(i int) rune {
		if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
			return -1
		}
		v, err := strconv.ParseUint(string(s[i+2:i+6]), 16, 16)
		if err != nil {
			panic(err) // json.Valid accepted the text
		}
		return rune(v)
	}
	for i := 1; i < len(s)-1; {
		switch u := unit(i); {
		case s[i] != '\\':
			i++
		case u < 0:
			i += 2
		case !utf16.IsSurrogate(u):
			i += 6
		case utf16.DecodeRune(u, unit(i+6)) == utf8.RuneError:
			return syntaxError(lo+i, "lone surrogate")
		default:
			i += 12
		}
	}
	return nil
}

// parseQuery parses a query of RFC 9535.
func parseQuery(s string) (query, error) {
	p := &queryParser{in: s, rest: []rune(s)}
	if !utf8.ValidString(s) || !p.eat('$') {
		return nil, p.fault()
	}
	q := p.segments()
	if p.bad || len(p.rest) > 0 {
		return nil, p.fault()
	}
	return q, nil
}

// segments parses as many segments as there are.
func (p *queryParser) segments() query {
	q := query{}
	for !p.bad {
		before := p.rest
		p.space()
		seg := segment{}
		switch {
		case p.eat('.', '.'):
			seg.descendant = true
			if p.eat('[') {
				seg.selectors, seg.spaced = p.list()
			} else {
				seg.selectors = []selector{p.shorthand()}
			}
		case p.eat('.'):
			seg.selectors = []selector{p.shorthand()}
		case p.eat('['):
			seg.selectors, seg.spaced = p.list()
		default:
			p.rest = before
			return q
		}
		q = append(q, seg)
	}
	return q
}

type queryParser struct {
	in    string
	rest  []rune
	bad   bool
	depth int
}

func (p *queryParser) fault() error {
	return fmt.Errorf("reference: selector %q: not understood in front of %q", p.in, string(p.rest))
}

func (p *queryParser) eat(want ...rune) bool {
	if len(p.rest) < len(want) || !slices.Equal(p.rest[:len(want)], want) {
		return false
	}
	p.rest = p.rest[len(want):]
	return true
}

func (p *queryParser) next() rune {
	if len(p.rest) == 0 {
		p.bad = true
		return -1
	}
	r := p.rest[0]
	p.rest = p.rest[1:]
	return r
}

func (p *queryParser) space() {
	for p.eat(' ') || p.eat('\t') || p.eat('\n') || p.eat('\r') {
	}
}

// shorthand parses what follows a dot.
func (p *queryParser) shorthand() selector {
	if p.eat('*') {
		return selector{wildcard: true}
	}
	var name []rune
	for len(p.rest) > 0 {
		r := p.rest[0]
		first := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80
		if !first && (len(name) == 0 || r < '0' || r > '9') {
			break
		}
		name = append(name, r)
		p.rest = p.rest[1:]
	}
	if len(name) == 0 {
		p.bad = true
	}
	return selector{name: string(name)}
}

// list parses what follows an opening bracket.
func (p *queryParser) list() (list []selector, spaced bool) {
	space := func() {
		before := len(p.rest)
		p.space()
		spaced = spaced || len(p.rest) < before
	}
	for !p.bad {
		space()
		switch {
		case p.eat('*'):
			list = append(list, selector{wildcard: true})
		case p.eat('\''):
			list = append(list, selector{name: p.quoted('\'')})
		case p.eat('"'):
			list = append(list, selector{name: p.quoted('"')})
		case p.eat('?'):
			p.deeper()
			p.space()
			e := p.or()
			p.depth--
			list = append(list, selector{filter: &e})
		default:
			list = append(list, p.indexOrSlice())
		}
		space()
		if p.eat(']') {
			return list, spaced
		}
		if !p.eat(',') {
			p.bad = true
		}
	}
	return nil, false
}

// deeper counts levels of parentheses, functions and filters: there may be 200.
func (p *queryParser) deeper() {
	if p.depth++; p.depth > 200 {
		p.bad = true
	}
}

func (p *queryParser) indexOrSlice() selector {
	start := p.number()
	before := p.rest
	p.space()
	if !p.eat(':') {
		p.rest = before
		if start == nil {
			p.bad = true
			return selector{}
		}
		return selector{isIndex: true, index: *start}
	}
	p.space()
	x := selector{isSlice: true, slice: [3]*int{start, p.number(), nil}}
	before = p.rest
	p.space()
	if !p.eat(':') {
		p.rest = before
		return x
	}
	before = p.rest
	p.space()
	if x.slice[2] = p.number(); x.slice[2] == nil {
		p.rest = before
	}
	return x
}

// number parses an integer if there is one.
func (p *queryParser) number() *int {
	digits := ""
	for len(p.rest) > 0 && (p.rest[0] >= '0' && p.rest[0] <= '9' || p.rest[0] == '-' &&
		digits == "") {
		digits += string(p.next())
	}
	if digits == "" {
		return nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > 1<<53-1 || n < -(1<<53-1) || digits != strconv.Itoa(n) {
		p.bad = true
	}
	return &n
}

func (p *queryParser) quoted(quote rune) string {
	var name []rune
	for {
		r := p.next()
		switch {
		case p.bad || r < ' ':
			p.bad = true
			return ""
		case r == quote:
			return string(name)
		case r != '\\':
			name = append(name, r)
			continue
		}
		switch r := p.next(); {
		case r == quote || r == '\\' || r == '/':
			name = append(name, r)
		case r == 'u':
			u := p.hex()
			if utf16.IsSurrogate(u) {
				if !p.eat('\\', 'u') {
					p.bad = true
				}
				if u = utf16.DecodeRune(u, p.hex()); u == utf8.RuneError {
					p.bad = true
				}
			}
			name = append(name, u)
		case r > 0 && strings.ContainsRune("bfnrt", r):
			name = append(name, map[rune]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r',
				't': '\t'}[r])
		default:
			p.bad = true
		}
	}
}

func (p *queryParser) hex() rune {
	digits := ""
	for range 4 {
		digits += string(p.next())
	}
	u, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		p.bad = true
	}
	return rune(u)
}
