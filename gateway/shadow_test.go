package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shadowed writes the rules of the shadow.
func (w *world) shadowed(service, policy string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "shadow")
	err := os.MkdirAll(dir, 0o700)
	for name, text := range map[string]string{"service.yaml": service, "policy.yaml": policy} {
		temp := filepath.Join(dir, name+".tmp")
		err = errors.Join(err,
			os.WriteFile(temp, []byte(text), 0o600),
			os.Rename(temp, filepath.Join(dir, name)))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// withShadow has these rules beside those in force.
func withShadow(service, policy string) func(*world) {
	return func(w *world) {
		quick(w)
		w.options.Shadow = []string{filepath.Join(w.dir, "shadow")}
		w.shadowed(service, policy)
	}
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
	t.Parallel()
	change := func(text string, pairs ...string) string {
		changed := strings.NewReplacer(pairs...).Replace(text)
		if changed == text {
			t.Fatalf("%q is not there", pairs[0])
		}
		return changed
	}
	const one, list = "GET /v1/people/{id}", "GET /v1/people"
	role := func(route, field, inForce, shadow string) Difference {
		return Difference{route, "customer-service", "customer-service", field, inForce, shadow}
	}
	const (
		condition = "when: record.agentId == caller.id"
		names     = "$.name: person_name, $.pin: pin, $.agentId: public"
		clerk     = "  clerk:\n    purposes"
		service   = "  customer-service:\n    purposes"
	)
	redacting := change(testPolicy, "C2: mask}", "C2: redact}")
	forNobody := change(testPolicy, condition, "when: record.agentId == 'nobody'")
	forAll := change(testPolicy, condition, "")
	withoutRole := change(testPolicy, service, clerk)
	renamed := change(testService, "/v1/public", "/v1/countries")
	for name, tt := range map[string]struct {
		service, policy string // of the shadow; "": those in force
		path            string
		edits           []func(*http.Request)
		status          int
		want            []Difference
	}{
		"the same": {policy: testPolicy + "# a comment", path: "/v1/people/C1", status: 200},
		"more masked": {
			policy: redacting, path: "/v1/people/C1", status: 200,
			want: []Difference{role(one, "$.name", "person_name", "redact")},
		},
		"more open": {
			policy: change(testPolicy, "C2: mask}", "C2: clear}"),
			path:   "/v1/people/C1", status: 200,
			want: []Difference{role(one, "$.name", "person_name", "clear")},
		},
		"another type": {
			service: change(testService, names, "$.name: public, $.pin: pin, $.agentId: public"),
			path:    "/v1/people/C1", status: 200,
			want: []Difference{role(one, "$.name", "person_name", "clear")},
		},
		"a field more": {
			service: change(testService, names, names+", $.other: public"),
			path:    "/v1/people/C1", status: 200,
			want: []Difference{
				role(one, "$.other", "none", "clear"), role(one, "unlisted", "removed", "none"),
			},
		},
		"a record more": {
			policy: forAll, path: "/v1/people", status: 200,
			want: []Difference{
				role(list, "$.items[*]", "denied", "shown"),
				role(list, "$.items[*] $.agentId", "none", "clear"),
			},
		},
		"a record less": {
			policy: forNobody, path: "/v1/people", status: 200,
			want: []Difference{role(list, "$.items[*]", "shown", "denied")},
		},
		"refused in shadow": {
			policy: forNobody, path: "/v1/people/C1", status: 200,
			want: []Difference{
				role(one, "decision", "released", "refused: condition_not_met"),
			},
		},
		"released in shadow": {
			policy: forAll, path: "/v1/people/other", status: 403,
			want: []Difference{
				role(one, "decision", "refused: condition_not_met", "released"),
			},
		},
		"no role in shadow": {
			policy: withoutRole, path: "/v1/people/C1", status: 200,
			want: []Difference{role(one, "decision", "released", "refused: no_role")},
		},
		"a role in shadow only": {
			policy: change(testPolicy, "require: {amr: [mfa]}", ""), path: "/v1/people/C1",
			edits:  []func(*http.Request){header("Maskgate-Purpose", "loan-review"), officer(t)},
			status: 403,
			want: []Difference{{
				one, "credit-officer", "loan-review", "decision",
				"refused: assurance_too_low", "admitted",
			}},
		},
		"a route in shadow only": {
			service: renamed, path: "/v1/countries", status: 404,
			want: []Difference{{
				"GET /v1/countries", "none", "none", "decision", "refused: no_route", "admitted",
			}},
		},
		"no route in shadow": {
			service: renamed, path: "/v1/public", status: 200,
			want: []Difference{{
				"GET /v1/public", "none", "none", "decision",
				"released unread", "refused: no_route",
			}},
		},
		"public no more": {
			service: change(testService, "public: a list of countries", `fields: {"$[*]": public}`,
				"[application/json, text/plain]", "[application/json]"),
			path: "/v1/public", status: 200,
			want: []Difference{role("GET /v1/public", "decision",
				"released unread", "refused: condition_not_met")},
		},
		"a query less": {
			service: change(testService, "query: [page, q]", "query: [page]"),
			path:    "/v1/people?q=1", status: 200,
			want: []Difference{
				role(list, "decision", "released", "refused: query_not_allowed"),
			},
		},
		"a purpose unknown to both": {
			path: "/v1/people/C1", status: 403,
			edits: []func(*http.Request){header("Maskgate-Purpose", "张三")},
		},
		"the upstream's fault": {policy: redacting, path: "/v1/people/down", status: 502},
		"the upstream's fault, no role": {
			policy: withoutRole, path: "/v1/people/down", status: 502,
			want: []Difference{role(one, "decision", "admitted", "refused: no_role")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := start(t, upstreamOf(t, people))
			want := plain.get(tt.path, tt.edits...)
			if tt.service == "" {
				tt.service = testService
			}
			if tt.policy == "" {
				tt.policy = testPolicy
			}
			w := start(t, upstreamOf(t, people), withShadow(tt.service, tt.policy))
			got := w.get(tt.path, tt.edits...)
			if got.status != tt.status ||
				got.status == 200 && string(got.body) != string(want.body) {
				t.Errorf("%d %s, want %d %s", got.status, got.body, tt.status, want.body)
			}
			eventually(t, "the shadow has decided", func() bool {
				r, _ := w.gateway.Shadow()
				return r.Same+r.Different+r.Failed == 1
			})
			r, _ := w.gateway.Shadow()
			var found []Difference
			for _, d := range r.Differences {
				found = append(found, d.Difference)
			}
			// Fields of a record that one of the two denies are differences too; two of them are
			// enough to see.
			if len(tt.want) > 0 && strings.HasPrefix(tt.want[0].Field, "$.items") &&
				len(found) > len(tt.want) {
				found = found[:len(tt.want)]
			}
			if diff := cmp.Diff(tt.want, found); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			for _, d := range tt.want {
				if !slices.Contains(r.Differences, CountedDifference{d, 1}) {
					t.Errorf("%v is not counted once", d)
				}
				want := fmt.Sprintf(`"field":%q,"in_force":%q,"shadow":%q`,
					d.Field, d.InForce, d.Shadow)
				if !strings.Contains(w.log.String(), want) {
					t.Errorf("%v is not in the log", d)
				}
			}
			all := w.log.String() + fmt.Sprint(r)
			if strings.Contains(all, "张三") || strings.Contains(all, "李四") ||
				strings.Contains(all, "C2,") {
				t.Errorf("values in the log or the report")
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
	t.Parallel()
	w := start(t, upstreamOf(t, people), withShadow(testService, testPolicy))
	g := w.gateway
	want := w.get("/v1/people/C1")
	s := g.newShadow(nil) // it panics at the first request
	g.ruling.Store(g.ruling.Load().withShadow(s))
	if got := w.get("/v1/people/C1"); got.status != 200 || string(got.body) != string(want.body) {
		t.Errorf("%d %s, want %s", got.status, got.body, want.body)
	}
	eventually(t, "the panic is counted", func() bool { return s.failed.Load() == 1 })
	if !strings.Contains(w.log.String(), "panic in the shadow") {
		t.Error("the panic is not in the log")
	}
	// Too many at once are skipped, and the answers go out all the same.
	s = g.newShadow(g.ruling.Load().Set)
	g.ruling.Store(g.ruling.Load().withShadow(s))
	eventually(t, "no job is under way", func() bool { return g.shadowJobs.running.Load() == 0 })
	g.shadowJobs.running.Store(maxShadowJobs)
	if got := w.get("/v1/people/C1"); got.status != 200 || string(got.body) != string(want.body) {
		t.Errorf("%d %s, want %s", got.status, got.body, want.body)
	}
	eventually(t, "the request is skipped", func() bool { return s.skipped.Load() == 1 })
	g.shadowJobs.running.Store(0)
}

// TestShadowJobs: they are bounded in number and in the bytes that they keep.
func TestShadowJobs(t *testing.T) {
	t.Parallel()
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
	eventually(t, "they end", func() bool {
		return jobs.running.Load() == 0 && jobs.bytes.Load() == 0
	})
	hold = make(chan struct{})
	if !jobs.start(maxShadowBytes, wait) || jobs.start(1, wait) {
		t.Error("bytes are not bounded as they should be")
	}
	close(hold)
}

// TestShadowFiles: a shadow that is broken keeps nobody from starting, and one that becomes so
// leaves the old one; rules and shadow change by themselves.
func TestShadowFiles(t *testing.T) {
	t.Parallel()
	w := start(t, upstreamOf(t, people), withShadow(testService, "kind: policy\n"))
	g := w.gateway
	if h, ok := g.Ready(); !ok || h.Rules.Status != "current" || h.Shadow.Status != "missing" ||
		h.Shadow.Stale == nil {
		t.Errorf("Ready() = %+v %+v, %v", h.Rules, h.Shadow, ok)
	}
	if r, ok := g.Shadow(); ok {
		t.Errorf("Shadow() = %+v, want none", r)
	}
	if !strings.Contains(w.log.String(), "the shadow on disk cannot be taken") {
		t.Error("the log does not say so")
	}
	in := g.ruling.Load().Digest()
	w.shadowed(testService, testPolicy+"# 1\n")
	eventually(t, "the shadow is there", func() bool { return g.ruling.Load().shadow != nil })
	first := g.ruling.Load().shadow.set.Digest()
	if got := g.ruling.Load().Digest(); got != in || first == in {
		t.Errorf("in force is %s beside %s, want %s", got, first, in)
	}
	w.shadowed(testService, "kind: policy\n")
	eventually(t, "the shadow is broken", func() bool { return g.shadowSource.stale.Load() != nil })
	if h, _ := g.Ready(); h.Shadow.Status != "stale" || h.Shadow.Digest != first {
		t.Errorf("Ready() = %+v", h.Shadow)
	}
	w.get("/v1/people/C1")
	eventually(t, "the shadow has decided", func() bool {
		return g.ruling.Load().shadow.same.Load() == 1
	})
	w.rules(testService, testPolicy+"# 2\n")
	eventually(t, "the rules are in force", func() bool {
		return g.ruling.Load().Digest() == digestOf(t, w)
	})
	if s := g.ruling.Load().shadow; s.set.Digest() != first || s.same.Load() != 0 {
		t.Errorf("beside the new rules is %s with %d requests, want %s with none: "+
			"they were compared with others", s.set.Digest(), s.same.Load(), first)
	}
	if n := len(w.records("")); n != 1 {
		t.Errorf("%d access records, want 1: the shadow leaves none", n)
	}
}

// TestShadowTable: the differences that are told apart are bounded.
func TestShadowTable(t *testing.T) {
	t.Parallel()
	s := newGateway(Options{Logger: slog.New(slog.DiscardHandler)}).newShadow(nil)
	for i := range maxDifferences + 10 {
		s.count([]Difference{{Field: fmt.Sprint(i)}})
	}
	s.count([]Difference{{Field: "0"}})
	list, more := s.list()
	if len(list) != maxDifferences || more != 10 || list[0].Field != "0" || list[0].Requests != 2 {
		t.Errorf("%d differences, %d more, first %+v", len(list), more, list[0])
	}
}

// TestShadowOfStream: of an answer that streams only the admission is compared.
func TestShadowOfStream(t *testing.T) {
	t.Parallel()
	record := person("C1", strings.Repeat("张", 20))
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for range 100 {
			fmt.Fprintln(w, record)
		}
	})
	redacting := strings.Replace(testPolicy, "C2: mask}", "C2: redact}", 1)
	streams := func(w *world) { w.streams, w.handler.MaxResponse = true, 1<<10 }
	w := start(t, up, withShadow(testService, redacting), streams)
	if got := w.get("/v1/lines"); got.status != 200 ||
		strings.Count(string(got.body), "张**") != 100 {
		t.Errorf("%d %.300s", got.status, got.body)
	}
	s := w.gateway.ruling.Load().shadow
	eventually(t, "the stream is counted as skipped", func() bool { return s.skipped.Load() == 1 })
}
