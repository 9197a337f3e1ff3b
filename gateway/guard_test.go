package gateway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

// checkNowhere checks that a canary is in nothing that leaves the gateway.
func checkNowhere(t *testing.T, w *gateway.World, canary string, answer []byte) {
	t.Helper()
	places := w.Places()
	places["answer"] = answer
	for place, content := range places {
		if gatewaytest.Holds(content, canary) {
			t.Errorf("the canary is in %s: %.2000s", place, content)
		}
	}
}

// TestNothingPassesTheGuard has data services answer what they should not.
func TestNothingPassesTheGuard(t *testing.T) {
	t.Parallel()
	for way, change := range gateway.Ways {
		for _, tt := range gatewaytest.Answers {
			t.Run(way+"/"+tt.Name, func(t *testing.T) {
				t.Parallel()
				canary := gatewaytest.NewCanary()
				rest := make(chan struct{})
				up := gateway.Script(t, tt.With(canary), func(c net.Conn) {
					if tt.Behind {
						_, _ = io.Copy(io.Discard, c) // until the gateway has taken offence
						close(rest)
					}
				})
				w := gateway.Start(t, up, change, gateway.Buffering(5000), gateway.Debug)
				all := w.Raw(w.Head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
				if tt.Behind {
					<-rest
				}
				if got := gateway.StatusOf(all); got != tt.Status {
					t.Errorf("status %d, want %d: %s", got, tt.Status, all)
				}
				if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
					t.Errorf("%d responses: %s", n, all)
				}
				checkNowhere(t, w, canary, all)
			})
		}
	}
}

// TestHandlersBehindTheGuard has handlers try every way out that a response writer may have.
func TestHandlersBehindTheGuard(t *testing.T) {
	t.Parallel()
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
		{"push, ReadFrom, Unwrap", func(
			w http.ResponseWriter, _ *http.Request, canary string,
		) error {
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
			for _, key := range []any{http.LocalAddrContextKey, http.ServerContextKey} {
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
		{"nothing", func(http.ResponseWriter, *http.Request, string) error { return nil }, 502},
		{"error", func(w http.ResponseWriter, r *http.Request, canary string) error {
			_ = write(w, canary)
			return errors.New(canary)
		}, 502},
		{"timeout", func(w http.ResponseWriter, r *http.Request, canary string) error {
			return fmt.Errorf("%w: %s", context.DeadlineExceeded, canary)
		}, 502},
		{"panic", func(w http.ResponseWriter, r *http.Request, canary string) error {
			_ = write(w, canary)
			panic(canary)
		}, 500},
		{"panic with an error", func(w http.ResponseWriter, r *http.Request, canary string) error {
			panic(fmt.Errorf("%s", canary))
		}, 500},
		{"panic below arguments", func(
			_ http.ResponseWriter, _ *http.Request, canary string,
		) error {
			return below(binary.BigEndian.Uint64([]byte(canary[:8])),
				binary.BigEndian.Uint64([]byte(canary[8:])))
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
			t.Parallel()
			canary := gatewaytest.NewCanary()
			up := gateway.Guarded(func(w http.ResponseWriter, r *http.Request) error {
				return tt.f(w, r, canary)
			})
			w := gateway.Start(t, "", gateway.Through(up), gateway.Buffering(5000))
			all := w.Raw(w.Head("GET /v1/people/C1 HTTP/1.1") + "\r\n")
			if got := gateway.StatusOf(all); got != tt.status {
				t.Errorf("status %d, want %d: %s", got, tt.status, all)
			}
			if n := bytes.Count(all, []byte("HTTP/1.")); n != 1 {
				t.Errorf("%d responses: %s", n, all)
			}
			checkNowhere(t, w, canary, all)
			// Where a panic came from is logged, but no argument, which the runtime prints as a
			// number.
			panics := regexp.MustCompile(`.*"msg":"panic".*`).FindAllString(w.Log(), -1)
			text := strings.Join(panics, "\n")
			if strings.Contains(text, "0x") ||
				tt.name == "panic below arguments" &&
					!strings.Contains(text, "gateway_test.below ") {
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
	t.Parallel()
	canary := gatewaytest.NewCanary()
	stop := make(chan struct{})
	var late sync.WaitGroup
	var asked atomic.Int32
	up := gateway.Guarded(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/plain")
		_, err := fmt.Fprint(w, "countries")
		if asked.Add(1) > 1 {
			return err
		}
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
	w := gateway.Start(t, "", gateway.Through(up))
	w.Get("/v1/public")
	for range 50 {
		if got := w.Get("/v1/public"); string(got) != "countries" {
			t.Fatalf("body %.100q", got)
		}
	}
	close(stop)
	late.Wait()
}
