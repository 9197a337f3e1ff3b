package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// An exchange is one request on its way to an answer. It has what all stages need; what a stage
// finds out, it hands to the next as a value.
type exchange struct {
	handler  *Handler
	gateway  *Gateway
	ruling   *ruling // in force when the request came
	upstream Upstream
	request  *http.Request
	body     *requestBody // nil if the request has none
	begin    time.Time
	id       string // correlation identifier
	buffers  *buffers
}

// A release is an answer, or a window of one, that may leave once it is on record.
type release struct {
	document *document
	body     []byte
	report   *masking.Report
	part     int // which window of a stream, from 1; 0: it is all of the answer
}

// recorded is a release that is on record. Only exchange.record makes one, and no other release can
// be sent.
type recorded struct{ release }

// outcome is how a request went.
type outcome struct {
	admission admission
	reached   reached
	answer    Answer // the data service's, once it was there whole
	err       error  // why it was refused; nil: what was released is on its way
}

// reached is how far a request came.
type reached int

const (
	reachedNothing   reached = iota // it was not admitted
	reachedAdmission                // the data service was asked
	reachedAnswer                   // and its answer is in the buffers, whole, and carries data
)

// exchange begins an exchange. The ruling that is in force now holds for all of it.
func (h *Handler) exchange(r *http.Request, up Upstream) *exchange {
	x := &exchange{
		handler: h, gateway: h.Gateway, ruling: h.Gateway.ruling.Load(), upstream: up, request: r,
		begin: h.Now(), id: newID(), buffers: bufferPool.Get().(*buffers),
	}
	if r.ContentLength != 0 {
		x.body = newRequestBody(r, h.MaxRequest)
	}
	return x
}

// newID makes a correlation identifier: 128 random bits, in hexadecimal.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// serve answers the request: with what may leave, once that is on record, or with a problem
// document.
func (x *exchange) serve(to *reply) {
	quietStdLog()
	o, out := x.run(to)
	defer x.end(to, &o)
	switch {
	case to.begun && o.err == nil:
	case to.begun:
		// After an error an answer that has begun must not look whole, so the connection is cut.
		// No answer is left that could tell of the refusal, or that it is not on record.
		_ = x.recordRefusal(&o.admission, refusalOf(o.err), to.parts+1)
		panic(http.ErrAbortHandler)
	case o.err != nil:
		to.refuse(x.recordRefusal(&o.admission, refusalOf(o.err), 0))
	default:
		to.send(out)
	}
}

// run does all that comes before the first byte leaves, its record included; if the answer streams,
// it sends the answer too. Whatever goes wrong, be it a panic, is the outcome's error.
func (x *exchange) run(to *reply) (o outcome, out recorded) {
	defer func() {
		if p := recover(); p != nil {
			x.logPanic(p)
			where := fmt.Errorf("%T at %s", p, panickedAt(stack()))
			out, o.err = recorded{}, internalError.causedBy(reasonPanic, where)
		}
	}()
	if !x.gateway.ready(x.request.Context()) {
		o.err = unavailable.because(reasonNotReady)
		return o, out
	}
	if o.err = x.admit(&o.admission); o.err != nil {
		if x.handler.Shapes != nil {
			x.handler.Shapes.look(x, o.err)
		}
		return o, out
	}
	o.reached = reachedAdmission
	out, o.err = x.answer(&o, to)
	return o, out
}

// answer asks the data service, and returns what may leave of its answer. An answer that streams it
// sends itself.
func (x *exchange) answer(o *outcome, to *reply) (out recorded, err error) {
	ctx, cancel := context.WithCancelCause(x.request.Context())
	defer cancel(nil)
	timer := time.AfterFunc(x.handler.Timeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	doc, err := x.ask(ctx, o)
	if err != nil {
		return out, x.blame(ctx, err)
	}
	if doc.rest != nil {
		defer doc.rest.Close()
		s := stream{exchange: x, admission: &o.admission, document: doc, timer: timer, to: to}
		return out, x.blame(ctx, s.run(ctx))
	}
	if doc.mediaType != "" && x.handler.Shapes != nil {
		x.handler.Shapes.record(doc, o.admission.query)
	}
	rewritten, err := x.rewrite(ctx, &o.admission, doc)
	if err != nil {
		return out, err
	}
	return x.record(&o.admission, rewritten)
}

// ask asks the data service and opens its answer.
func (x *exchange) ask(ctx context.Context, o *outcome) (*document, error) {
	r := x.outgoing(ctx, o.admission.route, o.admission.query)
	if x.body != nil {
		r.Body = x.body
	}
	asked := time.Now()
	a, err := x.upstream.Ask(r, &x.buffers.upstream, x.handler.MaxResponse)
	x.gateway.took(StageUpstream, asked)
	if err != nil {
		return nil, err
	}
	if a.Rest == nil && a.CarriesData() {
		o.reached = reachedAnswer
	}
	o.answer = a
	doc, err := a.open(o.admission.route, x.buffers.upstream.Bytes())
	if err == nil && a.Rest != nil && !x.request.ProtoAtLeast(1, 1) {
		// To a caller of HTTP/1.0 an answer that is cut short looks whole.
		err = upstreamRefused.because(reasonTooLarge)
	}
	if err != nil && a.Rest != nil {
		a.Rest.Close()
	}
	return doc, err
}

// outgoing is the request that the data service gets, without a body.
func (x *exchange) outgoing(ctx context.Context, route *rules.Route, query string) *http.Request {
	r := x.request.Clone(ctx)
	r.Header = upstreamHeader(x.request, route, x.handler.RequestHeaders, x.id)
	r.URL.RawQuery = query
	r.Trailer, r.TransferEncoding, r.Close = nil, nil, false
	r.Body = http.NoBody
	return r
}

// rewrite decides every record of a whole document and treats its fields.
func (x *exchange) rewrite(ctx context.Context, a *admission, doc *document) (release, error) {
	d := &x.buffers.decider
	if doc.hasRecords() {
		defer x.gateway.took(StageRewrite, time.Now())
		d.begin(x.gateway, a, doc.framing)
		d.live = true
	}
	body, err := doc.rewrite(ctx, d, x.buffers)
	return release{doc, body, &x.buffers.report, 0}, err
}

// logPanic tells the operator of a panic. Its text may hold data; its place does not.
func (x *exchange) logPanic(p any) {
	x.handler.Logger.Error("panic", slog.String("correlation_id", x.id),
		slog.String("type", fmt.Sprintf("%T", p)), slog.Any("stack", stack()))
}

// stack returns where a panic came from: functions and lines. The runtime's own text would show
// arguments too.
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

// panickedAt is the place of a stack that panicked: what the runtime began to unwind.
func panickedAt(places []string) string {
	unwinding := false
	for _, place := range places {
		runtimes := strings.HasPrefix(place, "runtime.")
		if unwinding && !runtimes {
			return place
		}
		unwinding = unwinding || runtimes
	}
	return "an unknown place"
}

// abort is the last resort: after a panic outside of run it ends the connection, and the server
// prints nothing.
func (x *exchange) abort() {
	p := recover()
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares so too
		x.logPanic(p)
	}
	panic(http.ErrAbortHandler)
}

// end hands the exchange to the shadow, once the answer is written, or else gives the buffers back.
// If a write failed, the server may still read what it was given, so those buffers are not used
// again.
func (x *exchange) end(to *reply, o *outcome) {
	switch shadow := x.ruling.shadow; {
	case !to.lent:
		if !shadow.take(x, o) {
			x.buffers.free()
		}
	case shadow != nil:
		shadow.skipped.Add(1)
	}
}
