package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
)

// shadow is a set of rules that is not in force, beside the set that is. It decides every request
// once the answer is on its way, from the same caller and the same answer of the data service, and
// counts where it decides otherwise. What it makes of an answer is thrown away. It also counts what
// goes wrong in it.
type shadow struct {
	gateway *Gateway
	set     *rules.Set
	since   time.Time

	same      atomic.Int64 // requests on which both agree
	differing atomic.Int64
	skipped   atomic.Int64 // requests that were not, or not wholly, compared
	failed    atomic.Int64 // requests at which the shadow panicked

	mu    sync.Mutex
	table map[Difference]int64 // requests with that difference; guarded by mu
	more  int64                // with differences for which the table had no room; guarded by mu
}

// A Difference is what the rules in force and the shadow make differently of one place. All of it
// comes from rule files or from code.
type Difference struct {
	Route   string `json:"route"`
	Role    string `json:"role"`    // that serves the request
	Purpose string `json:"purpose"` // as far as a policy knows it
	Field   string `json:"field"`   // selector of a field or of records, "unlisted", or "decision"
	InForce string `json:"in_force"`
	Shadow  string `json:"shadow"`
}

// maxDifferences bounds the differences that are counted apart.
const maxDifferences = 1000

// shadowJobs counts the evaluations that are under way, and the bytes of answers that they keep.
// Evaluations outlive their requests, and end by themselves.
type shadowJobs struct{ running, bytes atomic.Int64 }

// The bounds of shadowJobs. Requests beyond them are skipped, so that the shadow takes what time
// and memory is left, and no more.
const (
	maxShadowJobs  = 32
	maxShadowBytes = 32 << 20
)

// start runs a job, which keeps size bytes, on a goroutine of its own; or returns false if there
// are too many.
func (j *shadowJobs) start(size int, job func()) bool {
	end := func() {
		j.running.Add(-1)
		j.bytes.Add(int64(-size))
	}
	jobs, bytes := j.running.Add(1), j.bytes.Add(int64(size))
	if jobs > maxShadowJobs || bytes > maxShadowBytes {
		end()
		return false
	}
	go func() {
		defer end()
		job()
	}()
	return true
}

func (g *Gateway) newShadow(set *rules.Set) *shadow {
	return &shadow{gateway: g, set: set, since: time.Now(), table: map[Difference]int64{}}
}

// take has the shadow, which may be nil, decide a request too. It reports whether it took over the
// exchange's buffers. o is how the request went under the rules in force.
func (s *shadow) take(x *exchange, o *outcome) bool {
	if s == nil || o.admission.caller == nil {
		return false
	}
	decision, told := o.decision()
	if !told {
		return false
	}
	taken := s.gateway.shadowJobs.start(x.buffers.upstream.Len(), func() {
		defer x.buffers.free()
		s.judge(x, o, decision)
	})
	if !taken {
		s.skipped.Add(1)
	}
	return taken
}

// The decisions on a request, beside refusals.
const (
	decidedReleased = string(audit.Released)
	decidedPublic   = "released unread" // by a public route
	decidedAdmitted = "admitted"        // and rules did not decide the answer, or it streamed
)

func refusedFor(err error) string { return "refused: " + ReasonOf(err) }

// decision returns what the rules in force made of the request; or false if the request failed for
// another reason than rules.
func (o *outcome) decision() (string, bool) {
	if o.err != nil && !ofRules(o.err) {
		return "", false
	}
	switch {
	case o.reached == reachedNothing:
		return refusedFor(o.err), true
	case o.reached == reachedAdmission:
		return decidedAdmitted, true
	case ReasonOf(o.err) == string(reasonCallerGone): // while a store was asked
		return "", false
	case o.err != nil:
		return refusedFor(o.err), true
	case o.admission.route.Public != "":
		return decidedPublic, true
	}
	return decidedReleased, true
}

// ofRules reports whether an error may come of rules. Else it comes of what failed, or of the
// caller's body.
func ofRules(err error) bool {
	switch refusalOf(err).reason {
	case reasonBody, reasonRequestTooLarge, reasonLog, reasonStandings, reasonQuotas, reasonPanic,
		reasonInternal:
		return false
	}
	return true
}

// judge decides the request under the shadow, and compares.
func (s *shadow) judge(x *exchange, o *outcome, inForce string) {
	defer func() {
		if p := recover(); p != nil {
			defer s.failed.Add(1)
			s.gateway.options.Logger.Error("panic in the shadow; no response is affected",
				slog.String("type", fmt.Sprintf("%T", p)), slog.Any("stack", stack()))
		}
	}()
	own := bufferPool.Get().(*buffers)
	defer own.free()
	a, decision, err := s.decide(x, o, own)
	if err != nil && !ofRules(err) {
		s.skipped.Add(1)
		return
	}
	ours := &o.admission
	d := Difference{
		Route: ours.routeName(), Role: ours.role(), Purpose: ours.purposeName(x.ruling.Set),
	}
	if ours.route == nil {
		d.Route = a.routeName()
	}
	if ours.access == nil {
		d.Role, d.Purpose = a.role(), a.purposeName(s.set)
	}
	var found []Difference
	differ := func(field, inForce, shadow string) {
		d.Field, d.InForce, d.Shadow = field, inForce, shadow
		found = append(found, d)
	}
	switch {
	case inForce != decision:
		differ("decision", inForce, decision)
	case decision == decidedReleased:
		differences(treatments(x.buffers), treatments(own), differ)
	case decision == decidedAdmitted && o.answer.Rest != nil: // a stream is not kept for the shadow
		s.skipped.Add(1)
		return
	}
	s.count(found)
}

