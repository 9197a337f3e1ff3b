package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/rules"
)

// answer is what an upstream said. Interim responses and trailers are not part of it.
type answer struct {
	status int
	header http.Header
	rest   io.ReadCloser // what follows the bytes that were asked for, if the upstream can stream; else nil
}

// upstream asks a data service. It appends the body to buf, limit bytes and one more at the most.
type upstream interface {
	ask(r *http.Request, buf *bytes.Buffer, limit int64) (answer, error)
}

// service is an upstream that Maskgate asks itself.
type service struct {
	base      *url.URL
	transport *http.Transport
	streams   bool // what is over the limit is left to be read
	retired   atomic.Bool
}

// retire closes connections that are idle, and then each when it becomes so: after a reload, requests go on for a while.
func (s *service) retire() {
	s.retired.Store(true)
	s.transport.CloseIdleConnections()
}

// newService takes the address of a data service: scheme and host, nothing else.
func newService(address string) (*service, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("upstream: want a scheme and a host only, as in http://127.0.0.1:9001")
	}
	return &service{base: u, transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      false,
	}}, nil
}

func (s *service) ask(r *http.Request, buf *bytes.Buffer, limit int64) (a answer, err error) {
	r.URL.Scheme, r.URL.Host, r.Host = s.base.Scheme, s.base.Host, s.base.Host
	r.RequestURI = ""
	defer func() {
		if s.retired.Load() {
			s.transport.CloseIdleConnections()
		}
	}()
	resp, err := s.transport.RoundTrip(r)
	if err != nil {
		return answer{}, failed(err)
	}
	a = answer{status: resp.StatusCode, header: resp.Header}
	defer func() {
		if a.rest == nil {
			resp.Body.Close()
		}
	}()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return a, upstreamRefused.because(reasonUpgrade)
	}
	if !a.carriesData() {
		return a, nil
	}
	if mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); s.streams && mediaType == "text/event-stream" { // its events come one by one, and go so
		a.rest = resp.Body
		return a, nil
	}
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1)); timedOut(err) {
		return a, upstreamFailed.because(reasonUpstreamSlow)
	} else if err != nil {
		return a, upstreamRefused.causedBy(reasonCutShort, kindOf(err))
	}
	if int64(buf.Len()) > limit {
		if !s.streams {
			return a, upstreamRefused.because(reasonTooLarge)
		}
		a.rest = resp.Body
	}
	return a, nil
}

// failed says why there is no answer. The transport's own text may quote the upstream's bytes, so it is not kept.
func failed(err error) error {
	if timedOut(err) {
		return upstreamFailed.because(reasonUpstreamSlow)
	}
	return upstreamFailed.causedBy(reasonUpstreamDown, kindOf(err))
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// kindOf keeps of an error what cannot hold data: the system's error, or else its type.
func kindOf(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return fmt.Errorf("%T", err)
}

// following is an upstream that is the next handler of Caddy's chain, such as reverse_proxy.
type following struct{ next caddyhttp.Handler }

func (f following) ask(r *http.Request, buf *bytes.Buffer, limit int64) (a answer, err error) {
	// Host and target are the caller's words; the upstream gets its own.
	r.Host, r.URL.Host, r.URL.Scheme, r.RequestURI = "", "", "", r.URL.RequestURI()
	r.Header["X-Forwarded-Host"] = nil // so reverse_proxy adds none
	g := &guard{header: http.Header{}, body: buf, limit: limit}
	defer func() {
		g.close()
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares so too
				panic(p)
			}
			// reverse_proxy gives up so once it has begun to copy.
			a, err = g.answer()
			if err == nil {
				err = upstreamRefused.because(reasonCutShort)
			}
		}
	}()
	if err := f.next.ServeHTTP(g, r); err != nil {
		g.close()
		if a, over := g.answer(); g.overflow {
			return a, over
		}
		var status caddyhttp.HandlerError
		if errors.As(err, &status) && status.StatusCode == http.StatusGatewayTimeout || timedOut(err) {
			return answer{}, upstreamFailed.because(reasonUpstreamSlow)
		}
		return answer{}, upstreamFailed.causedBy(reasonUpstreamDown, fmt.Errorf("%T", err))
	}
	g.close()
	return g.answer()
}

