package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
	"github.com/maskgate/maskgate/quota"
	"github.com/maskgate/maskgate/rules"
)

// answer is how a store answers where that differs from what is on record.
type answer func(context.Context, []rules.Standing) ([]rules.Standing, error)

// register is what a test has on record about subjects, and who was asked about.
type register struct {
	mu     sync.Mutex                // guards what follows
	answer answer                    // nil: what is on record
	have   map[string]rules.Standing // by subject
	asked  [][]Subject
	times  []time.Time // of the requests
}

func (g *register) Standings(
	ctx context.Context, q rules.Request, subjects []Subject,
) ([]rules.Standing, error) {
	g.mu.Lock()
	g.asked = append(g.asked, slices.Clone(subjects))
	g.times = append(g.times, q.Time)
	list := make([]rules.Standing, len(subjects))
	for i, s := range subjects {
		list[i] = g.have[s.ID]
	}
	answer := g.answer
	g.mu.Unlock()
	if answer != nil {
		return answer(ctx, list)
	}
	return list, nil
}

// of is the register of a world, whose policy lets grants decide.
func (g *register) of(w *world) {
	w.options.Standings = g
	w.rules(testService, grantPolicy)
}

// grantPolicy has a role for which a grant may decide.
var grantPolicy = strings.Replace(testPolicy, "    treat: {C1: clear, C2: mask}\n",
	"    treat: {C1: clear, C2: mask}\n"+
		"    grantable: {person_name: {approver: compliance, ttl: 30m, uses: 1}}\n", 1)

// TestStandingsNotAsked: a store is left in peace where no decision can depend on its answer.
func TestStandingsNotAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, policy string
		asked        int
	}{
		{"a contract", testPolicy, 0},
		{"consent", consentPolicy, 1},
		{"a role that allows grants", grantPolicy, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &register{}
			w := start(t, answering(t, person("C1", "张三丰")), g.of, func(w *world) {
				w.rules(testService, tt.policy)
			})
			w.get("/v1/people/C1")
			if calls := g.calls(); len(calls) != tt.asked {
				t.Errorf("asked about %v, want %d calls", calls, tt.asked)
			}
		})
	}
}

// set puts on record what there is about a subject.
func (g *register) set(subject string, s rules.Standing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.have == nil {
		g.have = map[string]rules.Standing{}
	}
	g.have[subject] = s
}

// answers has the store answer so from now on.
func (g *register) answers(a answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = a
}

// calls are the subjects of each call, by their identifiers.
func (g *register) calls() (calls [][]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, subjects := range g.asked {
		var ids []string
		for _, s := range subjects {
			ids = append(ids, s.ID)
		}
		calls = append(calls, ids)
	}
	return calls
}

// consents has a subject's consent to customer service, and to all that it may show.
func consents() rules.Standing {
	return rules.Standing{Consents: []rules.Consent{{
		ID: "consent-1", Purposes: []string{"customer-service"},
		Covers:  []string{"C1", "C2", "sensitive"},
		Granted: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
	}}}
}

// consentPolicy rests customer service on consent.
var consentPolicy = strings.Replace(testPolicy,
	"customer-service: {basis: contract}", "customer-service: {basis: consent}", 1)

// consentService has an envelope, and records without a subject.
var consentService = strings.Replace(testService, "    record: $.items[*]\n",
	"    envelope: {$.total: public}\n    record: $.items[*]\n", 1) + `  - match: GET /v1/offices
    record: $.items[*]
    fields: {$.name: person_name, $.agentId: public}
  - match: GET /v1/families
    records:
      - {record: "$.items[*]", subject: $.id, fields: {$.id: customer_number, $.agentId: public}}
      - record: $.items[*].guarantors[*]
        subject: $.id
        fields: {$.name: person_name, $.agentId: public}
`

// answering is an upstream that always answers the same.
func answering(t testing.TB, body string) string {
	return upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	})
}

