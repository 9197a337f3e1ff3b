package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

// Package gateway's tests ask a data service by its own transport, and these ask it in Caddy: by
// that transport, and by Caddy's handlers behind the guard.

// checkNowhere checks that nothing that leaves the gateway holds a canary: answer, log, metrics,
// files.
func (g *world) checkNowhere(canary string, answer []byte) {
	g.t.Helper()
	places := map[string][]byte{
		"answer": answer, "log": []byte(captured.String()), "metrics": []byte(g.scrape()),
	}
	_ = filepath.WalkDir(g.data(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[filepath.Base(path)], err = os.ReadFile(path)
		}
		return err
	})
	for place, content := range places {
		if gatewaytest.Holds(content, canary) {
			g.t.Errorf("the canary is in %s: %.2000s", place, content)
		}
	}
}

// TestNothingPassesTheGuard has data services say what they should not, to Maskgate's own transport
// in Caddy and to reverse_proxy behind the guard.
func TestNothingPassesTheGuard(t *testing.T) {
	for kind, site := range map[string]string{
		"own transport": "maskgate %s {\n max_response 5000\n timeout 5s\n}",
		"reverse_proxy": "maskgate {\n max_response 5000\n timeout 5s\n}\nreverse_proxy %s",
	} {
		for _, tt := range gatewaytest.Answers {
			t.Run(kind+"/"+tt.Name, func(t *testing.T) {
				canary := gatewaytest.NewCanary()
				rest := make(chan struct{})
				up := gatewaytest.Script(t, tt.With(canary), func(c net.Conn) {
					if tt.Behind {
						_, _ = io.Copy(io.Discard, c) // until the gateway has taken offence
						close(rest)
					}
				})
				g := start(t, fmt.Sprintf(site, up), func(g *world) {
					if kind == "own transport" {
						g.level = "DEBUG"
					}
				})
				all := g.raw(g.head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
				if tt.Behind {
					<-rest
				}
				if got := gatewaytest.StatusOf(all); got != tt.Status {
					t.Errorf("status %d, want %d: %s", got, tt.Status, all)
				}
				if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
					t.Errorf("%d responses: %s", n, all)
				}
				if kind == "reverse_proxy" && tt.Name == "malformed trailer" {
					// reverse_proxy logs the line itself: an operator has to exclude its logger.
					captured.Reset()
				}
				g.checkNowhere(canary, all)
			})
		}
	}
}

// TestHandlersBehindTheGuard has handlers of Caddy's chain try every way out that a response writer
// may have.
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
		{"push, read, unwrap", func(w http.ResponseWriter, r *http.Request, canary string) error {
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
			for _, err := range []error{
				c.EnableFullDuplex(), c.SetReadDeadline(time.Now()), c.SetWriteDeadline(time.Now()),
			} {
				if err == nil {
					return errors.New("the controller found the connection")
				}
			}
			return write(w, canary)
		}, 200},
		{"context", func(w http.ResponseWriter, r *http.Request, canary string) error {
			for _, key := range []any{
				http.LocalAddrContextKey, caddyhttp.OriginalRequestCtxKey, caddyhttp.ServerCtxKey,
				caddyhttp.VarsCtxKey,
			} {
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
		{"nothing", func(w http.ResponseWriter, r *http.Request, canary string) error {
			return nil
		}, 502},
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
		{"panic with arguments", func(w http.ResponseWriter, r *http.Request, canary string) error {
			high, low := []byte(canary[:8]), []byte(canary[8:])
			return below(binary.BigEndian.Uint64(high), binary.BigEndian.Uint64(low))
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
			canary := gatewaytest.NewCanary()
			behave(func(w http.ResponseWriter, r *http.Request) error { return tt.f(w, r, canary) })
			all := g.raw(g.head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
			if got := gatewaytest.StatusOf(all); got != tt.status {
				t.Errorf("status %d, want %d: %s", got, tt.status, all)
			}
			if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
				t.Errorf("%d responses: %s", n, all)
			}
			g.checkNowhere(canary, all)
			// The log says where a panic came from, but shows no argument, which the runtime prints
			// as a number.
			panics := regexp.MustCompile(`.*"msg":"panic".*`).FindAllString(captured.String(), -1)
			text := strings.Join(panics, "\n")
			if strings.Contains(text, "0x") || tt.name == "panic with arguments" &&
				!strings.Contains(text, "caddymodule.below ") {
				t.Errorf("log %s", text)
			}
		})
	}
}

//go:noinline
func below(high, low uint64) error { panic(fmt.Sprint(high, low)) }

// TestLateWriter has a handler leave a goroutine behind that goes on to write. Buffers are pooled:
// what it writes must not get into the answer of the next request.
func TestLateWriter(t *testing.T) {
	g := start(t, "maskgate\ntest_upstream")
	canary := gatewaytest.NewCanary()
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
		if got := g.get("/v1/public"); string(got.Body) != "countries" {
			t.Fatalf("body %.100q", got.Body)
		}
	}
	close(stop)
	late.Wait()
}

