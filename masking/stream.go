package masking

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Release is called by [Layout.Rewrite] with each window's output, in order, and with a report of
// what was done in the window. Both are valid during the call only. But if Release returns an
// error, which ends the rewriting, the output is never written to again: it may still be read, as a
// server does whose connection stalls.
type Release func(out []byte, report *Report) error

// Rewrite rewrites what it reads from src as d decides, and hands the result to release.
//
// A response of at most Limits.Buffer bytes is checked and decided whole, and released at once. A
// longer one is released in windows, and each window is decided in one batch that begins with the
// envelope. The envelope of a [Document] is decided before its first window too, and keeps that
// profile. A window of a [Document] has up to Limits.Window outermost records or Limits.Buffer
// bytes, and whatever lies around the records; no more of a response than a window and a record is
// in memory. A window of any other framing has whole lines, texts or events. None of these may have
// more than Limits.Buffer bytes. Events are released as they come, without waiting for the buffer
// to fill.
//
// If src turns bad midway, what was released is a prefix of the right output, and the error says
// so: the caller must not let it pass for whole. Errors are those of [Layout.Append], of src, or of
// release.
func (l *Layout) Rewrite(
	ctx context.Context, src io.Reader, framing Framing, d Decider, release Release,
) error {
	o := l.work.Get().(*outline)
	defer o.release()
	t := stream{outline: o, limits: l.spec.Limits, ctx: ctx, decider: d, in: src, release: release}
	size := t.limits.Buffer + 1
	if cap(o.buffer) < size {
		o.buffer = make([]byte, 0, size)
	}
	if framing == Events {
		return t.rewriteSequence(nil, framing)
	}
	head, whole, err := t.readHead(o.buffer[:size])
	switch {
	case err != nil:
		return err
	case whole:
		return t.rewriteUnits(head, framing)
	case framing != Document:
		return t.rewriteSequence(head, framing)
	}
	return t.rewriteDocument(head)
}

// stream is a response on its way through in windows.
type stream struct {
	outline *outline
	limits  Limits
	ctx     context.Context
	decider Decider
	in      io.Reader
	release Release

	// What follows serves documents only.

	unit     int      // where in the buffer the child begins that must stay there until it ends
	items    []item   // of the window
	envelope *Profile // of the whole response
	ahead    shape    // of the values that are looked at before they are parsed
	failed   error    // of in, the decider or release
}

// read reads at least one byte, or reports the end of the response.
func (t *stream) read(buf []byte) (n int, ended bool, err error) {
	for range 100 { // as bufio.Reader does
		n, err = t.in.Read(buf)
		switch {
		case err == io.EOF: //nolint:errorlint // io.Reader wants it unwrapped
			return n, true, nil
		case err != nil:
			return n, false, fmt.Errorf("reading response: %w", err)
		case n > 0:
			return n, false, nil
		}
	}
	return 0, false, fmt.Errorf("reading response: %w", io.ErrNoProgress)
}

// readHead fills buf, or reports that the response ends before. [io.ReadFull] would not do: it says
// the same of a source that ends and of one that says of itself that it was cut short.
func (t *stream) readHead(buf []byte) (head []byte, whole bool, err error) {
	n := 0
	for n < len(buf) {
		k, ended, err := t.read(buf[n:])
		if n += k; err != nil || ended {
			return buf[:n], ended, err
		}
	}
	return buf, false, nil
}

// rewriteUnits rewrites and releases lines, texts or events, or a whole response, in one window.
func (t *stream) rewriteUnits(src []byte, framing Framing) error {
	o := t.outline
	out, err := o.rewrite(t.ctx, o.output[:0], src, framing, t.decider, &o.report)
	o.output = out
	if err != nil {
		return err
	}
	return t.releaseOutput()
}

// releaseOutput hands the window's output to release. If release fails the output is never written
// to again.
func (t *stream) releaseOutput() error {
	out := t.outline.output
	t.outline.output = nil
	if err := t.release(out, &t.outline.report); err != nil {
		return err
	}
	t.outline.output = out
	return nil
}