// guard is the response writer that handlers behind Maskgate get. It keeps what they write and lets nothing
// through: it has no Unwrap, Flush, Hijack, Push or ReadFrom, so http.ResponseController finds no way either. Interim
// responses are dropped; trailers never leave the header that it keeps to itself. Once it is closed it takes nothing
// more: its buffer is another request's then.
type guard struct {
	header http.Header // the handler's

	mu       sync.Mutex  // guards what follows
	sent     http.Header // as it was when the status was written
	status   int
	body     *bytes.Buffer
	limit    int64
	overflow bool
	upgrade  bool
	closed   bool
}

func (g *guard) Header() http.Header { return g.header }

func (g *guard) WriteHeader(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writeHeader(status)
}

func (g *guard) writeHeader(status int) {
	switch {
	case g.closed || g.status != 0:
	case status == http.StatusSwitchingProtocols:
		g.upgrade = true
	case status >= 200:
		g.status, g.sent = status, g.header.Clone()
	}
}

var (
	// errOverflow ends a handler's writing past the limit.
	errOverflow = errors.New("the response is larger than Maskgate may buffer")
	// errClosed ends a handler's writing after it has returned.
	errClosed = errors.New("the exchange is over")
)

func (g *guard) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, errClosed
	}
	g.writeHeader(http.StatusOK)
	if g.overflow || int64(len(b)) > g.limit-int64(g.body.Len()) {
		g.overflow = true
		return 0, errOverflow
	}
	return g.body.Write(b)
}

func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// answer says what was written, once the guard is closed.
func (g *guard) answer() (answer, error) {
	a := answer{status: g.status, header: g.sent}
	switch {
	case g.upgrade:
		return a, upstreamRefused.because(reasonUpgrade)
	case g.overflow:
		return a, upstreamRefused.because(reasonTooLarge)
	case g.status == 0:
		return a, upstreamFailed.because(reasonUpstreamDown)
	case a.carriesData() && !g.whole():
		return a, upstreamRefused.because(reasonCutShort)
	}
	return a, nil
}

// whole reports whether the body is as long as the handler said.
func (g *guard) whole() bool {
	lengths := g.sent.Values("Content-Length")
	return len(lengths) == 0 || len(lengths) == 1 && lengths[0] == strconv.Itoa(g.body.Len())
}

// carriesData reports whether the answer is one whose body may be passed on, rewritten.
func (a answer) carriesData() bool {
	switch a.status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo:
		return true
	}
	return false
}

// check refuses an answer that cannot be rewritten, and returns its media type.
func (a answer) check(route *rules.Route) (mediaType string, err error) {
	switch {
	case a.carriesData():
	case a.status == http.StatusNoContent:
		return "", nil
	case a.status >= 400 && a.status < 500 && a.status != http.StatusUnauthorized && a.status != http.StatusProxyAuthRequired:
		// The caller's fault: the status is passed on, with a body of our own.
		title := http.StatusText(a.status)
		if title == "" {
			title = "The data service refused"
		}
		p := problem{"upstream-status", a.status, title, "The data service answered so; its text is not passed on."}
		return "", p.because(reasonUpstreamError)
	default:
		return "", upstreamRefused.causedBy(reasonUpstreamError, fmt.Errorf("status %d", a.status))
	}
	for _, e := range a.header.Values("Content-Encoding") {
		if !strings.EqualFold(e, "identity") {
			return "", upstreamRefused.because(reasonEncoding)
		}
	}
	types := a.header.Values("Content-Type")
	if len(types) != 1 {
		return "", upstreamRefused.because(reasonMediaType)
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	charset, has := params["charset"]
	if err != nil || !slices.Contains(route.MediaTypes, mediaType) || has && !strings.EqualFold(charset, "utf-8") {
		return "", upstreamRefused.because(reasonMediaType)
	}
	return mediaType, nil
}
