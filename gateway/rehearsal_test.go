package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/rules"
)

// answered is a response of a test.
func answered(body string) *rules.TestResponse {
	return &rules.TestResponse{Status: 200, Type: "application/json", Body: []byte(body)}
}

// twoPeople are a list of two people, of whom the second is another agent's.
var twoPeople = `{"items":[` + person("C1", "张三丰") + "," +
	strings.Replace(person("C2", "李四"), agent.ID, "agent-99", 1) + `]}`

// TestRehearse: a test gets what a caller would, and why not.
func TestRehearse(t *testing.T) {
	t.Parallel()
	limited := strings.Replace(testPolicy, "    when: record.agentId == caller.id\n",
		"    limit: {subjects: 1/1d}\n", 1)
	inHours := strings.Replace(testPolicy, "    when: record.agentId == caller.id\n",
		"    require: {time: {hours: [08:30-18:00]}, network: [203.0.113.0/24]}\n", 1)
	hosted := strings.Replace(testService, "owner: test\n",
		"owner: test\nhosts: [people.bank.example]\n", 1)
	named := strings.Replace(rewritten, "张**", "张三丰", 1)
	at := func(path string) func(*rules.Test) { return func(t *rules.Test) { t.Target = path } }
	for _, tt := range []struct {
		name            string
		service, policy string // "": those of all tests
		change          func(*rules.Test)
		body            string // of the outcome; "": it is refused
		released        int
		denied          int
		refused, cause  string
	}{
		{name: "a person", body: rewritten, released: 1},
		{name: "a list of which one is denied", change: func(t *rules.Test) {
			t.Target, t.Response = "/v1/people?page=1", answered(twoPeople)
		}, body: `{"items":[` + rewritten + `]}`, released: 1, denied: 1},
		{name: "a public route", change: func(t *rules.Test) {
			t.Target, t.Response = "/v1/public", answered(`["CN"]`)
		}, body: `["CN"]`},
		{name: "no content", change: func(t *rules.Test) { t.Response.Status = 204 }},
		{name: "a path that can be read in two ways", change: at("/v1/people/.."),
			refused: "ambiguous_path"},
		{name: "no path", change: at("people"), refused: "ambiguous_path"},
		{name: "no target", change: at("://"), refused: "ambiguous_path"},
		{name: "no such route", change: at("/v1/nothing"), refused: "no_route"},
		{name: "another method", change: func(t *rules.Test) { t.Method = "DELETE" },
			refused: "no_route"},
		{name: "the host", service: hosted,
			change: func(t *rules.Test) { t.Host = "people.bank.example" },
			body:   rewritten, released: 1},
		{name: "another host", service: hosted, refused: "no_route"},
		{name: "a parameter that is not listed", change: at("/v1/people?q=1&name=1&id=2"),
			refused: "query_not_allowed",
			cause: `the route does not list "id", the route does not list "name"; ` +
				`it lists page, q (query, in the service file)`},
		{name: "a parameter twice", change: at("/v1/people?q=1&q=2"), refused: "query_not_allowed",
			cause: `"q" stands twice; it lists page, q (query, in the service file)`},
		{name: "a parameter that is not UTF-8", change: at("/v1/people?q=%ff"),
			refused: "query_not_allowed",
			cause:   `"q" is not UTF-8; it lists page, q (query, in the service file)`},
		{name: "a route without parameters", change: at("/v1/people/C1?q=1"),
			refused: "query_not_allowed",
			cause:   `the route does not list "q"; it lists none (query, in the service file)`},
		{name: "a query that cannot be read", change: at("/v1/people?q=%zz"),
			refused: "query_not_allowed",
			cause:   "the query cannot be read"},
		{name: "a query that is too long",
			change:  at("/v1/people?q=" + strings.Repeat("x", maxQuery)),
			refused: "query_not_allowed", cause: "the query has more than 8192 bytes"},
		{name: "no purpose", change: func(t *rules.Test) { t.Request.Purpose = "" },
			refused: "purpose_missing"},
		{name: "no role", change: func(t *rules.Test) { t.Request.Caller.Roles = nil },
			refused: "no_role"},
		{name: "another agent's", change: func(t *rules.Test) { t.Request.Caller.ID = "agent-99" },
			refused: "condition_not_met"},
		{name: "within hours, from the network", policy: inHours, change: func(t *rules.Test) {
			t.Request.Caller.Address = netip.MustParseAddr("203.0.113.7")
		}, body: rewritten, released: 1},
		{name: "from no network", policy: inHours, change: func(t *rules.Test) {
			t.Request.Caller.Address = netip.Addr{}
		}, refused: "network_not_allowed"},
		{name: "after hours", policy: inHours, change: func(t *rules.Test) {
			t.Request.Caller.Address = netip.MustParseAddr("203.0.113.7")
			t.Request.Time = t.Request.Time.Add(12 * time.Hour)
		}, refused: "outside_hours"},
		{name: "without a consent", policy: consentPolicy, body: `{"agentId":"` + agent.ID + `"}`,
			released: 1},
		{name: "with a consent", policy: consentPolicy, change: func(t *rules.Test) {
			t.Standings = []rules.SubjectStanding{{Subject: "C1", Standing: consents()}}
		}, body: rewritten, released: 1},
		{name: "with somebody else's consent", policy: consentPolicy, change: func(t *rules.Test) {
			t.Standings = []rules.SubjectStanding{{Subject: "C2", Standing: consents()}}
		}, body: `{"agentId":"` + agent.ID + `"}`, released: 1},
		{name: "as many subjects as may be", policy: limited, body: rewritten, released: 1},
		{name: "too many subjects", policy: limited, change: func(t *rules.Test) {
			t.Target, t.Response = "/v1/people", answered(twoPeople)
		}, refused: "too_many_subjects"},
		{name: "no answer", change: func(t *rules.Test) { t.Response = nil },
			refused: "upstream_down"},
		{name: "too large an answer", change: func(t *rules.Test) {
			t.Response = answered(person("C1", strings.Repeat("x", 1<<20)))
		}, refused: "response_too_large"},
		{name: "the largest answer", change: func(t *rules.Test) {
			t.Response = answered(named + strings.Repeat(" ", 1<<20-len(named)))
		}, body: rewritten + strings.Repeat(" ", 1<<20-len(named)), released: 1},
		{name: "no JSON", change: func(t *rules.Test) { t.Response = answered(`{"id":}`) },
			refused: "invalid_json", cause: "at byte 6"},
		{name: "no subject",
			change:  func(t *rules.Test) { t.Response = answered(`{"name":"张三丰"}`) },
			refused: "no_subject", cause: "subject"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.service == "" {
				tt.service = testService
			}
			if tt.policy == "" {
				tt.policy = testPolicy
			}
			test := ruleTest(answered(person("C1", "张三丰")))
			if tt.change != nil {
				tt.change(test)
			}
			rehearse := Rehearse(setOf(t, tt.service, tt.policy))
			for range 2 { // what one run counts, the next has forgotten
				o := rehearse(test)
				if o.Refused != tt.refused || !strings.Contains(o.Cause, tt.cause) ||
					tt.cause == "" && o.Cause != "" {
					t.Errorf("refused for %q, %q; want %q, %q",
						o.Refused, o.Cause, tt.refused, tt.cause)
				}
				if string(o.Body) != tt.body || o.Released != tt.released || o.Denied != tt.denied {
					t.Errorf("%.200s, %d released, %d denied; want %.200s, %d, %d",
						o.Body, o.Released, o.Denied, tt.body, tt.released, tt.denied)
				}
			}
		})
	}
}

