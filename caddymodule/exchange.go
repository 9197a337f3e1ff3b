package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

// exchange is one request on its way to an answer. What is known of it when it ends goes on record.
type exchange struct {
	handler  *Handler
	app      *App
	ruling   *ruling // in force when the request came
	upstream upstream
	request  *http.Request
	begin    time.Time
	now      func() time.Time // asked at each window of a stream
	writer   http.ResponseWriter

	id     string // correlation identifier
	caller *auth.Caller
	entry
	admitted bool   // the rules let the request in
	whole    bool   // the upstream's answer is in buffers, whole
	answer   answer // the upstream's
	buffers  *buffers
	lent     bool         // what was written may still be read
	part     int          // windows of a stream that are on record
	begun    bool         // the answer has begun, as a stream
	body     *requestBody // nil until the upstream is asked, and if there is none
}

// correlationHeader carries the identifier by which caller, operator and auditor speak of the same request.
const correlationHeader = "X-Correlation-Id"

// release is an answer that may leave once it is on record.
type release struct {
	status    int
	mediaType string // empty: no body
	header    http.Header
	body      []byte
}

// serve answers the request: with what may leave, once that is on record, or with a problem document.
func (x *exchange) serve(w http.ResponseWriter) {
	x.id = newID()
	quietStdLog()
	x.buffers = bufferPool.Get().(*buffers)
	connection := http.NewResponseController(w)
	if x.hasBody() {
		// Whoever sends slowly, or never reads the answer, does not hold the connection for good.
		_ = connection.SetReadDeadline(x.begin.Add(time.Duration(x.handler.Timeout))) // not every server can
	}
	x.writer = w
	out, err := x.decide()
	defer x.end(err)
	if x.begun {
		x.endStream(err)
		return
	}
	if x.body != nil && x.body.ended.Load() {
		_ = connection.SetReadDeadline(time.Time{})
	}
	if err != nil {
		x.refuse(w, refusalOf(err))
		return
	}
	x.releaseHeader(out)
	if out.mediaType != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	x.beginWriting()
	w.WriteHeader(out.status)
	_ = x.write(out.body) // it fails if the caller went away
}

// beginWriting gives the caller the handler's timeout to read what is about to be written. net/http takes the deadline back
// after the request.
func (x *exchange) beginWriting() {
	_ = http.NewResponseController(x.writer).SetWriteDeadline(time.Now().Add(time.Duration(x.handler.Timeout))) // not every server can
}

// releaseHeader sets the header of an answer that leaves.
func (x *exchange) releaseHeader(out release) {
	h := x.writer.Header()
	x.ownHeader(h)
	for _, names := range [][]string{x.handler.ResponseHeaders, x.route.Headers} {
		for _, name := range names {
			if v := out.header.Values(name); len(v) > 0 {
				h[http.CanonicalHeaderKey(name)] = v
			}
		}
	}
	if out.mediaType != "" {
		h.Set("Content-Type", out.mediaType)
	}
}

// ownHeader sets what every answer carries. No cache may keep an answer that was made for one caller.
func (x *exchange) ownHeader(h http.Header) {
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Authorization, "+x.app.PurposeHeader)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(correlationHeader, x.id)
	h.Del("Server")
}

// decide does all that comes before the first byte leaves, its record included. Whatever goes wrong in it, a panic too, is
// an error.
func (x *exchange) decide() (out release, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may hold data; its place does not.
			x.handler.logger.Error("panic", zap.String("correlation_id", x.id), zap.String("type", fmt.Sprintf("%T", p)), zap.Strings("stack", stack()))
			out, err = release{}, internalError.because(reasonPanic)
		}
	}()
	if !x.app.ready(x.request.Context()) {
		return release{}, unavailable.because(reasonNotReady)
	}
	if err := x.admit(); err != nil {
		x.watch(err)
		return release{}, err
	}
	if out, err = x.fetch(); err != nil {
		return release{}, err
	}
	if x.begun {
		return out, nil
	}
	return out, x.recordRelease(out, &x.buffers.report)
}

// stack returns where a panic came from: functions and lines. The runtime's own text would show arguments too.
func stack() []string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	var places []string
	for {
		f, more := frames.Next()
		places = append(places, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		if !more {
			return places
		}
	}
}

// abort is the last resort: a panic outside of decide ends the connection, unprinted.
func (x *exchange) abort() {
	p := recover()
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares so too
		x.handler.logger.Error("panic", zap.String("correlation_id", x.id), zap.String("type", fmt.Sprintf("%T", p)), zap.Strings("stack", stack()))
	}
	panic(http.ErrAbortHandler)
}

