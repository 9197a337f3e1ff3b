package masking

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
)

// Release is called by [Layout.Rewrite] with each window's output, in order, and what was done in it. Both are valid during
// the call only; but where it returns an error, which ends the rewriting, the output is never written to again, so that it may
// still be read, as a server does whose connection stalls.
type Release func(out []byte, report *Report) error

// Rewrite rewrites what it reads from src as d decides, and hands the result to release.
//
// A response of at most Limits.Buffer bytes is checked and decided whole, and released at once. A longer one is released in
// windows: outermost records one by one, up to Limits.Window of them or Limits.Buffer bytes, each window decided in one batch.
// What lies around the records is released as it comes; of it, and of the records, no more than a window and a record
// is in memory. Every window's batch begins with the envelope. Sequences are released in windows of whole texts, lines or
// events, these being at most Limits.Buffer bytes long; events without waiting for the buffer to fill.
//
// If src turns bad midway, what was released is a prefix of the right output, and the error says so: the caller must
// not let it pass for whole. Errors are those of [Layout.Append], of src, or of release.
func (l *Layout) Rewrite(ctx context.Context, src io.Reader, framing Framing, d Decider, release Release) error {
	o := l.work.Get().(*outline)
	defer o.release()
	t := stream{outline: o, ctx: ctx, decider: d, in: src, released: release}
	if cap(o.buffer) < l.spec.Limits.Buffer+1 {
		o.buffer = make([]byte, 0, l.spec.Limits.Buffer+1)
	}
	if framing == Events { // they come one by one, and go so
		return t.sequence(nil, framing)
	}
	head, whole, err := readHead(src, o.buffer[:l.spec.Limits.Buffer+1])
	switch {
	case err != nil:
		return err
	case whole:
		return t.whole(head, framing)
	case framing != Document:
		return t.sequence(head, framing)
	}
	return t.document(head)
}

// readHead fills buf, or reports that src ends before. It is not [io.ReadFull], which says the same of a source that ends and
// of one that says of itself that it was cut short.
func readHead(src io.Reader, buf []byte) (head []byte, whole bool, err error) {
	n := 0
	for n < len(buf) {
		k, err := src.Read(buf[n:])
		n += k
		switch {
		case err == io.EOF: //nolint:errorlint // a reader's own, as io.Reader has it
			return buf[:n], true, nil
		case err != nil:
			return nil, false, fmt.Errorf("reading response: %w", err)
		}
	}
	return buf, false, nil
}

// stream is a response on its way through in windows.
type stream struct {
	*outline
	ctx      context.Context
	decider  Decider
	in       io.Reader
	released Release

	unit     int // where the value begins that must stay in the buffer until it ends
	items    []item
	failed   error // of in
	envelope *Profile
	ahead    shape // of values that are looked at ahead
}

// item is a part of the window: a value, or a bracket of a container around records.
type item struct {
	frame      *frame // that it lies in; nil at the root
	step       step   // from the frame to it
	inside     *frame // of an opening bracket
	gap, start int
	value, end int
	node       int // of a value; -1 for a bracket
}

// step leads from a container to one of its children: by the name of a member, or else, where name is
// nil, by the index of an element.
type step struct {
	name  []byte
	index int
}

// frame is an open container around records.
type frame struct {
	parent   *frame // nil at the root
	step     step   // from the parent to it
	state    *state
	array    bool
	covered  bool   // see rewriter.write
	begun    bool   // a child was parsed
	children int    // that were written or dropped
	kept     bool   // one of them was written
	lead     []byte // white space in front of the first child, until one is kept
}

// whole handles a response, or units of a sequence, that fit the buffer.
func (t *stream) whole(src []byte, framing Framing) error {
	out, err := t.outline.whole(t.ctx, t.output[:0], src, framing, t.decider, &t.report)
	t.output = out
	if err != nil {
		return err
	}
	return t.handOver()
}

// handOver hands the window's output on. It is written to again only if it was taken well: whoever failed may still read it.
func (t *stream) handOver() error {
	out := t.output
	t.output = nil
	if err := t.released(out, &t.report); err != nil {
		return err
	}
	t.output = out
	return nil
}

