package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
)

// mounted keeps the gateway's rules as Kubernetes mounts a ConfigMap.
type mounted struct {
	dir  string
	next int
}

// put swaps the files.
func (m *mounted) put(t testing.TB, files map[string]string) {
	t.Helper()
	m.next++
	old, _ := os.Readlink(filepath.Join(m.dir, "..data"))
	fresh := fmt.Sprintf("..%d", m.next)
	err := os.MkdirAll(filepath.Join(m.dir, fresh), 0o700)
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(m.dir, fresh, name), []byte(text), 0o600))
		if old == "" {
			err = errors.Join(err, os.Symlink("..data/"+name, filepath.Join(m.dir, name)))
		}
	}
	err = errors.Join(err,
		os.Symlink(fresh, filepath.Join(m.dir, "..tmp")),
		os.Rename(filepath.Join(m.dir, "..tmp"), filepath.Join(m.dir, "..data")))
	if old != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Join(m.dir, old)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// versioned is a set of rules that can be told from any other by what it releases: what becomes of
// the name is from one file, which of the numbered members passes from the other.
func versioned(i int) (files map[string]string, body string) {
	service := strings.Replace(testService, "$.agentId: public}",
		fmt.Sprintf("$.agentId: public, $.f%d: public}", i%10), 1)
	policy := strings.Replace(testPolicy, "C2: mask}", fmt.Sprintf("C2: constant(v%d)}", i), 1)
	return map[string]string{"service.yaml": service, "policy.yaml": policy},
		fmt.Sprintf(`{"id":"C1","name":"v%d","agentId":%q,"f%d":%[3]d}`, i, agent.ID, i%10)
}

func digestOfFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	var list []rules.File
	for name, text := range files {
		list = append(list, rules.File{Name: name, Data: []byte(text)})
	}
	set, err := rules.Load(list, noPseudonyms{})
	if err != nil {
		t.Fatal(err)
	}
	return set.Digest()
}

// broken are ways in which a set of rules is broken.
func broken(i int) map[string]string {
	files, _ := versioned(i)
	switch i % 4 {
	case 0:
		files["policy.yaml"] += "rolls: {}\n"
	case 1:
		service := files["service.yaml"]
		files["service.yaml"] = strings.ReplaceAll(service, "person_name", "person_nam")
	case 2:
		files["policy.yaml"] = files["policy.yaml"][:len(files["policy.yaml"])/2] + "\x00"
	case 3:
		files["service.yaml"] = ""
	}
	return files
}

