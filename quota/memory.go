// Package quota counts the subjects whom each caller has seen by each role, so that nobody sees
// more people than a policy allows: a first line against bulk export by small steps.
//
// A policy's limit such as 200/1d is a [Limit]: 200 different subjects within a day. The day of a
// subject begins when a caller first sees them by the role, and seeing them again prolongs nothing.
//
// [Memory] counts for one process. Another store, for a fleet, is another type here with the same
// method Take, which is what package gateway asks for (gateway.Quotas; gatewaytest has its
// contract).
//
//	var m quota.Memory
//	subjects := []quota.Subject{{Pseudonym: "s1:…", Limits: limits}}
//	ok, err := m.Take(ctx, "agent-07", subjects, time.Now())
//	if err != nil || !ok {
//		// Nothing may be shown.
//	}
package quota

import (
	"context"
	"maps"
	"sync"
	"time"
)

// A Subject is somebody whom a caller is about to see, under the limits of the roles that permit
// it. They may be seen if they are within one of the limits.
type Subject struct {
	Pseudonym string // as the access log has it
	Limits    []Limit
}

// A Limit is how many different subjects a caller may see by a role within a time.
type Limit struct {
	Role     string
	Subjects int
	Window   time.Duration // begins anew for each subject when it is first seen
}

// Memory counts in memory, for one process. The zero value has seen nobody. Its methods may be
// called by many goroutines at once.
type Memory struct {
	mu    sync.Mutex
	seen  map[tally]map[string]time.Time // guarded by mu; when each subject's time is over
	sweep time.Time                      // guarded by mu; when clean next removes such subjects
}

// tally names a count: of the subjects whom a caller has seen by a role.
type tally struct{ caller, role string }

// sweepEvery is how often clean looks for subjects whose time is over.
const sweepEvery = time.Hour

// Take counts the subjects as seen by the caller, all of them or none: ok is false, and nothing is
// counted, if one of them is within none of their limits. Its error is always nil: counting in
// memory does not fail.
func (m *Memory) Take(
	_ context.Context, caller string, subjects []Subject, now time.Time,
) (ok bool, err error) {
	if len(subjects) == 0 {
		return true, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clean(now)
	type counted struct {
		seen    map[string]time.Time
		subject string
	}
	var added []counted
	for _, s := range subjects {
		seen, known := m.room(caller, s, now)
		if seen == nil {
			for _, a := range added {
				delete(a.seen, a.subject)
			}
			return false, nil
		}
		if !known {
			added = append(added, counted{seen, s.Pseudonym})
		}
	}
	return true, nil
}

// room finds a limit that the subject is within, and counts the subject there, unless it is known.
// It returns nil if there is no such limit.
func (m *Memory) room(
	caller string, s Subject, now time.Time,
) (seen map[string]time.Time, known bool) {
	for _, limit := range s.Limits {
		if seen := m.of(tally{caller, limit.Role}); seen[s.Pseudonym].After(now) {
			return seen, true
		}
	}
	for _, limit := range s.Limits {
		seen := m.of(tally{caller, limit.Role})
		if len(seen) >= limit.Subjects {
			forget(seen, now)
		}
		if len(seen) < limit.Subjects {
			seen[s.Pseudonym] = now.Add(limit.Window)
			return seen, false
		}
	}
	return nil, false
}

// of returns the subjects of a tally. It begins the tally if there is none.
func (m *Memory) of(t tally) map[string]time.Time {
	seen := m.seen[t]
	if seen == nil {
		seen = map[string]time.Time{}
		if m.seen == nil {
			m.seen = map[tally]map[string]time.Time{}
		}
		m.seen[t] = seen
	}
	return seen
}

// clean removes the subjects whose time is over, and tallies without subjects, once in sweepEvery.
func (m *Memory) clean(now time.Time) {
	if now.Before(m.sweep) {
		return
	}
	m.sweep = now.Add(sweepEvery)
	for t, seen := range m.seen {
		forget(seen, now)
		if len(seen) == 0 {
			delete(m.seen, t)
		}
	}
}

// forget removes the subjects whose time is over.
func forget(seen map[string]time.Time, now time.Time) {
	maps.DeleteFunc(seen, func(_ string, over time.Time) bool { return !over.After(now) })
}
