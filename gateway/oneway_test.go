package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
)

// The way from an answer to decided bytes is one, and all who walk it are refused at the same
// places. A check that is taken out of it fails a test of each of them.

// unopened are answers, each with a body that would leave if nobody looked at the rest; and the
// reason for which none does.
var unopened = []struct {
	name     string
	status   int
	header   http.Header
	reason   string
	withBody bool // the status is one whose body is read
}{
	{"nothing is wrong", 200, nil, "", true},
	{"another media type", 200, http.Header{"Content-Type": {"text/html"}}, "media_type", true},
	{"no media type", 200, http.Header{"Content-Type": {""}}, "media_type", true},
	{"two media types", 200, http.Header{"Content-Type": {"application/json", "application/json"}},
		"media_type", true},
	{"another charset", 200, http.Header{"Content-Type": {"application/json; charset=gbk"}},
		"media_type", true},
	{"an encoding", 200, http.Header{"Content-Encoding": {"gzip"}}, "content_encoding", true},
	{"a part", 206, nil, "upstream_status", false},
	{"an error of the data service", 500, nil, "upstream_status", false},
	{"an error of the caller", 404, nil, "upstream_status", false},
}

// unopenedBy is an upstream whose answers are such.
func unopenedBy(t testing.TB, status int, header http.Header) string {
	return upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		fmt.Fprint(w, person("C1", "张三丰"))
	})
}

// rewritten is what the agent gets of the answer with which nothing is wrong.
var rewritten = `{"id":"C1","name":"张**","agentId":"` + agent.ID + `"}`

// checkRewritten checks that of an answer what is due was made: of one that is refused, nothing.
func checkRewritten(t *testing.T, body []byte, reason string) {
	t.Helper()
	switch {
	case reason == "" && string(body) != rewritten:
		t.Errorf("it was rewritten to %s, want %s", body, rewritten)
	case reason != "" && strings.Contains(string(body), "张"):
		t.Errorf("it is refused, and yet there is %s", body)
	}
}

// TestOneWayLive: requests.
func TestOneWayLive(t *testing.T) {
	t.Parallel()
	for _, tt := range unopened {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, unopenedBy(t, tt.status, tt.header))
			got := w.get("/v1/people/C1")
			record := w.records(got.header.Get(correlationHeader))[0]
			if record.Reason != tt.reason {
				t.Errorf("on record: %s, want %s", record.Reason, tt.reason)
			}
			if released := got.status == 200; released != (tt.reason == "") {
				t.Errorf("%d %s, want it refused for %s", got.status, got.body, tt.reason)
			}
			checkRewritten(t, got.body, tt.reason)
		})
	}
}

// TestOneWayShadow: the rules that are not in force. They are asked on their own, since those in
// force refuse such an answer too.
func TestOneWayShadow(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1", withShadow(testService, testPolicy))
	shadow := w.gateway.ruling.Load().shadow
	for _, tt := range unopened {
		t.Run(tt.name, func(t *testing.T) {
			r := w.request("GET", "/v1/people/C1")
			x := w.handler.exchange(r, w.upstream)
			defer x.buffers.free()
			x.buffers.upstream.WriteString(person("C1", "张三丰"))
			answer := http.Header{"Content-Type": {"application/json"}}
			maps.Copy(answer, tt.header)
			caller, err := verifier.Authenticate(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			own := new(buffers)
			o := outcome{
				admission: admission{caller: &caller}, reached: reachedAnswer,
				answer: Answer{Status: tt.status, Header: answer},
			}
			_, decision, err := shadow.decide(x, &o, own)
			want := decidedReleased
			if tt.reason != "" {
				want = "refused: " + tt.reason
			}
			if decision != want || ReasonOf(err) != tt.reason {
				t.Errorf("decide() = %s, %v, want %s", decision, err, want)
			}
			checkRewritten(t, own.out, tt.reason)
		})
	}
}

// TestOneWayShapes: the recording of what answers look like, also of a route that has no rules.
func TestOneWayShapes(t *testing.T) {
	t.Parallel()
	for _, tt := range unopened {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			recording := recordShapes(t)
			w := start(t, unopenedBy(t, tt.status, tt.header), recording.of)
			w.get("/v2/claims/1")
			w.get("/v1/people/C1")
			w.stop()
			var got []string
			for _, r := range recording.Routes() {
				got = append(got, fmt.Sprint(r.Match, " ", r.Answers, " ", r.Unread))
			}
			want := []string{"GET /v1/people/{id} 1 map[]", "GET /v2/claims/{id} 1 map[]"}
			if tt.reason != "" {
				want = []string{"GET /v2/claims/{id} 0 map[" + tt.reason + ":1]"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
		})
	}
}

// ruleTest is a test of rules: the agent asks for C1.
func ruleTest(response *rules.TestResponse) *rules.Test {
	return &rules.Test{
		Request: rules.Request{
			Caller: CallerAt(auth.Caller{
				ID: agent.ID, Roles: agent.Roles, Purposes: agent.Purposes,
			}, netip.MustParseAddr("127.0.0.1")),
			Purpose: "customer-service",
			Time:    rules.TestTime,
		},
		Method: "GET", Target: "/v1/people/C1", Response: response,
	}
}

// unopenedTest is a test of rules with such an answer; nil if no test can say so.
func unopenedTest(status int, header http.Header) *rules.Test {
	response := &rules.TestResponse{
		Status: status, Type: "application/json", Headers: map[string]string{},
		Body: []byte(person("C1", "张三丰")),
	}
	for name, values := range header {
		if len(values) > 1 {
			return nil
		}
		response.Headers[name] = values[0]
	}
	return ruleTest(response)
}

// TestOneWayRehearsal: tests of rules.
func TestOneWayRehearsal(t *testing.T) {
	t.Parallel()
	set := setOf(t, testService, testPolicy)
	for _, tt := range unopened {
		test := unopenedTest(tt.status, tt.header)
		if test == nil {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := Rehearse(set)(test)
			if o.Refused != tt.reason || (o.Body == nil) != (tt.reason != "") {
				t.Errorf("refused for %q, body %s; want %q", o.Refused, o.Body, tt.reason)
			}
			checkRewritten(t, o.Body, tt.reason)
		})
	}
}

// TestOneWayExplain: explanations of answers. Of one that is refused no record is explained, but
// what would become of each kind of record.
func TestOneWayExplain(t *testing.T) {
	t.Parallel()
	set := setOf(t, testService, testPolicy)
	for _, tt := range unopened {
		test := unopenedTest(tt.status, tt.header)
		if test == nil {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if x := Explain(set, test); string(x.Refused) != tt.reason {
				t.Errorf("refused for %q, want %q", x.Refused, tt.reason)
			}
			r, err := newRehearsal(set, test)
			if err != nil {
				t.Fatal(err)
			}
			var a admission
			if err := r.exchange.admit(&a); err != nil {
				t.Fatal(err)
			}
			if !tt.withBody {
				// An upstream that read it all the same.
				r.exchange.buffers.upstream.Write(test.Response.Body)
			}
			records := r.records(&a)
			if (len(records) > 0) != (tt.reason == "") {
				t.Errorf("%d records are explained of an answer that is refused for %q",
					len(records), tt.reason)
			}
		})
	}
}

// setOf is the set of rules that two files make.
func setOf(t testing.TB, service, policy string) *rules.Set {
	t.Helper()
	set, err := rules.Load([]rules.File{
		{Name: "service.yaml", Data: []byte(service)},
		{Name: "policy.yaml", Data: []byte(policy)},
	}, noPseudonyms{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