// TestRulesReloadUnderLoad swaps the rule files under load, with a broken set in between now and
// then. Each response matches wholly the set that its record names; a broken set changes nothing;
// goroutines and memory are flat, so the test runs alone. MASKGATE_RELOADS says how often files are
// swapped; a tenth as many sets are broken. CI runs 1000.
func TestRulesReloadUnderLoad(t *testing.T) {
	reloads := 60
	if text := os.Getenv("MASKGATE_RELOADS"); text != "" {
		var err error
		if reloads, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"C1","name":"张三丰","pin":"1234","agentId":%q,`+
			`"f0":0,"f1":1,"f2":2,"f3":3,"f4":4,"f5":5,"f6":6,"f7":7,"f8":8,"f9":9}`, agent.ID)
	})
	m := &mounted{}
	files, _ := versioned(0)
	w := start(t, up, quick, func(w *world) {
		w.level = slog.LevelError
		m.dir = filepath.Join(w.dir, "rules")
		if err := os.RemoveAll(m.dir); err != nil {
			t.Fatal(err)
		}
		m.put(t, files)
	})
	goroutines := runtime.NumGoroutine()
	want := map[string]string{}
	const parallel = 8
	callers := w.askAllTheTime(t, parallel)
	var heap, brokenSets int
	var chain []string
	for i := range reloads + 1 {
		files, body := versioned(i)
		digest := digestOfFiles(t, files)
		want[digest] = body
		chain = append(chain, digest)
		m.put(t, files)
		eventually(t, "the set is in force", func() bool { return w.inForce() == digest })
		callers.await(t)
		if i%10 == 9 {
			brokenSets++
			m.put(t, broken(i/10))
			eventually(t, "the broken set was seen", func() bool {
				return w.gateway.source.stale.Load() != nil
			})
			callers.await(t)
			if got := w.inForce(); got != digest {
				t.Fatalf("a broken set changed the rules in force: %s, want %s", got, digest)
			}
		}
		if i == reloads/10 {
			heap = heapInUse()
		}
		if t.Failed() {
			break
		}
	}
	bodies := callers.end()
	total := len(bodies)
	met := map[string]int{}
	var before string
	var changes []string
	for _, r := range w.search(audit.Query{}) {
		switch r.Event {
		case audit.EventRules:
			if r.RulesBefore != before || len(r.RuleFiles) != 2 ||
				len(r.RuleFiles[0].SHA256) != 64 {
				t.Errorf("change %d: rules before %q, want %q; files %v",
					len(changes), r.RulesBefore, before, r.RuleFiles)
			}
			before = r.RulesDigest
			changes = append(changes, before)
		case audit.EventAccess:
			if body, ok := bodies[r.ID]; ok && body != want[r.RulesDigest] {
				t.Fatalf("under %s left %q, want %q", r.RulesDigest, body, want[r.RulesDigest])
			}
			met[r.RulesDigest]++
			delete(bodies, r.ID)
		}
	}
	if len(bodies) > 0 {
		t.Errorf("%d responses are not on record", len(bodies))
	}
	if fmt.Sprint(changes) != fmt.Sprint(chain) {
		t.Errorf("%d changes on record, want the %d that were made, in order",
			len(changes), len(chain))
	}
	w.log.reset()
	// What is left then are the goroutines of connections, which close.
	client.CloseIdleConnections()
	w.upstream.(*Service).Retire()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
	end := heapInUse()
	if end > heap+(4<<20) {
		t.Errorf("heap in use went from %d to %d KiB", heap>>10, end>>10)
	}
	t.Logf("%d reloads and %d broken sets under %d responses, of %d sets; "+
		"goroutines %d, then %d; heap %d KiB, then %d KiB",
		reloads, brokenSets, total, len(met), goroutines, runtime.NumGoroutine(), heap>>10, end>>10)
}

// heapInUse is how many bytes are alive.
func heapInUse() int {
	runtime.GC()
	runtime.GC() // what pools let go of at the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestRulesOnDisk follows the rule files of a directory through what operators do to them.
func TestRulesOnDisk(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	// Files are written in place, and one after the other.
	w := start(t, up, func(w *world) { w.options.Watch = Watch{Settle: 50 * time.Millisecond} })
	file := func(name string) string { return filepath.Join(w.dir, "rules", name) }
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	const more = "kind: service\nname: more\nowner: test\nroutes:\n" +
		"  - match: GET /v1/more\n    public: nothing personal\n"
	changed := func(old, with string) string { return strings.Replace(testPolicy, old, with, 1) }
	first, away := w.inForce(), filepath.Join(w.dir, "away")
	for _, step := range []struct {
		name   string
		change func()
		faults []string // what the log says; none: the set is taken
		at     string   // what Ready says
		body   string   // of an answer
	}{
		{"written in place", func() {
			write(file("policy.yaml"), changed("C2: mask}", "C2: redact}"))
		}, nil, "", `"name":"****"`},
		{"a file more", func() { write(file("more.yaml"), more) }, nil, "", `"name":"****"`},
		{"a name that is not for rules", func() {
			write(file("notes.txt"), "kind: nothing")
		}, nil, "", `"name":"****"`},
		{"two files are broken", func() {
			write(file("more.yaml"), more+"    publik: yes\n")
			write(file("policy.yaml"), changed("basis: contract", "basis: 13912345678"))
		}, []string{
			`policy.yaml:5:29: purpose customer-service: basis: want consent`,
			`more.yaml:7:5: route: unknown key \"publik\"`,
		}, "policy.yaml:5:29", `"name":"****"`},
		{"renamed over by an editor", func() {
			write(file("policy.tmp"), testPolicy)
			write(file("more.tmp"), more)
			rename(file("policy.tmp"), file("policy.yaml"))
			rename(file("more.tmp"), file("more.yaml"))
		}, nil, "", `"name":"张**"`},
		{"a file less", func() { _ = os.Remove(file("more.yaml")) }, nil, "", `"name":"张**"`},
		{"the directory is gone", func() {
			rename(file(""), away)
		}, []string{"reading rules: stat "}, "", `"name":"张**"`},
		{"the directory is empty", func() {
			_ = os.Mkdir(file(""), 0o700)
		}, []string{"reading rules: no .yaml or .yml file in "}, "", `"name":"张**"`},
		{"the directory is back", func() {
			_ = os.Remove(file(""))
			rename(away, file(""))
		}, nil, "", `"name":"张**"`},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := w.inForce()
			w.log.reset()
			step.change()
			if step.faults == nil {
				eventually(t, "the files on disk are in force", func() bool {
					files, err := rules.ReadFiles(file(""))
					if err != nil {
						return false
					}
					set, err := rules.Load(files, noPseudonyms{})
					return err == nil && w.inForce() == set.Digest() &&
						w.gateway.source.stale.Load() == nil
				})
			}
			for _, fault := range step.faults {
				eventually(t, "the log says "+fault, func() bool {
					return strings.Contains(w.log.String(), fault)
				})
			}
			h, ok := w.gateway.Ready()
			if step.faults == nil {
				if !ok || h.Rules.Status != "current" || h.Rules.Stale != nil ||
					h.Rules.Digest != w.inForce() {
					t.Errorf("Ready() = %+v, %v", h.Rules, ok)
				}
			} else {
				if !ok || h.Rules.Status != "stale" || h.Rules.Digest != before ||
					h.Rules.Stale.Faults != len(step.faults) ||
					!strings.Contains(fmt.Sprint(h.Rules.Stale.At), step.at) {
					t.Errorf("Ready() = %+v %+v, %v", h.Rules, h.Rules.Stale, ok)
				}
				text, err := json.Marshal(h)
				if err != nil || strings.Contains(string(text), "publik") ||
					strings.Contains(string(text), "1391234") {
					t.Errorf("Ready() quotes the rule files: %s, %v", text, err)
				}
			}
			set := w.gateway.Sets()["rules"]
			if stale := set.Stale != nil; stale != (step.faults != nil) ||
				set.Digest != h.Rules.Digest {
				t.Errorf("Sets() has %+v, want stale: %v", set, step.faults != nil)
			}
			got := w.get("/v1/people/C1")
			if got.status != 200 || !strings.Contains(string(got.body), step.body) {
				t.Errorf("%d %s, want %s", got.status, got.body, step.body)
			}
			record := w.records(got.header.Get(correlationHeader))[0]
			if record.RulesDigest != h.Rules.Digest {
				t.Errorf("on record under %s, want %s", record.RulesDigest, h.Rules.Digest)
			}
		})
	}
	if last := w.inForce(); last != first {
		t.Errorf("at the end %s is in force, want %s, as at the beginning", last, first)
	}
	// Two files that are written one after the other are two changes where that takes longer than
	// settle.
	broken, restored := w.observed.of("rules broken"), w.observed.of("rules restored")
	if broken < 3 || broken > 5 || restored < 1 || restored > 3 {
		t.Errorf("observed %d broken and %d restored, want 3 to 5 and 1 to 3", broken, restored)
	}
}

