package gateway

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maskgate/maskgate/auth"
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
func streaming(t *testing.T, answer http.HandlerFunc, policy string,
	changes ...func(*world)) *world {
	t.Helper()
	streams := func(w *world) {
		w.streams, w.handler.MaxResponse = true, 1000
		w.rules(streamService, policy)
	}
	return start(t, upstreamOf(t, answer), append([]func(*world){streams}, changes...)...)
}

func nth(i int, name string) string {
	return fmt.Sprintf(`{"id":"C%06d","name":"%s","agentId":"agent-07","secret":"%s"}`, i, name,
		strings.Repeat("s", 100))
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
			t.Fatalf("%s: status %d and %d bytes, want 200 and %d", path, s.status, len(s.body),
				len(text))
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
			t.Errorf("%s: %d records of %d subjects and %d bytes, want several, of %d and %d", path,
				len(records), subjects, size, n, len(text))
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
			if !bytes.HasPrefix(all, []byte("HTTP/1.1 200 OK")) ||
				bytes.HasSuffix(all, []byte("\r\n0\r\n\r\n")) {
				t.Errorf("begins %.30q and ends %q, want a 200 that is cut short", all,
					all[max(0, len(all)-30):])
			}
			if bytes.Contains(all, []byte("canary-4711")) ||
				bytes.Contains(all, []byte("problem")) {
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
	}, strings.Replace(testPolicy, "treat: {C1: clear, C2: mask}",
		"treat: {C1: clear, C2: mask}\n    limit: {records: 300/response}", 1))
	all := w.raw(w.head("GET /v1/people HTTP/1.1") + "\r\n")
	if n := bytes.Count(all, []byte(`"id"`)); n == 0 || n > 300 ||
		bytes.HasSuffix(all, []byte("\r\n0\r\n\r\n")) {
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
		want := fmt.Sprintf(`data: {"id":"C%06d","name":"张**","agentId":"agent-07"}`+"\n", i)
		if err != nil || line != want {
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
	if s.status != http.StatusOK || len(s.body) > 0 || len(records) != 1 ||
		records[0].Decision != "released" {
		t.Errorf("status %d, body %q, records %+v, want an empty 200 that is on record", s.status,
			s.body, records)
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
	all := w.raw(w.head("GET /v1/lines HTTP/1.0") + "\r\n")
	if !bytes.Contains(all[:min(len(all), 20)], []byte(" 502 ")) {
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
	events := w.follow("/v1/events", "C000001")
	now.at.Add(int64(2 * time.Hour / time.Second)) // the token lives for one
	close(expired)
	rest, err := io.ReadAll(events)
	if err == nil || bytes.Contains(rest, []byte("C000002")) {
		t.Errorf("behind the token's end: %q, %v, want nothing and no clean end", rest, err)
	}
	records := w.records("")
	if n := len(records); n != 2 || records[1].Reason != "token_ended" || records[1].Part != 2 {
		t.Errorf("records %+v, want the first event's and a refusal for token_ended", records)
	}
}

// TestStreamUnwritableLog breaks the log under a stream: no window leaves that is not on record.
func TestStreamUnwritableLog(t *testing.T) {
	t.Parallel()
	for name, breakIt := range breakages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{})
			w := streaming(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/lines" {
					w.Header().Set("Content-Type", "application/x-ndjson")
					for i := range 100 {
						fmt.Fprintln(w, nth(i, "张三丰"))
					}
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, event("C1"))
				w.(http.Flusher).Flush()
				<-next
				fmt.Fprint(w, event("C2"))
			}, testPolicy)
			goOn := sync.OnceFunc(func() { close(next) })
			t.Cleanup(goOn)
			events := w.follow("/v1/events", "C1")
			w.breakLog(breakIt)
			goOn()
			if rest, err := io.ReadAll(events); err == nil || bytes.Contains(rest, []byte("C2")) {
				t.Errorf("behind the log's end: %q, %v, want nothing and no clean end", rest, err)
			}
			if n := w.observed.of("reason log_unwritable"); n != 1 {
				t.Errorf("%d refusals are counted as log_unwritable, want 1: %v", n, w.observed)
			}
			// The first window of a stream can still be refused.
			for _, path := range []string{"/v1/events", "/v1/lines"} {
				w.checkProblem(w.get(path), 503, "unavailable", "log_unwritable")
			}
		})
	}
}