// sequence handles the units of a sequence, in windows, as they come. A unit is at most as large as the buffer.
func (t *stream) sequence(src []byte, framing Framing) error {
	limit := t.layout.spec.Limits.Buffer
	ended := false
	units := units{framing: framing}
	for {
		for {
			size := 0
			for range t.layout.spec.Limits.Window {
				n := units.next(src[size:])
				if size += n; n == 0 {
					break
				}
			}
			if size == 0 && ended {
				size, units.seen = len(src), 0
			}
			if size == 0 {
				break
			}
			if err := t.whole(src[:size], framing); err != nil {
				return err
			}
			t.base += int64(size)
			src = src[size:]
		}
		if ended {
			return nil
		}
		if len(src) > limit {
			return &SyntaxError{Offset: t.base, Reason: fmt.Sprintf("a line, text or event has more than %d bytes", limit)}
		}
		rest := copy(t.buffer[:limit+1], src)
		n, err := t.in.Read(t.buffer[rest : limit+1])
		src = t.buffer[:rest+n]
		if err != nil && err != io.EOF { //nolint:errorlint // a reader's own, as io.Reader has it
			return fmt.Errorf("reading response: %w", err)
		}
		ended = err != nil
	}
}

// document handles one JSON text.
func (t *stream) document(head []byte) error {
	o := t.outline
	o.scan.reset(head, o.layout.spec.Limits)
	o.src, o.scan.input = head, t
	t.report.reset()
	o.forgetShapes()
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		return o.faultHere("want UTF-8 without a byte order mark")
	}
	if outside, _ := o.layout.Needs(); outside > NeedNothing {
		return &SelectionError{Reason: "the response is longer than may be buffered, but the selectors of its envelope or of records need it whole"}
	}
	o.evaluation.work = t.work()
	o.open(Envelope, -1)
	t.learn()
	if err := t.decide(t.ctx, t.decider); err != nil {
		return err
	}
	t.envelope = t.profiles[0]
	s := &o.scan
	s.blank()
	ok := t.place(nil, step{}, 0, s.pos, o.layout.root, o.shapes.root)
	end := s.pos
	t.unit = end
	if ok {
		s.blank()
		if s.has() {
			ok = s.fail("want the end of the document")
		}
	}
	if ok && s.reason == "" {
		t.items = append(t.items, item{gap: end, start: end, end: s.pos, node: -1})
		ok = t.flush()
	}
	switch {
	case t.failed != nil:
		return t.failed
	case !ok || s.reason != "":
		return t.outline.fault()
	}
	return nil
}

// work bounds the work of filters on a window.
func (t *stream) work() int { return baseWork + workPerByte*t.layout.spec.Limits.Buffer }

