package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/rules"
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

// TestRehearsalAuthenticates: the caller of a test of rules is one whom an authenticator may
// return.
func TestRehearsalAuthenticates(t *testing.T) {
	t.Parallel()
	test := &rules.Test{Request: rules.Request{
		Caller: rules.Caller{
			ID: "agent-07", Roles: []string{"agent"}, Purposes: []string{"care"},
			AMR: []string{"mfa"},
		},
		Time: time.Now(),
	}}
	gatewaytest.Authenticator(t, gateway.Rehearsed(test), func() *http.Request {
		return httptest.NewRequest("GET", "/v1/people/C1", nil)
	})
}

// TestRehearsalStandings: what a test of rules has on record keeps to the contract.
func TestRehearsalStandings(t *testing.T) {
	t.Parallel()
	open := func(_ testing.TB, subjects []gatewaytest.Subject) gatewaytest.StandingsStore {
		test := &rules.Test{}
		for _, s := range subjects {
			test.Standings = append(test.Standings,
				rules.SubjectStanding{Subject: s.ID, Standing: s.Standing})
		}
		return gatewaytest.StandingsStore{Store: gateway.Rehearsed(test)}
	}
	gatewaytest.Standings(t, open)
}
