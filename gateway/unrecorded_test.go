package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
)

// TestRulesUnrecorded: rules that cannot be put on record do not come into force, and the gateway
// is not well.
func TestRulesUnrecorded(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1", quick)
	before := w.inForce()
	if h, ok := w.gateway.Live(); !ok || h.Status != "alive" {
		t.Errorf("Live() = %+v, %v", h, ok)
	}
	segments, err := filepath.Glob(filepath.Join(keys.AuditDir(w.data()), "*.jsonl"))
	if err != nil || len(segments) != 1 || os.Remove(segments[0]) != nil {
		t.Fatalf("removing the log's segment: %v, %v", segments, err)
	}
	w.rules(testService, strings.Replace(testPolicy, "C2: mask}", "C2: clear}", 1))
	eventually(t, "the change was tried", func() bool {
		return w.observed.of("rules unrecorded") > 0
	})
	if got := w.inForce(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	if h, ok := w.gateway.Ready(); ok || h.Status != "log_unwritable" || h.Rules.Status != "stale" {
		t.Errorf("Ready() = %+v, %v", h, ok)
	}
	if h, ok := w.gateway.Live(); ok || h.Status != "log_unwritable" {
		t.Errorf("Live() = %+v, %v", h, ok)
	}
}

// failing is a log that takes nothing while a test wants it so.
type failing struct {
	Log
	fault atomic.Pointer[error] // nil: it takes all
}

func (f *failing) Append(ctx context.Context, r audit.Record) (int64, error) {
	if fault := f.fault.Load(); fault != nil {
		return 0, *fault
	}
	return f.Log.Append(ctx, r)
}

// TestRulesRecordedLater: rules that could not be put on record come into force once they can be,
// though no file changes again.
func TestRulesRecordedLater(t *testing.T) {
	t.Parallel()
	log := &failing{}
	w := start(t, "http://127.0.0.1:1", func(w *world) {
		w.options.Watch = Watch{Settle: time.Millisecond, Poll: 5 * time.Millisecond}
		w.logs = func(disk Log) Log {
			log.Log = disk
			return log
		}
	})
	before := w.inForce()
	log.fault.Store(&audit.ErrClosed)
	w.rules(testService, testPolicy+"# changed\n")
	eventually(t, "the change was tried", func() bool {
		s := w.gateway.source.stale.Load()
		return s != nil && errors.Is(s.fault, audit.ErrClosed)
	})
	if got := w.inForce(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	log.fault.Store(nil)
	eventually(t, "the change is in force", func() bool {
		return w.inForce() == digestOf(t, w) && w.gateway.source.stale.Load() == nil
	})
	changes := w.search(audit.Query{Event: audit.EventRules})
	last := changes[len(changes)-1]
	if last.RulesBefore != before || last.RulesDigest != digestOf(t, w) {
		t.Errorf("the last rules on record are %s behind %s, want %s behind %s",
			last.RulesDigest, last.RulesBefore, digestOf(t, w), before)
	}
}
