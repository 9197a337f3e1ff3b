package caddymodule

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"
)

func newCanary() string { return "K" + rand.Text()[:15] }

var escapeU = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)

// holds reports whether bytes hold a canary: as it is, JSON-escaped, or URL-, hex- or base64-encoded, whole.
func holds(all []byte, canary string) bool {
	lower := strings.ToLower(canary)
	views := []string{string(all)}
	views = append(views, escapeU.ReplaceAllStringFunc(views[0], func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 32)
		return string(rune(n))
	}))
	if plain, err := url.PathUnescape(regexp.MustCompile(`%([^0-9a-fA-F]|.[^0-9a-fA-F]|.?$)`).ReplaceAllString(views[0], "%25$1")); err == nil {
		views = append(views, plain)
	}
	if i := bytes.Index(all, []byte("\x1f\x8b")); i >= 0 {
		if z, err := gzip.NewReader(bytes.NewReader(all[i:])); err == nil {
			plain, _ := io.ReadAll(z)
			views = append(views, string(plain))
		}
	}
	// The runtime prints arguments in a stack as hexadecimal words.
	views = append(views, strings.NewReplacer("0x", "", ", ", "", "?", "").Replace(views[0]))
	for _, v := range views {
		v = strings.ToLower(v)
		if strings.Contains(v, lower) || strings.Contains(v, hex.EncodeToString([]byte(canary))) ||
			strings.Contains(v, hex.EncodeToString([]byte(lower))) {
			return true
		}
	}
	for shift := range 3 { // wherever it stands in what was encoded
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary + "xxx"))
		inner := text[4 : len(text)-8]
		if strings.Contains(views[0], inner) || strings.Contains(views[0], strings.NewReplacer("+", "-", "/", "_").Replace(inner)) {
			return true
		}
	}
	return false
}

func TestHolds(t *testing.T) {
	canary := newCanary()
	var u strings.Builder
	for _, c := range []byte(canary) {
		fmt.Fprintf(&u, `\u%04x`, c)
	}
	for _, text := range []string{
		canary, u.String(), hex.EncodeToString([]byte(canary)), "%" + "zz%" + hex.EncodeToString([]byte(canary[:1])) + canary[1:],
		base64.StdEncoding.EncodeToString([]byte("a" + canary + "b")), base64.RawURLEncoding.EncodeToString([]byte("ab" + canary + "?")),
	} {
		if !holds([]byte("x"+text+"y"), canary) {
			t.Errorf("holds(%q) = false", text)
		}
	}
	if holds([]byte("nothing"), canary) {
		t.Error("holds(nothing) = true")
	}
}

// checkNowhere checks that a canary is in nothing that leaves the gateway: answer, log, metrics, files.
func (g *gateway) checkNowhere(canary string, answer []byte) {
	g.t.Helper()
	places := map[string][]byte{"answer": answer, "log": []byte(captured.String()), "metrics": []byte(g.scrape())}
	_ = filepath.WalkDir(g.data(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[filepath.Base(path)], err = os.ReadFile(path)
		}
		return err
	})
	for place, content := range places {
		if holds(content, canary) {
			g.t.Errorf("the canary is in %s: %.2000s", place, content)
		}
	}
}

