package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/rules"
)

// targets are paths as callers send them; those that are not accepted are refused with the status.
var targets = []struct {
	path   string
	status int // 200: accepted
}{
	{"/v1/people/C1", 200},
	{"/v1/people/C-1._~", 200},
	{"/v1/people/a!$&'()*+,=:@b", 200},
	{"/v1/people/%E5%BC%A0", 200},
	{"/v1/people/%e5%bc%a0", 200},
	{"/v1/people/a%20b", 200},
	{"/v1/people/a%2Bb", 200}, // encodeURIComponent("+")
	{"/v1/people/a%40b", 200},
	{"/v1/people?page=1", 200},
	{"/v1/people?q=a%26page=2", 200},
	{"/v1/people?q=", 200},
	{"/v1/people?", 200},
	{"/v1/people/", 400},
	{"//v1/people/C1", 400},
	{"/v1//people/C1", 400},
	{"/v1/./people/C1", 400},
	{"/v1/../people/C1", 400},
	{"/v1/people/..", 400},
	{"/v1/people/%2e%2e", 400},
	{"/v1/people/%2E", 400},
	{"/v1/people/.%2e", 400},
	{"/v1/people/a%2Fb", 400},
	{"/v1/people/a%2fb", 400},
	{"/v1/people/a%5Cb", 400},
	{`/v1/people/a\b`, 400},
	{"/v1/people/a;p=1", 400},
	{"/v1/people;p/C1", 400},
	{"/v1/people/a%3Bp", 400},
	{"/v1/people/a%3Fb", 400},
	{"/v1/people/a%23b", 400},
	{"/v1/people/a%25b", 400},
	{"/v1/people/a%252e", 400},
	{"/v1/people/%43%31", 400},
	{"/v1/peopl%65/C1", 400},
	{"/v1/people/a%00b", 400},
	{"/v1/people/a%0Ab", 400},
	{"/v1/people/a%7Fb", 400},
	{"/v1/people/a%C2%85b", 400},
	{"/v1/people/%FF", 400},
	{"/v1/people/%C0%AF", 400},
	{"/v1/people/张", 400},
	{`/v1/people/a"b`, 400},
	{"/v1/people/a|b", 400},
	{"/v1/people/{env.HOME}", 400},
	{"/v1/people/%", 400},
	{"/v1/people/%zz", 400},
	{"*", 400},
	{"/", 404},
	{"/V1/people/C1", 400}, // an upstream that folds case would serve it
	{"/v1/PEOPLE/C1", 400},
	{"/v1/people/C1/x/y", 404},
	{"/v1/people.json", 404},
	{"/v1/people/C1/search!it", 200},
	{"/v1/people/C1/search%21it", 400}, // an upstream that decodes would serve another route
	{"/v1/people/C1/SEARCH!IT", 400},
	{"/v1/people/C1/other", 200},
	{"/v1/people?page=1&page=1", 400},
	{"/v1/people?page=1&%70age=2", 400},
	{"/v1/people?Page=1", 400},
	{"/v1/people?page[]=1", 400},
	{"/v1/people?_method=DELETE", 400},
	{"/v1/people?page=1;q=2", 400},
	{"/v1/people?page=%zz", 400},
	{"/v1/people?page=%FF", 400},
	{"/v1/people?=1", 400},
	{"/v1/people?&", 200},
	{"/v1/people?page=1&select=*", 400},
	{"/v1/people?q=" + strings.Repeat("x", maxQuery), 400},
	{"/v1/people?" + strings.Repeat("x=1&", 10001), 431},
	{"/v1/people?page=1#fragment", 200}, // no fragment, for a server: encoded anew, the value is 1#fragment
}

const targetService = testService + `
  - match: GET /v1/people/{id}/search!it
    fields: {$.name: public}
  - match: GET /v1/people/{id}/{part}
    fields: {$.name: public}
`

