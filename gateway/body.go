package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// requestBody is a caller's body on its way to the upstream. The upstream may go on to read it when
// the exchange is over.
type requestBody struct {
	io.ReadCloser
	ended    atomic.Bool // it was read to its end
	tooLarge atomic.Bool
	broken   atomic.Bool // the caller sent no more, or no proper body
}

func newRequestBody(r *http.Request, limit int64) *requestBody {
	return &requestBody{ReadCloser: http.MaxBytesReader(nil, r.Body, limit)}
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var limit *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, http.ErrBodyReadAfterClose): // the upstream wanted no more
	case err == io.EOF:
		b.ended.Store(true)
	case errors.As(err, &limit):
		b.tooLarge.Store(true)
	default:
		b.broken.Store(true)
	}
	return n, err
}

// blame returns the refusal for an error of the upstream: the caller's fault where it is theirs, a
// timeout where the handler's own timer ran out, or else err. ctx is the context under which the
// upstream was asked.
func (x *exchange) blame(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case x.body != nil && x.body.tooLarge.Load():
		return tooLarge.because(reasonRequestTooLarge)
	case errors.Is(x.request.Context().Err(), context.Canceled):
		return callerGone.because(reasonCallerGone)
	case x.body != nil && x.body.broken.Load():
		return bodyBroken.because(reasonBodyBroken)
	}
	switch refusalOf(err).reason {
	case reasonStandings, reasonQuotas: // a window waited for a store, not for the data service
		return err
	}
	// The handler's own timer ran out, whatever the transport makes of it.
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return upstreamFailed.because(reasonUpstreamSlow)
	}
	return err
}
