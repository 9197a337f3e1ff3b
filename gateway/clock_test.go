package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
)

// clock tells the time that a test sets.
type clock struct{ at atomic.Int64 }

func (c *clock) set(text string) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	c.at.Store(t.Unix())
}

func (c *clock) now() time.Time { return time.Unix(c.at.Load(), 0) }

// Tuesday, by China's time.
const (
	beforeSix = "2020-03-10T17:59:00+08:00"
	afterSix  = "2020-03-10T18:00:00+08:00"
)

// longStream is what a caller got of a stream over whose windows time passes.
type longStream struct {
	first, rest string
	err         error // of reading the rest; nil: a clean end
	records     []audit.Record
}

// overTime has a data service stream an answer of two parts, and the clock turn in between, once
// the caller has the first window up to a byte: from a minute before six to six.
func overTime(t *testing.T, service, policy, path, mediaType string, until byte,
	first, second string) longStream {
	t.Helper()
	next := make(chan struct{})
	var c clock
	c.set(beforeSix)
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		fmt.Fprint(w, first)
		w.(http.Flusher).Flush()
		<-next
		fmt.Fprint(w, second)
	}), func(w *world) {
		w.streams, w.handler.MaxResponse, w.handler.Now = true, 1024, c.now
		w.rules(service, policy)
	})
	resp, err := fresh.Do(w.request("GET", path))
	if err != nil {
		close(next)
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := bufio.NewReader(resp.Body)
	var s longStream
	s.first, err = body.ReadString(until)
	c.set(afterSix)
	close(next)
	if err != nil {
		t.Fatalf("status %d; the first window: %v", resp.StatusCode, err)
	}
	var rest []byte
	rest, s.err = io.ReadAll(body)
	s.rest = string(rest)
	s.records = w.records(resp.Header.Get(correlationHeader))
	return s
}

func event(id string) string {
	return fmt.Sprintf("data: {\"id\":%q,\"name\":\"张三丰\",\"agentId\":%q}\n\n", id, agent.ID)
}

// TestStreamOverTime shows that each window of a stream is decided as of when it is decided, not as
// of when the stream began, and that its record names the decisions by which it was.
func TestStreamOverTime(t *testing.T) {
	t.Parallel()
	role := func(text string) string {
		return strings.Replace(testPolicy, "when: record.agentId == caller.id", text, 1)
	}
	for name, tt := range map[string]struct {
		policy string
		second string // of the rest; empty: there is none
		reason string // why it is aborted; empty: it ends cleanly
		rule   string // of the name's treatment in the second record
	}{
		"the hours are over": {role("require: {time: {hours: [08:30-18:00]}}"), "",
			"outside_hours", ""},
		"the condition is over": {role("when: time.hour < 18"), "", "condition_not_met", ""},
		"of each record": {role("when: record.agentId == caller.id && time.hour < 18"),
			"", "", ""},
		"the hours go on": {role("require: {time: {hours: [08:30-18:01]}}"),
			`"name":"张**"`, "", "policy.yaml:11"},
		"a cap begins": {
			testPolicy + "caps:\n  - {when: time.hour >= 18, class: C2, at_most: redact}\n",
			`"name":"****"`, "", "policy.yaml:17"},
		"a cap ends": {
			testPolicy + "caps:\n  - {when: time.hour < 18, class: C2, at_most: redact}\n",
			`"name":"张**"`, "", "policy.yaml:11"},
		"the time of the quota is up": {role("limit: {subjects: 1/1m}"), `"name":"张**"`, "",
			"policy.yaml:11"},
		"the quota goes on": {role("limit: {subjects: 1/2m}"), "", "too_many_subjects",
			""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := overTime(t, streamService, tt.policy, "/v1/events", "text/event-stream", '\n',
				event("C1"), event("C2"))
			if !strings.Contains(s.first, `"id":"C1"`) {
				t.Fatalf("the first window is %q", s.first)
			}
			if len(s.records) != 2 || s.records[0].Decision != "released" ||
				s.records[0].Part != 1 || s.records[1].Part != 2 {
				t.Fatalf("records %+v, want one of each window", s.records)
			}
			second := s.records[1]
			if tt.reason != "" {
				if s.err == nil || strings.Contains(s.rest, "C2") || second.Decision != "refused" ||
					second.Reason != tt.reason {
					t.Errorf("then %q, %v and on record %s, %s; "+
						"want nothing more, no clean end, and %s", s.rest, s.err, second.Decision,
						second.Reason, tt.reason)
				}
				return
			}
			if s.err != nil || !strings.Contains(s.rest, tt.second) ||
				second.Decision != "released" {
				t.Fatalf("then %q, %v and on record %s, want %s", s.rest, s.err, second.Decision,
					tt.second)
			}
			if tt.second == "" {
				if strings.Contains(s.rest, "C2") || second.Denied != 1 ||
					len(second.Profiles) > 0 {
					t.Errorf("then %q, and on record %+v; want a record that is denied", s.rest,
						second)
				}
				return
			}
			if rule := ruleOf(second, "$.name"); rule != tt.rule {
				t.Errorf("on record the name is treated by %s, want %s", rule, tt.rule)
			}
		})
	}
}

// ruleOf is the rule by which a field was treated, as a record has it.
func ruleOf(r audit.Record, path string) string {
	for _, p := range r.Profiles {
		for _, f := range p.Fields {
			if f.Path == path {
				return f.Rule
			}
		}
	}
	return "nothing"
}

