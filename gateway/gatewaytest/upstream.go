package gatewaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/maskgate/maskgate/gateway"
)

// limit is how many bytes an upstream may buffer in these tests.
const limit = 4096

// Upstream tests the contract of [gateway.Upstream]. open makes an upstream that asks a service,
// which may be a handler in this process or stand behind a server.
func Upstream(t *testing.T, open func(t testing.TB, service http.Handler) gateway.Upstream) {
	c := upstreamContract{open}
	t.Run("request", c.request)
	UpstreamBodies(t, open)
	t.Run("faults", c.faults)
	t.Run("interim", c.interim)
	t.Run("trailer", c.trailer)
	t.Run("length that is too small", c.tooSmall)
	t.Run("end of the context", c.end)
}

// UpstreamBodies tests the part of the contract that holds for an upstream without a network, too:
// which bodies it hands over, and how large.
func UpstreamBodies(t *testing.T,
	open func(t testing.TB, service http.Handler) gateway.Upstream) {
	c := upstreamContract{open}
	t.Run("statuses", c.statuses)
	t.Run("sizes", c.sizes)
	t.Run("concurrency", c.concurrency)
}

type upstreamContract struct {
	open func(testing.TB, http.Handler) gateway.Upstream
}

// asked is what came of asking an upstream.
type asked struct {
	gateway.Answer
	buffered int    // bytes in the buffer when Ask returned
	body     []byte // with the rest, if there is any
	err      error  // of asking, or of reading the rest
	buf      *bytes.Buffer
}

// ask asks an upstream, reads the rest of a stream, and checks what holds of every answer. No text
// of the service may be in an error: canary stands for all of it.
func ask(t testing.TB, up gateway.Upstream, r *http.Request, canary string) asked {
	t.Helper()
	a := asked{buf: new(bytes.Buffer)}
	a.Answer, a.err = up.Ask(r, a.buf, limit)
	a.buffered = a.buf.Len()
	a.body = bytes.Clone(a.buf.Bytes())
	if a.Rest != nil {
		if a.err != nil {
			t.Errorf("there is a rest to close beside the error %v", a.err)
		}
		rest, err := io.ReadAll(a.Rest)
		a.body, a.err = append(a.body, rest...), errors.Join(a.err, err)
		if err := a.Rest.Close(); err != nil {
			t.Errorf("closing the rest: %v", err)
		}
		if err != nil {
			return a // a reader's own: the gateway says why
		}
	}
	if a.err == nil {
		return a
	}
	reasons := []string{
		"upstream_down", "upstream_timeout", "response_too_large", "response_cut_short", "upgrade",
	}
	if reason := gateway.ReasonOf(a.err); !slices.Contains(reasons, reason) {
		t.Errorf("the error's reason is %q, want one of %q", reason, reasons)
	}
	for err := a.err; err != nil; err = errors.Unwrap(err) {
		if Holds([]byte(err.Error()), canary) {
			t.Errorf("the service's text is in the error: %v", err)
		}
	}
	return a
}

// request makes a request as a gateway has it: what came from the caller, on its way to the
// service.
func request(ctx context.Context, method, target string, body io.Reader) *http.Request {
	// A reverse proxy aborts its handler only in a server.
	ctx = context.WithValue(ctx, http.ServerContextKey, new(http.Server))
	r := httptest.NewRequestWithContext(ctx, method, target, body)
	r.Host = "caller.example"
	return r
}

func get(target string) *http.Request { return request(context.Background(), "GET", target, nil) }

func (c upstreamContract) request(t *testing.T) {
	t.Parallel()
	var host, seen string
	up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		host = r.Host
		tenant := r.Header.Get("X-Tenant")
		seen = fmt.Sprintf("%s %s %s %s %v", r.Method, r.RequestURI, tenant, body, err)
		w.WriteHeader(http.StatusNoContent)
	}))
	const target = "/v1/a%20b/%e5%bc%a0?q=1%262&p="
	r := request(t.Context(), "POST", target, strings.NewReader("body"))
	r.Header.Set("X-Tenant", "t1")
	a := ask(t, up, r, NewCanary())
	if want := "POST " + target + " t1 body <nil>"; a.err != nil || seen != want {
		t.Errorf("the service got %q, want %q; %v", seen, want, a.err)
	}
	if host == "caller.example" {
		t.Error("the service got the host that the caller named")
	}
}

