package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

// ruling is the set of rules in force, and what belongs to it and goes with it. A request is decided, rewritten and recorded
// under the one that was in force when it came. Only its counters change.
type ruling struct {
	*rules.Set
	since  time.Time
	drift  *drift  // nil if it is not looked for
	shadow *shadow // nil if there is none
}

// newRuling makes a ruling of a set; old, which may be nil, is what it is to follow.
func (a *App) newRuling(set *rules.Set, old *ruling) *ruling {
	r := &ruling{Set: set, since: time.Now()}
	var before *drift
	if old != nil {
		before = old.drift
		if old.shadow != nil { // its differences were to another set
			r.shadow = a.newShadow(old.shadow.set)
		}
	}
	if a.Drift > 0 {
		r.drift = newDrift(set, a.Drift, before, a.logger)
	}
	return r
}

// withShadow is the ruling beside another shadow, or none.
func (r *ruling) withShadow(s *shadow) *ruling {
	next := *r
	next.shadow = s
	return &next
}

// succession is which rules were put in force, one after the other, by the configurations that share a log.
type succession struct {
	mu     sync.Mutex // guards what follows, and keeps the log's records of rules in the order in which they came into force
	digest string     // in force; "" before the first
	apps   []*App     // that were started and not stopped: the last one's rules are in force
}

// enforce records that rules come into force, and only then lets them. If that cannot be recorded the old rules stay.
func (s *shared) enforce(a *App, next *ruling) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	if apps := s.rules.apps; apps[len(apps)-1] != a {
		return errSucceeded
	}
	if err := s.record(a, next, ""); err != nil {
		return err
	}
	a.ruling.Store(next)
	return nil
}

// errSucceeded is the fault of a change that comes when a newer configuration has taken over.
var errSucceeded = errors.New("a newer configuration has its own rules in force")

// record puts on record that rules come into force. s.rules.mu is held.
func (s *shared) record(a *App, next *ruling, why string) error {
	// The configuration's end does not end the wait: what is on record must be in force.
	_, err := s.log.Append(context.Background(), audit.Record{
		Event: audit.EventRules, Gateway: a.Gateway, Version: version(), RulesDigest: next.Digest(),
		RulesChange: &audit.RulesChange{RulesBefore: s.rules.digest, RuleFiles: ruleFiles(next.Set)},
		Note:        fmt.Sprintf("%d routes in force%s", len(next.Routes()), why),
	})
	if err != nil {
		return fmt.Errorf("recording the rules in force: %w", err)
	}
	a.logger.Info("rules in force", zap.String("digest", next.Digest()), zap.String("before", s.rules.digest), zap.Int("routes", len(next.Routes())))
	s.rules.digest = next.Digest()
	return nil
}

// begin puts the rules of a configuration that starts in force.
func (s *shared) begin(a *App) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	if err := s.record(a, a.ruling.Load(), ""); err != nil {
		return err
	}
	s.rules.apps = append(s.rules.apps, a)
	return nil
}

// end takes a configuration's rules out of force. Where it never took over, since another part of it could not start, those
// before it are in force again, and that is on record too.
func (s *shared) end(a *App) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	i := slices.Index(s.rules.apps, a)
	if i < 0 {
		return nil
	}
	s.rules.apps = slices.Delete(s.rules.apps, i, i+1)
	if i == 0 || i < len(s.rules.apps) {
		return nil // the last one stopped, or one that another has taken over from
	}
	before := s.rules.apps[i-1]
	return s.record(before, before.ruling.Load(), ", again: the configuration after it could not start")
}
