package masking

import "math/bits"

// plan is what a profile means for records of one kind: for each state, what becomes of the values
// at it; for each shape of object, which members need more than to be copied. The engine works it
// out as it meets states and shapes, and remembers it from response to response. The two tables are
// caches: what comes to lie in the same place replaces what was there.
type plan struct {
	layout     *Layout
	kind       int         // of record
	treatments []Treatment // the profile's
	tally      *Tally      // the profile's, in the report at hand; nil if it is still to be found

	actions [1 << 7]action // by the number of the state
	runs    [64]runPlan    // see runPlan.key
	open    uint64         // set of runs with passed members that the tally does not count yet
}

// action is what becomes of the values at a state: what the strictest of the fields that select
// them says.
type action struct {
	state     *state
	transform Transform
	field     int // the strictest
	rank      Rank

	// embedded is set if a field says that the values are strings that hold JSON. If rank is clear
	// the JSON is to be rewritten; but that works only if one field alone says so, which only
	// tells.
	embedded *embedded
	only     bool
}

// stays reports whether the values are left as they are.
func (a *action) stays() bool { return a.rank == RankClear && a.embedded == nil }

// runPlan is what a profile means for the runs that begin with one member of a shape, in objects at
// one state. Sets have a bit for each member of the shape.
type runPlan struct {
	key      uint   // its index in plan.runs
	shape    *shape // of the objects
	state    *state // of the objects
	from     int    // the member that the runs begin with
	known    int    // how many members the shape had when the sets were made
	selected uint64 // the members that fields select
	clear    uint64 // the members that fields select and that are left as they are

	// passed is the set of clear members that the last runs had, times how many such runs there
	// were that the tally does not count yet.
	passed uint64
	times  int
}

// maxPlans is how many plans an outline remembers. Most routes know few profiles.
const maxPlans = 8

// planOf returns the plan of a profile for a kind of record: a remembered one, or a new one in the
// place of the oldest.
func (o *outline) planOf(p *Profile, kind int) *plan {
	for _, known := range o.plans {
		if known.isOf(p, kind) {
			return known
		}
	}
	if len(o.plans) < maxPlans {
		o.plans = append(o.plans, new(plan))
		o.oldest = len(o.plans) - 1
	} else {
		o.oldest = (o.oldest + 1) % maxPlans
		o.plans[o.oldest].settle()
	}
	*o.plans[o.oldest] = plan{layout: o.layout, kind: kind, treatments: p.Treatments}
	return o.plans[o.oldest]
}

// isOf reports whether the plan belongs to a profile and a kind of record. Treatments that are
// alike do not count as the same, only the very same slice.
func (p *plan) isOf(profile *Profile, kind int) bool {
	return p.kind == kind && len(p.treatments) == len(profile.Treatments) &&
		(len(p.treatments) == 0 || &p.treatments[0] == &profile.Treatments[0])
}

// actionFor returns what becomes of the values at a state that fields select. It is valid until the
// next call.
func (p *plan) actionFor(st *state) *action {
	a := &p.actions[st.number%uint(len(p.actions))]
	if a.state != st {
		field := strictest(p.treatments, st.fields)
		t := p.treatments[field]
		*a = action{state: st, transform: t.Transform, field: field, rank: t.Rank}
		a.embedded, a.only = p.layout.embeddedIn(p.kind, st.fields)
	}
	return a
}

// strictest returns the field whose treatment has the highest rank, the first of several.
func strictest(treatments []Treatment, fields []int) int {
	worst := fields[0]
	for _, f := range fields[1:] {
		if treatments[f].Rank > treatments[worst].Rank {
			worst = f
		}
	}
	return worst
}

// runPlanFor returns the plan for the runs that begin with a member of a shape, in objects at a
// state.
func (p *plan) runPlanFor(sh *shape, st *state, from int) *runPlan {
	key := uint(from)
	if st != nil {
		key += st.number
	}
	key %= uint(len(p.runs))
	r := &p.runs[key]
	if r.shape != sh || r.state != st || r.from != from || r.known != len(sh.members) {
		p.settleRun(r)
		*r = runPlan{key: key, shape: sh, state: st, from: from, known: len(sh.members)}
		for i := range sh.members {
			if child := sh.members[i].under(st); child.selected() && !child.begins() {
				r.selected |= 1 << i
				if p.actionFor(child).stays() {
					r.clear |= 1 << i
				}
			}
		}
	}
	return r
}

// countPassed counts a set of clear members that one run had. Most runs have the same set as the
// run in front of them; so sets are counted, not members.
func (p *plan) countPassed(r *runPlan, members uint64) {
	if members != r.passed {
		p.settleRun(r)
		r.passed = members
	}
	r.times++
	p.open |= 1 << r.key
}

// settle adds to the tally all passed members that it does not count yet.
func (p *plan) settle() {
	for ; p.open != 0; p.open &= p.open - 1 {
		p.settleRun(&p.runs[bits.TrailingZeros64(p.open)])
	}
}

func (p *plan) settleRun(r *runPlan) {
	if r.times == 0 {
		return
	}
	for left := r.passed; left != 0; left &= left - 1 {
		m := &r.shape.members[bits.TrailingZeros64(left)]
		p.tally.Treated[p.actionFor(m.under(r.state)).field] += r.times
	}
	r.times = 0
}

// unsettle forgets the tally, and the passed members of a response that failed.
func (p *plan) unsettle() {
	p.tally = nil
	for ; p.open != 0; p.open &= p.open - 1 {
		p.runs[bits.TrailingZeros64(p.open)].times = 0
	}
}
