package masking

import "math/bits"

// plan is what a profile means for the values at each state: which of the fields that select them is the strictest, and how it is
// treated. It is worked out as states are met, and remembered from response to response.
type plan struct {
	layout     *Layout
	kind       int         // of record
	treatments []Treatment // of the profile
	tally      *Tally      // in the report at hand

	actions [1 << 7]action // of a state, the one that its number leads to, if it is that state's
	runs    [64]runPlan
	open    uint64 // which of runs have passes that the tally does not count yet
}

// action is what becomes of a value.
type action struct {
	state     *state
	transform Transform
	embedded  *embedded // the JSON that a string holds is to be rewritten, if the field is in clear,
	only      bool      // and if no other field says so
	field     int
	rank      Rank
}

// stays reports whether the value is left as it is.
func (a *action) stays() bool { return a.rank == RankClear && a.embedded == nil }

// runPlan is what a profile means for the members of a shape in an object at a state, from one member on.
type runPlan struct {
	key      uint // its place in plan.runs
	shape    *shape
	state    *state
	from     int
	known    int    // of the shape's members, how many the sets are about
	selected uint64 // by a field
	clear    uint64 // likewise, and left as they are

	// Of clear ones, those that passed in the last run, and in how many runs that the tally does not count yet.
	passed uint64
	times  int
}

// maxPlans is how many plans an outline remembers. Most routes know few profiles.
const maxPlans = 8

// planOf returns the plan of a profile for a kind of record.
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

// isOf reports whether the plan is a profile's for a kind of record: the treatments are the very same, not only alike.
func (p *plan) isOf(profile *Profile, kind int) bool {
	return p.kind == kind && len(p.treatments) == len(profile.Treatments) &&
		(len(p.treatments) == 0 || &p.treatments[0] == &profile.Treatments[0])
}

// actionFor returns what becomes of a value at a state that fields select. It is valid until the next call.
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

// strictest returns the first of fields with the highest rank.
func strictest(treatments []Treatment, fields []int) int {
	worst := fields[0]
	for _, f := range fields[1:] {
		if treatments[f].Rank > treatments[worst].Rank {
			worst = f
		}
	}
	return worst
}

// runPlanFor returns what becomes of the members of a shape in an object at a state, from one member on.
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

// countPassed counts members that pass in clear.
func (p *plan) countPassed(r *runPlan, members uint64) {
	if members != r.passed {
		p.settleRun(r)
		r.passed = members
	}
	r.times++
	p.open |= 1 << r.key
}

// settle adds to the tally what it does not count yet.
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

// unsettle forgets what was counted of a response that failed.
func (p *plan) unsettle() {
	p.tally = nil
	for ; p.open != 0; p.open &= p.open - 1 {
		p.runs[bits.TrailingZeros64(p.open)].times = 0
	}
}
