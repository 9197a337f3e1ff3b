package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const streamService = `
kind: service
name: stream
owner: test
routes:
  - match: GET /v1/people
    record: $.items[*]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/lines
    media_types: [application/x-ndjson]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/events
    media_types: [text/event-stream]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/public
    public: a list of countries
`

// streaming starts a gateway that streams whatever is over a kilobyte.
func streaming(t *testing.T, answer http.HandlerFunc, policy string, changes ...func(*world)) *world {
	t.Helper()
	streams := func(w *world) {
		w.streams, w.handler.MaxResponse = true, 1000
		w.rules(streamService, policy)
	}
	return start(t, upstreamOf(t, answer), append([]func(*world){streams}, changes...)...)
}

func nth(i int, name string) string {
	return fmt.Sprintf(`{"id":"C%06d","name":"%s","agentId":"agent-07","secret":"%s"}`, i, name, strings.Repeat("s", 100))
}

// TestStream sends responses of many windows and reads them as a caller does: each is what a whole
// rewriting would give, and every window is on record.
func TestStream(t *testing.T) {
	t.Parallel()
	const n = 20_000 // about 3.5 MB: more than the engine's window of 1 MiB
	w := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/lines" {
			w.Header().Set("Content-Type", "application/x-ndjson")
			for i := range n {
				fmt.Fprintln(w, nth(i, "张三丰"))
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"total":1,"items":[`)
		for i := range n {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprint(w, nth(i, "张三丰"))
		}
		fmt.Fprint(w, `]}`)
	}, testPolicy)
	for _, path := range []string{"/v1/people", "/v1/lines"} {
		var want bytes.Buffer
		for i := range n {
			fmt.Fprintf(&want, `{"id":"C%06d","name":"张**","agentId":"agent-07"}`, i)
			want.WriteString(map[string]string{"/v1/people": ",", "/v1/lines": "\n"}[path])
		}
		text := want.String()
		if path == "/v1/people" {
			text = `{"items":[` + strings.TrimSuffix(text, ",") + `]}`
		}
		s := w.get(path)
		if s.status != http.StatusOK || string(s.body) != text {
			t.Fatalf("%s: status %d and %d bytes, want 200 and %d", path, s.status, len(s.body), len(text))
		}
		records := w.records(s.header.Get(correlationHeader))
		subjects, size := 0, int64(0)
		for i, r := range records {
			if r.Part != i+1 || r.Decision != "released" {
				t.Errorf("%s: record %d is part %d, %s", path, i, r.Part, r.Decision)
			}
			size += r.Bytes
			for _, p := range r.Profiles {
				subjects += len(p.Subjects)
			}
		}
		if len(records) < 3 || subjects != n || size != int64(len(text)) {
			t.Errorf("%s: %d records of %d subjects and %d bytes, want several, of %d and %d", path, len(records), subjects, size, n, len(text))
		}
	}
}

// TestStreamTurnsBad shows that a response that turns bad midway does not end as if it were whole,
// that nothing of what is bad leaves, and that the refusal is on record.
func TestStreamTurnsBad(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tail   string
		reason string
	}{
		"invalid JSON":        {`{"id":"x","name":"canary-4711",}]}`, "invalid_json"},
		"record sans subject": {`{"name":"canary-4711"}]}`, "no_subject"},
		"trailing data":       {nth(1, "x") + `]} "canary-4711"`, "invalid_json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, `{"items":[`)
				for i := range 10_000 {
					fmt.Fprint(w, nth(i, "张三丰")+",")
				}
				fmt.Fprint(w, test.tail)
			}, testPolicy)
			all := w.raw(w.head("GET /v1/people HTTP/1.1") + "\r\n")
			if !bytes.HasPrefix(all, []byte("HTTP/1.1 200 OK")) || bytes.HasSuffix(all, []byte("\r\n0\r\n\r\n")) {
				t.Errorf("begins %.30q and ends %q, want a 200 that is cut short", all, all[max(0, len(all)-30):])
			}
			if bytes.Contains(all, []byte("canary-4711")) || bytes.Contains(all, []byte("problem")) {
				t.Error("what is bad left")
			}
			if n := w.observed.of("reason " + test.reason); n != 1 {
				t.Errorf("%d refusals are counted as %s, want 1: %v", n, test.reason, w.observed)
			}
		})
	}
}

// TestStreamUpstreamDies shows the same where the upstream breaks off, also between two lines of
// NDJSON.
func TestStreamUpstreamDies(t *testing.T) {
	t.Parallel()
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for i := range 10_000 {
			fmt.Fprintln(w, nth(i, "张三丰"))
		}
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, testPolicy)
	all := w.raw(w.head("GET /v1/lines HTTP/1.1") + "\r\n")
	if bytes.HasSuffix(all, []byte("\r\n0\r\n\r\n")) {
		t.Error("an answer that was cut short ends as if it were whole")
	}
	if w.observed.of("reason response_cut_short") != 1 {
		t.Error("the refusal is not counted as response_cut_short")
	}
}

// TestStreamLimit shows that a role's limit counts across windows.
func TestStreamLimit(t *testing.T) {
	t.Parallel()
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[`)
		for i := range 10_000 {
			fmt.Fprint(w, nth(i, "张三丰")+",")
		}
		fmt.Fprint(w, nth(1, "x")+`]}`)
	}, strings.Replace(testPolicy, "treat: {C1: clear, C2: mask}", "treat: {C1: clear, C2: mask}\n    limit: {records: 300/response}", 1))
	all := w.raw(w.head("GET /v1/people HTTP/1.1") + "\r\n")
	if n := bytes.Count(all, []byte(`"id"`)); n == 0 || n > 300 || bytes.HasSuffix(all, []byte("\r\n0\r\n\r\n")) {
		t.Errorf("%d records left, want some, at most 300, and no clean end", n)
	}
}

