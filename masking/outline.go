package masking

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// outline is what the engine keeps of a response. It lists, in document order, every value whose
// treatment a decision can change, and every record: the places where the response may be cut. It
// has the engine's buffers too, and what the engine learnt, and is reused from response to
// response.
type outline struct {
	layout  *Layout
	src     []byte // the response, or what is in memory of it
	base    int64  // bytes of the response in front of src
	events  []byte // the event stream whose data src is; nil if src is what came
	scan    scanner
	nodes   []node
	runs    []run
	ends    []int32 // where the members of runs end
	records []record
	inputs  []span // of all records, in order
	roots   []int  // the nodes that are documents or, in a stream, items

	// What the decider learns, and says.
	window   []Record
	values   []Value // of the window's inputs
	profiles []*Profile

	text   arena // unescaped strings
	shapes shapes
	plans  []*plan
	oldest int // index of the plan that was last replaced
	report Report

	// A stream's.
	buffer []byte // of what was read
	output []byte // of the window

	// An event stream's.
	payload   []byte // the data, as a sequence
	rewritten []byte // the payload, rewritten

	// JSON in strings.
	inners []*outline // by index of the embedded field
	inText Profile    // of the text, if this outline is for JSON in a string

	evaluation evaluation

	// A fault's.
	pointer []byte // JSON Pointer to it, built from its end: see within
	faulty  bool   // the tree of a part could not be built, so there is a fault ahead
	refused bool   // the fault is a SelectionError
}

// node is a member, an element, a document, or a run of members.
type node struct {
	state  *state // of the value; of the object, for a run
	start  int32  // where it begins in src, with its name if it is a member
	next   int32  // index of the node behind all that lie in this one
	record int32  // index of the innermost record that it belongs to
	extent        // of the value; for a run, value is the index in outline.runs
	role   nodeRole
}

// extent is where a value lies in src.
type extent struct {
	value int32 // where it begins
	end   int32 // just behind it
	kind  Kind
	bare  bool // it is known to have no escapes
}

type nodeRole uint8

const (
	plain      nodeRole = iota
	isRecord            // a record begins here
	nullRecord          // null in the place of a record
	isRoot              // the root of a document, which is no record
	isRun               // a run of members
)

// span is a subject or an input: what its selector found.
type span struct {
	extent     // of the first value
	found  int // how many values
}

// record is a record, or the envelope of a document.
type record struct {
	kind    int   // index into Spec.Records, or Envelope
	parent  int32 // index of the record that encloses it; -1 for an envelope
	node    int
	subject span
	inputs  int // index of its first input
}

// release gives the outline back to the layout's pool.
func (o *outline) release() {
	o.src, o.scan.src, o.scan.input = nil, nil, nil
	o.base, o.events = 0, nil
	o.clear()
	o.report.reset()
	o.layout.work.Put(o)
}

// clear forgets a response.
func (o *outline) clear() {
	clear(o.nodes) // so that they keep no state in memory that the automaton forgot
	o.clearLists()
	o.records = o.records[:0]
	clear(o.window)
	clear(o.values)
	clear(o.profiles)
	o.window, o.values, o.profiles = o.window[:0], o.values[:0], o.profiles[:0]
	o.text.reset()
	o.pointer = nil
	o.evaluation.reset()
	o.faulty, o.refused = false, false
}

// clearLists forgets what is listed of a response, but for its records.
func (o *outline) clearLists() {
	o.nodes, o.runs, o.ends = o.nodes[:0], o.runs[:0], o.ends[:0]
	o.inputs, o.roots = o.inputs[:0], o.roots[:0]
}

