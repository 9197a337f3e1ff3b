package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

// shadow is a set of rules that is not in force, beside the one that is. It decides every request once the answer is on its
// way, from the same caller and the same answer of the upstream, and counts where it comes to something else. What it makes of
// an answer is thrown away, and whatever goes wrong in it is counted, too.
type shadow struct {
	set    *rules.Set
	since  time.Time
	jobs   *shadowJobs
	logger *zap.Logger

	same      atomic.Int64 // requests on which both agree
	differing atomic.Int64
	skipped   atomic.Int64 // requests that were not, or not wholly, compared
	failed    atomic.Int64 // requests at which the shadow panicked

	mu    sync.Mutex
	table map[difference]int64 // requests with that difference; guarded by mu
	more  int64                // with differences for which the table had no room; guarded by mu
}

// difference is what rules in force and shadow make differently of one place. All of it comes from rule files or from code.
type difference struct {
	Route   string `json:"route"`
	Role    string `json:"role"`    // that serves the request
	Purpose string `json:"purpose"` // as far as a policy knows it
	Field   string `json:"field"`   // selector of a field or of records, "unlisted", or "decision": of the whole request
	InForce string `json:"in_force"`
	Shadow  string `json:"shadow"`
}

// maxDifferences bounds the differences that are told apart.
const maxDifferences = 1000

// shadowJobs are the evaluations that are under way. They outlive their requests, and end by themselves.
type shadowJobs struct{ running, bytes atomic.Int64 }

// What the evaluations may be and keep of answers, in bytes. What is beyond is skipped, so that the shadow takes what time and
// memory is left, and no more.
const (
	maxShadowJobs  = 32
	maxShadowBytes = 32 << 20
)

// start runs a job on a goroutine of its own, or reports that there are too many.
func (j *shadowJobs) start(size int, job func()) bool {
	end := func() {
		j.running.Add(-1)
		j.bytes.Add(int64(-size))
	}
	if jobs, bytes := j.running.Add(1), j.bytes.Add(int64(size)); jobs > maxShadowJobs || bytes > maxShadowBytes {
		end()
		return false
	}
	go func() {
		defer end()
		job()
	}()
	return true
}

func (a *App) newShadow(set *rules.Set) *shadow {
	return &shadow{set: set, since: time.Now(), jobs: &a.shadowJobs, logger: a.logger, table: map[difference]int64{}}
}

// inShadow has the shadow, if there is one, decide the request too, and reports whether it took the buffers over. err is how the
// request ended under the rules in force.
func (x *exchange) inShadow(err error) bool {
	s := x.ruling.shadow
	if s == nil || x.caller == nil {
		return false
	}
	decision, told := x.decision(err)
	if !told {
		return false
	}
	taken := s.jobs.start(x.buffers.upstream.Len(), func() {
		defer x.buffers.free()
		s.judge(x, decision)
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
	decidedAdmitted = "admitted"        // and the upstream's answer was none that rules decide, or streamed
)

func refusedFor(err error) string { return "refused: " + string(refusalOf(err).reason) }

// decision is what the rules in force made of the request; false if it failed by no fault of theirs.
func (x *exchange) decision(err error) (string, bool) {
	if err != nil {
		switch refusalOf(err).reason {
		case reasonBody, reasonRequestTooLarge, reasonLog, reasonPanic, reasonInternal:
			return "", false
		}
	}
	switch {
	case !x.admitted:
		return refusedFor(err), true
	case !x.whole:
		return decidedAdmitted, true
	case err != nil:
		return refusedFor(err), true
	case x.route.Public != "":
		return decidedPublic, true
	}
	return decidedReleased, true
}

// judge decides the request under the shadow, and compares.
func (s *shadow) judge(x *exchange, inForce string) {
	defer func() {
		if p := recover(); p != nil {
			defer s.failed.Add(1)
			s.logger.Error("panic in the shadow; no response is affected", zap.String("type", fmt.Sprintf("%T", p)), zap.Strings("stack", stack()))
		}
	}()
	own := bufferPool.Get().(*buffers)
	defer own.free()
	e, decision := s.decide(x, own)
	d := difference{Route: x.routeName(), Role: x.role(), Purpose: x.purposeName(x.ruling.Set)}
	if x.route == nil {
		d.Route = e.routeName()
	}
	if x.access == nil {
		d.Role, d.Purpose = e.role(), e.purposeName(s.set)
	}
	var found []difference
	differ := func(field, inForce, shadow string) {
		d.Field, d.InForce, d.Shadow = field, inForce, shadow
		found = append(found, d)
	}
	switch {
	case inForce != decision:
		differ("decision", inForce, decision)
	case decision == decidedReleased:
		differences(treatments(x.buffers), treatments(own), differ)
	case decision == decidedAdmitted && x.answer.rest != nil: // a stream's records are not kept for the shadow
		s.skipped.Add(1)
		return
	}
	s.count(found)
}

// decide is what the shadow makes of the request, and of the upstream's answer if that is there.
func (s *shadow) decide(x *exchange, own *buffers) (e *entry, decision string) {
	e = new(entry)
	var err error
	if e.route, err = x.handler.route(s.set, x.request, x.request.URL.EscapedPath()); err != nil {
		return e, refusedFor(err)
	}
	if err = e.admit(s.set, x.request, *x.caller, x.app.PurposeHeader, x.begin); err != nil {
		return e, refusedFor(err)
	}
	if !x.whole {
		return e, decidedAdmitted
	}
	mediaType, err := x.answer.check(e.route)
	switch {
	case err != nil:
		return e, refusedFor(err)
	case e.route.Public != "":
		return e, decidedPublic
	}
	framing := e.route.Framing(mediaType)
	own.decider.begin(e, framing)
	own.out, err = e.route.Layout.Append(context.Background(), own.out, x.buffers.upstream.Bytes(), framing, &own.decider, &own.report)
	if err != nil {
		return e, refusedFor(err)
	}
	return e, decidedReleased
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
		case g.profile.Kind != rules.EnvelopeKind:
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

// differences tells what differs, in order. What both did is taken away; what is left is paired, and what has no pair was
// not done by the other at all.
func differences(inForce, shadow map[string]map[string]int, differ func(place, inForce, shadow string)) {
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
func (s *shadow) count(found []difference) {
	if len(found) == 0 {
		s.same.Add(1)
		return
	}
	defer s.differing.Add(1)
	var fresh []difference
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
		s.logger.Info("the shadow differs", zap.String("route", d.Route), zap.String("role", d.Role), zap.String("purpose", d.Purpose),
			zap.String("field", d.Field), zap.String("in_force", d.InForce), zap.String("shadow", d.Shadow))
	}
}

// counted is a difference and in how many requests it was met.
type counted struct {
	difference
	Requests int64 `json:"requests"`
}

// list returns the differences, the most frequent first, and how often there was no room for one.
func (s *shadow) list() ([]counted, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]counted, 0, len(s.table))
	for d, n := range s.table {
		all = append(all, counted{d, n})
	}
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Role, b.Role), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.InForce, b.InForce), cmp.Compare(a.Shadow, b.Shadow))
	})
	return all, s.more
}
