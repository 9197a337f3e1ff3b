package masking

import (
	"bytes"
	"strconv"
)

// item is a part of a stream's window: a value, or a bracket of a container around records.
type item struct {
	frame  *frame // the container that it lies in; nil at the root
	step   step   // from the frame to the value
	inside *frame // whose bracket it is; nil for a value
	gap    int    // where the separator in front of it begins
	start  int    // where it begins, with its name if it is a member
	end    int    // just behind it
	node   int    // of the value; -1 for a bracket
}

// step leads from a container to one of its children: by the name of a member or, where name is
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
	covered  bool   // see rewriter.writeNode
	begun    bool   // a child was parsed
	children int    // how many were written or dropped
	kept     bool   // a child was written
	lead     []byte // white space in front of the first child, until a child is kept
}

// closeFrame adds the closing bracket, which the scanner has just passed, to the window.
func (t *stream) closeFrame(f *frame, gap int) bool {
	s := &t.outline.scan
	if s.reason != "" {
		return false
	}
	bracket := item{frame: f, inside: f, gap: gap, start: s.pos - 1, end: s.pos, node: -1}
	t.items = append(t.items, bracket)
	return true
}

// flushFull flushes the window once it is full.
func (t *stream) flushFull() bool {
	full := len(t.outline.records)-1 >= t.limits.Window ||
		t.outline.scan.pos >= t.limits.Buffer ||
		len(t.items) >= 4*t.limits.Window
	return !full || t.flush()
}

// flush decides the window, writes and releases it, and makes room for the next. It reports false
// at an error, which t.failed then holds.
func (t *stream) flush() bool {
	o, s := t.outline, &t.outline.scan
	o.window, o.values, o.profiles = o.window[:0], o.values[:0], o.profiles[:0]
	if r := o.learn(); r != nil {
		return t.stop(o.subjectFault(r, t.pointerAround(r.node)))
	}
	if err := o.decide(t.ctx, t.decider); err != nil {
		return t.stop(err)
	}
	o.profiles[0] = t.envelope // which was decided for the whole response
	w := newRewriter(o, o.output[:0], &o.report)
	for _, it := range t.items {
		if !t.writeItem(&w, it) {
			return t.stop(ErrNothing)
		}
	}
	w.finish()
	o.output = w.dst
	if err := t.releaseOutput(); err != nil {
		return t.stop(err)
	}
	rest := copy(s.src, s.src[s.pos:])
	o.base += int64(s.pos)
	s.src = s.src[:rest]
	s.pos, t.unit, o.src = 0, 0, s.src
	t.items = t.items[:0]
	o.clearLists()
	o.records = o.records[:1]
	o.text.reset()
	o.evaluation.reset()
	o.evaluation.work = t.workOfWindow()
	o.report.reset()
	return true
}

// stop ends the stream with an error.
func (t *stream) stop(err error) bool {
	t.failed = err
	return t.outline.scan.fail("ended")
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
			token = t.outline.layout.token(to.name)
		}
		pointer = "/" + token + pointer
	}
	return pointer
}

// writeItem writes an item. It reports false if that is the root, and is dropped.
func (t *stream) writeItem(w *rewriter, it item) bool {
	src, f := t.outline.src, it.frame
	switch {
	case f == nil && it.node < 0: // the root's opening bracket, or white space behind the root
		w.dst = append(w.dst, src[it.gap:it.end]...)
		return true
	case f == nil: // the root
		w.dst = append(w.dst, src[it.gap:it.start]...)
		w.copied = it.start
		if !w.writeNode(it.node, nil, false) {
			return false
		}
		w.copyTo(it.end)
		return true
	case it.inside == f: // the closing bracket of f
		if f.kept || f.children == 0 {
			w.dst = append(w.dst, src[it.gap:it.start]...)
		}
		w.dst = append(w.dst, src[it.start])
		return true
	}
	length := len(w.dst)
	gap := src[it.gap:it.start]
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
	if it.node >= 0 && !w.writeNode(it.node, f.state, f.covered) &&
		!w.writeVacancy(&t.outline.nodes[it.node], f.array) {
		w.dst = w.dst[:length]
		return true
	}
	w.copyTo(it.end)
	f.kept = true
	return true
}
