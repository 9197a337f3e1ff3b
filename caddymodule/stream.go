package caddymodule

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/maskgate/maskgate/masking"
)

// A response that is larger than may be buffered streams: it is decided, recorded and released window by window, each as
// the rules that it began with have it at that time. The first window's release begins the answer; from then on an error can
// only end the connection, never the answer.

// patient is a body that must not stall: each read has the handler's timeout to yield something.
type patient struct {
	io.Reader
	timer   *time.Timer
	timeout time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	p.timer.Reset(p.timeout)
	n, err := p.Reader.Read(b)
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // a reader's own, as io.Reader has it
		return n, err
	case timedOut(err):
		return n, upstreamFailed.because(reasonUpstreamSlow)
	}
	return n, upstreamRefused.causedBy(reasonCutShort, kindOf(err))
}

// stream rewrites what is buffered of an answer and what follows, and writes it to the caller.
func (x *exchange) stream(ctx context.Context, a answer, mediaType string, timer *time.Timer) error {
	body := patient{io.MultiReader(&x.buffers.upstream, a.rest), timer, time.Duration(x.handler.Timeout)}
	framing := x.route.Framing(mediaType)
	d := &x.buffers.decider
	d.begin(&x.entry, framing)
	d.live(x.app)
	d.renew = func() error { return x.renew(x.ruling.Set, x.now()) }
	out := release{status: a.status, mediaType: mediaType, header: a.header}
	err := x.route.Layout.Rewrite(ctx, body, framing, d, func(window []byte, report *masking.Report) error {
		timer.Stop() // the caller's slowness is not the upstream's
		defer d.next()
		if len(window) == 0 && report.Records == 0 {
			return nil
		}
		if x.now().After(x.caller.Expires) {
			return tokenEnded.because(reasonTokenEnded)
		}
		x.part++
		out.body = window
		if err := x.recordRelease(out, report); err != nil {
			return err
		}
		x.beginStream(out)
		return x.send(window)
	})
	if err != nil || x.begun {
		return err
	}
	// Nothing was left of it. That is an answer, and on record, too.
	out.body = nil
	if err := x.recordRelease(out, &masking.Report{}); err != nil {
		return err
	}
	x.beginStream(out)
	return nil
}

// beginStream writes the header, once.
func (x *exchange) beginStream(out release) {
	if x.begun {
		return
	}
	x.begun = true
	x.releaseHeader(out)
	if x.hasBody() && (x.body == nil || !x.body.ended.Load()) {
		x.writer.Header().Set("Connection", "close") // or net/http would read the rest of the request while the upstream does
	}
	x.writer.WriteHeader(out.status)
}

// send writes a window to the caller.
func (x *exchange) send(window []byte) error {
	x.beginWriting()
	if err := x.write(window); err != nil {
		return callerGone.because(reasonCallerGone)
	}
	if err := http.NewResponseController(x.writer).Flush(); err != nil {
		return callerGone.because(reasonCallerGone)
	}
	// In HTTP/2 the deadline would end the stream also while nothing is written.
	_ = http.NewResponseController(x.writer).SetWriteDeadline(time.Time{}) // not every server can
	return nil
}

// endStream ends an answer that has begun. After an error it must not look whole, so the connection is aborted.
func (x *exchange) endStream(err error) {
	if err == nil {
		return
	}
	_ = x.refused(refusalOf(err)) // there is no answer left to tell of it
	panic(http.ErrAbortHandler)
}
