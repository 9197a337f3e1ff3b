package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/keys"
)

const upstreamText = "UPSTREAM-TEXT"

// checkProblem checks that an answer is a problem document, whole and right.
func (w *world) checkProblem(got seen, status int, slug, reason string) {
	w.t.Helper()
	var p struct {
		Type, Title, Detail, Reason string
		Status                      int
		CorrelationID               string `json:"correlation_id"`
	}
	if err := json.Unmarshal(got.body, &p); err != nil {
		w.t.Errorf("body %q: %v", got.body, err)
		return
	}
	if got.status != status || p.Status != status || p.Type != problemBase+slug ||
		p.Reason != reason || p.Title == "" {
		w.t.Errorf("status %d, document %+v; want %d, type %s, reason %s", got.status, p, status,
			slug, reason)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		w.t.Errorf("Content-Type = %q", ct)
	}
	if strings.Contains(string(got.body)+fmt.Sprint(got.header), upstreamText) {
		w.t.Errorf("the upstream's text leaves: %s", got.body)
	}
	w.checkOwn(got)
	if id := got.header.Get(correlationHeader); id == "" || id != p.CorrelationID {
		w.t.Errorf("correlation id %q in the header, %q in the document", id, p.CorrelationID)
	}
	if reason == string(reasonLog) || reason == string(reasonNotReady) {
		return
	}
	records := w.records(p.CorrelationID)
	if len(records) != 1 || records[0].Decision != "refused" || records[0].Reason != reason ||
		records[0].Status != status {
		w.t.Errorf("records %+v; want one refusal, %s, %d", records, reason, status)
	}
}

// checkOwn checks what every answer carries.
func (w *world) checkOwn(got seen) {
	w.t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "private, no-store", "Vary": "Authorization, Maskgate-Purpose",
		"X-Content-Type-Options": "nosniff", "Server": "",
	} {
		if v := got.header.Values(name); strings.Join(v, "|") != want {
			w.t.Errorf("%s = %q, want %q", name, v, want)
		}
	}
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

func chunked(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), -1
	}
}

// counting counts how often an upstream is asked.
type counting struct {
	Upstream
	asked *atomic.Int32
}

func (c counting) Ask(r *http.Request, buf *bytes.Buffer, limit int64) (Answer, error) {
	c.asked.Add(1)
	return c.Upstream.Ask(r, buf, limit)
}

// impatient gives the data service little time.
func impatient(w *world) { w.handler.Timeout = 100 * time.Millisecond }

