package gateway

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/watch"
)

// Watch says how changes of rule files are noticed.
type Watch struct {
	// Off leaves the files alone until a new gateway is made.
	Off bool
	// Settle is how long files must keep still before they are taken. Default: 250ms.
	Settle time.Duration
	// Poll is how often files are looked at on file systems that tell of no changes. Default: 10s.
	Poll time.Duration
}

func (w *Watch) complete() {
	if w.Settle == 0 {
		w.Settle = 250 * time.Millisecond
	}
	if w.Poll == 0 {
		w.Poll = 10 * time.Second
	}
}

// The sets of rules that are reloaded, and the results of a reload, as an [Observer] is told them.
const (
	setRules  = "rules"
	setShadow = "shadow"

	resultTaken      = "taken"
	resultRestored   = "restored"   // the files are again those in use
	resultBroken     = "broken"     // the old set stays
	resultUnrecorded = "unrecorded" // the log took no record of the change, so the old set stays
)

// loadRules loads the rules that the gateway starts with. Without them it does not start; without
// its shadow it does.
func (g *Gateway) loadRules(ctx context.Context) error {
	g.source = newSource(g.options.Rules, g, g.options.Watch.Settle)
	set, err := g.source.first(ctx)
	if err != nil {
		return err
	}
	first := g.newRuling(set, nil)
	if len(g.options.Shadow) > 0 {
		g.shadowSource = newSource(g.options.Shadow, g, g.options.Watch.Settle)
		set, err := g.shadowSource.first(ctx)
		if g.shadowSource.use(err); err != nil {
			g.report("the shadow", "none", err)
		} else {
			first.shadow = g.newShadow(set)
		}
	}
	g.ruling.Store(first)
	return nil
}

// watchRules looks at the rule files whenever they may have changed, until stopWatching is called.
func (g *Gateway) watchRules() {
	if g.options.Watch.Off {
		return
	}
	watcher := watch.Open(slices.Concat(g.options.Rules, g.options.Shadow), g.options.Watch.Poll)
	if err := watcher.Err(); err != nil {
		g.options.Logger.Warn("changes of rule files are noticed by polling only",
			slog.Any("error", err), slog.Duration("poll", g.options.Watch.Poll))
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.look(ctx) // at what changed since they were loaded
		for range watcher.Changes() {
			g.look(ctx)
		}
	}()
	g.watching = func() {
		cancel()
		watcher.Close()
		<-done
	}
}

func (g *Gateway) stopWatching() {
	if g.watching != nil {
		g.watching()
		g.watching = nil
	}
}

// look takes up what has changed in the files of the rules, and in those of the shadow.
func (g *Gateway) look(ctx context.Context) {
	if set, changed, err := g.source.look(ctx); changed {
		g.takeRules(set, err)
	}
	if g.shadowSource == nil {
		return
	}
	if set, changed, err := g.shadowSource.look(ctx); changed {
		g.takeShadow(set, err)
	}
}

// takeRules puts a set in force, unless there is an error: then the old set stays.
func (g *Gateway) takeRules(set *rules.Set, err error) {
	old := g.ruling.Load()
	result := resultTaken
	switch {
	case err != nil:
		result = resultBroken
	case set.Digest() == old.Digest():
		result = resultRestored
		g.options.Logger.Info("the rule files are again those in force",
			slog.String("digest", set.Digest()))
	default:
		if err = g.state.Load().enforce(g, g.newRuling(set, old)); err != nil {
			result = resultUnrecorded
			g.source.again()
		}
	}
	g.source.use(err)
	if err != nil {
		g.report("rules", old.Digest(), err)
	}
	var gone []string
	if result == resultTaken {
		gone = goneRoutes(old.Set, set)
	}
	g.options.Observer.Reloaded(setRules, result, gone)
}

// goneRoutes returns the routes of a set that the next set does not have.
func goneRoutes(old, next *rules.Set) []string {
	kept := map[string]bool{}
	for _, r := range next.Routes() {
		kept[r.Match] = true
	}
	var gone []string
	for _, r := range old.Routes() {
		if !kept[r.Match] {
			gone = append(gone, r.Match)
		}
	}
	return gone
}

// takeShadow puts a set beside the one in force, unless there is an error: then the old set stays.
func (g *Gateway) takeShadow(set *rules.Set, err error) {
	current := g.ruling.Load()
	staying := "none"
	if current.shadow != nil {
		staying = current.shadow.set.Digest()
	}
	result := resultTaken
	switch {
	case err != nil:
		result = resultBroken
	case set.Digest() == staying:
		result = resultRestored
	default:
		g.ruling.Store(current.withShadow(g.newShadow(set)))
		g.options.Logger.Info("shadow rules beside those in force",
			slog.String("digest", set.Digest()), slog.String("in_force", current.Digest()))
	}
	g.shadowSource.use(err)
	if err != nil {
		g.report("the shadow", staying, err)
	}
	g.options.Observer.Reloaded(setShadow, result, nil)
}

// report logs all that is wrong with rule files, and the digest of the set that stays in use.
func (g *Gateway) report(what, staying string, err error) {
	faults := rules.Faults(err)
	g.options.Logger.Error(what+" on disk cannot be taken; the old stay",
		slog.String("staying", staying), slog.Int("faults", len(faults)), slog.Any("fault", faults))
}
