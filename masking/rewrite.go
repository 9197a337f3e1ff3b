package masking

import (
	"context"
	"math/bits"
)

// rewrite appends to dst what becomes of a response, or of some units of a sequence: it parses src,
// collects what the decider is to learn, has the records decided, and writes.
func (o *outline) rewrite(
	ctx context.Context, dst, src []byte, framing Framing, d Decider, report *Report,
) ([]byte, error) {
	if framing == Events {
		return o.rewriteEvents(ctx, dst, src, d, report)
	}
	o.clear()
	report.reset()
	if err := o.parse(src, framing); err != nil {
		return dst, err
	}
	if r := o.learn(); r != nil {
		return dst, o.subjectFault(r, "")
	}
	if err := o.decide(ctx, d); err != nil {
		return dst, err
	}
	return o.write(dst, framing, report)
}

// rewriteEvents is rewrite for events: it rewrites their data as a sequence.
func (o *outline) rewriteEvents(
	ctx context.Context, dst, src []byte, d Decider, report *Report,
) ([]byte, error) {
	o.payload = payloads(o.payload[:0], src, nil)
	o.events = src
	out, err := o.rewrite(ctx, o.rewritten[:0], o.payload, Sequence, d, report)
	if err != nil {
		return dst, err
	}
	o.rewritten = out
	return appendEvents(dst, out), nil
}

// write appends to dst what becomes of the outline's response, which is decided.
func (o *outline) write(dst []byte, framing Framing, report *Report) ([]byte, error) {
	w := newRewriter(o, dst, report)
	for _, root := range o.roots {
		if w.writeNode(root, nil, false) {
			continue
		}
		if framing == Document {
			return dst, ErrNothing
		}
		w.cut(framing.unitAround(o.src, int(o.nodes[root].value), int(o.nodes[root].end)))
	}
	w.copyTo(len(o.src))
	w.finish()
	return w.dst, nil
}

// rewriter writes a decided outline. It copies all of the response that it does not cut out.
type rewriter struct {
	outline *outline
	dst     []byte
	copied  int // how many bytes of the response are in dst, or cut out
	report  *Report

	record int32 // the record that the last value belongs to; -1 at the beginning
	plan   *plan // of that record's profile
}

// newRewriter returns a rewriter that appends to dst. It begins the tallies of all profiles.
func newRewriter(o *outline, dst []byte, report *Report) rewriter {
	for _, p := range o.plans {
		p.unsettle()
	}
	for i, r := range o.records {
		if r.kind != Envelope {
			report.Records++
		}
		report.tally(o.profiles[i]).Records++
	}
	return rewriter{outline: o, dst: dst, report: report, record: -1}
}

// turnTo makes the plan that of a record's profile.
func (w *rewriter) turnTo(record int32) {
	if w.record == record {
		return
	}
	w.record = record
	p, kind := w.outline.profiles[record], w.outline.records[record].kind
	if w.plan == nil || !w.plan.isOf(p, kind) {
		w.plan = w.outline.planOf(p, kind)
	}
	if t := w.plan.tally; t == nil || t.Profile != p {
		w.plan.settle()
		w.plan.tally = w.report.tally(p)
	}
}

// finish adds to the report what the plans still count.
func (w *rewriter) finish() {
	for _, p := range w.outline.plans {
		p.settle()
	}
}

// copyTo copies the response's bytes up to an offset.
func (w *rewriter) copyTo(to int) {
	w.dst = append(w.dst, w.outline.src[w.copied:to]...)
	w.copied = to
}

// cut leaves out the response's bytes between from and to.
func (w *rewriter) cut(from, to int) {
	w.copyTo(from)
	w.copied = to
}

// writeNode writes a node. It reports false, having written nothing, if the node is to be dropped.
// parent is the state of the container. covered says that the node is an element of an array of the
// same record, and that the array is in clear.
func (w *rewriter) writeNode(i int, parent *state, covered bool) bool {
	n := &w.outline.nodes[i]
	if n.role == isRecord {
		if w.outline.profiles[n.record].Denied {
			return false
		}
		covered = false
	}
	w.turnTo(n.record)
	if n.state.selected() {
		a := w.plan.actionFor(n.state)
		if a.stays() {
			w.plan.tally.Treated[a.field]++
			w.writeChildren(i, n.kind == Array)
			return true
		}
		return w.writeTreated(a, n.extent)
	}
	container := n.kind == Object || n.kind == Array
	switch {
	case container && (covered || n.role != plain || n.state.reaches(n.kind)):
		w.writeChildren(i, covered && n.kind == Array)
		return true
	case covered, n.role == nullRecord:
		return true
	}
	return w.writeUnlisted(parent, int(n.start), n.extent)
}

// writeTreated writes what stands in for a value that does not stay as it is. It reports false,
// having written nothing, if that is nothing.
func (w *rewriter) writeTreated(a *action, x extent) bool {
	tally := w.plan.tally
	switch a.rank {
	case RankClear:
		return w.rewriteText(a, x)
	case RankDrop:
		tally.Treated[a.field]++
		return false
	}
	length, copied := len(w.dst), w.copied
	w.copyTo(int(x.value))
	v := w.outline.read(x)
	out, ok := a.transform.Append(w.dst, v)
	if !ok {
		out, ok = w.appendForSubject(a.transform, v)
	}
	if !ok {
		w.dst, w.copied = w.dst[:length], copied
		tally.Withheld[a.field]++
		return false
	}
	w.dst, w.copied = out, int(x.end)
	tally.Treated[a.field]++
	return true
}