func TestRefusalsOfCallers(t *testing.T) {
	t.Parallel()
	var asked, whole atomic.Int32 // times the data service was asked, and got the request whole
	service, err := NewService(upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	}), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Retire)
	w := start(t, "", func(w *world) {
		w.handler.MaxRequest = 10
		w.upstream = counting{service, &asked}
	})
	expired, err := issuer.Token(agent, time.Second, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	const path = "/v1/people/C1"
	for _, tt := range []struct {
		name         string
		method, path string
		edits        []func(*http.Request)
		status       int
		slug, reason string
		challenge    string
	}{
		{"no token", "GET", path, []func(*http.Request){header("Authorization")}, 401, "token",
			"token_missing", `Bearer realm="maskgate"`},
		{"another scheme", "GET", path,
			[]func(*http.Request){header("Authorization", "Basic eDp5")}, 401, "token",
			"token_scheme", `Bearer realm="maskgate"`},
		{"garbage", "GET", path, []func(*http.Request){header("Authorization", "Bearer x.y.z")},
			401, "token", "token_malformed", "invalid_token"},
		{"not a token", "GET", path, []func(*http.Request){header("Authorization", "Bearer a b")},
			400, "token", "token_malformed", "invalid_request"},
		{"two tokens", "GET", path,
			[]func(*http.Request){header("Authorization", "Bearer a", "Bearer b")},
			400, "token", "token_malformed", "invalid_request"},
		{"expired", "GET", path, []func(*http.Request){header("Authorization", "Bearer "+expired)},
			401, "token", "token_expired", "invalid_token"},
		{"no route", "GET", "/v1/pets", nil, 404, "no-route", "no_route", ""},
		{"no route for the method", "PUT", path, nil, 404, "no-route", "no_route", ""},
		{"path", "GET", "/v1//people", nil, 400, "bad-request", "ambiguous_path", ""},
		{"query not listed", "GET", path + "?x=1", nil, 400, "bad-request", "query_not_allowed",
			""},
		{"query twice", "GET", "/v1/people?page=1&page=2", nil, 400, "bad-request",
			"query_not_allowed", ""},
		{"body with GET", "GET", path, []func(*http.Request){body("{}")}, 400, "bad-request",
			"body_not_allowed", ""},
		{"chunked body with GET", "GET", path, []func(*http.Request){chunked("{}")}, 400,
			"bad-request", "body_not_allowed", ""},
		{"body too large", "POST", path, []func(*http.Request){body("12345678901")}, 413,
			"too-large", "request_too_large", ""},
		{"chunked body too large", "POST", path, []func(*http.Request){chunked("12345678901")}, 413,
			"too-large", "request_too_large", ""},
		{"upgrade", "GET", path, []func(*http.Request){header("Connection", "Upgrade"),
			header("Upgrade", "websocket")}, 400, "bad-request", "upgrade", ""},
		{"no purpose", "GET", path, []func(*http.Request){header("Maskgate-Purpose")}, 403,
			"not-permitted", "purpose_missing", ""},
		{"two purposes", "GET", path, []func(*http.Request){
			header("Maskgate-Purpose", "customer-service", "customer-service"),
		}, 403, "not-permitted", "purpose_missing", ""},
		{"unknown purpose", "GET", path,
			[]func(*http.Request){header("Maskgate-Purpose", "curiosity")}, 403, "not-permitted",
			"purpose_unknown", ""},
		{"purpose not granted", "GET", path,
			[]func(*http.Request){header("Maskgate-Purpose", "loan-review")}, 403, "not-permitted",
			"purpose_not_granted", ""},
		{"no role", "GET", path,
			[]func(*http.Request){as(t, func(p *demo.Person) { p.Roles = nil })}, 403,
			"not-permitted", "no_role", ""},
		{"assurance", "GET", path, []func(*http.Request){
			as(t, func(p *demo.Person) {
				p.Roles, p.Purposes = []string{"credit-officer"}, []string{"loan-review"}
			}),
			header("Maskgate-Purpose", "loan-review"),
		}, 403, "not-permitted", "assurance_too_low", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			asked.Store(0)
			whole.Store(0)
			got := w.do(w.request(tt.method, tt.path, tt.edits...))
			w.checkProblem(got, tt.status, tt.slug, tt.reason)
			if c := got.header.Get("WWW-Authenticate"); tt.challenge == "" && c != "" ||
				!strings.Contains(c, tt.challenge) {
				t.Errorf("WWW-Authenticate = %q, want %q", c, tt.challenge)
			}
			if whole.Load() > 0 {
				t.Error("the upstream was asked to the end")
			}
			// How long a chunked body is shows only as it passes.
			if asked.Load() > 0 && tt.name != "chunked body too large" {
				t.Error("the upstream was asked")
			}
		})
	}
	w.t = t
	got := w.get(path, as(t, func(p *demo.Person) { p.ID = "agent-99" }))
	w.checkProblem(got, 403, "not-permitted", "condition_not_met")
}