// TestUpstreamGets asserts the exact request that upstreams receive, whatever the caller sends.
func TestUpstreamGets(t *testing.T) {
	var got *http.Request
	var mu sync.Mutex
	up := gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
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
			evil := "Range: bytes=0-1|If-Range: x|If-None-Match: x|If-Modified-Since: x|" +
				"TE: trailers|Expect: 100-continue|" +
				"X-User: admin|X_User: admin|X-User-Id: admin|X-Remote-User: admin|" +
				"Forwarded: for=admin|X-Forwarded-For: 1.2.3.4|X-Forwarded-Host: evil|" +
				"X-Forwarded-Proto: https|X-Real-Ip: 1.2.3.4|Via: 1.1 evil|Cookie: a=b|" +
				"X-HTTP-Method-Override: DELETE|X-Method-Override: DELETE|" +
				"X-Original-URL: /v1/admin|X-Rewrite-URL: /v1/admin|X-Correlation-Id: mine|" +
				"Accept: text/csv|Accept-Encoding: gzip|User-Agent: evil|Referer: evil|" +
				"Origin: evil|Accept_Language: evil|Proxy-Authorization: x|Proxy-Connection: x|" +
				"Keep-Alive: 1|Trailer: X|Max-Forwards: 1|Idempotency-Key: 1|" +
				"Accept-Language: zh|Tracestate: a=1|Traceparent: 00-1|X-Tenant: t"
			head := g.head("GET /v1/people?q=%31&page=2 HTTP/1.1", strings.Split(evil, "|")...)
			head = strings.Replace(head,
				"Connection: close", "Connection: close, traceparent, x-tenant", 1)
			head = strings.Replace(head, "Host: "+g.addr, "Host: EVIL.example.:99", 1)
			all := g.raw(head + "\r\n")
			if gatewaytest.StatusOf(all) != 200 {
				t.Fatalf("answer %s", all)
			}
			id := regexp.MustCompile(`(?i)X-Correlation-Id: (\w+)`).FindSubmatch(all)
			want := map[string]string{
				"Accept": "application/json", "Accept-Encoding": "identity",
				"User-Agent": "maskgate", "Accept-Language": "zh", "Tracestate": "a=1",
				"X-Correlation-Id": string(id[1]),
			}
			if kind == "reverse_proxy" { // adds what it knows itself
				want["X-Forwarded-For"], want["X-Forwarded-Proto"] = "127.0.0.1", "http"
				want["Via"] = "1.1 Caddy"
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := gocmp.Diff(want, gatewaytest.FlatHeader(got.Header)); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if got.Host != host || got.RequestURI != "/v1/people?page=2&q=1" ||
				got.Method != "GET" || got.ContentLength != 0 {
				t.Errorf("%s %s to %s with %d bytes",
					got.Method, got.RequestURI, got.Host, got.ContentLength)
			}
		})
	}
}