// TestStreamEvents shows that an event reaches the caller before the upstream says the next.
func TestStreamEvents(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "event: 张三丰\ndata: %s\n\n", nth(i, "张三丰"))
			w.(http.Flusher).Flush()
			<-next
		}
	}, testPolicy)
	resp, err := http.DefaultClient.Do(w.request(http.MethodGet, "/v1/events"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := events.ReadString('\n')
		if want := fmt.Sprintf("data: {\"id\":\"C%06d\",\"name\":\"张**\",\"agentId\":\"agent-07\"}\n", i); err != nil || line != want {
			t.Fatalf("event %d: %q, %v, want %q", i, line, err, want)
		}
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		next <- struct{}{}
	}
}

// TestStreamOfNothing shows that an answer of which nothing is left is on record too, whatever the
// media type's parameters.
func TestStreamOfNothing(t *testing.T) {
	t.Parallel()
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=UTF-8")
		fmt.Fprint(w, ": ping\n\ndata: {\"id\":\"C1\"}\n")
	}, testPolicy)
	s := w.get("/v1/events")
	records := w.records(s.header.Get(correlationHeader))
	if s.status != http.StatusOK || len(s.body) > 0 || len(records) != 1 || records[0].Decision != "released" {
		t.Errorf("status %d, body %q, records %+v, want an empty 200 that is on record", s.status, s.body, records)
	}
}

// TestStreamOldCaller shows that a caller of HTTP/1.0, to whom an end and a cut look the same, gets
// no stream.
func TestStreamOldCaller(t *testing.T) {
	t.Parallel()
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for i := range 1000 {
			fmt.Fprintln(w, nth(i, "张三丰"))
		}
	}, testPolicy)
	if all := w.raw(w.head("GET /v1/lines HTTP/1.0") + "\r\n"); !bytes.Contains(all[:min(len(all), 20)], []byte(" 502 ")) {
		t.Errorf("an HTTP/1.0 caller gets %.60q, want a 502", all)
	}
}

// TestStreamOutlivesToken shows that a stream ends, uncleanly and on record, when the token does.
func TestStreamOutlivesToken(t *testing.T) {
	t.Parallel()
	var now clock
	now.at.Store(time.Now().Unix())
	expired := make(chan struct{})
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s\n\n", nth(1, "张三丰"))
		w.(http.Flusher).Flush()
		<-expired
		fmt.Fprintf(w, "data: %s\n\n", nth(2, "张三丰"))
	}, testPolicy, func(w *world) { w.handler.Now = now.now })
	resp, err := fresh.Do(w.request(http.MethodGet, "/v1/events"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	if line, err := events.ReadString('\n'); err != nil || !strings.Contains(line, "C000001") {
		t.Fatalf("first event: %q, %v", line, err)
	}
	now.at.Add(int64(2 * time.Hour / time.Second)) // the token lives for one
	close(expired)
	rest, err := io.ReadAll(events)
	if err == nil || bytes.Contains(rest, []byte("C000002")) {
		t.Errorf("behind the token's end: %q, %v, want nothing and no clean end", rest, err)
	}
	records := w.records(resp.Header.Get(correlationHeader))
	if n := len(records); n != 2 || records[1].Reason != "token_ended" || records[1].Part != 2 {
		t.Errorf("records %+v, want the first event's and a refusal for token_ended", records)
	}
}

// TestStreamNeedsRules shows that a public response does not stream unread.
func TestStreamNeedsRules(t *testing.T) {
	t.Parallel()
	w := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `"`+strings.Repeat("x", 2000)+`"`)
	}, testPolicy)
	if s := w.get("/v1/public"); s.status != http.StatusBadGateway {
		t.Errorf("status %d, want 502", s.status)
	}
}
