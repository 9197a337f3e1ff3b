package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// Guarded makes an upstream of a handler in this process, which must be safe for many goroutines at
// once. The handler gets a response writer that keeps all it writes, so nothing reaches the caller
// but through the gateway. An error by which the handler says that it waited in vain wraps
// [context.DeadlineExceeded]. A panic with [http.ErrAbortHandler] cuts the answer short; any other
// panic goes on.
func Guarded(handler func(http.ResponseWriter, *http.Request) error) Upstream {
	return guarded(handler)
}

type guarded func(http.ResponseWriter, *http.Request) error

// Ask implements [Upstream].
func (f guarded) Ask(r *http.Request, buf *bytes.Buffer, limit int64) (a Answer, err error) {
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
	if err := f(g, r); err != nil {
		g.close()
		if a, over := g.answer(); g.overflow {
			return a, over
		}
		if timedOut(err) {
			return Answer{}, upstreamFailed.because(reasonUpstreamSlow)
		}
		return Answer{}, upstreamFailed.causedBy(reasonUpstreamDown, fmt.Errorf("%T", err))
	}
	g.close()
	if err := r.Context().Err(); err != nil {
		return Answer{}, failed(err) // the handler may have stopped in the middle of its answer
	}
	return g.answer()
}

// guard is the response writer that a handler behind the gateway gets. It keeps what the handler
// writes and lets nothing through: it has no Unwrap, Flush, Hijack, Push or ReadFrom, so
// [http.ResponseController] finds no way either. It drops interim responses, and keeps trailers to
// itself. Once it is closed it takes nothing more: its buffer is another request's then.
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

// writeHeader keeps the first final status. The caller holds g.mu.
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
	if !carriesData(g.status) {
		return len(b), nil // nobody reads it
	}
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
func (g *guard) answer() (Answer, error) {
	a := Answer{Status: g.status, Header: g.sent}
	switch {
	case g.upgrade:
		return a, upstreamRefused.because(reasonUpgrade)
	case g.overflow:
		return a, upstreamRefused.because(reasonTooLarge)
	case g.status == 0:
		return a, upstreamFailed.because(reasonUpstreamDown)
	case a.CarriesData() && !g.whole():
		return a, upstreamRefused.because(reasonCutShort)
	}
	return a, nil
}

// whole reports whether the body is as long as the handler said.
func (g *guard) whole() bool {
	lengths := g.sent.Values("Content-Length")
	return len(lengths) == 0 || len(lengths) == 1 && lengths[0] == strconv.Itoa(g.body.Len())
}