func TestTargets(t *testing.T) {
	var mu sync.Mutex
	var got []string
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.RequestURI)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNoContent)
	})
	for kind, site := range map[string]string{
		"own transport": "maskgate " + up,
		"reverse_proxy": "maskgate\nreverse_proxy " + strings.TrimPrefix(up, "http://"),
	} {
		g := start(t, site, func(g *gateway) { g.rules(targetService, testPolicy) })
		for _, tt := range targets {
			t.Run(kind+"/"+tt.path[:min(len(tt.path), 40)], func(t *testing.T) {
				g.t = t
				got = nil
				all := g.raw(g.head("GET "+tt.path+" HTTP/1.1") + "\r\n")
				status, accepted := statusOf(all), statusOf(all) == 204
				if accepted != (tt.status == 200) || !accepted && status != tt.status {
					t.Fatalf("status %d, want %d: %s", status, tt.status, all)
				}
				mu.Lock()
				defer mu.Unlock()
				if accepted != (len(got) == 1) {
					t.Fatalf("the upstream got %q", got)
				}
				if accepted {
					sent, _, _ := strings.Cut(tt.path, "?")
					received, _, _ := strings.Cut(got[0], "?")
					if received != sent {
						t.Errorf("the upstream got the path %q of %q", received, sent)
					}
				}
			})
		}
	}
}

