package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

// TestTargets asks for what may be read in more than one way.
func TestTargets(t *testing.T) {
	t.Parallel()
	for way, change := range gateway.Ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var got []string // guarded by mu
			up := gateway.UpstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, r.RequestURI)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNoContent)
			})
			service := gateway.TestService + gatewaytest.TargetRoutes
			w := gateway.Start(t, up, change, gateway.Ruled(service, gateway.TestPolicy))
			for _, tt := range gatewaytest.Targets {
				t.Run(tt.Text[:min(len(tt.Text), 40)], func(t *testing.T) {
					mu.Lock()
					got = nil
					mu.Unlock()
					all := w.For(t).Raw(w.Head("GET "+tt.Text+" HTTP/1.1") + "\r\n")
					status := gateway.StatusOf(all)
					accepted := status == http.StatusNoContent
					if accepted != (tt.Status == http.StatusOK) ||
						!accepted && status != tt.Status {
						t.Fatalf("status %d, want %d: %s", status, tt.Status, all)
					}
					mu.Lock()
					defer mu.Unlock()
					if accepted != (len(got) == 1) {
						t.Fatalf("the upstream got %q", got)
					}
					if accepted {
						sent, _, _ := strings.Cut(tt.Text, "?")
						received, _, _ := strings.Cut(got[0], "?")
						if received != sent {
							t.Errorf("the upstream got the path %q of %q", received, sent)
						}
					}
				})
			}
		})
	}
}

// FuzzTargetPath: whatever is accepted is received by another server as the same segments, and sent
// on as it came.
func FuzzTargetPath(f *testing.F) {
	for _, tt := range gatewaytest.Targets {
		f.Add(tt.Text)
	}
	var received *http.Request
	keep := func(_ http.ResponseWriter, r *http.Request) { received = r }
	up := httptest.NewServer(http.HandlerFunc(keep))
	f.Cleanup(up.Close)
	base, err := url.Parse(up.URL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Scheme != "" || u.Host != "" {
			return
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{}, Body: http.NoBody}
		path, err := gateway.TargetPath(r)
		if err != nil {
			return
		}
		if sent, _, _ := strings.Cut(raw, "?"); path != sent {
			t.Errorf("targetPath(%q) = %q, want it as it was sent", raw, path)
		}
		u.RawQuery, u.ForceQuery = "", false
		u.Scheme, u.Host, r.Host = base.Scheme, base.Host, base.Host
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if received.URL.EscapedPath() != path || received.RequestURI != path {
			t.Errorf("%q: the upstream got %q", raw, received.RequestURI)
		}
		plain, err := url.PathUnescape(path)
		if err != nil || received.URL.Path != plain ||
			strings.Count(plain, "/") != strings.Count(path, "/") {
			t.Errorf("%q: the upstream reads %q, want %q", raw, received.URL.Path, plain)
		}
	})
}