// A response head and body, $ standing for the canary.
func TestNothingPassesTheGuard(t *testing.T) {
	const (
		ok   = "HTTP/1.1 200 OK\r\n"
		js   = "Content-Type: application/json\r\n"
		good = `{"id":"C1","name":"王","pin":"$","agentId":"agent-07","x":"$"}`
	)
	whole := func(head, body string) string {
		return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+15*strings.Count(body, "$"), body)
	}
	chunk := func(extension, body string) string {
		return fmt.Sprintf("%x%s\r\n%s\r\n", len(body)+15*strings.Count(body, "$"), extension, body)
	}
	rows := []struct {
		name, answer string
		status       int
	}{
		{"protected fields", whole(ok+js, good), 200},
		{"headers", whole(ok+js+"Location: /$\r\nSet-Cookie: c=$\r\nLink: <$>\r\nX-Name: $\r\nContent-Disposition: attachment; filename=$\r\nServer: $\r\nDate: $\r\nEtag: \"$\"\r\nX-Correlation-Id: $\r\nCache-Control: $\r\nCdn-Cache-Control: $\r\nVary: $\r\nWarning: $\r\nAlt-Svc: $\r\n", good), 200},
		{"reason phrase", whole("HTTP/1.1 200 $\r\n"+js, good), 200},
		{"error body", whole("HTTP/1.1 500 $\r\n"+js+"X-Error: $\r\n", good), 502},
		{"not found body", whole("HTTP/1.1 404 $\r\n"+js, good), 404},
		{"challenge", whole("HTTP/1.1 401 $\r\n"+js+"WWW-Authenticate: Basic realm=\"$\"\r\n", good), 502},
		{"redirect", whole("HTTP/1.1 302 Found\r\nLocation: http://x/$\r\n", good), 502},
		{"no content", "HTTP/1.1 204 $\r\nX-Name: $\r\n\r\n", 204},
		{"not modified", "HTTP/1.1 304 $\r\nEtag: $\r\n\r\n", 502},
		{"partial", whole("HTTP/1.1 206 Partial\r\n"+js+"Content-Range: bytes 0-1/$\r\n", good), 502},
		{"byte ranges", whole("HTTP/1.1 206 Partial\r\nContent-Type: multipart/byteranges; boundary=$\r\n", good), 502},
		{"media type", whole(ok+"Content-Type: $/json\r\n", good), 502},
		{"media type parameter", whole(ok+"Content-Type: application/json; name=$\r\n", good), 200},
		{"charset", whole(ok+"Content-Type: application/json; charset=$\r\n", good), 502},
		{"encoding", whole(ok+js+"Content-Encoding: $\r\n", good), 502},
		{"callback", whole(ok+"Content-Type: application/javascript\r\n", "f("+good+")"), 502},
		{"invalid JSON", whole(ok+js, `{"id":"C1","$":$}`), 502},
		{"duplicate name", whole(ok+js, `{"id":"C1","$":1,"$":2}`), 502},
		{"trailing data", whole(ok+js, good+"$"), 502},
		{"no subject", whole(ok+js, `{"name":"$"}`), 502},
		{"subject is an object", whole(ok+js, `{"id":{"$":"$"},"name":"$"}`), 502},
		{"unlisted names", whole(ok+js, `{"id":"C1","agentId":"agent-07","$":{"$":["$"]}}`), 200},
		{"trailers", ok + js + "Transfer-Encoding: chunked\r\nTrailer: X-Name\r\n\r\n" + chunk("", good) + "0\r\nX-Name: $\r\nX-Other: $\r\n\r\n", 200},
		{"chunk extensions", ok + js + "Transfer-Encoding: chunked\r\n\r\n" + chunk(";e=$", good) + "0;e=$\r\n\r\n", 200},
		{"malformed trailer", ok + js + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n$ no colon\r\n\r\n", 502},
		{"malformed chunk", ok + js + "Transfer-Encoding: chunked\r\n\r\n$\r\n{}\r\n", 502},
		{"malformed length", ok + js + "Content-Length: $\r\n\r\n{}", 502},
		{"two lengths", ok + js + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}$", 502},
		{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: <$>\r\n\r\nHTTP/1.1 103 $\r\nX-Name: $\r\n\r\n" + whole(ok+js, good), 200},
		{"100 and 102", "HTTP/1.1 100 Continue\r\nX: $\r\n\r\nHTTP/1.1 102 $\r\nX-Name: $\r\n\r\n" + whole(ok+js, good), 200},
		{"only hints", "HTTP/1.1 103 Early Hints\r\nLink: <$>\r\n\r\n", 502},
		{"upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: $\r\n\r\n$", 502},
		{"upgrade unasked", "HTTP/1.1 101 Switching Protocols\r\n\r\n$", 502},
		{"dies in the body", ok + js + "Content-Length: 500\r\n\r\n" + good, 502},
		{"dies in a chunk", ok + js + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + good, 502},
		{"dies in the head", "HTTP/1.1 200 OK\r\nX-Name: $", 502},
		{"not HTTP", "$\r\n\r\n", 502},
		{"status line", "HTTP/1.1 $$\r\n\r\n", 502},
		{"bad header line", ok + "$ $\r\n\r\n", 502},
		{"header with a control", ok + js + "X: $\x00$\r\n\r\n{}", 502},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + js + "\r\n" + good, 200},
		{"HTTP/0.9", good, 502},
		{"more than its length", whole(ok+js, good) + "HTTP/1.1 200 OK\r\nX-Name: $\r\n\r\n$", 200},
		{"unsolicited", whole(ok+js, good) + "$ $ $", 200},
		{"too long", whole(ok+js, `{"id":"C1","name":"`+strings.Repeat("$", 400)+`"}`), 502},
	}
	for kind, site := range map[string]string{
		"own transport": "maskgate %s {\n max_response 5000\n timeout 5s\n}",
		"reverse_proxy": "maskgate {\n max_response 5000\n timeout 5s\n}\nreverse_proxy %s",
	} {
		for _, tt := range rows {
			t.Run(kind+"/"+tt.name, func(t *testing.T) {
				canary := newCanary()
				rest := make(chan struct{})
				up := scriptThen(t, strings.ReplaceAll(tt.answer, "$", canary), func(c net.Conn) {
					if strings.HasPrefix(tt.name, "unsol") || strings.HasPrefix(tt.name, "more") {
						_, _ = io.Copy(io.Discard, c) // until the gateway has taken offence
						close(rest)
					}
				})
				g := start(t, fmt.Sprintf(site, up), func(g *gateway) {
					if kind == "own transport" {
						g.level = "DEBUG"
					}
				})
				all := g.raw(g.head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
				if strings.HasPrefix(tt.name, "unsol") || strings.HasPrefix(tt.name, "more") {
					<-rest
				}
				if got := statusOf(all); got != tt.status {
					t.Errorf("status %d, want %d: %s", got, tt.status, all)
				}
				if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
					t.Errorf("%d responses: %s", n, all)
				}
				if kind == "reverse_proxy" && tt.name == "malformed trailer" {
					captured.reset() // reverse_proxy logs the line itself: an operator has to exclude its logger
				}
				g.checkNowhere(canary, all)
			})
		}
	}
}