func TestRefusalsOfAnswers(t *testing.T) {
	t.Parallel()
	jsonHeader := "Content-Type: application/json\r\n"
	answer := func(status, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header,
			len(body), body)
	}
	good := person("C1", upstreamText)
	for _, tt := range []struct {
		name         string
		answer       string
		status       int
		slug, reason string
	}{
		{"500", answer("500 Broken", jsonHeader, good), 502, "upstream-refused", "upstream_status"},
		{"302", answer("302 Found", jsonHeader+"Location: /"+upstreamText+"\r\n", good), 502,
			"upstream-refused", "upstream_status"},
		{"206", answer("206 Partial", jsonHeader, good), 502, "upstream-refused",
			"upstream_status"},
		{"304", "HTTP/1.1 304 Not Modified\r\nEtag: \"" + upstreamText + "\"\r\n\r\n", 502,
			"upstream-refused", "upstream_status"},
		{"401", answer("401 Unauthorized", "Www-Authenticate: Basic realm="+upstreamText+"\r\n",
			""), 502, "upstream-refused", "upstream_status"},
		{"205", answer("205 Reset", "", ""), 502, "upstream-refused", "upstream_status"},
		{"404", answer("404 Not Found", jsonHeader, good), 404, "upstream-status",
			"upstream_status"},
		{"409", answer("409 Conflict "+upstreamText, jsonHeader, good), 409, "upstream-status",
			"upstream_status"},
		{"429", answer("429 Slow", jsonHeader+"Retry-After: 9\r\n", good), 429, "upstream-status",
			"upstream_status"},
		{"499", answer("499 "+upstreamText, jsonHeader, good), 499, "upstream-status",
			"upstream_status"},
		{"no media type", answer("200 OK", "", good), 502, "upstream-refused", "media_type"},
		{"wrong media type", answer("200 OK", "Content-Type: text/html\r\n", good), 502,
			"upstream-refused", "media_type"},
		{"+json", answer("200 OK", "Content-Type: application/hal+json\r\n", good), 502,
			"upstream-refused", "media_type"},
		{"media type of another route", answer("200 OK", "Content-Type: application/x-ndjson\r\n",
			good), 502, "upstream-refused", "media_type"},
		{"gbk", answer("200 OK", "Content-Type: application/json; charset=gbk\r\n", good), 502,
			"upstream-refused", "media_type"},
		{"two media types", answer("200 OK", jsonHeader+jsonHeader, good), 502, "upstream-refused",
			"media_type"},
		{"gzip", answer("200 OK", jsonHeader+"Content-Encoding: gzip\r\n", good), 502,
			"upstream-refused", "content_encoding"},
		{"br", answer("200 OK", jsonHeader+"Content-Encoding: br\r\n", good), 502,
			"upstream-refused", "content_encoding"},
		{"stacked",
			answer("200 OK", jsonHeader+"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
				good), 502, "upstream-refused", "content_encoding"},
		{"invalid JSON", answer("200 OK", jsonHeader, `{"name":"`+upstreamText), 502,
			"upstream-refused", "invalid_json"},
		{"nothing", answer("200 OK", jsonHeader, ""), 502, "upstream-refused", "invalid_json"},
		{"duplicate names", answer("200 OK", jsonHeader, `{"id":"1","id":"`+upstreamText+`"}`), 502,
			"upstream-refused", "invalid_json"},
		{"no subject", answer("200 OK", jsonHeader, `{"name":"`+upstreamText+`"}`), 502,
			"upstream-refused", "no_subject"},
		{"too large", answer("200 OK", jsonHeader, `"`+strings.Repeat("x", 2000)+`"`), 502,
			"upstream-refused", "response_too_large"},
		{"too large, chunked", "HTTP/1.1 200 OK\r\n" + jsonHeader +
			"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 2000) +
			"\r\n0\r\n\r\n", 502, "upstream-refused", "response_too_large"},
		{"cut short", "HTTP/1.1 200 OK\r\n" + jsonHeader + "Content-Length: 999\r\n\r\n" + good,
			502, "upstream-refused", "response_cut_short"},
		{"chunks cut short", "HTTP/1.1 200 OK\r\n" + jsonHeader +
			"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"", 502, "upstream-refused",
			"response_cut_short"},
		{"bad chunk", "HTTP/1.1 200 OK\r\n" + jsonHeader + "Transfer-Encoding: chunked\r\n\r\n" +
			upstreamText + "\r\n", 502, "upstream-refused", "response_cut_short"},
		{"not HTTP", upstreamText + "\r\n\r\n", 502, "upstream", "upstream_down"},
		{"hung up", "", 502, "upstream", "upstream_down"},
		{"bad header", "HTTP/1.1 200 OK\r\n" + upstreamText + "\r\n\r\n", 502, "upstream",
			"upstream_down"},
		{"huge header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat(upstreamText, 10000) + "\r\n\r\n",
			502, "upstream", "upstream_down"},
		{"unknown transfer encoding", "HTTP/1.1 200 OK\r\n" + jsonHeader +
			"Transfer-Encoding: gzip\r\n\r\n" + good, 502, "upstream", "upstream_down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, script(t, tt.answer), func(w *world) { w.handler.MaxResponse = 1000 })
			w.checkProblem(w.get("/v1/people/C1"), tt.status, tt.slug, tt.reason)
			if strings.Contains(w.logged(), upstreamText) {
				t.Errorf("the upstream's text is in the log: %s", w.logged())
			}
		})
	}
	t.Run("101", func(t *testing.T) {
		t.Parallel()
		up := script(t, "HTTP/1.1 101 Switching Protocols\r\n"+
			"Connection: Upgrade\r\nUpgrade: x\r\n\r\n"+upstreamText)
		w := start(t, up)
		w.checkProblem(w.get("/v1/people/C1"), 502, "upstream-refused", "upgrade")
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		w := start(t, "http://127.0.0.1:1")
		w.checkProblem(w.get("/v1/people/C1"), 502, "upstream", "upstream_down")
	})
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		wait := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		w := start(t, scriptThen(t, "", wait), impatient)
		w.checkProblem(w.get("/v1/people/C1"), 502, "upstream", "upstream_timeout")
	})
	t.Run("slow body", func(t *testing.T) {
		t.Parallel()
		wait := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		head := "HTTP/1.1 200 OK\r\n" + jsonHeader + "Content-Length: 99\r\n\r\n{"
		w := start(t, scriptThen(t, head, wait), impatient)
		w.checkProblem(w.get("/v1/people/C1"), 502, "upstream", "upstream_timeout")
	})
	t.Run("handler that stops in the middle", func(t *testing.T) {
		t.Parallel()
		up := Guarded(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/x-ndjson")
			fmt.Fprintln(w, good)
			<-r.Context().Done()
			return nil
		})
		w := start(t, "", impatient, func(w *world) { w.upstream = up })
		w.checkProblem(w.get("/v1/lines"), 502, "upstream", "upstream_timeout")
	})
	t.Run("long error behind the guard", func(t *testing.T) {
		t.Parallel()
		up := Guarded(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusNotFound)
			_, err := fmt.Fprint(w, strings.Repeat(upstreamText, 100))
			return err
		})
		w := start(t, "", func(w *world) { w.upstream, w.handler.MaxResponse = up, 1000 })
		w.checkProblem(w.get("/v1/people/C1"), 404, "upstream-status", "upstream_status")
	})
}

