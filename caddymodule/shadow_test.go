package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// shadowReport is what /shadow says.
type shadowReport struct {
	Digest, InForce                  string
	Same, Different, Skipped, Failed int64
	Differences                      []counted
}

func (g *gateway) shadowReport() (r shadowReport) {
	g.t.Helper()
	status, body := g.status("/shadow")
	if err := json.Unmarshal([]byte(body), &r); status != 200 || err != nil {
		g.t.Fatalf("/shadow: %d %v: %s", status, err, body)
	}
	return r
}

// shadowed writes the rules of the shadow.
func (g *gateway) shadowed(service, policy string) {
	g.t.Helper()
	dir := filepath.Join(g.dir, "shadow")
	err := os.MkdirAll(dir, 0o700)
	for name, text := range map[string]string{"service.yaml": service, "policy.yaml": policy} {
		temp := filepath.Join(dir, name+".tmp")
		err = errors.Join(err, os.WriteFile(temp, []byte(text), 0o600), os.Rename(temp, filepath.Join(dir, name)))
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) withShadow(service, policy string) {
	g.options = quick + "shadow " + filepath.Join(g.dir, "shadow") + "\n"
	g.shadowed(service, policy)
}

// people is an upstream: one person, a list of two of whom one is another agent's, and lines.
func people(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	other := strings.Replace(person("C2", "李四"), agent.ID, "agent-99", 1)
	switch r.URL.Path {
	case "/v1/people":
		fmt.Fprintf(w, `{"items":[%s,%s]}`, person("C1", "张三丰"), other)
	case "/v1/people/other":
		fmt.Fprint(w, other)
	case "/v1/public":
		fmt.Fprint(w, `["CN"]`)
	case "/v1/people/down":
		w.WriteHeader(500)
	default:
		fmt.Fprint(w, person("C1", "张三丰"))
	}
}

func TestShadow(t *testing.T) {
	change := func(text string, pairs ...string) string {
		changed := strings.NewReplacer(pairs...).Replace(text)
		if changed == text {
			t.Fatalf("%q is not there", pairs[0])
		}
		return changed
	}
	const one, list = "GET /v1/people/{id}", "GET /v1/people"
	role := func(route, field, inForce, shadow string) difference {
		return difference{route, "customer-service", "customer-service", field, inForce, shadow}
	}
	for name, tt := range map[string]struct {
		service, policy string // of the shadow
		method, path    string
		edits           []func(*http.Request)
		status          int
		want            []difference
	}{
		"the same":    {testService, testPolicy + "# a comment", "GET", "/v1/people/C1", nil, 200, nil},
		"more masked": {testService, change(testPolicy, "C2: mask}", "C2: redact}"), "GET", "/v1/people/C1", nil, 200, []difference{role(one, "$.name", "person_name", "redact")}},
		"more open":   {testService, change(testPolicy, "C2: mask}", "C2: clear}"), "GET", "/v1/people/C1", nil, 200, []difference{role(one, "$.name", "person_name", "clear")}},
		"another type": {change(testService, "$.name: person_name, $.pin: pin, $.agentId", "$.name: public, $.pin: pin, $.agentId"), testPolicy, "GET", "/v1/people/C1", nil, 200,
			[]difference{role(one, "$.name", "person_name", "clear")}},
		"a field more": {change(testService, "$.pin: pin, $.agentId: public", "$.pin: pin, $.agentId: public, $.other: public"), testPolicy, "GET", "/v1/people/C1", nil, 200,
			[]difference{role(one, "$.other", "none", "clear"), role(one, "unlisted", "removed", "none")}},
		"a record more": {testService, change(testPolicy, "when: record.agentId == caller.id", ""), "GET", "/v1/people", nil, 200, []difference{
			role(list, "$.items[*]", "denied", "shown"), role(list, "$.items[*] $.agentId", "none", "clear")}},
		"a record less": {testService, change(testPolicy, "record.agentId == caller.id", "record.agentId == 'nobody'"), "GET", "/v1/people", nil, 200, []difference{
			role(list, "$.items[*]", "shown", "denied")}},
		"refused in shadow": {testService, change(testPolicy, "record.agentId == caller.id", "record.agentId == 'nobody'"), "GET", "/v1/people/C1", nil, 200, []difference{
			role(one, "decision", "released", "refused: condition_not_met")}},
		"released in shadow": {testService, change(testPolicy, "when: record.agentId == caller.id", ""), "GET", "/v1/people/other", nil, 403, []difference{
			role(one, "decision", "refused: condition_not_met", "released")}},
		"no role in shadow": {testService, change(testPolicy, "  customer-service:\n    purposes", "  clerk:\n    purposes"), "GET", "/v1/people/C1", nil, 200, []difference{
			role(one, "decision", "released", "refused: no_role")}},
		"a role in shadow only": {testService, change(testPolicy, "require: {amr: [mfa]}", ""), "GET", "/v1/people/C1", []func(*http.Request){header("Maskgate-Purpose", "loan-review"), officer(t)}, 403, []difference{
			{one, "credit-officer", "loan-review", "decision", "refused: assurance_too_low", "admitted"}}},
		"a route in shadow only": {change(testService, "/v1/public", "/v1/countries"), testPolicy, "GET", "/v1/countries", nil, 404, []difference{
			{"GET /v1/countries", "none", "none", "decision", "refused: no_route", "admitted"}}},
		"no route in shadow": {change(testService, "/v1/public", "/v1/countries"), testPolicy, "GET", "/v1/public", nil, 200, []difference{
			{"GET /v1/public", "none", "none", "decision", "released unread", "refused: no_route"}}},
		"public no more": {change(testService, "public: a list of countries", "fields: {\"$[*]\": public}", "[application/json, text/plain]", "[application/json]"), testPolicy, "GET", "/v1/public", nil, 200, []difference{
			role("GET /v1/public", "decision", "released unread", "refused: condition_not_met")}},
		"a query less":                  {change(testService, "query: [page, q]", "query: [page]"), testPolicy, "GET", "/v1/people?q=1", nil, 200, []difference{role(list, "decision", "released", "refused: query_not_allowed")}},
		"a purpose unknown to both":     {testService, testPolicy, "GET", "/v1/people/C1", []func(*http.Request){header("Maskgate-Purpose", "张三")}, 403, nil},
		"the upstream's fault":          {testService, change(testPolicy, "C2: mask}", "C2: redact}"), "GET", "/v1/people/down", nil, 502, nil},
		"the upstream's fault, no role": {testService, change(testPolicy, "  customer-service:\n    purposes", "  clerk:\n    purposes"), "GET", "/v1/people/down", nil, 502, []difference{role(one, "decision", "admitted", "refused: no_role")}},
	} {
		t.Run(name, func(t *testing.T) {
			plain := start(t, "maskgate "+upstreamOf(t, people))
			want := plain.do(plain.request(tt.method, tt.path, tt.edits...))
			g := start(t, "maskgate "+upstreamOf(t, people), func(g *gateway) { g.withShadow(tt.service, tt.policy) })
			got := g.do(g.request(tt.method, tt.path, tt.edits...))
			if got.status != tt.status || got.status == 200 && string(got.body) != string(want.body) {
				t.Errorf("%d %s, want %d %s", got.status, got.body, tt.status, want.body)
			}
			eventually(t, "the shadow has decided", func() bool {
				s := running(t).ruling.Load().shadow
				return s.same.Load()+s.differing.Load()+s.failed.Load() == 1
			})
			r := g.shadowReport()
			var found []difference
			for _, d := range r.Differences {
				found = append(found, d.difference)
			}
			// Fields of a record that one of the two denies are differences too; two of them are enough to see.
			if len(tt.want) > 0 && strings.HasPrefix(tt.want[0].Field, "$.items") && len(found) > len(tt.want) {
				found = found[:len(tt.want)]
			}
			if diff := cmp.Diff(tt.want, found); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			text := g.scrape()
			for _, d := range tt.want {
				want := fmt.Sprintf(`maskgate_shadow_differences_total{field=%q,in_force=%q,purpose=%q,role=%q,route=%q,shadow=%q} 1`, d.Field, d.InForce, d.Purpose, d.Role, d.Route, d.Shadow)
				if !strings.Contains(text, want) {
					t.Errorf("no %s in the metrics", want)
				}
				if !strings.Contains(captured.String(), fmt.Sprintf(`"field":%q,"in_force":%q,"shadow":%q`, d.Field, d.InForce, d.Shadow)) {
					t.Errorf("%v is not in the log", d)
				}
			}
			if all := text + captured.String() + fmt.Sprint(r); strings.Contains(all, "张三") || strings.Contains(all, "李四") || strings.Contains(all, "C2,") {
				t.Errorf("values in metrics, log or /shadow")
			}
		})
	}
}

func officer(t *testing.T) func(*http.Request) {
	return func(r *http.Request) {
		who := agent
		who.Roles, who.Purposes = []string{"credit-officer"}, []string{"loan-review"}
		r.Header.Set("Authorization", "Bearer "+token(t, who))
	}
}

// TestShadowFails: whatever goes wrong in a shadow, answers are as they would be without.
func TestShadowFails(t *testing.T) {
	g := start(t, "maskgate "+upstreamOf(t, people), func(g *gateway) { g.withShadow(testService, testPolicy) })
	a := running(t)
	want := g.get("/v1/people/C1")
	s := a.newShadow(nil) // it panics at the first request
	a.ruling.Store(a.ruling.Load().withShadow(s))
	if got := g.get("/v1/people/C1"); got.status != 200 || string(got.body) != string(want.body) {
		t.Errorf("%d %s, want %s", got.status, got.body, want.body)
	}
	eventually(t, "the panic is counted", func() bool { return s.failed.Load() == 1 })
	if !strings.Contains(captured.String(), "panic in the shadow") {
		t.Error("the panic is not in the log")
	}
	// Too many at once are skipped, and the answers go out all the same.
	s = a.newShadow(a.ruling.Load().Set)
	a.ruling.Store(a.ruling.Load().withShadow(s))
	eventually(t, "no job is under way", func() bool { return a.shadowJobs.running.Load() == 0 })
	a.shadowJobs.running.Store(maxShadowJobs)
	if got := g.get("/v1/people/C1"); got.status != 200 || string(got.body) != string(want.body) {
		t.Errorf("%d %s, want %s", got.status, got.body, want.body)
	}
	eventually(t, "the request is skipped", func() bool { return s.skipped.Load() == 1 })
	a.shadowJobs.running.Store(0)
}

// TestShadowJobs: they are bounded in number and in the bytes that they keep.
func TestShadowJobs(t *testing.T) {
	var jobs shadowJobs
	hold := make(chan struct{})
	wait := func() { <-hold }
	for range maxShadowJobs {
		if !jobs.start(1, wait) {
			t.Fatal("too many at once, before the limit")
		}
	}
	if jobs.start(1, wait) {
		t.Error("one more than the limit was started")
	}
	close(hold)
	eventually(t, "they end", func() bool { return jobs.running.Load() == 0 && jobs.bytes.Load() == 0 })
	hold = make(chan struct{})
	if !jobs.start(maxShadowBytes, wait) || jobs.start(1, wait) {
		t.Error("bytes are not bounded as they should be")
	}
	close(hold)
}

// TestShadowFiles: a shadow that is broken keeps nobody from starting, and one that becomes so leaves the old one; rules and shadow change
// by themselves.
func TestShadowFiles(t *testing.T) {
	g := start(t, "maskgate "+upstreamOf(t, people), func(g *gateway) { g.withShadow(testService, "kind: policy\n") })
	a := running(t)
	if status, h := g.readiness(); status != 200 || h.Rules.Status != "current" || h.Shadow.Status != "missing" || h.Shadow.Stale == nil {
		t.Errorf("/ready: %d %+v %+v", status, h.Rules, h.Shadow)
	}
	if status, _ := g.status("/shadow"); status != 404 {
		t.Errorf("/shadow: %d, want 404", status)
	}
	if !strings.Contains(captured.String(), "the shadow on disk cannot be taken") {
		t.Error("the log does not say so")
	}
	in := a.ruling.Load().Digest()
	g.shadowed(testService, testPolicy+"# 1\n")
	eventually(t, "the shadow is there", func() bool { return a.ruling.Load().shadow != nil })
	first := a.ruling.Load().shadow.set.Digest()
	if got := a.ruling.Load().Digest(); got != in || first == in {
		t.Errorf("in force is %s beside %s, want %s", got, first, in)
	}
	g.shadowed(testService, "kind: policy\n")
	eventually(t, "the shadow is broken", func() bool { return a.shadowSource.stale.Load() != nil })
	if _, h := g.readiness(); h.Shadow.Status != "stale" || h.Shadow.Digest != first {
		t.Errorf("/ready: %+v", h.Shadow)
	}
	g.get("/v1/people/C1")
	eventually(t, "the shadow has decided", func() bool { return a.ruling.Load().shadow.same.Load() == 1 })
	g.rules(testService, testPolicy+"# 2\n")
	eventually(t, "the rules are in force", func() bool { return a.ruling.Load().Digest() == digestOf(t, g) })
	if s := a.ruling.Load().shadow; s.set.Digest() != first || s.same.Load() != 0 {
		t.Errorf("beside the new rules is %s with %d requests, want %s with none: they were compared with others", s.set.Digest(), s.same.Load(), first)
	}
	n := 0
	for range g.records("") {
		n++
	}
	if n != 1 {
		t.Errorf("%d access records, want 1: the shadow leaves none", n)
	}
}

// TestShadowTable: the differences that are told apart are bounded.
func TestShadowTable(t *testing.T) {
	s := (&App{logger: zap.NewNop()}).newShadow(nil)
	for i := range maxDifferences + 10 {
		s.count([]difference{{Field: fmt.Sprint(i)}})
	}
	s.count([]difference{{Field: "0"}})
	list, more := s.list()
	if len(list) != maxDifferences || more != 10 || list[0].Field != "0" || list[0].Requests != 2 {
		t.Errorf("%d differences, %d more, first %+v", len(list), more, list[0])
	}
}

// TestShadowOfStream: of an answer that streams only the admission is compared.
func TestShadowOfStream(t *testing.T) {
	record := person("C1", strings.Repeat("张", 20))
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for range 100 {
			fmt.Fprintln(w, record)
		}
	})
	g := start(t, "maskgate "+up+" {\n stream\n max_response 1KiB\n}", func(g *gateway) {
		g.withShadow(testService, strings.Replace(testPolicy, "C2: mask}", "C2: redact}", 1))
	})
	if got := g.get("/v1/lines"); got.status != 200 || strings.Count(string(got.body), "张**") != 100 {
		t.Errorf("%d %.300s", got.status, got.body)
	}
	s := running(t).ruling.Load().shadow
	eventually(t, "the stream is counted as skipped", func() bool { return s.skipped.Load() == 1 })
}
