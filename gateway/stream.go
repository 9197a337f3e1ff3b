package gateway

import (
	"context"
	"io"
	"time"

	"github.com/maskgate/maskgate/masking"
)

// A stream is an answer that is larger than may be buffered. It is decided, recorded and released
// window by window, each by the rules that the request began with, as they decide at the time of
// the window. The first window's release begins the answer; from then on an error can only end the
// connection.
type stream struct {
	*exchange
	admission *admission
	document  *document
	timer     *time.Timer // ends the exchange if the data service is silent for too long
	to        *reply
}

// run releases the answer. It returns an error if not all of it was released.
func (s *stream) run(ctx context.Context) error {
	d := &s.buffers.decider
	d.begin(s.gateway, s.admission, s.document.framing)
	d.live = true
	d.renew = func() error { return s.admission.renew(s.ruling.Set, s.handler.Now()) }
	all := io.MultiReader(&s.buffers.upstream, s.document.rest)
	body := patient{all, s.timer, s.handler.Timeout}
	if err := s.document.rewriteWindows(ctx, body, d, s.release); err != nil || s.to.begun {
		return err
	}
	// Nothing was left of it. That is an answer, and on record, too.
	return s.leave(nil, &masking.Report{}, 0)
}

// release releases a window, unless nothing is left of it.
func (s *stream) release(window []byte, report *masking.Report) error {
	s.timer.Stop() // the caller's slowness is not the upstream's
	defer s.buffers.decider.next()
	if len(window) == 0 && report.Records == 0 {
		return nil
	}
	if s.handler.Now().After(s.admission.caller.Expires) {
		return tokenEnded.because(reasonTokenEnded)
	}
	return s.leave(window, report, s.to.parts+1)
}

// leave records a part of the answer, and then sends it.
func (s *stream) leave(window []byte, report *masking.Report, part int) error {
	out, err := s.record(s.admission, release{s.document, window, report, part})
	if err != nil {
		return err
	}
	s.to.parts = part
	return s.to.sendWindow(out)
}

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
