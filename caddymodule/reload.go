package caddymodule

import (
	"context"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/watch"
	"go.uber.org/zap"
)

// Watch says how changes of rule files are noticed.
type Watch struct {
	// Off leaves the files alone until the configuration is loaded again.
	Off bool `json:"off,omitempty"`
	// Settle is how long files must keep still before they are taken. Default: 250ms.
	Settle caddy.Duration `json:"settle,omitempty"`
	// Poll is how often files are looked at on file systems that tell of no changes. Default: 10s.
	Poll caddy.Duration `json:"poll,omitempty"`
}

func (w *Watch) complete() {
	if w.Settle == 0 {
		w.Settle = caddy.Duration(250 * time.Millisecond)
	}
	if w.Poll == 0 {
		w.Poll = caddy.Duration(10 * time.Second)
	}
}

// loadRules loads the rules that the configuration starts with. Without them it does not start; without its shadow it does.
func (a *App) loadRules() error {
	a.source = newSource(a.Rules, a, time.Duration(a.Watch.Settle))
	set, err := a.source.first(a.ctx)
	if err != nil {
		return err
	}
	first := a.newRuling(set, nil)
	if len(a.Shadow) > 0 {
		a.shadowSource = newSource(a.Shadow, a, time.Duration(a.Watch.Settle))
		set, err := a.shadowSource.first(a.ctx)
		if a.shadowSource.use(err); err != nil {
			a.report("the shadow", a.shadowSource, err)
		} else {
			first.shadow = a.newShadow(set)
		}
	}
	a.ruling.Store(first)
	return nil
}

// watchRules looks at the rule files whenever they may have changed, from now until stopWatching is called.
func (a *App) watchRules() {
	if a.Watch.Off {
		return
	}
	watcher := watch.Open(append(append([]string(nil), a.Rules...), a.Shadow...), time.Duration(a.Watch.Poll))
	if err := watcher.Err(); err != nil {
		a.logger.Warn("changes of rule files are noticed by polling only", zap.Error(err), zap.Duration("poll", time.Duration(a.Watch.Poll)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.look(ctx) // at what changed since they were loaded
		for range watcher.Changes() {
			a.look(ctx)
		}
	}()
	a.watching = func() {
		cancel()
		watcher.Close()
		<-done
	}
}

func (a *App) stopWatching() {
	if a.watching != nil {
		a.watching()
		a.watching = nil
	}
}

// look takes up what has changed of the rules and of the shadow, each by itself.
func (a *App) look(ctx context.Context) {
	if set, changed, err := a.source.look(ctx); changed {
		a.takeRules(set, err)
	}
	if a.shadowSource == nil {
		return
	}
	if set, changed, err := a.shadowSource.look(ctx); changed {
		a.takeShadow(set, err)
	}
}

// takeRules puts a set in force, unless there is an error: then the old one stays.
func (a *App) takeRules(set *rules.Set, err error) {
	old := a.ruling.Load()
	result := "taken"
	switch {
	case err != nil:
		result = "broken"
	case set.Digest() == old.Digest():
		result = "restored"
		a.logger.Info("the rule files are again those in force", zap.String("digest", set.Digest()))
	default:
		if err = a.shared.Load().enforce(a, a.newRuling(set, old)); err != nil {
			result = "unrecorded"
			a.source.again()
		}
	}
	a.source.use(err)
	a.metrics.reloads.WithLabelValues("rules", result).Inc()
	if err != nil {
		a.report("rules", a.source, err)
	}
	if result == "taken" {
		a.metrics.forget(old.Set, set)
	}
}

// takeShadow puts a set beside the one in force, unless there is an error: then the old one stays.
func (a *App) takeShadow(set *rules.Set, err error) {
	current := a.ruling.Load()
	result := "taken"
	switch {
	case err != nil:
		result = "broken"
	case current.shadow != nil && set.Digest() == current.shadow.set.Digest():
		result = "restored"
	default:
		a.ruling.Store(current.withShadow(a.newShadow(set)))
		a.logger.Info("shadow rules beside those in force", zap.String("digest", set.Digest()), zap.String("in_force", current.Digest()))
	}
	a.shadowSource.use(err)
	a.metrics.reloads.WithLabelValues("shadow", result).Inc()
	if err != nil {
		a.report("the shadow", a.shadowSource, err)
	}
}

// report logs all that is wrong with rule files.
func (a *App) report(what string, s *source, err error) {
	staying := "none"
	if r := a.ruling.Load(); r != nil && s == a.source {
		staying = r.Digest()
	} else if r != nil && r.shadow != nil {
		staying = r.shadow.set.Digest()
	}
	faults := rules.Faults(err)
	a.logger.Error(what+" on disk cannot be taken; the old stay", zap.String("staying", staying), zap.Int("faults", len(faults)), zap.Strings("fault", faults))
}
