package masking

import "context"

// rewriter writes a decided outline. What it does not cut out of the response, it copies.
type rewriter struct {
	*outline
	dst    []byte
	copied int // the response's bytes in front of it are in dst, or cut
	report *Report

	profile *Profile // of the last value
	tally   *Tally   // of profile
}

// tallyOf returns the profile's tally; runs of values share it.
func (w *rewriter) tallyOf(p *Profile) *Tally {
	if w.profile != p {
		w.profile, w.tally = p, w.report.tally(p)
	}
	return w.tally
}

// whole rewrites a response, or units of a sequence, that are all there.
func (o *outline) whole(ctx context.Context, dst, src []byte, framing Framing, d Decider, report *Report) ([]byte, error) {
	o.clear()
	report.reset()
	if framing == Events {
		o.payload = payloads(o.payload[:0], src)
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
	if err := o.decide(ctx, d); err != nil {
		return dst, err
	}
	return o.append(dst, framing, report)
}

// append writes the response, rewritten, behind dst.
func (o *outline) append(dst []byte, framing Framing, report *Report) ([]byte, error) {
	w := rewriter{outline: o, dst: dst, report: report}
	w.count()
	for _, root := range o.roots {
		if w.write(root, false) {
			continue
		}
		if framing == Document {
			return dst, ErrNothing
		}
		w.cut(framing.around(o.src, int(o.nodes[root].value), int(o.nodes[root].end)))
	}
	w.copy(len(o.src))
	return w.dst, nil
}

// count counts the records, and makes room for what will be counted of their fields.
func (w *rewriter) count() {
	for i, r := range w.records {
		if r.kind != Envelope {
			w.report.Records++
		}
		w.report.tally(w.profiles[i]).Records++
	}
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

// write writes a node, or reports that it is to be dropped, having written nothing. covered says that an enclosing value
// of the same record passes in clear.
func (w *rewriter) write(i int, covered bool) bool {
	n := &w.nodes[i]
	profile := w.profiles[n.record]
	if n.role == isRecord {
		if profile.Denied {
			return false
		}
		covered = false
	}
	if n.state != nil && len(n.state.fields) > 0 {
		field := strictest(profile, n.state.fields)
		treatment := profile.Treatments[field]
		tally := w.tallyOf(profile)
		switch treatment.Rank {
		case RankClear:
			tally.Treated[field]++
			w.children(i, true)
			return true
		case RankDrop:
			tally.Treated[field]++
			return false
		}
		if !w.transform(n, treatment.Transform) {
			tally.Withheld[field]++
			return false
		}
		tally.Treated[field]++
		return true
	}
	container := n.kind == Object || n.kind == Array
	switch {
	case container && (n.role != plain || n.state.reaches(n.kind)):
		w.children(i, covered)
		return true
	case covered, n.role == nullRecord:
		return true
	}
	return w.unlisted(n)
}

// strictest returns the first of fields with the highest rank.
func strictest(p *Profile, fields []int) int {
	worst := fields[0]
	for _, f := range fields[1:] {
		if p.Treatments[f].Rank > p.Treatments[worst].Rank {
			worst = f
		}
	}
	return worst
}

// transform writes what stands in for a value, or writes nothing if the transform does not take it.
func (w *rewriter) transform(n *node, t Transform) bool {
	length, copied := len(w.dst), w.copied
	w.copy(int(n.value))
	out, ok := t.Append(w.dst, w.read(n.kind, int(n.value), int(n.end)))
	if !ok {
		w.dst, w.copied = w.dst[:length], copied
		return false
	}
	w.dst, w.copied = out, int(n.end)
	return true
}

func (w *rewriter) unlisted(n *node) bool {
	if w.layout.spec.Unlisted == UnlistedPass {
		return true
	}
	w.report.Unlisted++
	if w.layout.spec.Unlisted == UnlistedDrop {
		w.dropped(n)
		return false
	}
	w.copy(int(n.value))
	w.dst = append(w.dst, hidden...)
	w.copied = int(n.end)
	return true
}

// children writes what is listed of a container's inside, and cuts out what is dropped, separators included.
func (w *rewriter) children(i int, covered bool) {
	n := &w.nodes[i]
	first := i + 1
	if first == int(n.next) {
		return
	}
	w.copy(int(n.value) + 1) // the bracket stays
	bare := len(w.dst)
	w.copy(int(w.nodes[first].start)) // the white space behind it goes to the first child that is kept
	kept := false
	for c := first; c < int(n.next); c = int(w.nodes[c].next) {
		child := &w.nodes[c]
		if !kept {
			w.copied = int(child.start)
		}
		if w.write(c, covered) {
			kept = true
		} else if kept {
			w.cut(int(child.gap), int(child.end))
		}
	}
	if !kept {
		w.dst, w.copied = w.dst[:bare], int(n.end)-1
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

// tally returns the profile's tally. Few profiles meet in one response, and runs of records share one.
func (r *Report) tally(p *Profile) *Tally {
	for i := len(r.Tallies) - 1; i >= 0; i-- {
		if r.Tallies[i].Profile == p {
			return &r.Tallies[i]
		}
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