func TestReleases(t *testing.T) {
	t.Parallel()
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/public":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "中国")
		case "/v1/people/none":
			w.Header().Set("Set-Cookie", "x=y")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			w.Header().Set("X-Page", "2")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, person("C1", "张三丰"))
		}
	}), func(w *world) { w.handler.ResponseHeaders = []string{"x-page"} })
	for _, tt := range []struct {
		path, want string
		status     int
		header     map[string]string
	}{
		{"/v1/people/C1", fmt.Sprintf(`{"id":"C1","name":"张**","agentId":%q}`, agent.ID), 201,
			map[string]string{"Content-Type": "application/json", "X-Page": "2"}},
		{"/v1/public", "中国", 200, map[string]string{"Content-Type": "text/plain"}},
		{"/v1/people/none", "", 204, nil},
	} {
		got := w.get(tt.path)
		if got.status != tt.status || string(got.body) != tt.want {
			t.Errorf("GET %s: %d %s, want %d %s", tt.path, got.status, got.body, tt.status, tt.want)
		}
		w.checkOwn(got)
		have := headerOf(got.header, "Date", "Content-Length", correlationHeader, "Cache-Control",
			"Vary", "X-Content-Type-Options")
		if fmt.Sprint(have) != fmt.Sprint(tt.header) {
			t.Errorf("GET %s: header %v, want %v", tt.path, have, tt.header)
		}
		records := w.records(got.header.Get(correlationHeader))
		if len(records) != 1 || records[0].Decision != "released" ||
			records[0].Bytes != int64(len(got.body)) || records[0].Status != tt.status {
			t.Errorf("GET %s: records %+v", tt.path, records)
		}
	}
}

// breakages are what may happen to the file of a log that is in use.
var breakages = map[string]func(file string) error{
	"removed":   os.Remove,
	"truncated": func(file string) error { return os.Truncate(file, 10) },
	"renamed":   func(file string) error { return os.Rename(file, file+".old") },
	"appended": func(file string) error {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			defer f.Close()
			_, err = f.WriteString("x")
		}
		return err
	},
}

// breakLog breaks the log of a running gateway.
func (w *world) breakLog(breakIt func(file string) error) {
	w.t.Helper()
	segments, err := filepath.Glob(filepath.Join(keys.AuditDir(w.data()), "*.jsonl"))
	if err != nil || len(segments) != 1 {
		w.t.Fatal(segments, err)
	}
	if err := breakIt(segments[0]); err != nil {
		w.t.Fatal(err)
	}
}

// TestUnwritableLog breaks the log under the running gateway: then nothing leaves any more.
func TestUnwritableLog(t *testing.T) {
	t.Parallel()
	for name, breakIt := range breakages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, person("C1", upstreamText))
			}))
			if got := w.get("/v1/people/C1"); got.status != 200 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			w.breakLog(breakIt)
			for range 3 {
				for _, path := range []string{"/v1/people/C1", "/v1/public", "/v1/none"} {
					w.checkProblem(w.get(path), 503, "unavailable", "log_unwritable")
				}
			}
		})
	}
}