// appendForSubject appends what a transform that asks for the subject makes of a value of the
// record at hand. It reports false for any other transform.
func (w *rewriter) appendForSubject(t Transform, v Value) ([]byte, bool) {
	s, ok := t.(SubjectTransform)
	subject := w.outline.window[w.record].Subject
	if !ok || subject.Kind == Invalid {
		return w.dst, false
	}
	return s.AppendFor(w.dst, v, subject)
}

// hidden stands for an unlisted value under [UnlistedMask]. Its length is no value's.
const hidden = `"****"`

// writeUnlisted writes what becomes of a value that no field selects. It reports false, having
// written nothing, if the value is dropped. parent is the state of the container; the value begins
// at start, with its name if it is a member.
func (w *rewriter) writeUnlisted(parent *state, start int, x extent) bool {
	if w.outline.layout.spec.Unlisted == UnlistedPass {
		return true
	}
	w.report.Unlisted++
	if w.outline.layout.spec.Unlisted == UnlistedDrop {
		w.noteDropped(parent, start, int(x.value))
		return false
	}
	w.copyTo(int(x.value))
	w.dst = append(w.dst, hidden...)
	w.copied = int(x.end)
	return true
}

// noteDropped notes in the report the name of a member that is dropped for being unlisted. parent
// is the state of the object. An element, which has no name, begins with its value.
func (w *rewriter) noteDropped(parent *state, start, value int) {
	if start == value {
		return
	}
	place := w.outline.layout.place
	if parent != nil {
		place = parent.place
	}
	w.report.Names.add(place, memberName(w.outline.src[start:value]))
}

// writeVacancy writes null in the place of a dropped element if the layout keeps positions. Else it
// reports false, having written nothing.
func (w *rewriter) writeVacancy(n *node, element bool) bool {
	if !element || !w.outline.layout.spec.KeepPositions {
		return false
	}
	w.copyTo(int(n.value))
	w.dst = append(w.dst, "null"...)
	w.copied = int(n.end)
	return true
}

// siblings is how far the members or elements of a container are written.
type siblings struct {
	kept bool // a member or element was kept
	gap  int  // just behind the last member or element, or behind the opening bracket
}

// writeChildren writes the members or elements of a container that have nodes, and cuts out those
// that are dropped, separators included. covered says of elements what it says in writeNode.
func (w *rewriter) writeChildren(i int, covered bool) {
	n := &w.outline.nodes[i]
	nodes := w.outline.nodes[:n.next]
	first := i + 1
	if first == len(nodes) {
		return
	}
	s := siblings{gap: int(n.value) + 1}
	w.copyTo(s.gap) // the bracket stays
	bare := len(w.dst)
	// The white space behind the bracket goes to the first child that is kept.
	w.copyTo(int(nodes[first].start))
	for c := first; c < len(nodes); c = int(nodes[c].next) {
		child := &nodes[c]
		if child.role == isRun {
			w.writeRun(child, &s)
			continue
		}
		w.beginChild(&s, int(child.start))
		kept := w.writeNode(c, n.state, covered) || w.writeVacancy(child, n.kind == Array)
		w.endChild(&s, kept, int(child.end))
	}
	if !s.kept {
		w.dst, w.copied = w.dst[:bare], int(n.end)-1
	}
}

// beginChild prepares for a child that begins at start. As long as no child was kept, what lies in
// front of it is left out: dropped children, and their separators.
func (w *rewriter) beginChild(s *siblings, start int) {
	if !s.kept {
		w.copied = start
	}
}

// endChild notes a child that was written, or cuts it out with the separator in front of it.
func (w *rewriter) endChild(s *siblings, kept bool, end int) {
	if kept {
		s.kept = true
	} else if s.kept {
		w.cut(s.gap, end)
	}
	s.gap = end
}

// writeRun writes a run of members. It looks at those members only that do not stay as they are.
func (w *rewriter) writeRun(n *node, s *siblings) {
	w.turnTo(n.record)
	r := &w.outline.runs[n.value]
	p := w.plan.runPlanFor(r.shape, n.state, r.from)
	members := ones(r.to) &^ ones(r.from)
	w.plan.countPassed(p, members&p.clear)
	stay := p.clear
	if w.outline.layout.spec.Unlisted == UnlistedPass {
		stay |= ^p.selected
	}
	next := r.from
	for change := members &^ stay; change != 0; change &= change - 1 {
		i := bits.TrailingZeros64(change)
		w.keepMembers(n, s, next, i)
		w.beginChild(s, w.outline.start(r, int(n.start), i))
		x := w.outline.extent(r, int(n.start), i)
		var kept bool
		if child := r.shape.members[i].under(n.state); child.selected() {
			kept = w.writeTreated(w.plan.actionFor(child), x)
		} else {
			kept = w.writeUnlisted(n.state, w.outline.start(r, int(n.start), i), x)
		}
		w.endChild(s, kept, int(x.end))
		next = i + 1
	}
	w.keepMembers(n, s, next, r.to)
}

// keepMembers leaves the members of a run from one to another as they are.
func (w *rewriter) keepMembers(n *node, s *siblings, from, to int) {
	if from < to {
		r := &w.outline.runs[n.value]
		w.beginChild(s, w.outline.start(r, int(n.start), from))
		w.endChild(s, true, int(w.outline.ends[r.ends+to-1-r.from]))
	}
}
