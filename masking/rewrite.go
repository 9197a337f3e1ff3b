package masking

import (
	"context"
	"math/bits"
)

// rewriter writes a decided outline. What it does not cut out of the response, it copies.
type rewriter struct {
	outline *outline
	dst     []byte
	copied  int // the response's bytes in front of it are in dst, or cut
	report  *Report

	record int32 // that the last value belongs to
	plan   *plan // of the record's profile
}

// newRewriter returns a rewriter that appends to dst. All profiles are decided; it makes room for what will be counted of their fields.
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

// turnTo turns to the values of a record.
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

// finish makes the report whole.
func (w *rewriter) finish() {
	for _, p := range w.outline.plans {
		p.settle()
	}
}

// rewrite rewrites a response, or units of a sequence, that are all there.
func (o *outline) rewrite(ctx context.Context, dst, src []byte, framing Framing, d Decider, report *Report) ([]byte, error) {
	o.clear()
	report.reset()
	if framing == Events {
		o.payload = payloads(o.payload[:0], src, nil)
		o.events = src
		defer func() { o.events = nil }()
		out, err := o.rewrite(ctx, o.rewritten[:0], o.payload, Sequence, d, report)
		if err != nil {
			return dst, err
		}
		o.rewritten = out
		return appendEvents(dst, out), nil
	}
	if err := o.parse(src, framing); err != nil {
		return dst, err
	}
	if r := o.learn(); r != nil {
		return dst, o.subjectFault(r, "")
	}
	if err := o.decide(ctx, d); err != nil {
		return dst, err
	}
	return o.appendRewritten(dst, framing, report)
}

// appendRewritten appends the response, rewritten, behind dst.
func (o *outline) appendRewritten(dst []byte, framing Framing, report *Report) ([]byte, error) {
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

func (w *rewriter) copyTo(to int) {
	w.dst = append(w.dst, w.outline.src[w.copied:to]...)
	w.copied = to
}

// cut leaves out the response's bytes between from and to.
func (w *rewriter) cut(from, to int) {
	w.copyTo(from)
	w.copied = to
}

// writeNode writes a node, or reports that it is to be dropped, having written nothing. in is the state of what it lies in; covered
// says that it is an element, of the same record, of an array that passes in clear.
func (w *rewriter) writeNode(i int, in *state, covered bool) bool {
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
	return w.writeUnlisted(in, int(n.start), n.extent)
}

// writeTreated writes what stands in for a value that is not left in clear, or writes nothing if it is dropped.
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
		out, ok = w.appendForSubject(a.transform, v, w.record)
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

// appendForSubject appends what a transform that asks for the subject makes of a value of a record.
func (w *rewriter) appendForSubject(t Transform, v Value, record int32) ([]byte, bool) {
	s, ok := t.(SubjectTransform)
	subject := w.outline.window[record].Subject
	if !ok || subject.Kind == Invalid {
		return w.dst, false
	}
	return s.AppendFor(w.dst, v, subject)
}

// hidden stands for an unlisted value under [UnlistedMask]. Its length is no value's.
const hidden = `"****"`

// writeUnlisted does what becomes of a value that no field selects. It lies in a value with the state in; start is its member's first
// byte.
func (w *rewriter) writeUnlisted(in *state, start int, x extent) bool {
	if w.outline.layout.spec.Unlisted == UnlistedPass {
		return true
	}
	w.report.Unlisted++
	if w.outline.layout.spec.Unlisted == UnlistedDrop {
		w.noteDropped(in, start, int(x.value))
		return false
	}
	w.copyTo(int(x.value))
	w.dst = append(w.dst, hidden...)
	w.copied = int(x.end)
	return true
}

// noteDropped notes the name of a member that is dropped for being unlisted, in an object with the state in. An element has none: it
// begins with its value.
func (w *rewriter) noteDropped(in *state, start, value int) {
	if start < value {
		place := w.outline.layout.place
		if in != nil {
			place = in.place
		}
		w.report.Names.add(place, memberName(w.outline.src[start:value]))
	}
}

// memberName cuts a member's name, in quotes, out of what stands in front of its value.
func memberName(member []byte) []byte {
	for i := 1; i < len(member); i++ {
		switch member[i] {
		case '\\':
			i++
		case '"':
			return member[:i+1]
		}
	}
	return member
}

// writeVacancy writes null in the place of a dropped value, if it is an element and the layout keeps positions; else it writes nothing and
// reports false.
func (w *rewriter) writeVacancy(n *node, element bool) bool {
	if !element || !w.outline.layout.spec.KeepPositions {
		return false
	}
	w.copyTo(int(n.value))
	w.dst = append(w.dst, "null"...)
	w.copied = int(n.end)
	return true
}

// siblings are the members or elements of a container, as they are written.
type siblings struct {
	kept bool // one is kept
	gap  int  // just behind the previous one, or behind the opening bracket
}

// writeChildren writes what is listed of a container's inside, and cuts out what is dropped, separators included.
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
	w.copyTo(int(nodes[first].start)) // the white space behind it goes to the first child that is kept
	for c := first; c < len(nodes); c = int(nodes[c].next) {
		child := &nodes[c]
		if child.role == isRun {
			w.writeRun(child, &s)
			continue
		}
		w.beginChild(&s, int(child.start))
		w.endChild(&s, w.writeNode(c, n.state, covered) || w.writeVacancy(child, n.kind == Array), int(child.end))
	}
	if !s.kept {
		w.dst, w.copied = w.dst[:bare], int(n.end)-1
	}
}

// beginChild begins a child. What was not kept in front of the first that is kept has no separator.
func (w *rewriter) beginChild(s *siblings, start int) {
	if !s.kept {
		w.copied = start
	}
}

// endChild ends a child that was written or dropped.
func (w *rewriter) endChild(s *siblings, kept bool, end int) {
	if kept {
		s.kept = true
	} else if s.kept {
		w.cut(s.gap, end)
	}
	s.gap = end
}

// writeRun writes a run of members. It looks at those only that are not left as they are.
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

// keepMembers leaves members of a run as they are.
func (w *rewriter) keepMembers(n *node, s *siblings, from, to int) {
	if from < to {
		r := &w.outline.runs[n.value]
		w.beginChild(s, w.outline.start(r, int(n.start), from))
		w.endChild(s, true, int(w.outline.ends[r.ends+to-1-r.from]))
	}
}
