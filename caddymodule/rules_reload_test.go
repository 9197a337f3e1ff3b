package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/rules"
)

// quick is what tests of watching say of it.
const quick = "watch {\n settle 1ms\n}\n"

// running is the app of the gateway that runs.
func running(t testing.TB) *App {
	t.Helper()
	a, err := caddy.ActiveContext().App("maskgate")
	if err != nil {
		t.Fatal(err)
	}
	return a.(*App)
}

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
	err = errors.Join(err, os.Symlink(fresh, filepath.Join(m.dir, "..tmp")), os.Rename(filepath.Join(m.dir, "..tmp"), filepath.Join(m.dir, "..data")))
	if old != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Join(m.dir, old)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// version is a set of rules that can be told from any other by what it releases: what becomes of the name is from one file,
// which of the numbered members passes from the other.
func versioned(i int) (files map[string]string, body string) {
	service := strings.Replace(testService, "$.agentId: public}", fmt.Sprintf("$.agentId: public, $.f%d: public}", i%10), 1)
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
		files["service.yaml"] = strings.ReplaceAll(files["service.yaml"], "person_name", "person_nam")
	case 2:
		files["policy.yaml"] = files["policy.yaml"][:len(files["policy.yaml"])/2] + "\x00"
	case 3:
		files["service.yaml"] = ""
	}
	return files
}