func statusOf(all []byte) int {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestHandlersBehindTheGuard has handlers of Caddy's chain try every way out that a response writer may have.
func TestHandlersBehindTheGuard(t *testing.T) {
	g := start(t, "maskgate {\n max_response 5000\n timeout 2s\n}\ntest_upstream")
	js := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/json") }
	write := func(w http.ResponseWriter, canary string) error {
		js(w)
		_, err := fmt.Fprintf(w, `{"id":"C1","agentId":"agent-07","pin":%q}`, canary)
		return err
	}
	for _, tt := range []struct {
		name   string
		f      func(w http.ResponseWriter, r *http.Request, canary string) error
		status int
	}{
		{"flush", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.Header().Set("X-Name", canary)
			err := write(w, canary)
			if http.NewResponseController(w).Flush() == nil {
				return errors.New("flushed")
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			return err
		}, 200},
		{"hijack", func(w http.ResponseWriter, r *http.Request, canary string) error {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				fmt.Fprint(c, canary)
			}
			if h, ok := w.(http.Hijacker); ok {
				c, _, _ := h.Hijack()
				fmt.Fprint(c, canary)
			}
			return write(w, canary)
		}, 200},
		{"push, ReadFrom, Unwrap", func(w http.ResponseWriter, r *http.Request, canary string) error {
			if p, ok := w.(http.Pusher); ok {
				_ = p.Push("/"+canary, nil)
			}
			if rf, ok := w.(io.ReaderFrom); ok {
				_, _ = rf.ReadFrom(strings.NewReader(canary))
			}
			if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
				_, _ = io.WriteString(u.Unwrap(), canary)
			}
			return write(w, canary)
		}, 200},
		{"controller", func(w http.ResponseWriter, r *http.Request, canary string) error {
			c := http.NewResponseController(w)
			for _, err := range []error{c.EnableFullDuplex(), c.SetReadDeadline(time.Now()), c.SetWriteDeadline(time.Now())} {
				if err == nil {
					return errors.New("the controller found the connection")
				}
			}
			return write(w, canary)
		}, 200},
		{"context", func(w http.ResponseWriter, r *http.Request, canary string) error {
			for _, key := range []any{http.LocalAddrContextKey, caddyhttp.OriginalRequestCtxKey, caddyhttp.ServerCtxKey, caddyhttp.VarsCtxKey} {
				if c, ok := r.Context().Value(key).(io.Writer); ok {
					_, _ = io.WriteString(c, canary)
				}
			}
			return write(w, canary)
		}, 200},
		{"interim", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.Header().Set("Link", canary)
			w.WriteHeader(103)
			w.WriteHeader(100)
			return write(w, canary)
		}, 200},
		{"switching", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.Header().Set("Upgrade", canary)
			w.WriteHeader(101)
			return write(w, canary)
		}, 502},
		{"late header", func(w http.ResponseWriter, r *http.Request, canary string) error {
			err := write(w, canary)
			w.Header().Set("Content-Type", "text/plain; "+canary)
			w.Header().Set(http.TrailerPrefix+"X-Name", canary)
			w.Header().Set("Trailer", canary)
			w.WriteHeader(500)
			return err
		}, 200},
		{"lying length", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.Header().Set("Content-Length", "7")
			return write(w, canary)
		}, 502},
		{"not canonical", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.Header()["content-type"] = []string{"text/plain"}
			w.Header()["location"] = []string{canary}
			return write(w, canary)
		}, 200},
		{"strange status", func(w http.ResponseWriter, r *http.Request, canary string) error {
			w.WriteHeader(999)
			return write(w, canary)
		}, 502},
		{"nothing", func(w http.ResponseWriter, r *http.Request, canary string) error { return nil }, 502},
		{"error", func(w http.ResponseWriter, r *http.Request, canary string) error {
			_ = write(w, canary)
			return errors.New(canary)
		}, 502},
		{"Caddy's error", func(w http.ResponseWriter, r *http.Request, canary string) error {
			return caddyhttp.Error(404, errors.New(canary))
		}, 502},
		{"Caddy's timeout", func(w http.ResponseWriter, r *http.Request, canary string) error {
			return caddyhttp.Error(504, errors.New(canary))
		}, 502},
		{"panic", func(w http.ResponseWriter, r *http.Request, canary string) error {
			_ = write(w, canary)
			panic(canary)
		}, 500},
		{"panic with an error", func(w http.ResponseWriter, r *http.Request, canary string) error {
			panic(fmt.Errorf("%s", canary))
		}, 500},
		{"panic below arguments", func(w http.ResponseWriter, r *http.Request, canary string) error {
			return below(binary.BigEndian.Uint64([]byte(canary[:8])), binary.BigEndian.Uint64([]byte(canary[8:])))
		}, 500},
		{"abort", func(w http.ResponseWriter, r *http.Request, canary string) error {
			_ = write(w, canary)
			panic(http.ErrAbortHandler)
		}, 502},
		{"too much", func(w http.ResponseWriter, r *http.Request, canary string) error {
			js(w)
			for range 1000 {
				if _, err := fmt.Fprint(w, canary); err != nil {
					return nil // many a handler ignores it
				}
			}
			return nil
		}, 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			canary := newCanary()
			behave(func(w http.ResponseWriter, r *http.Request) error { return tt.f(w, r, canary) })
			all := g.raw(g.head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
			if got := statusOf(all); got != tt.status {
				t.Errorf("status %d, want %d: %s", got, tt.status, all)
			}
			if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
				t.Errorf("%d responses: %s", n, all)
			}
			g.checkNowhere(canary, all)
			// Where a panic came from is logged, but no argument, which the runtime prints as a number.
			if text := strings.Join(regexp.MustCompile(`.*"msg":"panic".*`).FindAllString(captured.String(), -1), "\n"); strings.Contains(text, "0x") || tt.name == "panic below arguments" && !strings.Contains(text, "caddymodule.below ") {
				t.Errorf("log %s", text)
			}
		})
	}
}

