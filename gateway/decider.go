package gateway

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/quota"
	"github.com/maskgate/maskgate/rules"
)

// decider picks the profile of each record of a response, and keeps whom the records are about.
type decider struct {
	gateway   *Gateway
	state     *State // the gateway's
	admission *admission
	live      bool           // the response leaves: decisions are timed, people named and counted
	renew     func() error   // admits the request again, before each window of a stream; else nil
	envelope  *rules.Profile // of a document, from its first window on
	groups    []group
	denied    int
	framing   masking.Framing
	single    bool // the response has one record at the most: to deny it is to deny the request
	asked     asked
}

// group is the records that got the same profile.
type group struct {
	profile  *rules.Profile
	limits   []quota.Limit   // of the profile
	records  int             // of the response, or of the window
	earlier  int             // of earlier windows
	subjects []string        // pseudonyms
	seen     map[string]bool // subjects by their identifier; it does not outlive the request
}

// begin prepares the decider for a response to a request that was admitted.
func (d *decider) begin(g *Gateway, a *admission, framing masking.Framing) {
	d.reset()
	d.gateway, d.state = g, g.state.Load()
	d.admission, d.framing = a, framing
	d.single = framing == masking.Document && a.route.Single()
}

func (d *decider) reset() {
	clear(d.groups)
	*d = decider{groups: d.groups[:0], asked: d.asked.emptied()}
}

// next forgets the window that was decided, but for what limits count.
func (d *decider) next() {
	d.denied = 0
	for i := range d.groups {
		g := &d.groups[i]
		g.earlier += g.records
		g.records, g.subjects, g.seen = 0, nil, nil
	}
}

// Decide implements [masking.Decider].
func (d *decider) Decide(
	ctx context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	if d.live {
		defer d.gateway.took(StageDecide, time.Now())
	}
	if d.renew != nil {
		if err := d.renew(); err != nil {
			return err
		}
	}
	if err := d.ask(ctx, records); err != nil {
		return err
	}
	outermost, admitted := 0, 0 // records of the first kind
	var shown []quota.Subject
	for i, r := range records {
		p := d.admission.access.ProfileOf(r.Kind, r.Inputs, d.asked.about(r))
		if r.Kind == masking.Envelope && d.framing == masking.Document {
			if p = d.around(p); p == nil {
				return &rules.Denial{Reason: rules.OutsideHours}
			}
		}
		profiles[i] = &p.Profile
		g := d.group(p)
		g.records++
		if d.live {
			if subject, first := g.add(r.Subject, d.state); first && len(g.limits) > 0 {
				shown = append(shown, quota.Subject{Pseudonym: subject, Limits: g.limits})
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
	return d.count(ctx, shown)
}

// count counts the subjects whom the caller is about to see against their limits.
func (d *decider) count(ctx context.Context, shown []quota.Subject) error {
	if len(shown) == 0 {
		return nil
	}
	q := d.admission.request
	switch ok, err := d.state.quotas.Take(ctx, q.Caller.ID, shown, q.Time); {
	case err != nil:
		return storeFailed(ctx, reasonQuotas, err)
	case !ok:
		return &rules.Denial{Reason: rules.TooManySubjects}
	}
	return nil
}

// storeFailed returns the refusal of a request that waited for a store in vain.
func storeFailed(ctx context.Context, why reason, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return callerGone.because(reasonCallerGone)
	}
	return unavailable.causedBy(why, err)
}

// around returns the profile for what lies around the records of a document. That is the first
// window's, since what began under a profile has to end under it. around returns nil if the first
// window's profile shows what now, the profile that is due, does not show any more.
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
			l := other.profile.Limit
			if 0 < l && l <= limit && other.profile.Kind != rules.Envelope {
				shown += other.earlier + other.records
			}
		}
		if shown > limit {
			return true
		}
	}
	return false
}

// group returns the group of a profile, which it adds if there is none.
func (d *decider) group(p *rules.Profile) *group {
	for i := len(d.groups) - 1; i >= 0; i-- {
		if d.groups[i].profile == p {
			return &d.groups[i]
		}
	}
	g := group{profile: p}
	for _, q := range p.Quotas {
		limit := quota.Limit{Role: q.Role, Subjects: q.Subjects, Window: q.Window}
		g.limits = append(g.limits, limit)
	}
	d.groups = append(d.groups, g)
	return &d.groups[len(d.groups)-1]
}

// add adds a subject to the group. It returns the subject's pseudonym and true; or false if the
// record has no subject, or the group has the subject already.
func (g *group) add(subject masking.Value, s *State) (pseudonym string, first bool) {
	if subject.Kind == masking.Invalid || g.seen[string(subject.Text)] {
		return "", false
	}
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	id := string(subject.Text)
	g.seen[id] = true
	pseudonym = s.pseudonym(id)
	g.subjects = append(g.subjects, pseudonym)
	return pseudonym, true
}

// people returns a number by which responses, or windows, about different people differ; 0 if they
// are about nobody.
func (d *decider) people() uint64 {
	var sum uint64 // whatever the order
	for _, g := range d.groups {
		for _, subject := range g.subjects {
			sum += maphash.String(unlistedSeed, subject)
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
		if g.profile.Kind != rules.Envelope {
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
				Path: f.Path, Type: f.Type, Treatment: f.Treatment, Reason: string(f.Reason),
				Rule: f.Rule, Count: t.Treated[i], Withheld: t.Withheld[i],
			})
		}
	}
	return list
}

// name puts into the record of a refusal whom the response was about, as far as that was known.
func (d *decider) name(record *audit.Record) {
	for _, g := range d.groups {
		if len(g.subjects) > 0 {
			record.Profiles = append(record.Profiles,
				audit.Profile{Kind: g.profile.Kind, Subjects: g.subjects})
		}
	}
}
