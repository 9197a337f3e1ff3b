package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestBearerToken(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		want   string
		err    *Error
	}{
		{"usual", []string{"Bearer abc.def-_~+/=="}, "abc.def-_~+/==", nil},
		{"lower case", []string{"bearer a"}, "a", nil},
		{"mixed case", []string{"bEaReR a"}, "a", nil},
		{"several spaces", []string{"Bearer   a"}, "a", nil},
		{"missing", nil, "", &Error{Code: "", Reason: ReasonMissing}},
		{"empty", []string{""}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"basic", []string{"Basic dTpw"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"DPoP", []string{"DPoP abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"longer scheme", []string{"BearerX abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"tab", []string{"Bearer\tabc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"control in scheme", []string{"B\x05arer abc"}, "",
			&Error{Code: "", Reason: ReasonScheme}},
		{"leading space", []string{" Bearer abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"no token", []string{"Bearer"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"no token but a space", []string{"Bearer "}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"padding alone", []string{"Bearer =="}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"padding inside", []string{"Bearer a=b"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"two headers", []string{"Bearer a", "Bearer a"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"two headers, one empty", []string{"", "Bearer a"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"two in one", []string{"Bearer a, Bearer b"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"quoted", []string{`Bearer "a"`}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"trailing space", []string{"Bearer a "}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"newline", []string{"Bearer a\nb"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"not ASCII", []string{"Bearer \uff41"}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
		{"JSON", []string{`Bearer {"payload":"a"}`}, "", &Error{Code: CodeInvalidRequest,
			Reason: ReasonMalformed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"X-Access-Token": {"other"}, "Proxy-Authorization": {"Bearer other"}}
			if tt.values != nil {
				h["Authorization"] = tt.values
			}
			got, err := bearerToken(h)
			if got != tt.want {
				t.Errorf("bearerToken(%q) = %q, want %q", tt.values, got, tt.want)
			}
			switch {
			case tt.err == nil && err != nil:
				t.Errorf("bearerToken(%q) = %v, want no error", tt.values, err)
			case tt.err != nil && (err == nil || *err != *tt.err):
				t.Errorf("bearerToken(%q) = %#v, want %#v", tt.values, err, tt.err)
			}
		})
	}
}

func TestBearerTokenErrorHoldsNoToken(t *testing.T) {
	_, err := bearerToken(http.Header{"Authorization": {"Bearer canary canary"}})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("bearerToken = %v, want an error without the token", err)
	}
}

// request returns a request as a caller may send it, with these Authorization headers.
func request(authorization ...string) *http.Request {
	const target = "/v1/customers?access_token=other"
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader("access_token=other"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Authorization"] = authorization
	return r
}

func TestAuthenticate(t *testing.T) {
	good := mintRaw(`{"alg":"EdDSA","kid":"ed"}`, mustJSON(claimsWith(nil)))
	expired := mintRaw(`{"alg":"EdDSA","kid":"ed"}`, mustJSON(claimsWith(map[string]any{"exp": 1})))
	tests := []struct {
		name          string
		authorization []string
		want          *Error
	}{
		{"good", []string{"Bearer " + good}, nil},
		{"no token but in query and body", nil, &Error{Reason: ReasonMissing}},
		{"another scheme", []string{"DPoP " + good}, &Error{Reason: ReasonScheme}},
		{"two headers", []string{"Bearer " + good, "Bearer " + good},
			&Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"no JWT", []string{"Bearer abc"}, &Error{Code: CodeInvalidToken, Reason: ReasonMalformed}},
		{"too large", []string{"Bearer " + strings.Repeat("a", DefaultMaxTokenSize+1)},
			&Error{Code: CodeInvalidToken, Reason: ReasonTooLarge}},
		{"expired", []string{"Bearer " + expired}, &Error{Code: CodeInvalidToken,
			Reason: ReasonExpired}},
	}
	v := mustVerifier(t, testConfig(), allKeys())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.authorization...)
			before := r.Clone(t.Context())
			caller, err := v.Authenticate(t.Context(), r)
			if tt.want == nil {
				want := Caller{
					ID: "u-1001", TokenID: "t-1", Issuer: testIssuer,
					Expires: testNow.Add(time.Minute),
				}
				if diff := cmp.Diff(want, caller); diff != "" || err != nil {
					t.Errorf("Authenticate = %v, and the Caller differs (-want +got):\n%s", err,
						diff)
				}
			} else {
				var refused *Error
				if !errors.As(err, &refused) || *refused != *tt.want {
					t.Errorf("Authenticate = %#v, want %#v", err, tt.want)
				}
				if diff := cmp.Diff(Caller{}, caller); diff != "" {
					t.Errorf("Caller beside the error (-want +got):\n%s", diff)
				}
			}
			opts := cmp.Options{cmpopts.IgnoreUnexported(http.Request{}),
				cmpopts.IgnoreFields(http.Request{}, "Body")}
			if diff := cmp.Diff(before, r, opts); diff != "" {
				t.Errorf("the request was altered (-before +after):\n%s", diff)
			}
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != "access_token=other" {
				t.Errorf("the body is %q, %v after Authenticate, want it unread", body, err)
			}
		})
	}
}

// hangingKeys has no key, and none comes until ctx ends.
type hangingKeys struct{ staticKeys }

func (hangingKeys) Renew(ctx context.Context) bool {
	<-ctx.Done()
	return false
}

func TestAuthenticateEndsWithContext(t *testing.T) {
	gone := errors.New("the caller is gone")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	tests := []struct {
		name string
		ctx  func(t *testing.T) context.Context
		keys KeySet
	}{
		{"before it began", func(*testing.T) context.Context { return ended }, allKeys()},
		{"while it waits for a key", func(t *testing.T) context.Context {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, gone)
			t.Cleanup(cancel)
			return ctx
		}, hangingKeys{}},
	}
	token := mintRaw(`{"alg":"EdDSA","kid":"ed"}`, mustJSON(claimsWith(nil)))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := mustVerifier(t, testConfig(), tt.keys).Authenticate(tt.ctx(t),
				request("Bearer "+token))
			wantReason(t, err, ReasonKeysUnavailable)
			if !errors.Is(err, gone) {
				t.Errorf("Authenticate = %v, want the cause of the context in it", err)
			}
			if caller.ID != "" {
				t.Errorf("Authenticate = %+v, want no Caller", caller)
			}
		})
	}
}