func (c upstreamContract) statuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{
		200, 201, 202, 203, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308,
		400, 401, 403, 404, 407, 409, 416, 421, 429, 451, 499, 500, 501, 502, 503, 504, 599,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			canary := NewCanary()
			var times atomic.Int32
			up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				times.Add(1)
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("X-Page", "2")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, canary) // not every status may have a body
			}))
			a := ask(t, up, get("/"), canary)
			want, mediaType := "", a.Header.Get("Content-Type")
			if status <= 203 {
				want, mediaType = canary, "application/json"
			}
			if a.err != nil || a.Status != status || a.Header.Get("X-Page") != "2" ||
				a.Header.Get("Content-Type") != mediaType {
				t.Errorf("status %d, header %v, %v; want %d", a.Status, a.Header, a.err, status)
			}
			if string(a.body) != want || a.CarriesData() != (want != "") {
				t.Errorf("body %q, want %q", a.body, want)
			}
			if n := times.Load(); n != 1 {
				t.Errorf("the service was asked %d times", n)
			}
		})
	}
}

func (c upstreamContract) sizes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status, size int
		mediaType    string
		large        bool
	}{
		{200, 0, "application/json", false},
		{200, 1, "application/json", false},
		{200, limit - 1, "application/json", false},
		{200, limit, "application/json", false},
		{200, limit + 1, "application/json", true},
		{200, 100 * limit, "application/json", true},
		{203, limit, "application/json", false},
		{203, limit + 1, "application/json", true},
		{200, limit, "text/event-stream", false},
		{200, limit + 1, "text/event-stream", true},
		{404, limit + 1, "application/json", false}, // it is not read
		{500, 100 * limit, "application/json", false},
	} {
		for _, chunk := range []int{tt.size, 1000} {
			name := fmt.Sprintf("%d, %d bytes of %s by %d", tt.status, tt.size, tt.mediaType, chunk)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				text := []byte(strings.Repeat(NewCanary(), tt.size/canarySize+1)[:tt.size])
				up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", tt.mediaType)
					if chunk == tt.size {
						w.Header().Set("Content-Length", strconv.Itoa(tt.size))
					}
					w.WriteHeader(tt.status)
					for part := range slices.Chunk(text, max(chunk, 1)) {
						_, _ = w.Write(part) // an upstream may refuse to take more
					}
				}))
				a := ask(t, up, get("/"), NewCanary())
				want := text
				if !a.CarriesData() {
					want = nil
				}
				switch {
				case tt.large && a.Rest == nil: // it does not stream
					if reason := gateway.ReasonOf(a.err); reason != "response_too_large" {
						t.Errorf("the reason is %q, want response_too_large", reason)
					}
				case a.err != nil || a.Status != tt.status || !bytes.Equal(a.body, want):
					t.Errorf("status %d and %d bytes, %v; want %d and %d",
						a.Status, len(a.body), a.err, tt.status, len(want))
				case tt.mediaType == "text/event-stream":
				case tt.large != (a.Rest != nil) || a.buffered != min(len(want), limit+1):
					t.Errorf("%d bytes are buffered, and a rest: %v; want all, or %d, and a rest",
						a.buffered, a.Rest != nil, limit+1)
				}
			})
		}
	}
}

func (c upstreamContract) faults(t *testing.T) {
	t.Parallel()
	part := func(w http.ResponseWriter, canary string) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("X-Name", canary)
		_, _ = io.WriteString(w, canary+"\n")
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
	for _, tt := range []struct {
		name    string
		answer  func(w http.ResponseWriter, canary string)
		reasons []string // that fit
	}{
		{"no answer", func(http.ResponseWriter, string) {
			panic(http.ErrAbortHandler)
		}, []string{"upstream_down", "response_cut_short"}},
		{"broken off", func(w http.ResponseWriter, canary string) {
			part(w, canary)
			panic(http.ErrAbortHandler)
		}, []string{"response_cut_short"}},
		{"broken off where its length is known", func(w http.ResponseWriter, canary string) {
			w.Header().Set("Content-Length", "1000")
			part(w, canary)
			panic(http.ErrAbortHandler)
		}, []string{"response_cut_short"}},
		{"broken off behind the limit", func(w http.ResponseWriter, canary string) {
			for range limit {
				part(w, canary)
			}
			panic(http.ErrAbortHandler)
		}, []string{"response_cut_short", "response_too_large"}},
		{"shorter than it says", func(w http.ResponseWriter, canary string) {
			w.Header().Set("Content-Length", "1000")
			part(w, canary)
		}, []string{"response_cut_short"}},
		{"empty, but for its length", func(w http.ResponseWriter, canary string) {
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("X-Name", canary)
			w.WriteHeader(http.StatusOK)
		}, []string{"response_cut_short"}},
		{"upgrade", func(w http.ResponseWriter, canary string) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", canary)
			w.WriteHeader(http.StatusSwitchingProtocols)
			part(w, canary)
		}, []string{"upgrade", "upstream_down"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			canary := NewCanary()
			up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tt.answer(w, canary)
			}))
			a := ask(t, up, get("/"), canary)
			if a.err == nil {
				t.Fatalf("status %d and %d bytes, want an error", a.Status, len(a.body))
			}
			// The rest of a stream breaks off with its reader's own error.
			reason := gateway.ReasonOf(a.err)
			if a.Rest == nil && !slices.Contains(tt.reasons, reason) {
				t.Errorf("the reason is %q, want one of %q", reason, tt.reasons)
			}
		})
	}
}

