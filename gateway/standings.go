package gateway

import (
	"context"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// asked is what a store was asked about the subjects of a window, and what it said.
type asked struct {
	index     map[string]int // of a subject in standings, by identifier
	subjects  []Subject
	standings []rules.Standing // nil: nobody was asked about
}

// emptied keeps the room and forgets the people.
func (a *asked) emptied() asked {
	clear(a.index)
	clear(a.subjects)
	return asked{index: a.index, subjects: a.subjects[:0]}
}

// about returns what was on record about the subject of a record.
func (a *asked) about(r masking.Record) rules.Standing {
	if a.standings == nil || r.Kind == masking.Envelope || r.Subject.Kind == masking.Invalid {
		return rules.Standing{}
	}
	return a.standings[a.index[string(r.Subject.Text)]]
}

// ask asks the store what is on record about the subjects of a window, once for all of them, if a
// decision may depend on it.
func (d *decider) ask(ctx context.Context, records []masking.Record) error {
	d.asked = d.asked.emptied()
	standings := d.gateway.options.Standings
	if standings == nil || !d.admission.access.ReadsStandings() {
		return nil
	}
	for _, r := range records {
		d.asked.add(r, d.state)
	}
	if len(d.asked.subjects) == 0 {
		return nil
	}
	list, err := standings.Standings(ctx, d.admission.request, d.asked.subjects)
	switch {
	case err != nil:
		return storeFailed(ctx, reasonStandings, err)
	case len(list) != len(d.asked.subjects):
		return unavailable.because(reasonStandings)
	}
	d.asked.standings = list
	return nil
}

// add adds the subject of a record, if it has one that is new.
func (a *asked) add(r masking.Record, s *State) {
	if r.Kind == masking.Envelope || r.Subject.Kind == masking.Invalid {
		return
	}
	if _, known := a.index[string(r.Subject.Text)]; known {
		return
	}
	if a.index == nil {
		a.index = map[string]int{}
	}
	id := string(r.Subject.Text)
	a.index[id] = len(a.subjects)
	a.subjects = append(a.subjects, Subject{id, s.pseudonyms(id)})
}