// follow asks for a stream and reads its first line, which must hold a text.
func (w *world) follow(path, want string) *bufio.Reader {
	w.t.Helper()
	resp, err := fresh.Do(w.request("GET", path))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	body := bufio.NewReader(resp.Body)
	if line, err := body.ReadString('\n'); err != nil || !strings.Contains(line, want) {
		w.t.Fatalf("status %d; the first line: %q, %v", resp.StatusCode, line, err)
	}
	return body
}

// TestStreamStalls shows that a data service that falls silent behind the first window is given up.
func TestStreamStalls(t *testing.T) {
	t.Parallel()
	givenUp := make(chan struct{})
	w := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(givenUp)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, event("C1"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, testPolicy, func(w *world) { w.handler.Timeout = 2 * time.Second })
	if rest, err := io.ReadAll(w.follow("/v1/events", "C1")); err == nil ||
		len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("then %q, %v, want nothing and no clean end", rest, err)
	}
	eventually(t, "the data service is let go", func() bool { return ended(givenUp) })
	w.checkStalled()
}

// checkStalled checks that the second window of a stream did not come in time.
func (w *world) checkStalled() {
	w.t.Helper()
	records := w.records("")
	if n := len(records); n != 2 || records[1].Decision != "refused" ||
		records[1].Reason != "upstream_timeout" || records[1].Part != 2 {
		w.t.Errorf("records %+v, want the first window's and a refusal for upstream_timeout",
			records)
	}
}

// trickling is an upstream that says an event after each of some pauses, and then ends.
type trickling []time.Duration

func (pauses trickling) Ask(r *http.Request, _ *bytes.Buffer, _ int64) (Answer, error) {
	body := &trickle{r.Context(), pauses}
	return Answer{200, http.Header{"Content-Type": {"text/event-stream"}}, body}, nil
}

type trickle struct {
	ctx  context.Context
	left []time.Duration
}

func (b *trickle) Close() error { return nil }

func (b *trickle) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	select {
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	case <-time.After(b.left[0]):
	}
	b.left = b.left[1:]
	return copy(p, event("C1")), nil
}

// known says of every request that the agent sent it.
type known struct{}

func (known) Authenticate(context.Context, *http.Request) (auth.Caller, error) {
	return auth.Caller{
		ID: agent.ID, Roles: agent.Roles, Purposes: agent.Purposes,
		Expires: time.Now().Add(24 * time.Hour),
	}, nil
}

// slowWriter takes its time to write.
type slowWriter struct {
	*httptest.ResponseRecorder
	each time.Duration
}

func (w slowWriter) Write(b []byte) (int, error) {
	time.Sleep(w.each)
	return w.ResponseRecorder.Write(b)
}

// TestStreamPauses shows that each window of a stream has the timeout to come in, however long all
// of them take, and however long the caller takes to read them.
func TestStreamPauses(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for name, tt := range map[string]struct {
		pauses  trickling
		writing time.Duration
		events  int
		took    time.Duration
	}{
		"slow, but alive": {trickling{9 * second, 9 * second, 9 * second}, 0, 3, 27 * second},
		"slow caller":     {trickling{9 * second, 9 * second}, 9 * second, 2, 36 * second},
		"stalls":          {trickling{9 * second, time.Hour}, 0, 1, 19 * second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := build(t, "", func(w *world) {
					w.upstream, w.options.Authenticator = tt.pauses, known{}
					w.handler.Timeout = 10 * second
					w.rules(streamService, testPolicy)
				})
				r := httptest.NewRequest("GET", "/v1/events", nil)
				r.Header.Set("Maskgate-Purpose", "customer-service")
				got, begin := httptest.NewRecorder(), time.Now()
				aborted := func() (aborted bool) {
					defer func() { aborted = recover() != nil }()
					w.handler.Serve(slowWriter{got, tt.writing}, r, w.upstream)
					return false
				}()
				if took := time.Since(begin); took != tt.took ||
					aborted != (tt.events < len(tt.pauses)) {
					t.Errorf("it took %v, aborted %v, want %v", took, aborted, tt.took)
				}
				if n := strings.Count(got.Body.String(), `"C1"`); n != tt.events {
					t.Errorf("%d events of %s, want %d", n, got.Body, tt.events)
				}
				if aborted {
					w.checkStalled()
				}
			})
		})
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
