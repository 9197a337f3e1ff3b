package gatewaytest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/gateway"
)

// Authenticator tests the contract of [gateway.Authenticator]. good makes a request of a caller who
// is let in, each time of the same one; each bad makes a request of nobody.
func Authenticator(t *testing.T, a gateway.Authenticator, good func() *http.Request,
	bad ...func() *http.Request) {
	c := authenticatorContract{a, good}
	t.Run("caller", c.caller)
	for i, request := range bad {
		t.Run("nobody "+strconv.Itoa(i), func(t *testing.T) { c.nobody(t, request()) })
	}
	t.Run("end of the context", c.end)
	t.Run("concurrency", c.concurrency)
}

type authenticatorContract struct {
	gateway.Authenticator
	good func() *http.Request
}

func (c authenticatorContract) caller(t *testing.T) {
	t.Parallel()
	caller := c.ask(t, c.good())
	if caller.ID == "" || !caller.Expires.After(time.Now()) {
		t.Errorf("caller %q, who expires at %v; want both, and that ahead",
			caller.ID, caller.Expires)
	}
	// What it returns is the receiver's to alter.
	for _, list := range [][]string{caller.Roles, caller.Purposes, caller.AMR} {
		for i := range list {
			list[i] = "altered"
		}
	}
	again := c.ask(t, c.good())
	if slices.Contains(slices.Concat(again.Roles, again.Purposes, again.AMR), "altered") {
		t.Errorf("caller %+v is shared with another request", again)
	}
}

// ask authenticates a request that must be let in.
func (c authenticatorContract) ask(t *testing.T, r *http.Request) auth.Caller {
	t.Helper()
	caller, err := c.untouched(t, r.Context(), r)
	if err != nil {
		t.Fatalf("the good request is refused: %v", err)
	}
	return caller
}

// untouched authenticates a request, and checks that it is left as it was.
func (c authenticatorContract) untouched(t *testing.T, ctx context.Context,
	r *http.Request) (auth.Caller, error) {
	t.Helper()
	body := &untouchable{}
	r.Body, r.ContentLength = body, 10
	before, header := *r, r.Header.Clone()
	target := *r.URL
	caller, err := c.Authenticate(ctx, r)
	// Header and URL are what they were, not just where.
	if !reflect.DeepEqual(before, *r) || target != *r.URL ||
		!maps.EqualFunc(header, r.Header, slices.Equal[[]string]) {
		t.Error("the request was altered")
	}
	if body.touched {
		t.Error("the request's body was read or closed")
	}
	return caller, err
}

// untouchable is a body that nobody may read or close.
type untouchable struct{ touched bool }

func (b *untouchable) Read([]byte) (int, error) {
	b.touched = true
	return 0, io.EOF
}

func (b *untouchable) Close() error {
	b.touched = true
	return nil
}

func (c authenticatorContract) nobody(t *testing.T, r *http.Request) {
	t.Parallel()
	caller, err := c.untouched(t, r.Context(), r)
	checkRefusal(t, caller, err, r)
}

// checkRefusal checks that nobody is let in, for a reason of auth, without a word of the request.
func checkRefusal(t *testing.T, caller auth.Caller, err error, r *http.Request) {
	t.Helper()
	var refused *auth.Error
	if !errors.As(err, &refused) {
		t.Fatalf("caller %q, error %v (%T), want an auth.Error", caller.ID, err, err)
	}
	if !reflect.DeepEqual(caller, auth.Caller{}) {
		t.Errorf("there is a caller beside the error: %q", caller.ID)
	}
	if !slices.Contains(auth.Reasons(), refused.Reason) {
		t.Errorf("the reason is %q, which auth does not list", refused.Reason)
	}
	for _, value := range r.Header.Values("Authorization") {
		for word := range strings.FieldsSeq(strings.ReplaceAll(value, ".", " ")) {
			if len(word) > len("Bearer") && strings.Contains(err.Error(), word) {
				t.Error("the credentials are in the error")
			}
		}
	}
}

// end checks that an authenticator does not go on when its context has ended. The request's own
// context goes on.
func (c authenticatorContract) end(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := c.good()
	if caller, err := c.untouched(t, ctx, r); err != nil || caller.ID == "" {
		checkRefusal(t, caller, err, r)
	}
}

func (c authenticatorContract) concurrency(t *testing.T) {
	t.Parallel()
	want := c.ask(t, c.good())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				got, err := c.Authenticate(t.Context(), c.good())
				if err != nil || got.ID != want.ID || !slices.Equal(got.Roles, want.Roles) {
					t.Errorf("caller %q, %v, want %q", got.ID, err, want.ID)
				}
			}
		})
	}
	all.Wait()
}