// TestStandingsAsked: what is on record is asked once for all subjects of an answer, each once, and
// never where a record has none.
func TestStandingsAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, body string
		want             [][]string
	}{
		{"one", "/v1/people/C1", person("C1", "张三丰"), [][]string{{"C1"}}},
		{"a list", "/v1/people",
			`{"total":3,"items":[` + person("C2", "李四") + "," + person("C1", "张三丰") + "," +
				person("C2", "李四") + `]}`,
			[][]string{{"C2", "C1"}}},
		{"an identifier that is a number", "/v1/people",
			`{"items":[{"id":7,"name":"张三丰","agentId":"` + agent.ID + `"}]}`, [][]string{{"7"}}},
		{"an envelope only", "/v1/people", `{"total":0,"items":[]}`, nil},
		{"records without a subject", "/v1/offices",
			`{"items":[{"name":"总行","agentId":"` + agent.ID + `"}]}`, nil},
		{"nested records", "/v1/families",
			`{"items":[{"id":"C1","agentId":"` + agent.ID +
				`","guarantors":[{"id":"G1"},{"id":"C1"}]}]}`, [][]string{{"C1", "G1"}}},
		{"a public route", "/v1/public", `["CN"]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &register{}
			w := start(t, answering(t, tt.body), g.of, func(w *world) {
				w.rules(consentService, consentPolicy)
			})
			if got := w.get(tt.path); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if diff := cmp.Diff(tt.want, g.calls()); diff != "" {
				t.Errorf("asked about (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStandingsOfRequestsRefused: about whom the rules do not admit the caller nobody is asked.
func TestStandingsOfRequestsRefused(t *testing.T) {
	t.Parallel()
	g := &register{}
	w := start(t, answering(t, person("C1", "张三丰")), g.of)
	if got := w.get("/v1/people/C1", header("Maskgate-Purpose", "loan-review")); got.status != 403 {
		t.Errorf("%d %s, want 403", got.status, got.body)
	}
	if calls := g.calls(); calls != nil {
		t.Errorf("asked about %v", calls)
	}
}

// TestStandingsSubjects: subjects are told apart by identifier, and have a pseudonym by each
// version of the key, newest first, of which the first stands in the access log.
func TestStandingsSubjects(t *testing.T) {
	t.Parallel()
	g := &register{}
	w := start(t, answering(t, person("C1", "张三丰")), g.of, func(w *world) {
		data, err := keys.OpenDirectory(w.data())
		if err == nil {
			_, err = data.Rotate()
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	got := w.get("/v1/people/C1")
	if len(g.asked) != 1 || len(g.asked[0]) != 1 {
		t.Fatalf("%d %s; asked about %v", got.status, got.body, g.asked)
	}
	data, err := keys.ReadDirectory(w.data())
	if err != nil {
		t.Fatal(err)
	}
	want := Subject{ID: "C1"}
	for _, k := range data.Keys().Subjects() {
		want.Pseudonyms = append(want.Pseudonyms, audit.Subject(k.Secret, k.Version, "C1"))
	}
	if diff := cmp.Diff(want, g.asked[0][0]); diff != "" || len(want.Pseudonyms) != 2 {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(want.Pseudonyms[0], "s2:") ||
		!strings.HasPrefix(want.Pseudonyms[1], "s1:") {
		t.Errorf("pseudonyms %v, want that of version 2 first", want.Pseudonyms)
	}
	record := w.records(got.header.Get(correlationHeader))[0]
	if on := record.Profiles[0].Subjects; !slices.Equal(on, want.Pseudonyms[:1]) {
		t.Errorf("on record as %v, want %s", on, want.Pseudonyms[0])
	}
}

// TestStandingsOpenFields: under a purpose that rests on consent, the consent on record opens
// fields, for its subject only, and its absence leaves them closed.
func TestStandingsOpenFields(t *testing.T) {
	t.Parallel()
	withdrawn := consents()
	withdrawn.Consents[0].Withdrawn = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	public := `{"agentId":"` + agent.ID + `"}`
	shown := func(id, name string) string {
		return fmt.Sprintf(`{"id":%q,"name":%q,"agentId":%q}`, id, name, agent.ID)
	}
	for _, tt := range []struct {
		name string
		have map[string]rules.Standing
		want string
	}{
		{"of nobody", nil, public + "," + public},
		{"of the first", map[string]rules.Standing{"C1": consents()},
			shown("C1", "张**") + "," + public},
		{"of the second", map[string]rules.Standing{"C2": consents()},
			public + "," + shown("C2", "李**")},
		{"of both", map[string]rules.Standing{"C1": consents(), "C2": consents()},
			shown("C1", "张**") + "," + shown("C2", "李**")},
		{"of somebody else", map[string]rules.Standing{"C3": consents()}, public + "," + public},
		{"withdrawn", map[string]rules.Standing{"C1": withdrawn, "C2": consents()},
			public + "," + shown("C2", "李**")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up := answering(t, `{"items":[`+person("C1", "张三丰")+","+person("C2", "李四")+`]}`)
			w := start(t, up, (&register{have: tt.have}).of, func(w *world) {
				w.rules(testService, consentPolicy)
			})
			got := w.get("/v1/people")
			want := `{"items":[` + tt.want + `]}`
			if got.status != 200 || string(got.body) != want {
				t.Errorf("%d %s, want %s", got.status, got.body, want)
			}
		})
	}
}

// Answers of a store that are no answers.
var (
	errStore = errors.New("the store is away")

	unanswered = map[string]answer{
		"an error": func(context.Context, []rules.Standing) ([]rules.Standing, error) {
			return nil, errStore
		},
		"an error with an answer": func(
			_ context.Context, list []rules.Standing,
		) ([]rules.Standing, error) {
			return list, errStore
		},
		"no answer": func(context.Context, []rules.Standing) ([]rules.Standing, error) {
			return nil, nil
		},
		"one too few": func(_ context.Context, list []rules.Standing) ([]rules.Standing, error) {
			return list[:len(list)-1], nil
		},
		"one too many": func(_ context.Context, list []rules.Standing) ([]rules.Standing, error) {
			return append(list, consents()), nil
		},
	}
)

// TestStandingsUnavailable: what is on record cannot be told, so nothing is decided and nothing
// leaves, and that is on record, whether a consent or a grant could decide.
func TestStandingsUnavailable(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, people)
	for name, answer := range unanswered {
		for _, policy := range []string{grantPolicy, consentPolicy} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := &register{answer: answer}
				g.set("C1", consents())
				w := start(t, up, g.of, func(w *world) { w.rules(testService, policy) })
				for _, path := range []string{"/v1/people/C1", "/v1/people"} {
					got := w.get(path)
					refusedWith(t, w, got, "standings_unavailable")
				}
				cause := strings.Contains(w.log.String(), `"cause":"the store is away"`)
				if want := strings.HasPrefix(name, "an error"); cause != want {
					t.Errorf("the log: %s, want the store's error: %v", w.log.String(), want)
				}
			})
		}
	}
}

// refusedWith checks an answer of 503 and its record: of the data service's answer neither has
// anything.
func refusedWith(t *testing.T, w *world, got seen, reason string) {
	t.Helper()
	if got.status != 503 || !strings.Contains(string(got.body), `"reason":"`+reason+`"`) ||
		!strings.Contains(string(got.body), "#unavailable") {
		t.Errorf("%d %s, want 503 for %s", got.status, got.body, reason)
	}
	for _, value := range []string{"张", "李", "C1", agent.ID} {
		if strings.Contains(fmt.Sprint(got.header, string(got.body)), value) {
			t.Errorf("the refusal has %s: %v %s", value, got.header, got.body)
		}
	}
	records := w.records(got.header.Get(correlationHeader))
	if len(records) != 1 || records[0].Decision != audit.Refused || records[0].Reason != reason ||
		records[0].Status != 503 || records[0].Records != 0 {
		t.Errorf("on record: %+v, want one refusal for %s", records, reason)
	}
	if n := w.observed.of("reason " + reason); n == 0 {
		t.Errorf("no refusal for %s was observed", reason)
	}
}

// unhurried is a timeout within which, on a busy machine, whatever does not wait for it ends.
const unhurried = 3 * time.Second

// waiting waits until it may not, as a store does that cannot be reached.
func waiting(ctx context.Context, _ []rules.Standing) ([]rules.Standing, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestStandingsSlow: a store has as long as the data service, and no longer.
func TestStandingsSlow(t *testing.T) {
	t.Parallel()
	record := person("C1", "张三丰")
	for _, tt := range []struct {
		name, path, mediaType, answer string
	}{
		{"an answer that fits the buffer", "/v1/people/C1", "application/json", record},
		{"a stream", "/v1/lines", "application/x-ndjson", strings.Repeat(record+"\n", 100)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.mediaType)
				fmt.Fprint(w, tt.answer)
			})
			w := start(t, up, (&register{answer: waiting}).of, func(w *world) {
				w.streams, w.handler.MaxResponse = true, 1<<10
				w.handler.Timeout = unhurried
			})
			refusedWith(t, w, w.get(tt.path), "standings_unavailable")
		})
	}
}

// TestStandingsOfCallerGone: a store is asked for no caller who went away, and is not blamed for
// it.
func TestStandingsOfCallerGone(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	g := &register{}
	g.answers(func(ctx context.Context, list []rules.Standing) ([]rules.Standing, error) {
		close(asked)
		return waiting(ctx, list)
	})
	w := start(t, answering(t, person("C1", "张三丰")), g.of)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	r := w.request("GET", "/v1/people/C1").WithContext(ctx)
	go func() {
		_, err := fresh.Do(r) //nolint:bodyclose // there is none
		done <- err
	}()
	<-asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	eventually(t, "the refusal is on record", func() bool { return len(w.records("")) == 1 })
	if r := w.records("")[0]; r.Reason != "caller_gone" || r.Status != 499 {
		t.Errorf("on record: %s, status %d, want caller_gone", r.Reason, r.Status)
	}
}

// TestStandingsInShadow: the shadow asks too, and where the store does not answer it, it skips the
// request. The answer has left by then.
func TestStandingsInShadow(t *testing.T) {
	t.Parallel()
	shadow := strings.Replace(consentPolicy, "C2: mask}", "C2: redact}", 1)
	for _, tt := range []struct {
		name   string
		answer answer // to the shadow
		want   ShadowReport
	}{
		{"an answer", nil, ShadowReport{Different: 1, Differences: []CountedDifference{{
			Difference{
				Route: "GET /v1/people/{id}", Role: "customer-service", Purpose: "customer-service",
				Field: "$.name", InForce: "person_name", Shadow: "redact",
			}, 1,
		}}}},
		{"an error", unanswered["an error"], ShadowReport{Skipped: 1}},
		{"too few", unanswered["no answer"], ShadowReport{Skipped: 1}},
		{"none in time", waiting, ShadowReport{Skipped: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &register{}
			g.set("C1", consents())
			if tt.answer != nil {
				var calls atomic.Int32
				g.answers(func(
					ctx context.Context, list []rules.Standing,
				) ([]rules.Standing, error) {
					if calls.Add(1) == 1 {
						return list, nil
					}
					return tt.answer(ctx, list)
				})
			}
			w := start(t, answering(t, person("C1", "张三丰")), g.of, withShadow(testService, shadow),
				func(w *world) {
					w.rules(testService, consentPolicy)
					w.handler.Timeout = unhurried
				})
			if got := w.get("/v1/people/C1"); got.status != 200 ||
				!strings.Contains(string(got.body), "张**") {
				t.Errorf("%d %s", got.status, got.body)
			}
			eventually(t, "the shadow has decided", func() bool {
				r, _ := w.gateway.Shadow()
				return r.Same+r.Different+r.Skipped+r.Failed == 1
			})
			r, _ := w.gateway.Shadow()
			got := ShadowReport{
				Same: r.Same, Different: r.Different, Skipped: r.Skipped, Failed: r.Failed,
			}
			if len(r.Differences) > 0 {
				got.Differences = r.Differences
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the shadow's report (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([][]string{{"C1"}, {"C1"}}, g.calls()); diff != "" {
				t.Errorf("asked about (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStandingsOfStream: each window of a stream asks anew, about its own subjects, as of its time.
// What was withdrawn between two windows is closed in the next, and where the store fails the
// stream ends.
func TestStandingsOfStream(t *testing.T) {
	t.Parallel()
	ids := []string{"C1", "C2", "C1"}
	hidden := `data: {"agentId":"` + agent.ID + `"}`
	shown := "data: " + rewritten
	for _, tt := range []struct {
		name   string
		change func(*register) // behind the first window
		want   []string
		reason string // why it is cut off; "": it ends as it should
	}{
		{"nothing changes", func(*register) {}, []string{shown, hidden, shown}, ""},
		{"a consent is withdrawn", func(g *register) { g.set("C1", rules.Standing{}) },
			[]string{shown, hidden, hidden}, ""},
		{"a consent is given", func(g *register) { g.set("C2", consents()) },
			[]string{shown, strings.Replace(shown, "C1", "C2", 1), shown}, ""},
		{"the store fails", func(g *register) { g.answers(unanswered["an error"]) },
			[]string{shown}, "standings_unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &register{}
			g.set("C1", consents())
			next := make(chan struct{}, len(ids))
			up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for _, id := range ids {
					fmt.Fprintf(w, "data: %s\n\n", person(id, "张三丰"))
					w.(http.Flusher).Flush()
					select {
					case <-next:
					case <-r.Context().Done():
					}
				}
			})
			w := start(t, up, g.of, func(w *world) {
				events := strings.NewReplacer("/v1/lines", "/v1/events",
					"application/x-ndjson", "text/event-stream")
				w.rules(events.Replace(testService), consentPolicy)
				w.streams = true
			})
			resp, err := fresh.Do(w.request("GET", "/v1/events"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got []string
			lines := bufio.NewScanner(resp.Body)
			for lines.Scan() {
				if lines.Text() == "" {
					continue
				}
				if got = append(got, lines.Text()); len(got) == 1 {
					tt.change(g)
				}
				next <- struct{}{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the stream (-want +got):\n%s", diff)
			}
			if cut := lines.Err() != nil; cut != (tt.reason != "") {
				t.Errorf("it ends with %v, want it cut off: %v", lines.Err(), tt.reason != "")
			}
			var asked [][]string
			records := w.records(resp.Header.Get(correlationHeader))
			for i, r := range records {
				asked = append(asked, ids[i:i+1])
				want := ""
				if i == len(tt.want) {
					want = tt.reason
				}
				if r.Part != i+1 || r.Reason != want {
					t.Errorf("on record: part %d, %q, want %d, %q", r.Part, r.Reason, i+1, want)
				}
			}
			parts := len(tt.want)
			if tt.reason != "" {
				parts++
			}
			if len(records) != parts {
				t.Errorf("on record: %d parts, want %d", len(records), parts)
			}
			if diff := cmp.Diff(asked, g.calls()); diff != "" {
				t.Errorf("asked about (-want +got):\n%s", diff)
			}
			if !slices.IsSortedFunc(g.times, time.Time.Compare) || !g.times[1].After(g.times[0]) {
				t.Errorf("as of %v, want the time of each window", g.times)
			}
		})
	}
}

// taking are quotas of a test.
type taking func(ctx context.Context, caller string, subjects int) (bool, error)

func (f taking) Take(
	ctx context.Context, caller string, subjects []quota.Subject, _ time.Time,
) (bool, error) {
	return f(ctx, caller, len(subjects))
}

// TestQuotasUnavailable: where nobody can tell whom a caller has seen, nothing leaves, and that is
// on record. Who has no limit is not counted.
func TestQuotasUnavailable(t *testing.T) {
	t.Parallel()
	limited := strings.Replace(testPolicy, "    treat: {C1: clear, C2: mask}",
		"    limit: {subjects: 5/1d}\n    treat: {C1: clear, C2: mask}", 1)
	up := upstreamOf(t, people)
	paths := []string{"/v1/people/C1", "/v1/people"}
	for _, tt := range []struct {
		name  string
		paths []string
		take  taking
	}{
		{"an error", paths, func(context.Context, string, int) (bool, error) {
			return false, errStore
		}},
		{"an error with leave", paths, func(context.Context, string, int) (bool, error) {
			return true, errStore
		}},
		{"none in time", paths[:1], func(ctx context.Context, _ string, _ int) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, up, func(w *world) {
				w.quotas = tt.take
				w.rules(testService, limited)
				w.handler.Timeout = unhurried
			})
			for _, path := range tt.paths {
				got := w.get(path)
				refusedWith(t, w, got, "quotas_unavailable")
				// Whom the answer was about is known: it may have been counted.
				record := w.records(got.header.Get(correlationHeader))[0]
				if len(record.Profiles) == 0 || len(record.Profiles[0].Subjects) != 1 {
					t.Errorf("on record about %+v, want the subjects", record.Profiles)
				}
			}
			plain := start(t, up, func(w *world) { w.quotas = tt.take })
			if got := plain.get("/v1/people/C1"); got.status != 200 {
				t.Errorf("without a limit: %d %s, want 200", got.status, got.body)
			}
		})
	}
}