// TestSmuggling sends what servers frame differently. At most one request may reach the upstream, and none of the second's.
func TestSmuggling(t *testing.T) {
	var mu sync.Mutex
	var got []string
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.Host+r.RequestURI)
		w.WriteHeader(http.StatusNoContent)
	})
	host := strings.TrimPrefix(up, "http://")
	g := start(t, "maskgate "+up)
	const post, get = "POST /v1/people/C1 HTTP/1.1", "GET /v1/people/C1 HTTP/1.1"
	for i, tt := range []struct {
		name, text string
		want       []string // that the upstream gets
	}{
		{"CL and TE", g.head(post, "Content-Length: 6", "Transfer-Encoding: chunked") + "\r\n0\r\n\r\nGET /v1/public HTTP/1.1\r\n\r\n", []string{"POST " + host + "/v1/people/C1"}},
		{"two lengths", g.head(post, "Content-Length: 0", "Content-Length: 5") + "\r\nGET /", nil},
		{"length list", g.head(post, "Content-Length: 5, 5") + "\r\n12345", nil},
		{"signed length", g.head(post, "Content-Length: +5") + "\r\n12345", nil},
		{"TE twice", g.head(post, "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "\r\n0\r\n\r\n", nil},
		{"unknown TE", g.head(post, "Transfer-Encoding: xchunked") + "\r\n0\r\n\r\n", nil},
		{"TE with tab", g.head(post, "Transfer-Encoding:\vchunked") + "\r\n0\r\n\r\n", nil},
		{"space before colon", g.head(post, "Content-Length : 5") + "\r\n12345", nil},
		{"folded", g.head(get, "X-A: b\r\n Content-Length: 5") + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"bad chunk", g.head(post, "Transfer-Encoding: chunked") + "\r\nzz\r\n\r\n", nil},
		{"absolute form, other host", g.head("GET http://evil.example/v1/people/C1 HTTP/1.1") + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"authority with user", g.head("GET http://u:p@evil/v1/people/C1 HTTP/1.1") + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"CONNECT", g.head("CONNECT evil.example:443 HTTP/1.1") + "\r\n", nil},
		{"CONNECT with a path", g.head("CONNECT /v1/people/C1 HTTP/1.1") + "\r\n", nil},
		{"asterisk", g.head("OPTIONS * HTTP/1.1") + "\r\n", nil},
		{"lower-case method", g.head("get /v1/people/C1 HTTP/1.1") + "\r\n", nil},
		{"TRACE", g.head("TRACE /v1/people/C1 HTTP/1.1") + "\r\n", nil},
		{"method override", g.head(get, "X-HTTP-Method-Override: POST") + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"no host", strings.Replace(g.head(get), "Host: "+g.addr+"\r\n", "", 1) + "\r\n", nil},
		{"two hosts", g.head(get, "Host: evil.example") + "\r\n", nil},
		{"bad host", strings.Replace(g.head(get), "Host: "+g.addr, "Host: a/b", 1) + "\r\n", nil},
		{"strange host", strings.Replace(g.head(get), "Host: "+g.addr, "Host: LOCALHOST.:1", 1) + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"HTTP/1.0", g.head("GET /v1/people/C1 HTTP/1.0") + "\r\n", []string{"GET " + host + "/v1/people/C1"}},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", nil},
		{"h2c", strings.Replace(g.head(get, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), "Connection: close", "Connection: Upgrade, HTTP2-Settings, close", 1) + "\r\n", nil},
		{"trailers of a request", g.head(post, "Transfer-Encoding: chunked", "Trailer: X-User") + "\r\n1\r\nx\r\n0\r\nX-User: admin\r\nContent-Length: 9\r\n\r\n", []string{"POST " + host + "/v1/people/C1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			// Each case asks for somebody else: a broken request may reach the upstream when its case is long over.
			who := fmt.Sprintf("/v1/people/C1%02d", i)
			all := g.raw(strings.ReplaceAll(tt.text, "/v1/people/C1", who))
			mu.Lock()
			defer mu.Unlock()
			got := slices.DeleteFunc(slices.Clone(got), func(request string) bool {
				return strings.Contains(request, "/v1/people/C1") && !strings.HasSuffix(request, who)
			})
			want := strings.ReplaceAll(fmt.Sprint(tt.want), "/v1/people/C1", who)
			if fmt.Sprint(got) != want {
				// A broken body may have reached the handler's head before it broke.
				if status := statusOf(all); tt.name == "bad chunk" && status == 400 && len(got) <= 1 {
					return
				}
				t.Errorf("the upstream got %q, want %s; the caller %s", got, want, all)
			}
			// OPTIONS * is answered by net/http itself; HTTP/2 is hung up on.
			if len(tt.want) == 0 && tt.name != "asterisk" && len(all) > 0 && statusOf(all) < 400 {
				t.Errorf("answer %s", all)
			}
		})
	}
}

// FuzzTargetPath: whatever is accepted is received by another server as the same segments, and sent on as it came.
func FuzzTargetPath(f *testing.F) {
	for _, tt := range targets {
		f.Add(tt.path)
	}
	var received *http.Request
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { received = r }))
	f.Cleanup(up.Close)
	base, err := newService(up.URL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Scheme != "" || u.Host != "" {
			return
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{}, Body: http.NoBody}
		path, err := targetPath(r)
		if err != nil {
			return
		}
		if sent, _, _ := strings.Cut(raw, "?"); path != sent {
			t.Errorf("targetPath(%q) = %q, want it as it was sent", raw, path)
		}
		u.RawQuery, u.ForceQuery = "", false
		u.Scheme, u.Host, r.Host = base.base.Scheme, base.base.Host, base.base.Host
		resp, err := base.transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if received.URL.EscapedPath() != path || received.RequestURI != path {
			t.Errorf("%q: the upstream got %q", raw, received.RequestURI)
		}
		plain, err := url.PathUnescape(path)
		if err != nil || received.URL.Path != plain || strings.Count(plain, "/") != strings.Count(path, "/") {
			t.Errorf("%q: the upstream reads %q, want %q", raw, received.URL.Path, plain)
		}
	})
}

func TestRouteOfAmbiguousPaths(t *testing.T) {
	set, err := rules.Load([]rules.File{{Name: "s.yaml", Data: []byte(`
kind: service
name: s
owner: o
routes:
  - match: GET /a:b
    public: x
  - match: GET /{id}
    public: x
  - match: GET /Up/{id}
    public: x
`)}}, noPseudonyms{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/a:b": "GET /a:b", "/a%3Ab": "", "/A:B": "", "/x%3Ab": "GET /{id}", "/X": "GET /{id}", "/Up/X": "GET /Up/{id}", "/x/y": "",
	} {
		match := ""
		if r, err := route(set, "GET", "", path); err == nil {
			match = r.Match
		}
		if match != want {
			t.Errorf("route(%q) = %q, want %q", path, match, want)
		}
	}
}
