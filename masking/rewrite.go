package masking

import (
	"context"
	"math/bits"
)

// rewriter writes a decided outline. What it does not cut out of the response, it copies.
type rewriter struct {
	*outline
	dst    []byte
	copied int // the response's bytes in front of it are in dst, or cut
	report *Report

	record int32 // that the last value belongs to
	plan   *plan // of the record's profile
}

// rewriter returns one that appends to dst. All profiles are decided; it makes room for what will be counted of their fields.
func (o *outline) rewriter(dst []byte, report *Report) rewriter {
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

// turn turns to the values of a record.
func (w *rewriter) turn(record int32) {
	if w.record == record {
		return
	}
	w.record = record
	p, kind := w.profiles[record], w.records[record].kind
	if w.plan == nil || !w.plan.isOf(p, kind) {
		w.plan = w.planOf(p, kind)
	}
	if t := w.plan.tally; t == nil || t.Profile != p {
		w.plan.settle()
		w.plan.tally = w.report.tally(p)
	}
}

// end makes the report whole.
func (w *rewriter) end() {
	for _, p := range w.plans {
		p.settle()
	}
}

// whole rewrites a response, or units of a sequence, that are all there.
func (o *outline) whole(ctx context.Context, dst, src []byte, framing Framing, d Decider, report *Report) ([]byte, error) {
	o.clear()
	report.reset()
	if framing == Events {
		o.payload = payloads(o.payload[:0], src, nil)
		o.events = src
		defer func() { o.events = nil }()
		out, err := o.whole(ctx, o.rewritten[:0], o.payload, Sequence, d, report)
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
	return o.append(dst, framing, report)
}

// append writes the response, rewritten, behind dst.
func (o *outline) append(dst []byte, framing Framing, report *Report) ([]byte, error) {
	w := o.rewriter(dst, report)
	for _, root := range o.roots {
		if w.write(root, nil, false) {
			continue
		}
		if framing == Document {
			return dst, ErrNothing
		}
		w.cut(framing.around(o.src, int(o.nodes[root].value), int(o.nodes[root].end)))
	}
	w.copy(len(o.src))
	w.end()
	return w.dst, nil
}

func (w *rewriter) copy(to int) {
	w.dst = append(w.dst, w.src[w.copied:to]...)
	w.copied = to
}

// cut leaves out the response's bytes between from and to.
func (w *rewriter) cut(from, to int) {
	w.copy(from)
	w.copied = to
}

// write writes a node, or reports that it is to be dropped, having written nothing. in is the state of what it lies in; covered
// says that it is an element, of the same record, of an array that passes in clear.
func (w *rewriter) write(i int, in *state, covered bool) bool {
	n := &w.nodes[i]
	if n.role == isRecord {
		if w.profiles[n.record].Denied {
			return false
		}
		covered = false
	}
	w.turn(n.record)
	if n.state.selected() {
		a := w.plan.of(n.state)
		if a.stays() {
			w.plan.tally.Treated[a.field]++
			w.children(i, n.kind == Array)
			return true
		}
		return w.treat(a, n.extent)
	}
	container := n.kind == Object || n.kind == Array
	switch {
	case container && (covered || n.role != plain || n.state.reaches(n.kind)):
		w.children(i, covered && n.kind == Array)
		return true
	case covered, n.role == nullRecord:
		return true
	}
	return w.unlisted(in, int(n.start), n.extent)
}

// treat writes what stands in for a value that is not left in clear, or writes nothing if it is dropped.
func (w *rewriter) treat(a *action, x extent) bool {
	tally := w.plan.tally
	switch a.rank {
	case RankClear:
		return w.open(a, x)
	case RankDrop:
		tally.Treated[a.field]++
		return false
	}
	length, copied := len(w.dst), w.copied
	w.copy(int(x.value))
	v := w.read(x)
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
	subject := w.window[record].Subject
	if !ok || subject.Kind == Invalid {
		return w.dst, false
	}
	return s.AppendFor(w.dst, v, subject)
}

// hidden stands for an unlisted value under [UnlistedMask]. Its length is no value's.
const hidden = `"****"`

// unlisted does what becomes of a value that no field selects. It lies in a value with the state in; start is its member's first
// byte.
func (w *rewriter) unlisted(in *state, start int, x extent) bool {
	if w.layout.spec.Unlisted == UnlistedPass {
		return true
	}
	w.report.Unlisted++
	if w.layout.spec.Unlisted == UnlistedDrop {
		w.dropped(in, start, int(x.value))
		return false
	}
	w.copy(int(x.value))
	w.dst = append(w.dst, hidden...)
	w.copied = int(x.end)
	return true
}

// siblings are the members or elements of a container, as they are written.
type siblings struct {
	kept bool // one is kept
	gap  int  // just behind the previous one, or behind the opening bracket
}

// children writes what is listed of a container's inside, and cuts out what is dropped, separators included.
func (w *rewriter) children(i int, covered bool) {
	n := &w.nodes[i]
	nodes := w.nodes[:n.next]
	first := i + 1
	if first == len(nodes) {
		return
	}
	s := siblings{gap: int(n.value) + 1}
	w.copy(s.gap) // the bracket stays
	bare := len(w.dst)
	w.copy(int(nodes[first].start)) // the white space behind it goes to the first child that is kept
	for c := first; c < len(nodes); c = int(nodes[c].next) {
		child := &nodes[c]
		if child.role == isRun {
			w.run(child, &s)
			continue
		}
		w.next(&s, int(child.start))
		w.done(&s, w.write(c, n.state, covered) || w.vacate(child, n.kind == Array), int(child.end))
	}
	if !s.kept {
		w.dst, w.copied = w.dst[:bare], int(n.end)-1
	}
}

// next begins a child. What was not kept in front of the first that is kept has no separator.
func (w *rewriter) next(s *siblings, start int) {
	if !s.kept {
		w.copied = start
	}
}

// done ends a child that was written or dropped.
func (w *rewriter) done(s *siblings, kept bool, end int) {
	if kept {
		s.kept = true
	} else if s.kept {
		w.cut(s.gap, end)
	}
	s.gap = end
}

// run writes a run of members. It looks at those only that are not left as they are.
func (w *rewriter) run(n *node, s *siblings) {
	w.turn(n.record)
	r := &w.runs[n.value]
	p := w.plan.run(r.shape, n.state, r.from)
	members := ones(r.to) &^ ones(r.from)
	w.plan.pass(p, members&p.clear)
	stay := p.clear
	if w.layout.spec.Unlisted == UnlistedPass {
		stay |= ^p.selected
	}
	next := r.from
	for change := members &^ stay; change != 0; change &= change - 1 {
		i := bits.TrailingZeros64(change)
		w.stay(n, s, next, i)
		w.next(s, w.start(r, int(n.start), i))
		x := w.extent(r, int(n.start), i)
		var kept bool
		if child := r.shape.members[i].under(n.state); child.selected() {
			kept = w.treat(w.plan.of(child), x)
		} else {
			kept = w.unlisted(n.state, w.start(r, int(n.start), i), x)
		}
		w.done(s, kept, int(x.end))
		next = i + 1
	}
	w.stay(n, s, next, r.to)
}

// stay leaves members of a run as they are.
func (w *rewriter) stay(n *node, s *siblings, from, to int) {
	if from < to {
		r := &w.runs[n.value]
		w.next(s, w.start(r, int(n.start), from))
		w.done(s, true, int(w.ends[r.ends+to-1-r.from]))
	}
}

func (r *Report) reset() {
	r.Records, r.Unlisted = 0, 0
	r.Names.reset()
	for i := range r.Tallies {
		r.Tallies[i].Profile = nil
	}
	r.Tallies = r.Tallies[:0]
}

// Of returns the tally of a profile, nil if it was not met.
func (r *Report) Of(p *Profile) *Tally {
	for i := len(r.Tallies) - 1; i >= 0; i-- {
		if r.Tallies[i].Profile == p {
			return &r.Tallies[i]
		}
	}
	return nil
}

// tally returns the profile's tally. Few profiles meet in one response, and runs of records share one.
func (r *Report) tally(p *Profile) *Tally {
	if t := r.Of(p); t != nil {
		return t
	}
	var t *Tally
	if n := len(r.Tallies); n < cap(r.Tallies) {
		r.Tallies = r.Tallies[:n+1]
		t = &r.Tallies[n]
	} else {
		r.Tallies = append(r.Tallies, Tally{})
		t = &r.Tallies[n]
	}
	t.Profile, t.Records = p, 0
	t.Treated = zeros(t.Treated, len(p.Treatments))
	t.Withheld = zeros(t.Withheld, len(p.Treatments))
	return t
}

func zeros(s []int, n int) []int {
	if cap(s) < n {
		return make([]int, n)
	}
	s = s[:n]
	clear(s)
	return s
}
