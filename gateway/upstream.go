package gateway

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
	"sync/atomic"
	"time"
)

// An Upstream is a data service, or what stands in front of one.
type Upstream interface {
	// Ask sends a request and waits for the answer. It may alter the request. buf is empty when it
	// is handed in.
	//
	// If the answer's status is one whose body may be passed on (200 to 203), Ask appends the whole
	// body to buf, at most limit bytes. It is an error if the body is longer, if it breaks off, or
	// if its length is not the length that the answer states. Of any other status Ask does not read
	// the body. An upstream that can stream appends limit bytes, and one more, of a body that is
	// longer, and leaves what follows in Answer.Rest, which the caller closes; the whole body of an
	// event stream may be in Rest.
	//
	// Ask keeps nothing else of the answer and acts on nothing else: no interim response, no
	// trailer. An upgrade is an error. Once Ask has returned, it writes nothing to buf.
	//
	// An error says why there is no answer ([ReasonOf] returns upstream_down, upstream_timeout,
	// response_too_large, response_cut_short or upgrade), and holds nothing that the upstream sent.
	// It is an error, too, if the request's context ends first. With an error Rest is nil. Many
	// goroutines may call Ask at once.
	Ask(r *http.Request, buf *bytes.Buffer, limit int64) (Answer, error)
}

// An Answer is what an upstream said, unchecked. Only a document, which is an answer that was
// checked against its route, has a body.
type Answer struct {
	Status int
	Header http.Header
	Rest   io.ReadCloser // what follows the bytes in the buffer; nil if nothing does
}

// CarriesData reports whether the status is one whose body may be passed on, rewritten.
func (a Answer) CarriesData() bool { return carriesData(a.Status) }

func carriesData(status int) bool {
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo:
		return true
	}
	return false
}

// A Service is an upstream that the gateway asks itself, by HTTP/1.1. Many goroutines may use it at
// once.
type Service struct {
	base      *url.URL
	transport *http.Transport
	streams   bool
	retired   atomic.Bool
}

// NewService makes an upstream of the address of a data service: scheme and host, nothing else. If
// streams is true, the service leaves what is over the limit of Ask to be read.
func NewService(address string, streams bool) (*Service, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New(
			"upstream: want a scheme and a host only, as in http://127.0.0.1:9001")
	}
	return &Service{base: u, streams: streams, transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      false,
	}}, nil
}

// Retire closes the connections that are idle, and from then on each connection that becomes idle:
// after a reload, requests go on for a while.
func (s *Service) Retire() {
	s.retired.Store(true)
	s.transport.CloseIdleConnections()
}

// Ask implements [Upstream].
func (s *Service) Ask(r *http.Request, buf *bytes.Buffer, limit int64) (a Answer, err error) {
	r.URL.Scheme, r.URL.Host, r.Host = s.base.Scheme, s.base.Host, s.base.Host
	defer func() {
		if s.retired.Load() {
			s.transport.CloseIdleConnections()
		}
	}()
	resp, err := s.transport.RoundTrip(r)
	if err != nil {
		return Answer{}, failed(err)
	}
	a = Answer{Status: resp.StatusCode, Header: resp.Header}
	defer func() {
		if a.Rest == nil {
			resp.Body.Close()
		}
	}()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return a, upstreamRefused.because(reasonUpgrade)
	}
	if !a.CarriesData() {
		return a, nil
	}
	if s.streams && isEventStream(resp.Header) { // its events come one by one, and leave so
		a.Rest = resp.Body
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
		a.Rest = resp.Body
	}
	return a, nil
}

func isEventStream(h http.Header) bool {
	// What is no media type is another one.
	mediaType, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return mediaType == "text/event-stream"
}

// failed returns why there is no answer. It does not keep the transport's own text, which may quote
// the upstream's bytes.
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

// kindOf keeps what cannot hold data of an error: the system's error, or else the error's type.
func kindOf(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return fmt.Errorf("%T", err)
}