func (c upstreamContract) interim(t *testing.T) {
	t.Parallel()
	canary := NewCanary()
	up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, status := range []int{http.StatusEarlyHints, http.StatusProcessing} {
			w.Header().Set("Link", canary)
			w.WriteHeader(status)
			w.Header().Del("Link")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "{}")
	}))
	a := ask(t, up, get("/"), canary)
	if a.err != nil || a.Status != http.StatusCreated || string(a.body) != "{}" {
		t.Errorf("status %d, body %q, %v; want 201, {}", a.Status, a.body, a.err)
	}
	if Holds([]byte(fmt.Sprint(a.Header)), canary) {
		t.Errorf("an interim response's header is in the answer's: %v", a.Header)
	}
}

func (c upstreamContract) trailer(t *testing.T) {
	t.Parallel()
	canary := NewCanary()
	up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Trailer", "X-Name")
		_, _ = io.WriteString(w, "{}")
		w.Header().Set("X-Name", canary)
		w.Header().Set(http.TrailerPrefix+"X-Other", canary)
	}))
	a := ask(t, up, get("/"), canary)
	if a.err != nil || a.Status != http.StatusOK || string(a.body) != "{}" {
		t.Errorf("status %d, body %q, %v; want 200, {}", a.Status, a.body, a.err)
	}
	if Holds([]byte(fmt.Sprint(a.Header)), canary) {
		t.Errorf("a trailer is in the answer's header: %v", a.Header)
	}
}

// tooSmall has the service say less than it writes. Where the protocol cuts off what is too much,
// the answer is whole; else it is an error.
func (c upstreamContract) tooSmall(t *testing.T) {
	t.Parallel()
	canary := NewCanary()
	up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "{}")
		_, _ = io.WriteString(w, canary)
	}))
	a := ask(t, up, get("/"), canary)
	if reason := gateway.ReasonOf(a.err); a.err != nil && reason != "response_cut_short" {
		t.Errorf("the reason is %q, want response_cut_short", reason)
	}
	if a.err == nil && string(a.body) != "{}" {
		t.Errorf("body %q, want {} or an error", a.body)
	}
}

func (c upstreamContract) end(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first string // of the body; "": not even a status
	}{
		{"before the answer", ""},
		{"in the answer", "{}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			canary := NewCanary()
			begun, over := make(chan struct{}), make(chan struct{})
			up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(over)
				w.Header().Set("Content-Type", "application/x-ndjson")
				if tt.first != "" {
					_, _ = io.WriteString(w, tt.first)
					if f, ok := w.(http.Flusher); ok {
						f.Flush()
					}
				}
				close(begun)
				<-r.Context().Done()
				_, _ = io.WriteString(w, canary)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-begun
				cancel()
			}()
			a := ask(t, up, request(ctx, "GET", "/", nil), canary)
			if a.err == nil {
				t.Errorf("status %d and body %q, want an error", a.Status, a.body)
			}
			<-over // and goes on to write until then
			if a.buf.Len() != a.buffered && a.Rest == nil {
				t.Errorf("the buffer has %d bytes, and had %d when Ask returned", a.buf.Len(),
					a.buffered)
			}
		})
	}
}

func (c upstreamContract) concurrency(t *testing.T) {
	t.Parallel()
	up := c.open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Repeat(r.RequestURI, 10))
	}))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 20 {
				target := fmt.Sprintf("/%d/%d", i, j)
				a := ask(t, up, get(target), NewCanary())
				if want := strings.Repeat(target, 10); a.err != nil || string(a.body) != want {
					t.Errorf("body %q, %v, want %q", a.body, a.err, want)
				}
			}
		})
	}
	all.Wait()
}