// TestWatchOff: the files are left alone until the configuration is loaded again.
func TestWatchOff(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1")
	if w.gateway.watching != nil {
		t.Error("the files are watched")
	}
	before := w.inForce()
	w.rules(testService, testPolicy+"# changed\n")
	if got := w.inForce(); got != before {
		t.Errorf("in force is %s before the reload, want %s", got, before)
	}
	if err := w.reload(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.inForce(), digestOf(t, w); got != want {
		t.Errorf("in force is %s, want %s", got, want)
	}
}

// newer starts another gateway with the world's state, as a configuration does that takes over.
func (w *world) newer(t *testing.T, change func(*Options)) *Gateway {
	t.Helper()
	options := w.options
	change(&options)
	g, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Start(w.state); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestFailedConfigurationOnRecord: where a configuration with other rules could not start, the log
// says whose are in force.
func TestFailedConfigurationOnRecord(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1")
	before := w.inForce()
	for i := range 10 {
		w.rules(testService, fmt.Sprintf("%s# changed %d\n", testPolicy, i))
		failed := w.newer(t, func(*Options) {})
		changed := failed.ruling.Load().Digest()
		if err := failed.Stop(); err != nil { // another part of the configuration could not start
			t.Fatal(err)
		}
		list := w.search(audit.Query{Event: audit.EventRules})
		if len(list) != 3+2*i || list[len(list)-2].RulesDigest != changed {
			t.Fatalf("%d changes on record, want %d, the last but one to %s",
				len(list), 3+2*i, changed)
		}
		last := list[len(list)-1]
		if last.RulesDigest != before || last.RulesBefore != changed {
			t.Errorf("the last rules on record are %s behind %s; "+
				"want %s, which are in force, behind %s",
				last.RulesDigest, last.RulesBefore, before, changed)
		}
	}
}

// TestOlderConfiguration: one that a newer has taken over from changes nothing any more; if that
// one goes, it goes on.
func TestOlderConfiguration(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1", func(w *world) {
		w.options.Watch = Watch{Settle: time.Millisecond, Poll: 5 * time.Millisecond}
	})
	before := w.inForce()
	newer := w.newer(t, func(o *Options) { o.Watch = Watch{Off: true} })
	w.rules(testService, testPolicy+"# changed\n")
	eventually(t, "the change was tried", func() bool {
		s := w.gateway.source.stale.Load()
		return s != nil && errors.Is(s.fault, errSucceeded)
	})
	if got := w.inForce(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	if err := newer.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change is in force", func() bool {
		return w.inForce() == digestOf(t, w) && w.gateway.source.stale.Load() == nil
	})
}