// rewriteSequence rewrites the units of a sequence (lines, texts or events) as they come. src is
// what was read of the response.
func (t *stream) rewriteSequence(src []byte, framing Framing) error {
	o := t.outline
	units := units{framing: framing}
	ended := false
	for {
		for {
			size := 0
			for range t.limits.Window {
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
			if err := t.rewriteUnits(src[:size], framing); err != nil {
				return err
			}
			o.base += int64(size)
			src = src[size:]
		}
		if ended {
			return nil
		}
		if most := t.limits.Buffer; len(src) > most {
			return &SyntaxError{
				Offset: o.base,
				Reason: fmt.Sprintf("a line, text or event has more than %d bytes", most),
			}
		}
		buffer := o.buffer[:t.limits.Buffer+1]
		rest := copy(buffer, src)
		n, end, err := t.read(buffer[rest:])
		if err != nil {
			return err
		}
		src, ended = buffer[:rest+n], end
	}
}

// rewriteDocument rewrites one JSON text. head is what was read of it.
func (t *stream) rewriteDocument(head []byte) error {
	o, s := t.outline, &t.outline.scan
	s.reset(head, t.limits)
	o.src, s.input = head, t
	o.report.reset()
	o.boundShapes()
	if bytes.HasPrefix(head, byteOrderMark) {
		return o.faultHere("want UTF-8 without a byte order mark")
	}
	if outside, _ := o.layout.Needs(); outside > NeedNothing {
		return &SelectionError{Reason: "the response is longer than may be buffered, " +
			"but the selectors of its envelope or of records need it whole"}
	}
	o.evaluation.work = t.workOfWindow()
	o.openRecord(Envelope, -1)
	o.learn()
	if err := o.decide(t.ctx, t.decider); err != nil {
		return err
	}
	t.envelope = o.profiles[0]
	s.blank()
	ok := t.parseChild(nil, step{}, 0, s.pos, o.layout.root, o.shapes.root)
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
		return o.fault()
	}
	return nil
}

// workOfWindow bounds the work of filters on a window.
func (t *stream) workOfWindow() int { return baseWork + workPerByte*t.limits.Buffer }

// more implements input.
func (t *stream) more(s *scanner) bool {
	if len(s.src)-t.unit > t.limits.Record+len(`"":`)+t.limits.Name {
		return t.failTooLong(t.unit)
	}
	if len(s.src) == cap(s.src) {
		grown := make([]byte, len(s.src), 2*cap(s.src))
		copy(grown, s.src)
		s.src = grown
	}
	n, _, err := t.read(s.src[len(s.src):cap(s.src)])
	s.src = s.src[:len(s.src)+n]
	t.outline.src = s.src
	if err != nil {
		t.failed = err
		return s.fail("the response was cut short")
	}
	return n > 0
}

func (t *stream) failTooLong(pos int) bool {
	const reason = "a record, or a value outside of records, has more than %d bytes"
	return t.outline.scan.failAt(pos, fmt.Sprintf(reason, t.limits.Record))
}

const (
	maxMembers = 1 << 20 // names that are remembered of the objects around records
	maxLead    = 1 << 10 // bytes of white space behind the bracket of a container around records
)

// parseChild parses the value at the scanner's position, the root or a child of f. A container
// around records opens a frame; anything else is an item of the window. The child begins at start,
// with its name if it is a member, and the separator in front of it at gap.
func (t *stream) parseChild(f *frame, to step, gap, start int, st *state, sh *shape) bool {
	s := &t.outline.scan
	if f != nil {
		if !f.begun && start-gap > maxLead {
			const reason = "more than %d bytes of white space behind a bracket"
			s.failAt(gap, fmt.Sprintf(reason, maxLead))
			return t.within(f, to)
		}
		f.begun = true
	}
	kind := s.kind()
	var ok bool
	if t.opens(f, kind, st) {
		ok = t.parseFrame(f, to, gap, start, kind, st, sh)
	} else {
		ok = t.parseItem(f, to, gap, start, st, sh)
	}
	return ok && t.flushFull() || t.within(f, to)
}