// decide returns what the shadow makes of the request, and of the data service's answer if the
// answer is there. If that is a refusal, it is the error too.
func (s *shadow) decide(
	x *exchange, o *outcome, own *buffers,
) (a *admission, decision string, err error) {
	a = &admission{caller: o.admission.caller}
	r := x.request
	if a.route, err = x.handler.routeOf(s.set, r, r.URL.EscapedPath()); err != nil {
		return a, refusedFor(err), err
	}
	if err = a.decide(s.set, r, s.gateway.options.PurposeHeader, x.begin); err != nil {
		return a, refusedFor(err), err
	}
	if o.reached != reachedAnswer {
		return a, decidedAdmitted, nil
	}
	doc, err := o.answer.open(a.route, x.buffers.upstream.Bytes())
	switch {
	case err != nil:
		return a, refusedFor(err), err
	case a.route.Public != "":
		return a, decidedPublic, nil
	}
	// The request may be over, but a store of standings is waited for no longer than under it.
	ctx, cancel := context.WithTimeout(context.Background(), x.handler.Timeout)
	defer cancel()
	own.decider.begin(s.gateway, a, doc.framing)
	if _, err = doc.rewrite(ctx, &own.decider, own); err != nil {
		return a, refusedFor(err), err
	}
	return a, decidedReleased, nil
}

// treatments counts what became of a response: by place and treatment.
func treatments(b *buffers) map[string]map[string]int {
	places := map[string]map[string]int{}
	add := func(place, treatment string, n int) {
		if n == 0 {
			return
		}
		if places[place] == nil {
			places[place] = map[string]int{}
		}
		places[place][treatment] += n
	}
	add("unlisted", "removed", b.report.Unlisted)
	for _, g := range b.decider.groups {
		switch {
		case g.profile.Denied:
			add(g.profile.Kind, "denied", g.records)
			continue
		case g.profile.Kind != rules.Envelope:
			add(g.profile.Kind, "shown", g.records)
		}
		t := b.report.Of(&g.profile.Profile)
		if t == nil {
			continue
		}
		for i, f := range g.profile.Fields {
			place := f.Path
			if g.profile.Kind != "$" {
				place = g.profile.Kind + " " + place
			}
			add(place, f.Treatment, t.Treated[i])
			add(place, "withheld", t.Withheld[i])
		}
	}
	return places
}

// differences tells what differs, in order of places. What both sides did is left out, and the rest
// is paired, treatment by treatment; a treatment without a pair is paired with "none".
func differences(
	inForce, shadow map[string]map[string]int, differ func(place, inForce, shadow string),
) {
	places := slices.Sorted(maps.Keys(inForce))
	for place := range shadow {
		if inForce[place] == nil {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	for _, place := range places {
		ours, theirs := left(inForce[place], shadow[place]), left(shadow[place], inForce[place])
		for len(ours) < len(theirs) {
			ours = append(ours, "none")
		}
		for len(theirs) < len(ours) {
			theirs = append(theirs, "none")
		}
		for i := range ours {
			differ(place, ours[i], theirs[i])
		}
	}
}

// left lists the treatments of which there are more in a than in b.
func left(a, b map[string]int) []string {
	var list []string
	for _, treatment := range slices.Sorted(maps.Keys(a)) {
		if a[treatment] > b[treatment] {
			list = append(list, treatment)
		}
	}
	return list
}

// count counts a request and its differences, and logs each the first time.
func (s *shadow) count(found []Difference) {
	if len(found) == 0 {
		s.same.Add(1)
		return
	}
	defer s.differing.Add(1)
	var fresh []Difference
	s.mu.Lock()
	for _, d := range found {
		switch n, known := s.table[d]; {
		case known:
			s.table[d] = n + 1
		case len(s.table) < maxDifferences:
			s.table[d] = 1
			fresh = append(fresh, d)
		default:
			s.more++
		}
	}
	s.mu.Unlock()
	for _, d := range fresh {
		s.gateway.options.Logger.Info("the shadow differs",
			slog.String("route", d.Route), slog.String("role", d.Role),
			slog.String("purpose", d.Purpose), slog.String("field", d.Field),
			slog.String("in_force", d.InForce), slog.String("shadow", d.Shadow))
	}
}

// A CountedDifference is a difference, and in how many requests it was met.
type CountedDifference struct {
	Difference
	Requests int64 `json:"requests"`
}

// list returns the differences, the most frequent first, and how often there was no room for one.
func (s *shadow) list() ([]CountedDifference, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]CountedDifference, 0, len(s.table))
	for d, n := range s.table {
		all = append(all, CountedDifference{d, n})
	}
	slices.SortFunc(all, func(a, b CountedDifference) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests),
			cmp.Compare(a.Route, b.Route), cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Role, b.Role), cmp.Compare(a.Purpose, b.Purpose),
			cmp.Compare(a.InForce, b.InForce), cmp.Compare(a.Shadow, b.Shadow))
	})
	return all, s.more
}