// admit finds out who asks, and whether they may.
func (x *exchange) admit() error {
	r := x.request
	defer x.app.metrics.since(stageAuth, time.Now())
	path, err := targetPath(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodConnect || r.Header.Get("Upgrade") != "" {
		return badRequest.because(reasonUpgrade)
	}
	caller, err := x.app.verifier.Authenticate(r.Context(), r)
	if err != nil {
		return err
	}
	return x.admitCaller(caller, path)
}

// admitCaller finds out for what they ask, and whether they may at all.
func (x *exchange) admitCaller(caller auth.Caller, path string) (err error) {
	r := x.request
	x.caller = &caller
	if x.route, err = x.handler.route(x.ruling.Set, r, path); err != nil {
		return err
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if r.ContentLength > x.handler.MaxRequest {
			return tooLarge.because(reasonRequestTooLarge)
		}
	default:
		if r.ContentLength != 0 {
			return badRequest.because(reasonBody)
		}
	}
	if err := x.entry.admit(x.ruling.Set, r, caller, x.app.PurposeHeader, x.begin); err != nil {
		return err
	}
	x.admitted = true
	return nil
}

// fetch asks the upstream and rewrites its answer.
func (x *exchange) fetch() (release, error) {
	ctx, cancel := context.WithCancelCause(x.request.Context())
	defer cancel(nil)
	timer := time.AfterFunc(time.Duration(x.handler.Timeout), func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	r := x.outgoing(ctx, x.route, x.query)
	if x.hasBody() {
		x.body = &requestBody{ReadCloser: http.MaxBytesReader(nil, x.request.Body, x.handler.MaxRequest)}
		r.Body = x.body
	}
	asked := time.Now()
	body := &x.buffers.upstream
	a, err := x.upstream.ask(r, body, x.handler.MaxResponse)
	x.app.metrics.since(stageUpstream, asked)
	if err != nil {
		return release{}, x.blame(ctx, err)
	}
	if a.rest != nil {
		defer a.rest.Close()
	}
	x.answer, x.whole = a, a.rest == nil && a.carriesData()
	mediaType, err := a.check(x.route)
	if err != nil {
		return release{}, x.blame(ctx, err) // reverse_proxy answers a caller who left with 499
	}
	out := release{a.status, mediaType, a.header, nil}
	switch {
	case mediaType == "":
		return out, nil
	case a.rest != nil && (x.route.Public != "" || !x.request.ProtoAtLeast(1, 1)):
		// To a caller of HTTP/1.0 an answer that is cut short looks whole.
		return out, upstreamRefused.because(reasonTooLarge)
	case a.rest != nil:
		return out, x.blame(ctx, x.stream(ctx, a, mediaType, timer))
	}
	x.recordShape(x.route, mediaType, x.query)
	if x.route.Public != "" {
		out.body = body.Bytes()
		return out, nil
	}
	rewriting := time.Now()
	d := &x.buffers.decider
	framing := x.route.Framing(mediaType)
	d.begin(&x.entry, framing)
	d.live(x.app)
	x.buffers.out, err = x.route.Layout.Append(ctx, x.buffers.out, body.Bytes(), framing, d, &x.buffers.report)
	x.app.metrics.since(stageRewrite, rewriting)
	out.body = x.buffers.out
	return out, err
}

// outgoing is the request that the upstream gets, without a body.
func (x *exchange) outgoing(ctx context.Context, route *rules.Route, query string) *http.Request {
	r := x.request.Clone(ctx)
	r.Header = upstreamHeader(x.request, route, x.handler.RequestHeaders, x.id)
	r.URL.RawQuery = query
	r.Trailer, r.TransferEncoding, r.Close = nil, nil, false
	r.Body = http.NoBody
	return r
}

// refuse records the refusal and answers with it.
func (x *exchange) refuse(w http.ResponseWriter, why *refusal) {
	why = x.refused(why)
	h := w.Header()
	x.ownHeader(h)
	if why.challenge != "" {
		h.Set("WWW-Authenticate", why.challenge)
	}
	if x.hasBody() && (x.body == nil || !x.body.ended.Load()) {
		h.Set("Connection", "close") // or net/http would read the rest of the request before it answers
	}
	body := why.document(x.id)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.beginWriting()
	w.WriteHeader(why.status)
	_, _ = w.Write(body) // it fails if the caller went away
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
