package masking

// plan is what a profile means for the values at each state: which of the fields that select them is the strictest, and how it is
// treated. It is worked out as states are met, and remembered from response to response.
type plan struct {
	profile *Profile
	entries [1 << 7]planEntry // of a state, the one that its number leads to, if it is that state's
}

type planEntry struct {
	state     *state
	transform Transform
	field     int
	rank      Rank
}

// maxPlans is how many plans an outline remembers. Most routes know few profiles.
const maxPlans = 8

// of returns the entry of a state that fields select. It is valid until the next call.
func (p *plan) of(st *state) *planEntry {
	e := &p.entries[st.number%uint(len(p.entries))]
	if e.state != st {
		field := strictest(p.profile, st.fields)
		t := p.profile.Treatments[field]
		*e = planEntry{st, t.Transform, field, t.Rank}
	}
	return e
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

// plan returns the plan of a profile.
func (o *outline) plan(p *Profile) *plan {
	for _, known := range o.plans {
		if known.profile == p {
			return known
		}
	}
	if len(o.plans) < maxPlans {
		o.plans = append(o.plans, &plan{profile: p})
		return o.plans[len(o.plans)-1]
	}
	o.oldest = (o.oldest + 1) % maxPlans
	*o.plans[o.oldest] = plan{profile: p}
	return o.plans[o.oldest]
}