// parse checks a response and fills the outline.
func (o *outline) parse(src []byte, framing Framing) error {
	o.src = src
	if len(src) > math.MaxInt32 {
		return &SyntaxError{Reason: "the response has more than 2 GiB"}
	}
	o.scan.reset(src, o.layout.spec.Limits)
	o.evaluation.work = baseWork + workPerByte*len(src)
	if bytes.HasPrefix(src, byteOrderMark) {
		return o.faultHere("want UTF-8 without a byte order mark")
	}
	switch framing {
	case Lines:
		return o.parseLines()
	case Sequence:
		return o.parseSequence()
	}
	if !o.parseDocument() {
		return o.fault()
	}
	o.scan.blank()
	if o.scan.pos < len(src) {
		return o.faultHere("want the end of the document")
	}
	return nil
}

// parseLines parses NDJSON: a text lies within one line, and nothing stands behind it there.
func (o *outline) parseLines() error {
	s := &o.scan
	for s.pos < len(o.src) {
		end := len(o.src)
		if i := bytes.IndexByte(o.src[s.pos:], '\n'); i >= 0 {
			end = s.pos + i
		}
		s.src = o.src[:end]
		s.blank()
		if s.pos < end {
			if !o.parseDocument() {
				return o.fault()
			}
			s.blank()
			if s.pos < end {
				return o.faultHere("want the end of the line")
			}
		}
		s.src = o.src
		s.pos = min(end+1, len(o.src))
	}
	return nil
}

// parseSequence parses a JSON text sequence. A text ends in a line feed, so that a number that was
// cut short is not taken for whole (RFC 7464 §2.4).
func (o *outline) parseSequence() error {
	s := &o.scan
	for s.pos < len(o.src) {
		if o.src[s.pos] != recordSeparator {
			return o.faultHere("want a record separator")
		}
		s.pos++
		if !o.parseDocument() {
			return o.fault()
		}
		s.blank()
		if o.src[s.pos-1] != '\n' {
			return o.faultHere("want a line feed behind the text")
		}
	}
	return nil
}

// parseDocument parses one JSON text and opens its envelope.
func (o *outline) parseDocument() bool {
	o.scan.blank()
	envelope := o.openRecord(Envelope, -1)
	o.records[envelope].node = len(o.nodes)
	o.roots = append(o.roots, len(o.nodes))
	o.boundShapes()
	ok := o.parseValue(o.scan.pos, o.layout.root, envelope, isRoot, o.shapes.root, false)
	if ok && o.faulty {
		// This cannot be: the tree's scanner meets the same faults as this one.
		return o.scan.fail("want what can be read twice")
	}
	return ok
}

// openRecord adds a record whose node comes next, and returns its index.
func (o *outline) openRecord(kind int, parent int32) int32 {
	r := record{kind: kind, parent: parent, node: len(o.nodes), inputs: len(o.inputs)}
	o.records = append(o.records, r)
	if kind != Envelope {
		for range o.layout.spec.Records[kind].Inputs {
			o.inputs = append(o.inputs, span{})
		}
	}
	return int32(len(o.records) - 1)
}

// parseValue parses the value at the scanner's position, which belongs to a record and is at a
// state, and gives it a node. The value, with its name if it is a member, begins at start. covered
// says that it is an element of an array of the same record, and that a field selects the array, or
// an array that the array is an element of.
func (o *outline) parseValue(
	start int, st *state, rec int32, role nodeRole, sh *shape, covered bool,
) bool {
	i := len(o.nodes)
	s := &o.scan
	value := s.pos
	kind := s.kind()
	if st.begins() {
		if kind == Null {
			st, role = st.null, nullRecord
		} else if st.record == conflict {
			return o.refuse("two kinds of record select this value; " +
				"a value is of one kind of record")
		} else {
			role = isRecord
			rec = o.openRecord(st.record, rec)
		}
	}
	n := o.addNode()
	n.state, n.start, n.value, n.record = st, int32(start), int32(value), rec
	n.kind, n.role, n.bare = kind, role, false
	var ok bool
	switch {
	case kind != Object && kind != Array,
		role == plain && !covered && !st.reaches(kind) && !st.selected():
		ok = o.skipValue(kind, sh)
	case kind == Object:
		ok = o.parseObject(st, rec, sh)
	default:
		ok = o.parseArray(st, rec, sh, st.selected() || covered && role == plain)
	}
	if !ok {
		return false
	}
	n = &o.nodes[i]
	n.end, n.next = int32(s.pos), int32(len(o.nodes))
	if most := o.layout.spec.Limits.Record; role == isRecord && s.pos-value > most {
		return s.failAt(value, fmt.Sprintf("a record has more than %d bytes", most))
	}
	if st != nil && st.noted {
		o.note(n.record, st, n.extent)
	}
	return true
}

