package masking

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// outline is what the parser keeps of a response: the places where it may be cut. It lists, in document order, every
// value whose treatment the decision can change, and every record. It is reused from response to response.
type outline struct {
	layout  *Layout
	src     []byte
	base    int64  // bytes of the response in front of src
	events  []byte // the event stream whose data src is; nil if src is what came
	scan    scanner
	nodes   []node
	runs    []run
	ends    []int32 // of the members of runs
	records []record
	inputs  []span // of all records, in order
	roots   []int  // nodes that are documents

	window    []Record
	values    []Value // of the window's inputs
	profiles  []*Profile
	text      arena // unescaped strings
	shapes    shapes
	plans     []*plan
	oldest    int    // of plans, the one that was last replaced
	buffer    []byte // of a stream's input
	output    []byte // of a stream
	payload   []byte // of events, as a sequence
	rewritten []byte // of payload
	report    Report
	inners    []*outline // of embedded fields
	inText    Profile    // of the text that this outline is for, if it is embedded
	pointer   []byte     // of a fault, built from its end while unwinding

	evaluation evaluation
	faulty     bool // the tree of some part could not be built: there is a fault ahead
	refused    bool // the fault is a SelectionError
}

// node is a member, an element or a document, as byte offsets into the response.
// A run of members is one node.
type node struct {
	state  *state // of the value; of the object, for a run
	start  int32  // its first byte: of the name, for a member
	next   int32  // index of the node behind its subtree
	record int32  // innermost record that the value belongs to
	extent        // of a run: where it is listed, and where it ends
	role   nodeRole
}

// extent is where a value lies in the response.
type extent struct {
	value int32 // its first byte
	end   int32 // just behind it
	kind  Kind
	bare  bool // it has no escapes
}

type nodeRole uint8

const (
	plain      nodeRole = iota
	isRecord            // a record begins here
	nullRecord          // null in the place of a record
	isRoot              // the root of a document, outside any record
	isRun               // a run of members
)

// span is a value that a condition or the record of an access reads.
type span struct {
	extent     // of the first
	found  int // how many values the selector found
}

type record struct {
	kind    int
	parent  int32
	node    int
	subject span
	inputs  int // index of its first input
}

// release gives the outline back for another response.
func (o *outline) release() {
	o.src, o.scan.src, o.scan.input = nil, nil, nil
	o.base = 0
	o.clear()
	o.report.reset()
	o.layout.work.Put(o)
}

// clear forgets a response.
func (o *outline) clear() {
	clear(o.nodes) // states may outlive their layout otherwise
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

// clearLists forgets what was listed of a response, but for its records.
func (o *outline) clearLists() {
	o.nodes, o.runs, o.ends, o.inputs, o.roots = o.nodes[:0], o.runs[:0], o.ends[:0], o.inputs[:0], o.roots[:0]
}

// parse checks src and fills the outline.
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

// parseLines parses NDJSON: a value may not span lines, and each ends its line.
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

// parseSequence parses a JSON text sequence. A text ends in a line feed, so that a number that was cut short is not taken for
// whole (RFC 7464 §2.4).
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
		return o.scan.fail("want what can be read twice") // never: the tree's scanner is the same
	}
	return ok
}

func (o *outline) openRecord(kind int, parent int32) int32 {
	o.records = append(o.records, record{kind: kind, parent: parent, node: len(o.nodes), inputs: len(o.inputs)})
	if kind != Envelope {
		for range o.layout.spec.Records[kind].Inputs {
			o.inputs = append(o.inputs, span{})
		}
	}
	return int32(len(o.records) - 1)
}

// parseValue parses the value at the scanner's position and lists it. element says that it is one of an array that a field selects.
func (o *outline) parseValue(start int, st *state, rec int32, role nodeRole, sh *shape, element bool) bool {
	i := len(o.nodes)
	s := &o.scan
	value := s.pos
	kind := s.kind()
	if st.begins() {
		if kind == Null {
			st, role = st.null, nullRecord
		} else if st.record == conflict {
			return o.refuse("two kinds of record select this value; a value is of one kind of record")
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
	case kind == Object && (role != plain || st.reaches(Object) || st.selected() || element):
		ok = o.parseObject(st, rec, sh)
	case kind == Array && (role != plain || st.reaches(Array) || st.selected() || element):
		ok = o.parseArray(st, rec, sh, st.selected() || element && role == plain)
	default:
		ok = o.skipValue(kind, sh)
	}
	if !ok {
		return false
	}
	n = &o.nodes[i]
	n.end, n.next = int32(s.pos), int32(len(o.nodes))
	if role == isRecord && s.pos-value > o.layout.spec.Limits.Record {
		return s.failAt(value, fmt.Sprintf("a record has more than %d bytes", o.layout.spec.Limits.Record))
	}
	if st != nil && st.noted {
		o.note(n.record, st, n.extent)
	}
	return true
}

// addNode adds a node to the list. What it holds is of an earlier one: all of it is to be set, one by one, which is faster than as a whole.
func (o *outline) addNode() *node {
	i := len(o.nodes)
	if i == cap(o.nodes) {
		o.nodes = slices.Grow(o.nodes, i+1)
	}
	o.nodes = o.nodes[:i+1]
	return &o.nodes[i]
}

// note remembers a value that is the subject or an input of its record.
func (o *outline) note(rec int32, st *state, x extent) {
	r := &o.records[rec]
	if st.subject {
		r.subject.add(x)
	}
	for _, i := range st.inputs {
		o.inputs[r.inputs+i].add(x)
	}
}

func (s *span) add(x extent) {
	if s.found == 0 {
		s.extent = x
	}
	s.found++
}

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

// parseArray parses an array. selected says that a field selects it, or an array that it is an element of.
func (o *outline) parseArray(st *state, rec int32, sh *shape, selected bool) bool {
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
		if !o.parseValue(s.pos, next, rec, plain, elements, selected) {
			return o.withinElement(index)
		}
		index++
	}
	return s.leave(c)
}

// skipValue checks a value whose inside no decision can change.
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
