package caddymodule

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// decider picks the profile of each record of a response, and keeps who the records are about.
type decider struct {
	entry    *entry
	metrics  *metrics          // nil: it is not timed
	subjects *audit.SubjectKey // nil: nobody is named
	quotas   *quotas           // of subjects; nil where nobody is named, since nothing leaves
	renew    func() error      // admits the request again, before each window of a stream; nil without one
	envelope *rules.Profile    // of a document, from its first window on
	groups   []group
	denied   int
	framing  masking.Framing
	single   bool // the response has one record at the most: to deny it is to deny the request
}

// group is the records that got the same profile.
type group struct {
	profile  *rules.Profile
	records  int             // of the response, or of the window
	earlier  int             // of earlier windows
	subjects []string        // pseudonyms
	seen     map[string]bool // subjects by their identifier; it does not outlive the request
}

func (d *decider) begin(e *entry, framing masking.Framing) {
	d.reset()
	d.entry, d.framing = e, framing
	d.single = framing == masking.Document && e.route.Single()
}

// live has the decisions timed, and whom they are about named and counted, since the response leaves.
func (d *decider) live(a *App) {
	s := a.shared.Load()
	d.metrics, d.subjects, d.quotas = a.metrics, &s.subjects, &s.quotas
}

func (d *decider) reset() {
	d.entry, d.metrics, d.subjects, d.quotas, d.denied = nil, nil, nil, nil, 0
	d.renew, d.envelope = nil, nil
	clear(d.groups)
	d.groups = d.groups[:0]
}

// next forgets a window, save what limits count.
func (d *decider) next() {
	d.denied = 0
	for i := range d.groups {
		g := &d.groups[i]
		g.earlier += g.records
		g.records, g.subjects, g.seen = 0, nil, nil
	}
}

// Decide implements [masking.Decider].
func (d *decider) Decide(_ context.Context, records []masking.Record, profiles []*masking.Profile) error {
	if d.metrics != nil {
		defer d.metrics.since(stageDecide, time.Now())
	}
	if d.renew != nil {
		if err := d.renew(); err != nil {
			return err
		}
	}
	outermost, admitted := 0, 0 // records of the first kind
	var shown []sighting
	for i, r := range records {
		var standing rules.Standing
		if d.entry.standing != nil && r.Kind != masking.Envelope {
			standing = d.entry.standing(r.Subject)
		}
		p := d.entry.access.ProfileOf(r.Kind, r.Inputs, standing)
		if r.Kind == masking.Envelope && d.framing == masking.Document {
			if p = d.around(p); p == nil {
				return &rules.Denial{Reason: rules.OutsideHours}
			}
		}
		profiles[i] = &p.Profile
		g := d.group(p)
		g.records++
		if d.subjects != nil {
			if subject, first := g.add(r.Subject, *d.subjects); first && len(p.Quotas) > 0 {
				shown = append(shown, sighting{subject, p.Quotas})
			}
		}
		if r.Kind == masking.Envelope {
			continue
		}
		if p.Denied {
			d.denied++
		}
		if r.Kind == 0 {
			outermost++
			if !p.Denied {
				admitted++
			}
		}
	}
	if d.tooMany() {
		return &rules.Denial{Reason: rules.TooManyRecords}
	}
	if d.single && outermost > 0 && admitted == 0 {
		return &rules.Denial{Reason: rules.ConditionNotMet}
	}
	if q := d.entry.request; len(shown) > 0 && !d.quotas.take(q.Caller.ID, shown, q.Time) {
		return &rules.Denial{Reason: rules.TooManySubjects}
	}
	return nil
}

// around is the profile of what lies around a document's records. It is that of the first window, since what has begun by it ends by
// it; nil if by now that shows what may not be shown any more.
func (d *decider) around(now *rules.Profile) *rules.Profile {
	if d.envelope == nil {
		d.envelope = now
	}
	if now == d.envelope {
		return now
	}
	for i := range now.Fields {
		same := now.Fields[i].Treatment == d.envelope.Fields[i].Treatment
		if !same && d.envelope.Treatments[i].Rank <= now.Treatments[i].Rank {
			return nil
		}
	}
	return d.envelope
}

// tooMany reports whether more records are shown than the roles that permit them may show at once.
func (d *decider) tooMany() bool {
	for _, g := range d.groups {
		limit, shown := g.profile.Limit, 0
		for _, other := range d.groups {
			if l := other.profile.Limit; 0 < l && l <= limit && other.profile.Kind != rules.EnvelopeKind {
				shown += other.earlier + other.records
			}
		}
		if shown > limit {
			return true
		}
	}
	return false
}

func (d *decider) group(p *rules.Profile) *group {
	for i := len(d.groups) - 1; i >= 0; i-- {
		if d.groups[i].profile == p {
			return &d.groups[i]
		}
	}
	d.groups = append(d.groups, group{profile: p})
	return &d.groups[len(d.groups)-1]
}

// add returns a subject's pseudonym, and whether the group has it for the first time.
func (g *group) add(subject masking.Value, key audit.SubjectKey) (pseudonym string, first bool) {
	if subject.Kind == masking.Invalid || g.seen[string(subject.Text)] {
		return "", false
	}
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	id := string(subject.Text)
	g.seen[id] = true
	pseudonym = key.Subject(id)
	g.subjects = append(g.subjects, pseudonym)
	return pseudonym, true
}

// about tells responses, or windows, apart by whom they are about: it is 0 if that is nobody.
func (d *decider) about() uint64 {
	var sum uint64 // in whatever order
	for _, g := range d.groups {
		for _, subject := range g.subjects {
			sum += maphash.String(namesSeed, subject)
		}
	}
	return sum
}

// describe puts into a record who got what.
func (d *decider) describe(record *audit.Record, report *masking.Report) {
	record.Unlisted = report.Unlisted
	record.Records = report.Records - d.denied
	record.Denied = d.denied
	for _, g := range d.groups {
		if g.profile.Denied || g.records == 0 {
			continue
		}
		p := audit.Profile{Kind: g.profile.Kind, Subjects: g.subjects}
		if g.profile.Kind != rules.EnvelopeKind {
			p.Records = g.records
		}
		if t := report.Of(&g.profile.Profile); t != nil {
			p.Fields = fields(g.profile, t)
		}
		if len(p.Subjects) > 0 || len(p.Fields) > 0 {
			record.Profiles = append(record.Profiles, p)
		}
	}
}

// fields says what happened to each field that occurred.
func fields(p *rules.Profile, t *masking.Tally) []audit.Field {
	var list []audit.Field
	for i, f := range p.Fields {
		if t.Treated[i] > 0 || t.Withheld[i] > 0 {
			list = append(list, audit.Field{
				Path: f.Path, Type: f.Type, Treatment: f.Treatment, Reason: string(f.Reason), Rule: f.Rule,
				Count: t.Treated[i], Withheld: t.Withheld[i],
			})
		}
	}
	return list
}

// name puts into the record of a refusal whom the response was about, as far as that was known.
func (d *decider) name(record *audit.Record) {
	for _, g := range d.groups {
		if len(g.subjects) > 0 {
			record.Profiles = append(record.Profiles, audit.Profile{Kind: g.profile.Kind, Subjects: g.subjects})
		}
	}
}
