package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
)

// ruling is the set of rules in force, and what comes and goes with it. A request is decided,
// rewritten and recorded under the ruling that was in force when it came. Only the counters of a
// ruling change.
type ruling struct {
	*rules.Set
	since  time.Time
	drift  *drift  // nil if it is not looked for
	shadow *shadow // nil if there is none
}

// newRuling makes a ruling of a set. It takes over what old, which may be nil, has noticed.
func (g *Gateway) newRuling(set *rules.Set, old *ruling) *ruling {
	r := &ruling{Set: set, since: time.Now()}
	var before *drift
	if old != nil {
		before = old.drift
		if old.shadow != nil { // its differences were to another set
			r.shadow = g.newShadow(old.shadow.set)
		}
	}
	if g.options.Drift > 0 {
		r.drift = newDrift(set, g.options.Drift, before, g.options.Logger)
	}
	return r
}

// withShadow is the ruling beside another shadow, or none.
func (r *ruling) withShadow(s *shadow) *ruling {
	next := *r
	next.shadow = s
	return &next
}

// succession is which rules were put in force, one after the other, by the gateways that share a
// log.
type succession struct {
	// mu guards what follows, and keeps the log's records of rules in the order in which they came
	// into force.
	mu       sync.Mutex
	digest   string     // in force; "" before the first
	gateways []*Gateway // that were started and not stopped: the last one's rules are in force
}

// enforce puts it on record that rules come into force, and only then lets them. If the log takes
// no record of that, the old rules stay.
func (s *State) enforce(g *Gateway, next *ruling) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	if all := s.rules.gateways; all[len(all)-1] != g {
		return errSucceeded
	}
	if err := s.record(g, next, ""); err != nil {
		return err
	}
	g.ruling.Store(next)
	return nil
}

// errSucceeded is the fault of a change of rules that comes when a newer configuration has taken
// over.
var errSucceeded = errors.New("a newer configuration has its own rules in force")

// record puts on record that a gateway's rules come into force, and why, if there is a reason to
// give. The caller holds s.rules.mu.
func (s *State) record(g *Gateway, next *ruling, why string) error {
	// The configuration's end does not end the wait: what is on record must be in force.
	_, err := s.log.Append(context.Background(), audit.Record{
		Event: audit.EventRules, Gateway: g.Name(), Version: Version(), RulesDigest: next.Digest(),
		RulesChange: &audit.RulesChange{
			RulesBefore: s.rules.digest, RuleFiles: ruleFiles(next.Set),
		},
		Note: fmt.Sprintf("%d routes in force%s", len(next.Routes()), why),
	})
	if err != nil {
		return fmt.Errorf("recording the rules in force: %w", err)
	}
	g.options.Logger.Info("rules in force", slog.String("digest", next.Digest()),
		slog.String("before", s.rules.digest), slog.Int("routes", len(next.Routes())))
	s.rules.digest = next.Digest()
	return nil
}

// begin puts in force the rules of a gateway that starts.
func (s *State) begin(g *Gateway) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	if err := s.record(g, g.ruling.Load(), ""); err != nil {
		return err
	}
	s.rules.gateways = append(s.rules.gateways, g)
	return nil
}

// end takes a gateway's rules out of force. If it is the last that started, and another has not
// stopped, then part of its configuration could not start, and it never took over: the rules before
// it are in force again, and that is on record too.
func (s *State) end(g *Gateway) error {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	i := slices.Index(s.rules.gateways, g)
	if i < 0 {
		return nil
	}
	s.rules.gateways = slices.Delete(s.rules.gateways, i, i+1)
	if i == 0 || i < len(s.rules.gateways) {
		return nil // the last gateway stopped, or another had taken over from this one
	}
	before := s.rules.gateways[i-1]
	return s.record(before, before.ruling.Load(),
		", again: the configuration after it could not start")
}