// more implements input.
func (t *stream) more(s *scanner) bool {
	if limit := t.layout.spec.Limits.Record; len(s.src)-t.unit > limit+len(`"":`)+t.layout.spec.Limits.Name {
		return s.failAt(t.unit, fmt.Sprintf("a record, or a value outside of records, has more than %d bytes", limit))
	}
	if len(s.src) == cap(s.src) {
		grown := make([]byte, len(s.src), 2*cap(s.src))
		copy(grown, s.src)
		s.src = grown
	}
	for range 100 {
		n, err := t.in.Read(s.src[len(s.src):cap(s.src)])
		s.src = s.src[:len(s.src)+n]
		t.src = s.src
		if err != nil && err != io.EOF { //nolint:errorlint // a reader's own, as io.Reader has it
			t.failed = fmt.Errorf("reading response: %w", err)
			return s.fail("the response was cut short")
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	t.failed = fmt.Errorf("reading response: %w", io.ErrNoProgress)
	return s.fail("the response was cut short")
}

// place handles the value at the scanner's position: a container around records opens, anything else is a unit of the window.
func (t *stream) place(f *frame, to step, gap, start int, st *state, sh *shape) bool {
	s := &t.scan
	kind := s.kind()
	root := f == nil
	around := (kind == Object || kind == Array) && st != nil && st.record == Envelope && st.around && (root || st.reaches(kind))
	if f != nil && !f.begun && start-gap > maxLead {
		return s.failAt(gap, fmt.Sprintf("more than %d bytes of white space behind a bracket", maxLead)) || t.within(f, to)
	}
	if f != nil {
		f.begun = true
	}
	inside := &frame{parent: f, step: to, state: st, array: kind == Array, covered: kind == Array && f != nil && f.covered}
	if around && len(st.fields) > 0 {
		treatment := t.envelope.Treatments[strictest(t.envelope.Treatments, st.fields)]
		embedded, _ := t.layout.embeddedIn(Envelope, st.fields)
		around = treatment.Rank == RankClear && embedded == nil
		inside.covered = kind == Array
	}
	if !around {
		return t.value(f, to, gap, start, st, sh) && t.flushFull() || t.within(f, to)
	}
	if len(st.fields) > 0 {
		t.report.tally(t.envelope).Treated[strictest(t.envelope.Treatments, st.fields)]++
	}
	t.items = append(t.items, item{frame: f, inside: inside, gap: gap, start: start, value: s.pos, end: s.pos + 1, node: -1})
	parse := t.members
	if kind == Array {
		parse = t.elements
	}
	return parse(inside, st, sh) && t.flushFull() || t.within(f, to)
}

// within puts the step to a child of f in front of a fault's pointer.
func (t *stream) within(f *frame, to step) bool {
	switch {
	case f == nil: // the root
		return false
	case to.name != nil:
		return t.outline.within(to.name)
	}
	return t.withinElement(to.index)
}

// value parses a unit.
func (t *stream) value(f *frame, to step, gap, start int, st *state, sh *shape) bool {
	role := plain
	if f == nil {
		role = isRoot
	}
	i := len(t.nodes)
	value := t.scan.pos
	t.roots = append(t.roots, i)
	// What a record's selectors need of it must be there when they are asked.
	if _, inside := t.layout.Needs(); inside > NeedNothing {
		if !t.skip(t.scan.kind(), &t.ahead) {
			return false
		}
		t.scan.pos = value
	}
	if !t.node(start, st, 0, role, sh, f != nil && f.covered) || t.scan.reason != "" {
		return false // a number that was cut short looks whole, but the scanner knows
	}
	if t.scan.pos-value > t.layout.spec.Limits.Record {
		return t.scan.failAt(value, fmt.Sprintf("a record, or a value outside of records, has more than %d bytes", t.layout.spec.Limits.Record))
	}
	if f != nil && !t.scan.has() { // a number that was cut short looks whole
		return t.scan.fail("the document ends too early")
	}
	t.items = append(t.items, item{frame: f, step: to, gap: gap, start: start, value: value, end: t.scan.pos, node: i})
	return true
}

func (t *stream) members(f *frame, st *state, sh *shape) bool {
	s := &t.scan
	names, ok := s.enter()
	e := expected{names: names}
	gap := s.pos
	for more := ok && s.first('}'); more; more = s.more('}') {
		start := s.pos
		t.unit = gap
		m := t.member(sh, &e)
		if m == nil {
			return false
		}
		if len(s.seen) > maxMembers {
			return s.fail(fmt.Sprintf("the objects around records have more than %d members", maxMembers))
		}
		// A condition that needs nothing more of the response is for elements.
		if !t.place(f, step{name: m.name()}, gap, start, m.under(st), &m.value) {
			return false
		}
		gap = s.pos
		t.unit = gap
	}
	return t.close(f, gap) && s.leave(names)
}

const (
	maxMembers = 1 << 20 // names that are remembered of the objects around records
	maxLead    = 1 << 10 // bytes of white space in front of the first child of a container around records
)

func (t *stream) elements(f *frame, st *state, sh *shape) bool {
	s := &t.scan
	element := sh.elements()
	names, ok := s.enter()
	gap := s.pos
	index := 0
	for more := ok && s.first(']'); more; more = s.more(']') {
		t.unit = gap
		next, ok := t.child(st, st.element(index), 0, 0, index)
		if !ok || !t.place(f, step{index: index}, gap, s.pos, next, element) {
			return false
		}
		gap = s.pos
		t.unit = gap
		index++
	}
	return t.close(f, gap) && s.leave(names)
}

// close notes the closing bracket, which the scanner has just passed.
func (t *stream) close(f *frame, gap int) bool {
	s := &t.scan
	if s.reason != "" {
		return false
	}
	t.items = append(t.items, item{frame: f, inside: f, gap: gap, start: s.pos - 1, value: s.pos - 1, end: s.pos, node: -1})
	return true
}

// flushFull flushes the window once it is full.
func (t *stream) flushFull() bool {
	if len(t.records)-1 >= t.layout.spec.Limits.Window || t.scan.pos >= t.layout.spec.Limits.Buffer || len(t.items) >= 4*t.layout.spec.Limits.Window {
		return t.flush()
	}
	return true
}

// flush decides the window, releases it, and makes room.
func (t *stream) flush() bool {
	t.window, t.values, t.profiles = t.window[:0], t.values[:0], t.profiles[:0]
	if r := t.learn(); r != nil {
		return t.end(t.subjectFault(r, t.pointerAround(r.node)))
	}
	if err := t.decide(t.ctx, t.decider); err != nil {
		return t.end(err)
	}
	t.profiles[0] = t.envelope
	w := t.rewriter(t.output[:0], &t.report)
	for _, it := range t.items {
		if !t.write(&w, it) {
			return t.end(ErrNothing)
		}
	}
	w.end()
	t.output = w.dst
	if err := t.handOver(); err != nil {
		return t.end(err)
	}
	s := &t.scan
	rest := copy(s.src, s.src[s.pos:])
	t.base += int64(s.pos)
	s.src = s.src[:rest]
	s.pos, t.unit, t.src = 0, 0, s.src
	t.items = t.items[:0]
	t.unlist()
	t.records = t.records[:1]
	t.text.reset()
	t.evaluation.reset()
	t.evaluation.work = t.work()
	t.report.reset()
	return true
}

func (t *stream) end(err error) bool {
	t.failed = err
	return t.scan.fail("ended")
}

// pointerAround returns the JSON Pointer to the value of the window that holds a node.
func (t *stream) pointerAround(node int) string {
	var at item
	for _, it := range t.items {
		if it.node >= 0 && it.node <= node {
			at = it
		}
	}
	pointer := ""
	for f, to := at.frame, at.step; f != nil; f, to = f.parent, f.step {
		token := strconv.Itoa(to.index)
		if to.name != nil {
			token = t.layout.token(to.name)
		}
		pointer = "/" + token + pointer
	}
	return pointer
}

// write writes an item. It reports false if that was the root, dropped.
func (t *stream) write(w *rewriter, it item) bool {
	f := it.frame
	switch {
	case f == nil && it.node < 0: // the root opens, or all that is left is white space
		w.dst = append(w.dst, t.src[it.gap:it.end]...)
		return true
	case it.inside == f && it.node < 0: // f closes
		if f.kept || f.children == 0 {
			w.dst = append(w.dst, t.src[it.gap:it.start]...)
		}
		w.dst = append(w.dst, t.src[it.start])
		return true
	case f == nil:
		w.dst = append(w.dst, t.src[it.gap:it.start]...)
		w.copied = it.start
		if !w.write(it.node, nil, false) {
			return false
		}
		w.copy(it.end)
		return true
	}
	length := len(w.dst)
	gap := t.src[it.gap:it.start]
	f.children++
	switch {
	case f.children == 1:
		f.lead = bytes.Clone(gap)
	case !f.kept:
		gap = f.lead
	default:
		f.lead = nil
	}
	w.dst = append(w.dst, gap...)
	w.copied = it.start
	if it.node >= 0 && !w.write(it.node, f.state, f.covered) && !w.vacate(&w.nodes[it.node], f.array) {
		w.dst = w.dst[:length]
		return true
	}
	w.copy(it.end)
	f.kept = true
	return true
}