// TestTargets asks for targets that can be read in more than one way.
func TestTargets(t *testing.T) {
	var mu sync.Mutex
	var got []string
	up := gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.RequestURI)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNoContent)
	})
	for kind, site := range map[string]string{
		"own transport": "maskgate " + up,
		"reverse_proxy": "maskgate\nreverse_proxy " + strings.TrimPrefix(up, "http://"),
	} {
		g := start(t, site, func(g *world) {
			g.rules(gatewaytest.ServiceFile+gatewaytest.TargetRoutes, gatewaytest.PolicyFile)
		})
		for _, tt := range gatewaytest.Targets {
			t.Run(kind+"/"+tt.Text[:min(len(tt.Text), 40)], func(t *testing.T) {
				g.t = t
				got = nil
				all := g.raw(g.head("GET "+tt.Text+" HTTP/1.1") + "\r\n")
				want := cmp.Or(tt.Caddy, tt.Status)
				status := gatewaytest.StatusOf(all)
				accepted := status == http.StatusNoContent
				if accepted != (want == 200) || !accepted && status != want {
					t.Fatalf("status %d, want %d: %s", status, want, all)
				}
				mu.Lock()
				defer mu.Unlock()
				if accepted != (len(got) == 1) {
					t.Fatalf("the upstream got %q", got)
				}
				if accepted {
					sent, _, _ := strings.Cut(tt.Text, "?")
					received, _, _ := strings.Cut(got[0], "?")
					if received != sent {
						t.Errorf("the upstream got the path %q of %q", received, sent)
					}
				}
			})
		}
	}
}

// TestSlowUploads: callers that stop sending hold neither goroutines nor connections for longer
// than the timeout.
func TestSlowUploads(t *testing.T) {
	up := gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	early := gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	for kind, site := range map[string]string{
		"own transport": "maskgate " + up + " {\n timeout 300ms\n}",
		"reverse_proxy": "maskgate {\n timeout 300ms\n}\n" +
			"reverse_proxy " + strings.TrimPrefix(up, "http://"),
		"early answer": "maskgate " + early + " {\n timeout 300ms\n}",
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, site)
			before := runtime.NumGoroutine()
			var all sync.WaitGroup
			for i := range 300 {
				framing := []string{"Content-Length: 1000", "Transfer-Encoding: chunked"}[i%2]
				head := g.head("POST /v1/people/C1 HTTP/1.1", framing)
				head = strings.Replace(head, "Connection: close\r\n", "", 1)
				if i%3 == 0 {
					// The gateway refuses this one before it asks the upstream.
					head = strings.Replace(head, "Bearer", "None", 1)
				}
				all.Go(func() {
					answer := g.raw(head + "\r\n5\r\nhel")
					if status := gatewaytest.StatusOf(answer); status == 0 || status == 200 {
						t.Errorf("answer %q", answer)
					}
				})
			}
			begin := time.Now()
			all.Wait()
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("connections were held for %v", took)
			}
			gatewaytest.Eventually(t, "goroutines end", func() bool {
				return runtime.NumGoroutine() <= before+10
			})
		})
	}
}

// TestCallerGoesAway: a caller who hangs up is on record as gone, not as a fault of the upstream.
func TestCallerGoesAway(t *testing.T) {
	asked := make(chan struct{}, 1)
	for kind, site := range map[string]string{
		"own transport": "maskgate %s",
		"reverse_proxy": "maskgate\nreverse_proxy %s",
	} {
		t.Run(kind, func(t *testing.T) {
			up := gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			})
			g := start(t, fmt.Sprintf(site, up))
			c, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, g.head("GET /v1/people/C1 HTTP/1.1")+"\r\n")
			<-asked
			c.Close()
			gatewaytest.Eventually(t, "it is on record", func() bool {
				return len(g.records("")) == 1
			})
			if r := g.records("")[0]; r.Reason != "caller_gone" || r.Status != 499 {
				t.Errorf("record %+v", r)
			}
			if strings.Contains(captured.String(), `"level":"error"`) {
				t.Errorf("it is logged as an error: %s", captured.String())
			}
		})
	}
}