// opens reports whether a value is a container around records.
func (t *stream) opens(f *frame, kind Kind, st *state) bool {
	switch {
	case kind != Object && kind != Array,
		st == nil || st.record != Envelope || !st.aroundRecords,
		f != nil && !st.reaches(kind):
		return false
	case len(st.fields) == 0:
		return true
	}
	// A field of the envelope selects the container. Unless it is in clear it is treated whole.
	embedded, _ := t.outline.layout.embeddedIn(Envelope, st.fields)
	return t.treatmentOf(st).Rank == RankClear && embedded == nil
}

func (t *stream) treatmentOf(st *state) Treatment {
	return t.envelope.Treatments[strictest(t.envelope.Treatments, st.fields)]
}

// within puts the step to a child of f in front of a fault's pointer.
func (t *stream) within(f *frame, to step) bool {
	switch {
	case f == nil: // the root
		return false
	case to.name != nil:
		return t.outline.within(to.name)
	}
	return t.outline.withinElement(to.index)
}

// parseItem parses a value that is an item of the window.
func (t *stream) parseItem(f *frame, to step, gap, start int, st *state, sh *shape) bool {
	o, s := t.outline, &t.outline.scan
	role, covered := isRoot, false
	if f != nil {
		role, covered = plain, f.covered
	}
	i, value := len(o.nodes), s.pos
	o.roots = append(o.roots, i)
	// What a record's selectors need of it must be in the buffer when they are asked.
	if _, inside := o.layout.Needs(); inside > NeedNothing {
		if !o.skipValue(s.kind(), &t.ahead) {
			return false
		}
		s.pos = value
	}
	if !o.parseValue(start, st, 0, role, sh, covered) || s.reason != "" {
		return false // a number that was cut short looks whole, but the scanner knows
	}
	if s.pos-value > t.limits.Record {
		return t.failTooLong(value)
	}
	if f != nil && !s.has() { // a number that was cut short looks whole
		return s.fail("the document ends too early")
	}
	t.items = append(t.items, item{frame: f, step: to, gap: gap, start: start, end: s.pos, node: i})
	return true
}

// parseFrame parses a container around records. Its brackets and its children are items of windows.
func (t *stream) parseFrame(
	f *frame, to step, gap, start int, kind Kind, st *state, sh *shape,
) bool {
	s := &t.outline.scan
	inside := &frame{parent: f, step: to, state: st, array: kind == Array}
	if len(st.fields) > 0 {
		field := strictest(t.envelope.Treatments, st.fields)
		t.outline.report.tally(t.envelope).Treated[field]++
		inside.covered = inside.array
	} else if f != nil {
		inside.covered = inside.array && f.covered
	}
	bracket := item{frame: f, inside: inside, gap: gap, start: start, end: s.pos + 1, node: -1}
	t.items = append(t.items, bracket)
	if kind == Array {
		return t.parseElements(inside, st, sh)
	}
	return t.parseMembers(inside, st, sh)
}

func (t *stream) parseMembers(f *frame, st *state, sh *shape) bool {
	s := &t.outline.scan
	c := s.enter('}')
	e := expected{names: c.names}
	gap := s.pos
	for s.next(&c) {
		start := s.pos
		t.unit = gap
		m := t.outline.member(sh, &e)
		if m == nil {
			return false
		}
		if len(s.seen) > maxMembers {
			const reason = "the objects around records have more than %d members"
			return s.fail(fmt.Sprintf(reason, maxMembers))
		}
		// A stream has no conditions outside of records but slices, which select elements only.
		if !t.parseChild(f, step{name: m.name()}, gap, start, m.under(st), &m.value) {
			return false
		}
		gap = s.pos
		t.unit = gap
	}
	return t.closeFrame(f, gap) && s.leave(c)
}

func (t *stream) parseElements(f *frame, st *state, sh *shape) bool {
	s := &t.outline.scan
	element := sh.elements()
	c := s.enter(']')
	gap := s.pos
	index := 0
	for s.next(&c) {
		t.unit = gap
		next, ok := t.outline.child(st, st.element(index), 0, 0, index)
		if !ok || !t.parseChild(f, step{index: index}, gap, s.pos, next, element) {
			return false
		}
		gap = s.pos
		t.unit = gap
		index++
	}
	return t.closeFrame(f, gap) && s.leave(c)
}
