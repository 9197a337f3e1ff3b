package caddymodule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/keys"
)

// TestRulesUnrecorded: rules that cannot be put on record do not come into force, and the gateway is not well.
func TestRulesUnrecorded(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1", func(g *gateway) { g.options = quick })
	a := running(t)
	before := a.ruling.Load().Digest()
	if status, body := g.status("/live"); status != 200 || !strings.Contains(body, `"alive"`) {
		t.Errorf("/live: %d %s", status, body)
	}
	segments, err := filepath.Glob(filepath.Join(keys.AuditDir(g.data()), "*.jsonl"))
	if err != nil || len(segments) != 1 || os.Remove(segments[0]) != nil {
		t.Fatalf("removing the log's segment: %v, %v", segments, err)
	}
	g.rules(testService, strings.Replace(testPolicy, "C2: mask}", "C2: clear}", 1))
	eventually(t, "the change was tried", func() bool {
		return strings.Contains(g.scrape(), `maskgate_rules_reloads_total{result="unrecorded",set="rules"}`)
	})
	if got := a.ruling.Load().Digest(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	if status, h := g.readiness(); status != 503 || h.Status != "log_unwritable" || h.Rules.Status != "stale" {
		t.Errorf("/ready: %d %+v", status, h)
	}
	if status, body := g.status("/live"); status != 503 || !strings.Contains(body, `"log_unwritable"`) {
		t.Errorf("/live: %d %s", status, body)
	}
}

// TestRulesRecordedLater: rules that could not be put on record come into force once they can be, though no file changes again.
func TestRulesRecordedLater(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1", func(g *gateway) { g.options = "watch {\n settle 1ms\n poll 5ms\n}\n" })
	a := running(t)
	s := a.shared.Load()
	elsewhere, err := openShared(t.TempDir(), "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.Destruct(); err != nil { // its log takes nothing more
		t.Fatal(err)
	}
	use := func(log *audit.Log) (was *audit.Log) {
		s.rules.mu.Lock() // under which rules are recorded; no request is
		defer s.rules.mu.Unlock()
		was, s.log = s.log, log
		return was
	}
	before := a.ruling.Load().Digest()
	log := use(elsewhere.log)
	g.rules(testService, testPolicy+"# changed\n")
	eventually(t, "the change was tried", func() bool { s := a.source.stale.Load(); return s != nil && errors.Is(s.fault, audit.ErrClosed) })
	if got := a.ruling.Load().Digest(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	use(log)
	eventually(t, "the change is in force", func() bool { return a.ruling.Load().Digest() == digestOf(t, g) && a.source.stale.Load() == nil })
	access, err := command.OpenAccessLog(g.data())
	if err != nil {
		t.Fatal(err)
	}
	var last audit.Record
	for e, err := range access.Search(audit.Query{Event: audit.EventRules}, "") {
		if err != nil {
			t.Fatal(err)
		}
		last = e.Record
	}
	if last.RulesBefore != before || last.RulesDigest != digestOf(t, g) {
		t.Errorf("the last rules on record are %s behind %s, want %s behind %s", last.RulesDigest, last.RulesBefore, digestOf(t, g), before)
	}
}