// TestRehearseShows: a test learns which profile each record got, and which fields there were.
func TestRehearseShows(t *testing.T) {
	t.Parallel()
	test := ruleTest(answered(twoPeople))
	test.Target = "/v1/people"
	o := Rehearse(setOf(t, testService, testPolicy))(test)
	if o.Route == nil || o.Route.Match != "GET /v1/people" {
		t.Errorf("the route is %+v", o.Route)
	}
	var got []string
	for _, s := range o.Shown {
		p := s.Profile
		got = append(got, fmt.Sprint(p.Kind, " ", p.Denied, " ", s.Records, " ", s.Occurred))
	}
	slices.Sort(got)
	want := []string{
		"$.items[*] false 1 [$.id $.name $.agentId]", "$.items[*] true 1 []",
		rules.Envelope + " false 1 []",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

// TestRehearseKeeps: what a test got is its own, however many others run.
func TestRehearseKeeps(t *testing.T) {
	t.Parallel()
	rehearse := Rehearse(setOf(t, testService, testPolicy))
	var got [][]byte
	for i := range 100 {
		test := ruleTest(answered(person(fmt.Sprintf("C%02d", i), "张三丰")))
		got = append(got, rehearse(test).Body)
	}
	for i, body := range got {
		want := strings.Replace(rewritten, "C1", fmt.Sprintf("C%02d", i), 1)
		if string(body) != want {
			t.Errorf("test %d got %s, want %s", i, body, want)
		}
	}
}

// TestRehearsalIsTheGateway: a test gets what a caller gets who asks a gateway.
func TestRehearsalIsTheGateway(t *testing.T) {
	t.Parallel()
	w := start(t, upstreamOf(t, people))
	rehearse := Rehearse(setOf(t, testService, testPolicy))
	for _, tt := range []struct{ name, method, path, purpose string }{
		{"a person", "GET", "/v1/people/C1", "customer-service"},
		{"another agent's", "GET", "/v1/people/other", "customer-service"},
		{"a list", "GET", "/v1/people?page=2&q=a%20b", "customer-service"},
		{"a public route", "GET", "/v1/public", ""},
		{"no purpose", "GET", "/v1/people/C1", ""},
		{"a purpose that nobody knows", "GET", "/v1/people/C1", "curiosity"},
		{"no role", "GET", "/v1/people/C1", "loan-review"},
		{"no route", "GET", "/v1/nothing", "customer-service"},
		{"another method", "DELETE", "/v1/people/C1", "customer-service"},
		{"a query", "GET", "/v1/people/C1?x=1", "customer-service"},
		{"a path in other letters", "GET", "/V1/people/C1", "customer-service"},
		{"the data service fails", "GET", "/v1/people/down", "customer-service"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := w.do(w.request(tt.method, tt.path, func(r *http.Request) {
				r.Header.Del("Maskgate-Purpose")
				if tt.purpose != "" {
					r.Header.Set("Maskgate-Purpose", tt.purpose)
				}
			}))
			answer := httptest.NewRecorder()
			people(answer, httptest.NewRequest(tt.method, tt.path, nil))
			test := ruleTest(&rules.TestResponse{
				Status: answer.Code, Type: "application/json", Body: answer.Body.Bytes(),
			})
			test.Method, test.Target, test.Request.Purpose = tt.method, tt.path, tt.purpose
			o := rehearse(test)
			same := string(o.Body) == string(live.body) && live.status == 200
			if o.Refused != "" {
				same = strings.Contains(string(live.body), `"reason":"`+o.Refused+`"`)
			}
			if !same {
				t.Errorf("refused for %q, %s; a caller gets %d %s",
					o.Refused, o.Body, live.status, live.body)
			}
		})
	}
}

// TestRehearsalFails: a fault in the rules' own code is a refusal, and does not end the program.
func TestRehearsalFails(t *testing.T) {
	t.Parallel()
	test := ruleTest(answered(person("C1", "张三丰")))
	r, err := newRehearsal(setOf(t, testService, testPolicy), test)
	if err != nil {
		t.Fatal(err)
	}
	r.exchange.upstream = nil // asking it panics
	o, out := r.run()
	if got := r.outcomeOf(&o, &out); got.Refused != "panic" || got.Body != nil {
		t.Errorf("refused for %q, %s, want panic", got.Refused, got.Body)
	}
	if len(r.log.records) != 0 {
		t.Errorf("on record: %+v; a test's outcome is not", r.log.records)
	}
}

// TestRehearsalRecords: what a test releases is on record in memory, since only that may leave.
func TestRehearsalRecords(t *testing.T) {
	t.Parallel()
	test := ruleTest(answered(person("C1", "张三丰")))
	r, err := newRehearsal(setOf(t, testService, testPolicy), test)
	if err != nil {
		t.Fatal(err)
	}
	o, out := r.run()
	if got := r.outcomeOf(&o, &out); got.Refused != "" {
		t.Errorf("refused for %q", got.Refused)
	}
	if len(r.log.records) != 1 || r.log.records[0].Decision != "released" ||
		r.log.records[0].Records != 1 {
		t.Errorf("on record: %+v, want one release", r.log.records)
	}
	if h, ok := r.exchange.gateway.Live(); !ok {
		t.Errorf("Live() = %+v of a log in memory", h)
	}
}
