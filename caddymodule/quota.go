package caddymodule

import (
	"maps"
	"sync"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// quotas counts which subjects each caller has seen by each role. It is kept in memory and outlives a reload. The zero value
// has seen none.
type quotas struct {
	mu    sync.Mutex
	seen  map[tally]map[string]time.Time // guarded by mu; subjects, with when their time is over
	sweep time.Time                      // guarded by mu; when tallies whose times are over are next looked for
}

// tally is what a quota is for.
type tally struct{ caller, role string }

// sighting is a subject, by pseudonym, that is about to be seen by roles with these quotas.
type sighting struct {
	subject string
	quotas  []rules.Quota
}

// sweepEvery is how often tallies that nobody asks about are given up.
const sweepEvery = time.Hour

// take counts the subjects for a caller, all of them or none: it reports false if one is within no quota.
func (q *quotas) take(caller string, subjects []sighting, now time.Time) bool {
	if len(subjects) == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.clean(now)
	type counted struct {
		seen    map[string]time.Time
		subject string
	}
	var added []counted
	for _, s := range subjects {
		seen, known := q.room(caller, s, now)
		if seen == nil {
			for _, a := range added {
				delete(a.seen, a.subject)
			}
			return false
		}
		if !known {
			added = append(added, counted{seen, s.subject})
		}
	}
	return true
}

// room finds a quota that the subject is within, and counts it there, unless it is known. It returns nil if there is none.
func (q *quotas) room(caller string, s sighting, now time.Time) (seen map[string]time.Time, known bool) {
	for _, quota := range s.quotas {
		if seen := q.of(tally{caller, quota.Role}); seen[s.subject].After(now) {
			return seen, true
		}
	}
	for _, quota := range s.quotas {
		seen := q.of(tally{caller, quota.Role})
		if len(seen) >= quota.Subjects {
			maps.DeleteFunc(seen, func(_ string, over time.Time) bool { return !over.After(now) })
		}
		if len(seen) < quota.Subjects {
			seen[s.subject] = now.Add(quota.Window)
			return seen, false
		}
	}
	return nil, false
}

func (q *quotas) of(t tally) map[string]time.Time {
	seen := q.seen[t]
	if seen == nil {
		seen = map[string]time.Time{}
		if q.seen == nil {
			q.seen = map[tally]map[string]time.Time{}
		}
		q.seen[t] = seen
	}
	return seen
}

// clean gives up what is over, now and then.
func (q *quotas) clean(now time.Time) {
	if now.Before(q.sweep) {
		return
	}
	q.sweep = now.Add(sweepEvery)
	for t, seen := range q.seen {
		maps.DeleteFunc(seen, func(_ string, over time.Time) bool { return !over.After(now) })
		if len(seen) == 0 {
			delete(q.seen, t)
		}
	}
}
