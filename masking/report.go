package masking

// Report says what Append did. It is reset by each call, so one Report can serve many. Records inside dropped values
// count; values inside dropped or replaced ones do not.
type Report struct {
	Records  int     // records decided, envelopes not counted
	Unlisted int     // values dropped or replaced because no field selects them
	Names    Names   // of the members among Unlisted that were dropped
	Tallies  []Tally // one for each distinct profile met, in order of first use
}

// Tally counts what became of the fields of the records of one profile.
type Tally struct {
	Profile  *Profile
	Records  int   // records or envelopes with this profile
	Treated  []int // by field, as Profile.Treatments has them: values treated as the profile says
	Withheld []int // likewise: values dropped because the transform does not take them, or, of embedded ones, because they hold no JSON
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