// TestStreamOverTimeAround: what lies around the records of a document is decided when it begins.
// It goes on so, unless by then less may be shown of it.
func TestStreamOverTimeAround(t *testing.T) {
	t.Parallel()
	service := strings.Replace(streamService, "    record: $.items[*]\n",
		"    envelope: {$.total: amount}\n    record: $.items[*]\n", 1)
	policy := strings.Replace(testPolicy, "    when: record.agentId == caller.id\n", "", 1)
	for name, tt := range map[string]struct {
		caps  string
		total string // at the end; empty: it is aborted
		name  string // of the last record
		rule  string // of the total's treatment on record
	}{
		"as it was": {"", `],"total":"0-10000"}`, "张**", "policy.yaml:10"},
		"records only": {"  - {when: time.hour >= 18, type: person_name, at_most: redact}\n",
			`],"total":"0-10000"}`, "****", "policy.yaml:10"},
		"less of it": {"  - {when: time.hour >= 18, type: amount, at_most: drop}\n", "", "",
			""},
		"more of it": {"  - {when: time.hour < 18, type: amount, at_most: drop}\n", `]}`,
			"张**", "policy.yaml:16"},
		"more of the rest": {"  - {when: time.hour < 18, type: person_name, at_most: redact}\n",
			`],"total":"0-10000"}`, "张**", "policy.yaml:10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caps := ""
			if tt.caps != "" {
				caps = "caps:\n" + tt.caps
			}
			var first strings.Builder
			first.WriteString(`{"items":[`)
			for i := range 10_000 { // more than the engine's window
				first.WriteString(nth(i, "张三丰") + ",")
			}
			s := overTime(t, service, policy+caps, "/v1/people", "application/json", '[',
				first.String(), nth(10_000, "张三丰")+`],"total":1234.5}`)
			last := s.records[len(s.records)-1]
			if tt.total == "" {
				if s.err == nil || strings.Contains(s.rest, "total") ||
					last.Decision != "refused" || last.Reason != "outside_hours" {
					t.Errorf("it ends %q, %v and on record %s, %s", tail(s.rest), s.err,
						last.Decision, last.Reason)
				}
				return
			}
			if s.err != nil || !strings.HasSuffix(s.rest,
				`"C010000","name":"`+tt.name+`","agentId":"agent-07"}`+tt.total) {
				t.Errorf("it ends %q, %v, want the name %s and %s", tail(s.rest), s.err, tt.name,
					tt.total)
			}
			if rule := ruleOf(last, "$.total"); rule != tt.rule {
				t.Errorf("on record the total is treated by %s, want %s", rule, tt.rule)
			}
		})
	}
}

// lateBody is a body that the caller begins to send once the data service has been asked.
type lateBody struct {
	asked <-chan struct{}
	io.Reader
}

func (b lateBody) Read(p []byte) (int, error) {
	<-b.asked
	return b.Reader.Read(p)
}

// TestBodyByAnotherClock shows that a caller has the same time to send whatever the handler's clock
// says, and that the time a request took is measured by that clock.
func TestBodyByAnotherClock(t *testing.T) {
	t.Parallel()
	var c clock
	c.set(beforeSix)
	asked := make(chan struct{})
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}), func(w *world) { w.handler.Now = c.now })
	got := w.do(w.request("POST", "/v1/people/C1", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(lateBody{asked, strings.NewReader("{}")}), -1
	}))
	if got.status != http.StatusNoContent {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if r := w.records(got.header.Get(correlationHeader))[0]; r.Latency != 0 {
		t.Errorf("it took %v on record, by a clock that stood still", r.Latency)
	}
}

// TestStreamOverTimeAroundEqual: a mask around the records that is no stricter than the one by
// which they began, but shows something else of the same value, ends the stream; both together
// would show more than either may.
func TestStreamOverTimeAroundEqual(t *testing.T) {
	t.Parallel()
	service := strings.Replace(streamService, "    record: $.items[*]\n",
		"    envelope: {$.owner: person_name}\n    record: $.items[*]\n", 1)
	policy := strings.NewReplacer(
		"    when: record.agentId == caller.id\n", "", "C2: mask", "C2: clear").
		Replace(testPolicy) +
		"caps:\n  - {when: time.hour < 18, type: person_name, at_most: mask(keep_first=1)}\n" +
		"  - {when: time.hour >= 18, type: person_name, at_most: mask(%s)}\n"
	var first strings.Builder
	first.WriteString(`{"owner":"张三丰","items":[`)
	for i := range 10_000 { // more than the engine's window
		first.WriteString(nth(i, "张三丰") + ",")
	}
	last := nth(10_000, "张三丰") + "]}"
	for name, tt := range map[string]struct {
		mask string
		goes bool // on
	}{
		"the same":         {"keep_first=1", true},
		"of the other end": {"keep_last=1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := overTime(t, service, fmt.Sprintf(policy, tt.mask), "/v1/people",
				"application/json", '[', first.String(), last)
			if want := `{"owner":"张****","items":[`; s.first != want {
				t.Fatalf("it begins %q, want %q", s.first, want)
			}
			end := s.records[len(s.records)-1]
			if tt.goes {
				if s.err != nil || !strings.HasSuffix(s.rest, "]}") || end.Decision != "released" {
					t.Errorf("it ends %q, %v, want a clean end", tail(s.rest), s.err)
				}
				return
			}
			if s.err == nil || strings.Contains(s.rest, "C010000") ||
				end.Reason != "outside_hours" {
				t.Errorf(
					"it ends %q, %v and on record %s, %s; want no clean end, and outside_hours",
					tail(s.rest), s.err, end.Decision, end.Reason)
			}
		})
	}
}

func tail(s string) string { return s[max(0, len(s)-120):] }