// addNode adds a node. The node still has the fields of an earlier response's: the caller sets all
// of them, one by one, which is faster than to assign a new node.
func (o *outline) addNode() *node {
	i := len(o.nodes)
	if i == cap(o.nodes) {
		o.nodes = slices.Grow(o.nodes, i+1)
	}
	o.nodes = o.nodes[:i+1]
	return &o.nodes[i]
}

// note notes a value at a state that is the subject or an input of its record.
func (o *outline) note(rec int32, st *state, x extent) {
	r := &o.records[rec]
	if st.subject {
		r.subject.add(x)
	}
	for _, i := range st.inputs {
		o.inputs[r.inputs+i].add(x)
	}
}

// add notes a value that the selector found.
func (s *span) add(x extent) {
	if s.found == 0 {
		s.extent = x
	}
	s.found++
}

// parseObject parses an object and gives nodes to its members.
func (o *outline) parseObject(st *state, rec int32, sh *shape) bool {
	s := &o.scan
	container := s.pos
	c := s.enter('}')
	e := expected{names: c.names}
	conditions := st != nil && st.conditions != nil
	for s.next(&c) {
		var m *shapeMember
		var ok bool
		start := s.pos
		if conditions {
			m = o.member(sh, &e)
			ok = m != nil
		} else {
			m, start, ok = o.nextMember(st, rec, sh, &e, true)
		}
		if !ok {
			return false
		}
		if m == nil {
			continue
		}
		next := m.under(st)
		if conditions {
			if next, ok = o.child(st, next, rec, container, -1); !ok {
				return o.within(s.text(start))
			}
		}
		if !o.parseValue(start, next, rec, plain, &m.value, false) {
			return o.within(s.text(start))
		}
	}
	return s.leave(c)
}

// parseArray parses an array and gives nodes to its elements. covered says of these what it says in
// parseValue.
func (o *outline) parseArray(st *state, rec int32, sh *shape, covered bool) bool {
	s := &o.scan
	container := s.pos
	c := s.enter(']')
	elements := sh.elements()
	index := 0
	for s.next(&c) {
		next := st.element(index)
		if st != nil && st.conditions != nil {
			var ok bool
			if next, ok = o.child(st, next, rec, container, index); !ok {
				return o.withinElement(index)
			}
		}
		if !o.parseValue(s.pos, next, rec, plain, elements, covered) {
			return o.withinElement(index)
		}
		index++
	}
	return s.leave(c)
}

// skipValue checks a value inside which no decision can change anything.
func (o *outline) skipValue(kind Kind, sh *shape) bool {
	s := &o.scan
	switch kind {
	case Object:
		c := s.enter('}')
		e := expected{names: c.names}
		for s.next(&c) {
			m, start, ok := o.nextMember(nil, 0, sh, &e, false)
			if !ok {
				return false
			}
			if m == nil {
				continue
			}
			if !o.skipValue(s.kind(), &m.value) {
				return o.within(s.text(start))
			}
		}
		return s.leave(c)
	case Array:
		c := s.enter(']')
		elements := sh.elements()
		index := 0
		for s.next(&c) {
			if !o.skipValue(s.kind(), elements) {
				return o.withinElement(index)
			}
			index++
		}
		return s.leave(c)
	}
	return s.scalar(kind)
}