// TestRulesReloadUnderLoad swaps the rule files under load, with a broken set in between now and then. Each response matches
// wholly the set that its record names; a broken set changes nothing; goroutines and memory are flat. MASKGATE_RELOADS says how
// often files are swapped; a tenth as many sets are broken. CI runs 1000.
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
		fmt.Fprintf(w, `{"id":"C1","name":"张三丰","pin":"1234","agentId":%q,"f0":0,"f1":1,"f2":2,"f3":3,"f4":4,"f5":5,"f6":6,"f7":7,"f8":8,"f9":9}`, agent.ID)
	})
	m := &mounted{}
	files, _ := versioned(0)
	g := start(t, "maskgate "+up, func(g *gateway) {
		g.level, g.options = "ERROR", quick
		m.dir = filepath.Join(g.dir, "rules")
		if err := os.RemoveAll(m.dir); err != nil {
			t.Fatal(err)
		}
		m.put(t, files)
	})
	a := running(t)
	goroutines := runtime.NumGoroutine()
	want := map[string]string{}
	const parallel = 8
	callers := g.askAllTheTime(t, parallel)
	var heap, brokenSets int
	var chain []string
	for i := range reloads + 1 {
		files, body := versioned(i)
		digest := digestOfFiles(t, files)
		want[digest] = body
		chain = append(chain, digest)
		m.put(t, files)
		eventually(t, "the set is in force", func() bool { return a.ruling.Load().Digest() == digest })
		<-callers.answered
		if i%10 == 9 {
			brokenSets++
			m.put(t, broken(i/10))
			eventually(t, "the broken set was seen", func() bool { return a.source.stale.Load() != nil })
			<-callers.answered
			if got := a.ruling.Load().Digest(); got != digest {
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
	access, err := command.OpenAccessLog(g.data())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range access.Search(audit.Query{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		r := e.Record
		switch r.Event {
		case audit.EventRules:
			if r.RulesBefore != before || len(r.RuleFiles) != 2 || len(r.RuleFiles[0].SHA256) != 64 {
				t.Errorf("record %d: rules before %q, want %q; files %v", e.Seq, r.RulesBefore, before, r.RuleFiles)
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
		t.Errorf("%d changes on record, want the %d that were made, in order", len(changes), len(chain))
	}
	captured.reset()
	// A connection to the upstream that is kept has two goroutines here, and one in the upstream; a client may have two, since one is
	// dialled while another becomes idle. A goroutine that each reload left would be more.
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+min(6*parallel, reloads)-1 })
	end := heapInUse()
	if end > heap+(4<<20) {
		t.Errorf("heap in use went from %d to %d KiB", heap>>10, end>>10)
	}
	t.Logf("%d reloads and %d broken sets under %d responses, of %d sets; goroutines %d, then %d; heap %d KiB, then %d KiB",
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

// readiness is what /ready says.
func (g *gateway) readiness() (int, health) {
	g.t.Helper()
	status, body := g.status("/ready")
	var h health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		g.t.Fatalf("/ready: %v: %s", err, body)
	}
	return status, h
}

// TestRulesOnDisk follows the rule files of a directory through what operators do to them.
func TestRulesOnDisk(t *testing.T) {
	g := start(t, "maskgate "+upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	}), func(g *gateway) { g.options = "watch {\n settle 50ms\n}\n" }) // files are written in place, and one after the other
	a := running(t)
	file := func(name string) string { return filepath.Join(g.dir, "rules", name) }
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const more = "kind: service\nname: more\nowner: test\nroutes:\n  - match: GET /v1/more\n    public: nothing personal\n"
	first := a.ruling.Load().Digest()
	for _, step := range []struct {
		name   string
		change func()
		faults []string // what the log says; none: the set is taken
		at     string   // what /ready says
		body   string   // of an answer
	}{
		{"written in place", func() { write(file("policy.yaml"), strings.Replace(testPolicy, "C2: mask}", "C2: redact}", 1)) },
			nil, "", `"name":"****"`},
		{"a file more", func() { write(file("more.yaml"), more) }, nil, "", `"name":"****"`},
		{"a name that is not for rules", func() { write(file("notes.txt"), "kind: nothing") }, nil, "", `"name":"****"`},
		{"two files are broken", func() {
			write(file("more.yaml"), more+"    publik: yes\n")
			write(file("policy.yaml"), strings.Replace(testPolicy, "basis: contract", "basis: 13912345678", 1))
		}, []string{`policy.yaml:5:29: purpose customer-service: basis: want consent`, `more.yaml:7:5: route: unknown key \"publik\"`}, "policy.yaml:5:29", `"name":"****"`},
		{"renamed over by an editor", func() {
			write(file("policy.tmp"), testPolicy)
			write(file("more.tmp"), more)
			if err := errors.Join(os.Rename(file("policy.tmp"), file("policy.yaml")), os.Rename(file("more.tmp"), file("more.yaml"))); err != nil {
				t.Fatal(err)
			}
		}, nil, "", `"name":"张**"`},
		{"a file less", func() { _ = os.Remove(file("more.yaml")) }, nil, "", `"name":"张**"`},
		{"the directory is gone", func() { _ = os.Rename(file(""), filepath.Join(g.dir, "away")) }, []string{"reading rules: stat "}, "", `"name":"张**"`},
		{"the directory is empty", func() { _ = os.Mkdir(file(""), 0o700) }, []string{"reading rules: no .yaml or .yml file in "}, "", `"name":"张**"`},
		{"the directory is back", func() { _ = errors.Join(os.Remove(file("")), os.Rename(filepath.Join(g.dir, "away"), file(""))) },
			nil, "", `"name":"张**"`},
	} {
		t.Run(step.name, func(t *testing.T) {
			g.t = t
			before := a.ruling.Load().Digest()
			captured.reset()
			step.change()
			if step.faults == nil {
				eventually(t, "the files on disk are in force", func() bool {
					files, err := rules.ReadFiles(file(""))
					if err != nil {
						return false
					}
					set, err := rules.Load(files, noPseudonyms{})
					return err == nil && a.ruling.Load().Digest() == set.Digest() && a.source.stale.Load() == nil
				})
			}
			for _, fault := range step.faults {
				eventually(t, "the log says "+fault, func() bool { return strings.Contains(captured.String(), fault) })
			}
			status, h := g.readiness()
			if step.faults == nil {
				if status != 200 || h.Rules.Status != "current" || h.Rules.Stale != nil || h.Rules.Digest != a.ruling.Load().Digest() {
					t.Errorf("/ready: %d %+v", status, h.Rules)
				}
			} else {
				if status != 200 || h.Rules.Status != "stale" || h.Rules.Digest != before || h.Rules.Stale.Faults != len(step.faults) || !strings.Contains(fmt.Sprint(h.Rules.Stale.At), step.at) {
					t.Errorf("/ready: %d %+v %+v", status, h.Rules, h.Rules.Stale)
				}
				if _, text := g.status("/ready"); strings.Contains(text, "publik") || strings.Contains(text, "1391234") {
					t.Errorf("/ready quotes the rule files: %s", text)
				}
			}
			want := fmt.Sprintf(`maskgate_rules_stale{set="rules"} %d`, min(1, len(step.faults)))
			if text := g.scrape(); !strings.Contains(text, want) || !strings.Contains(text, `maskgate_rules_info{digest="`+h.Rules.Digest+`",set="rules"} 1`) {
				t.Errorf("no %s in the metrics, or not the digest", want)
			}
			got := g.get("/v1/people/C1")
			if got.status != 200 || !strings.Contains(string(got.body), step.body) {
				t.Errorf("%d %s, want %s", got.status, got.body, step.body)
			}
			if r := g.records(got.header.Get(correlationHeader)); r[0].RulesDigest != h.Rules.Digest {
				t.Errorf("on record under %s, want %s", r[0].RulesDigest, h.Rules.Digest)
			}
		})
	}
	g.t = t
	if last := a.ruling.Load().Digest(); last != first {
		t.Errorf("at the end %s is in force, want %s, as at the beginning", last, first)
	}
	// Two files that are written one after the other are two changes where that takes longer than settle.
	counts := regexp.MustCompile(`maskgate_rules_reloads_total\{result="broken",set="rules"\} ([3-5])\n(?s:.*)\{result="restored",set="rules"\} [1-3]\n`)
	if text := g.scrape(); !counts.MatchString(text) {
		t.Errorf("metrics: no %s", counts)
	}
}

// TestWatchOff: the files are left alone until the configuration is loaded again.
func TestWatchOff(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1", func(g *gateway) { g.options = "watch off\n" })
	if running(t).watching != nil {
		t.Error("the files are watched")
	}
	g.rules(testService, testPolicy+"# changed\n")
	g.load()
	if got, want := running(t).ruling.Load().Digest(), digestOf(t, g); got != want {
		t.Errorf("in force is %s, want %s", got, want)
	}
}

// TestFailedConfigurationOnRecord: where a configuration with other rules could not start, the log says whose are in force.
func TestFailedConfigurationOnRecord(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	g := start(t, "maskgate http://127.0.0.1:1", func(g *gateway) { g.options = "watch off\n" })
	before := running(t).ruling.Load().Digest()
	metrics := g.metrics
	g.metrics = occupied.Addr().String()
	taken := 0
	for i := range 10 { // apps start in random order: ours before the one that cannot, or not at all
		g.rules(testService, fmt.Sprintf("%s# changed %d\n", testPolicy, i))
		if err := g.reload(); err == nil {
			t.Fatal("it started")
		}
		access, err := command.OpenAccessLog(g.data())
		if err != nil {
			t.Fatal(err)
		}
		var last audit.Record
		n := 0
		for e, err := range access.Search(audit.Query{Event: audit.EventRules}, "") {
			if err != nil {
				t.Fatal(err)
			}
			last, n = e.Record, n+1
		}
		if last.RulesDigest != before {
			t.Errorf("the last rules on record are %s, want %s, which are in force", last.RulesDigest, before)
		}
		taken = n
	}
	t.Logf("%d changes on record", taken)
	g.metrics = metrics
}

// TestOlderConfiguration: one that a newer has taken over from changes nothing any more; if that one goes, it goes on.
func TestOlderConfiguration(t *testing.T) {
	g := start(t, "maskgate http://127.0.0.1:1", func(g *gateway) { g.options = "watch {\n settle 1ms\n poll 5ms\n}\n" })
	a := running(t)
	in := &a.shared.Load().rules
	newer := func(apps ...*App) {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.apps = apps
	}
	before := a.ruling.Load().Digest()
	newer(a, &App{})
	g.rules(testService, testPolicy+"# changed\n")
	eventually(t, "the change was tried", func() bool { s := a.source.stale.Load(); return s != nil && errors.Is(s.fault, errSucceeded) })
	if got := a.ruling.Load().Digest(); got != before {
		t.Errorf("in force is %s, want %s", got, before)
	}
	newer(a)
	eventually(t, "the change is in force", func() bool { return a.ruling.Load().Digest() == digestOf(t, g) && a.source.stale.Load() == nil })
}
