package masking

// Report says what Append did, or Rewrite in one window. It is reset by each call, so one Report
// can serve many. Records inside dropped values count; values inside dropped or replaced ones do
// not.
type Report struct {
	Records  int     // records decided, envelopes not counted
	Unlisted int     // values dropped or replaced because no field selects them
	Names    Names   // of the members among Unlisted that were dropped
	Tallies  []Tally // one for each distinct profile met, in order of first use
}

// Tally counts what became of the fields of the records of one profile.
type Tally struct {
	Profile *Profile
	Records int // records or envelopes with this profile
	// Treated counts by field, as Profile.Treatments has them, the values treated as the profile
	// says.
	Treated []int
	// Withheld counts by field the values dropped although the profile does not say so: because the
	// transform does not take them or because, of an embedded field, they hold no JSON.
	Withheld []int
}

func (r *Report) reset() {
	r.Records, r.Unlisted = 0, 0
	r.Names.reset()
	for i := range r.Tallies {
		r.Tallies[i].Profile = nil
	}
	r.Tallies = r.Tallies[:0]
}

// Of returns the tally of a profile, nil if the profile was not met.
func (r *Report) Of(p *Profile) *Tally {
	for i := len(r.Tallies) - 1; i >= 0; i-- {
		if r.Tallies[i].Profile == p {
			return &r.Tallies[i]
		}
	}
	return nil
}

// tally returns the profile's tally, and begins one if there is none. It is a search, since few
// profiles meet in one response, and neighbouring records share one. The slice may move.
func (r *Report) tally(p *Profile) *Tally {
	if t := r.Of(p); t != nil {
		return t
	}
	n := len(r.Tallies)
	if n < cap(r.Tallies) { // with the slices of an earlier tally
		r.Tallies = r.Tallies[:n+1]
	} else {
		r.Tallies = append(r.Tallies, Tally{})
	}
	t := &r.Tallies[n]
	t.Profile, t.Records = p, 0
	t.Treated = zeros(t.Treated, len(p.Treatments))
	t.Withheld = zeros(t.Withheld, len(p.Treatments))
	return t
}

// zeros returns n zeros, in the memory of s if that is enough.
func zeros(s []int, n int) []int {
	if cap(s) < n {
		return make([]int, n)
	}
	s = s[:n]
	clear(s)
	return s
}
