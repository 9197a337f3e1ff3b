package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

func TestUpstreams(t *testing.T) {
	t.Parallel()
	service := func(streams bool) func(testing.TB, http.Handler) gateway.Upstream {
		return func(t testing.TB, h http.Handler) gateway.Upstream {
			s, err := gateway.NewService(gateway.UpstreamOf(t, h.ServeHTTP), streams)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Retire)
			return s
		}
	}
	for name, open := range map[string]func(testing.TB, http.Handler) gateway.Upstream{
		"service":           service(false),
		"streaming service": service(true),
		"guarded proxy": func(t testing.TB, h http.Handler) gateway.Upstream {
			return gateway.Proxied(t, gateway.UpstreamOf(t, h.ServeHTTP))
		},
		"guarded handler": func(_ testing.TB, h http.Handler) gateway.Upstream {
			return gateway.Guarded(func(w http.ResponseWriter, r *http.Request) error {
				h.ServeHTTP(w, r)
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gatewaytest.Upstream(t, open)
		})
	}
	t.Run("canned", func(t *testing.T) {
		t.Parallel()
		gatewaytest.UpstreamBodies(t, func(_ testing.TB, h http.Handler) gateway.Upstream {
			return gateway.Canned(func(r *http.Request) *http.Response {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Result()
			})
		})
	})
}

func TestVerifierAuthenticates(t *testing.T) {
	t.Parallel()
	with := func(headers ...string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest("GET", "/v1/people/C1?access_token="+gateway.AgentToken(t),
				nil)
			for _, text := range headers {
				r.Header.Add("Authorization", text)
			}
			return r
		}
	}
	good := "Bearer " + gateway.AgentToken(t)
	gatewaytest.Authenticator(t, gateway.Verifier(), with(good),
		with(), with(good, good), with("Basic eDp5"), with("Bearer x.y.z"), with("Bearer a b"),
		with(good[:len(good)-8]+"AAAAAAAA"), with(good+"A"))
}