//go:noinline
func below(high, low uint64) error { panic(fmt.Sprint(high, low)) }

// TestLateWriter has a handler leave a goroutine behind that goes on to write. Buffers are pooled: what it writes must not
// get into the answer of the next request.
func TestLateWriter(t *testing.T) {
	g := start(t, "maskgate\ntest_upstream")
	canary := newCanary()
	stop := make(chan struct{})
	var late sync.WaitGroup
	behave(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "countries")
		late.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					fmt.Fprint(w, canary)
					w.WriteHeader(200)
				}
			}
		})
		return nil
	})
	g.get("/v1/public")
	for range 50 {
		behave(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/plain")
			_, err := fmt.Fprint(w, "countries")
			return err
		})
		if got := g.get("/v1/public"); string(got.body) != "countries" {
			t.Fatalf("body %.100q", got.body)
		}
	}
	close(stop)
	late.Wait()
}

// TestUpstreamGets asserts the exact request that upstreams receive, whatever the caller sends.
func TestUpstreamGets(t *testing.T) {
	var got *http.Request
	var mu sync.Mutex
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = r.Clone(context.Background())
		got.Body = io.NopCloser(bytes.NewReader(b))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[]}`)
	})
	host := strings.TrimPrefix(up, "http://")
	for kind, site := range map[string]string{
		"own transport": "maskgate " + up + " {\n request_headers X-Tenant\n}",
		"reverse_proxy": "maskgate {\n request_headers X-Tenant\n}\nreverse_proxy " + host,
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, site)
			evil := "Range: bytes=0-1|If-Range: x|If-None-Match: x|If-Modified-Since: x|TE: trailers|Expect: 100-continue|" +
				"X-User: admin|X_User: admin|X-User-Id: admin|X-Remote-User: admin|Forwarded: for=admin|X-Forwarded-For: 1.2.3.4|X-Forwarded-Host: evil|" +
				"X-Forwarded-Proto: https|X-Real-Ip: 1.2.3.4|Via: 1.1 evil|Cookie: a=b|X-HTTP-Method-Override: DELETE|X-Method-Override: DELETE|" +
				"X-Original-URL: /v1/admin|X-Rewrite-URL: /v1/admin|X-Correlation-Id: mine|Accept: text/csv|Accept-Encoding: gzip|" +
				"User-Agent: evil|Referer: evil|Origin: evil|Accept_Language: evil|Proxy-Authorization: x|Proxy-Connection: x|" +
				"Keep-Alive: 1|Trailer: X|Max-Forwards: 1|Idempotency-Key: 1|Accept-Language: zh|Tracestate: a=1|Traceparent: 00-1|X-Tenant: t"
			all := g.raw(strings.Replace(strings.Replace(g.head("GET /v1/people?q=%31&page=2 HTTP/1.1", strings.Split(evil, "|")...),
				"Connection: close", "Connection: close, traceparent, x-tenant", 1), "Host: "+g.addr, "Host: EVIL.example.:99", 1) + "\r\n")
			if statusOf(all) != 200 {
				t.Fatalf("answer %s", all)
			}
			id := regexp.MustCompile(`(?i)X-Correlation-Id: (\w+)`).FindSubmatch(all)
			want := map[string]string{
				"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "maskgate", "Accept-Language": "zh", "Tracestate": "a=1",
				"X-Correlation-Id": string(id[1]),
			}
			if kind == "reverse_proxy" { // adds what it knows itself
				want["X-Forwarded-For"], want["X-Forwarded-Proto"], want["Via"] = "127.0.0.1", "http", "1.1 Caddy"
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, headerOf(got.Header)); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if got.Host != host || got.RequestURI != "/v1/people?page=2&q=1" || got.Method != "GET" || got.ContentLength != 0 {
				t.Errorf("%s %s to %s with %d bytes", got.Method, got.RequestURI, got.Host, got.ContentLength)
			}
		})
	}
}
