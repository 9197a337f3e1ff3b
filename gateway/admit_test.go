package gateway

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/maskgate/maskgate/auth"
)

// slowKeys is an authenticator that waits for keys until it may not.
type slowKeys struct{ asked chan struct{} }

func (s slowKeys) Authenticate(ctx context.Context, _ *http.Request) (auth.Caller, error) {
	close(s.asked)
	<-ctx.Done()
	// As a verifier says it whose issuer does not answer.
	_, err := verifier.Verify(ctx, "x.y.z")
	return auth.Caller{}, errors.Join(err, context.Cause(ctx))
}

// TestCallerGoneBeforeAuthentication: a caller who leaves while the authenticator waits for keys is
// on record as gone; it is no fault of the issuer.
func TestCallerGoneBeforeAuthentication(t *testing.T) {
	t.Parallel()
	keys := slowKeys{make(chan struct{})}
	w := start(t, "http://127.0.0.1:1", func(w *world) { w.options.Authenticator = keys })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-keys.asked
		cancel()
	}()
	if _, err := fresh.Do(w.request("GET", "/v1/people/C1").WithContext(ctx)); err == nil {
		t.Fatal("there was an answer")
	}
	eventually(t, "it is on record", func() bool { return len(w.records("")) == 1 })
	if r := w.records("")[0]; r.Reason != "caller_gone" || r.Status != 499 {
		t.Errorf("on record: %s, %d; want caller_gone, 499", r.Reason, r.Status)
	}
}
