package auth

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOpenJWKSLocations(t *testing.T) {
	issuer := &fakeIssuer{err: http.ErrNotSupported}
	goesOn := http.ErrNotSupported.Error()
	tests := []struct {
		name, location string
		allowLocal     bool
		want           string
	}{
		{"https", "https://idp.example/jwks", false, goesOn},
		{"http", "http://idp.example/jwks", false, "http:// URL"},
		{"http elsewhere, local allowed", "http://idp.example/jwks", true, "http:// URL"},
		{"http loopback", "http://127.0.0.1:1/jwks", false, "http:// URL"},
		{"http loopback allowed", "http://127.0.0.1:1/jwks", true, goesOn},
		{"http localhost allowed", "http://localhost:1/jwks", true, goesOn},
		{"http IPv6 loopback allowed", "http://[::1]:1/jwks", true, goesOn},
		{"http mapped loopback allowed", "http://[::ffff:127.0.0.1]:1/jwks", true, goesOn},
		{"http link-local", "http://169.254.169.254/jwks", true, "http:// URL"},
		{"http looks like loopback", "http://127.0.0.1.evil.example/jwks", true, "http:// URL"},
		{"https loopback", "https://127.0.0.1/jwks", false, "on the local host or link"},
		{"https localhost", "https://LOCALHOST/jwks", false, "on the local host or link"},
		{"https link-local", "https://169.254.169.254/jwks", false, "on the local host or link"},
		{"https IPv6 link-local", "https://[fe80::1]/jwks", false, "on the local host or link"},
		{"https any address", "https://0.0.0.0/jwks", false, "on the local host or link"},
		{"https link-local allowed", "https://169.254.169.254/jwks", true, goesOn},
		{"password", "https://user:canary@idp.example/jwks", false, "user or password"},
		{"no host", "https:///jwks", false, "not a URL with a host"},
		{"bad URL", "https://idp.example/%zzcanary", false, "not a URL"},
		{"ftp", "ftp://idp.example/jwks", false, "another scheme"},
		{"secret in the query", "https://idp.example/jwks?key=canary", false, goesOn},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenJWKS(t.Context(), tt.location, JWKSOptions{
				Client: &http.Client{Transport: issuer}, AllowLocal: tt.allowLocal,
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("OpenJWKS(%q) = %v, want an error with %q", tt.location, err, tt.want)
			}
		})
	}
}

func TestOpenJWKSOptionFaults(t *testing.T) {
	const (
		refresh = "refresh interval is below 30s"
		age     = "maximum age is below the refresh interval"
		timeout = "fetch timeout is negative"
	)
	tests := []struct {
		name string
		opts JWKSOptions
		want []string // all that the error says
	}{
		{"least of each", JWKSOptions{RefreshInterval: 30 * time.Second, MaxAge: 30 * time.Second,
			FetchTimeout: time.Hour}, nil},
		{"refresh interval", JWKSOptions{RefreshInterval: 30*time.Second - 1}, []string{refresh}},
		{"refresh interval negative", JWKSOptions{RefreshInterval: -time.Hour}, []string{refresh}},
		{"maximum age", JWKSOptions{RefreshInterval: time.Hour, MaxAge: time.Hour - 1},
			[]string{age}},
		{"maximum age below the default interval", JWKSOptions{MaxAge: time.Minute}, []string{age}},
		{"fetch timeout", JWKSOptions{FetchTimeout: -1}, []string{timeout}},
		{"all at once", JWKSOptions{RefreshInterval: time.Second, MaxAge: time.Millisecond,
			FetchTimeout: -1},
			[]string{refresh, age, timeout}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issuer := &fakeIssuer{}
			issuer.publish("a")
			tt.opts.Client = &http.Client{Transport: issuer}
			keys, err := OpenJWKS(t.Context(), testLocation, tt.opts)
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatalf("OpenJWKS = %v, want no error", err)
				}
				_ = keys.Close()
				return
			}
			if err == nil {
				t.Fatal("OpenJWKS: no error")
			}
			wantFetches(t, issuer, 0)
			for _, fault := range []string{refresh, age, timeout} {
				if got, want := strings.Contains(err.Error(), fault),
					slices.Contains(tt.want, fault); got != want {
					t.Errorf("OpenJWKS = %v; has %q: %v, want %v", err, fault, got, want)
				}
			}
		})
	}
}

// The default client looks where a name leads: to nothing on this host, unless that is allowed.
func TestOpenJWKSDefaultClient(t *testing.T) {
	server := httptest.NewServer(answer(http.StatusOK, "application/json", edJWKS("a")))
	defer server.Close()
	keys, err := OpenJWKS(t.Context(), server.URL, JWKSOptions{AllowLocal: true})
	if err != nil {
		t.Fatalf("OpenJWKS: %v", err)
	}
	defer keys.Close()
	wantKids(t, keys, "a")

	transport := newJWKSTransport(false)
	if resp, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, server.URL,
		nil)); err == nil {
		resp.Body.Close()
		t.Error("the default transport connects to a loopback address")
	} else if !strings.Contains(err.Error(), "loopback") {
		t.Errorf("RoundTrip = %v, want loopback in it", err)
	}
}

func answer(status int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestFetchJWKS(t *testing.T) {
	good := edJWKS("a")
	elsewhere := httptest.NewTLSServer(answer(http.StatusOK, "application/json", good))
	defer elsewhere.Close()
	plain := httptest.NewServer(answer(http.StatusOK, "application/json", good))
	defer plain.Close()
	tests := []struct {
		name    string
		handler http.Handler
		want    string // in the error
	}{
		{"good", answer(200, "application/json", good), ""},
		{"jwk-set+json", answer(200, "application/jwk-set+json; charset=utf-8", good), ""},
		{"201", answer(201, "application/json", good), "status 201"},
		{"404", answer(404, "application/json", good), "status 404"},
		{"500", answer(500, "application/json", good), "status 500"},
		{"HTML", answer(200, "text/html", good), "JSON media type"},
		{"no type", answer(200, "", good), "JSON media type"},
		{"lying type", answer(200, "application/json", "<html>canary"), "malformed"},
		{"a mebibyte and more", answer(200, "application/json", good+strings.Repeat(" ", 1<<20)),
			"larger than"},
		{"cut", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte(good))
		}), "EOF"},
		{"redirect within the host", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				answer(200, "application/json", good).ServeHTTP(w, r)
				return
			}
			http.Redirect(w, r, "/moved", http.StatusFound)
		}), ""},
		{"redirect to another host", http.RedirectHandler(elsewhere.URL+"/canary",
			http.StatusFound), "another host"},
		{"redirect to http", http.RedirectHandler(plain.URL, http.StatusFound),
			"another host or scheme"},
		{"redirect without end", http.RedirectHandler("/", http.StatusFound), "too often"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(tt.handler)
			defer server.Close()
			// The client's own redirect policy is not asked.
			client := server.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
			keys, err := OpenJWKS(t.Context(), server.URL, JWKSOptions{Client: client,
				AllowLocal: true})
			if tt.want == "" {
				if err != nil {
					t.Fatalf("OpenJWKS: %v", err)
				}
				wantKids(t, keys, "a")
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("OpenJWKS = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestFetchJWKSTimeout(t *testing.T) {
	issuer := &fakeIssuer{gate: make(chan struct{})}
	_, err := OpenJWKS(t.Context(), testLocation,
		JWKSOptions{Client: &http.Client{Transport: issuer}, FetchTimeout: time.Nanosecond})
	if err == nil || !strings.Contains(err.Error(), "no whole answer within 1ns") {
		t.Errorf("OpenJWKS = %v, want the timeout", err)
	}
}

func TestFetcherRedirects(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newJWKSFetcher("https://idp.example/jwks",
		JWKSOptions{Client: &http.Client{Jar: jar}})
	if err != nil {
		t.Fatal(err)
	}
	if f.client.Jar != nil {
		t.Error("the fetcher keeps cookies")
	}
	for to, want := range map[string]bool{
		"https://idp.example/other":        true,
		"https://IDP.EXAMPLE/other":        true,
		"http://idp.example/jwks":          false,
		"https://idp.example:8443/jwks":    false,
		"https://idp.example.evil/jwks":    false,
		"https://idp.example@evil.example": false,
	} {
		req := httptest.NewRequest(http.MethodGet, to, nil)
		if err := f.client.CheckRedirect(req, nil); (err == nil) != want {
			t.Errorf("CheckRedirect(%s) = %v, want it followed: %v", to, err, want)
		}
	}
}

// An issuer, or whoever answers in its place, must not make the gateway hold a header of any size.
func TestFetchJWKSHeaderLimit(t *testing.T) {
	good := edJWKS("a")
	tests := []struct {
		name string
		size int // bytes of one field of the answer's header
		want bool
	}{
		{"32 KiB", 32 << 10, true},
		{"96 KiB", 96 << 10, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Long", strings.Repeat("x", tt.size))
					answer(http.StatusOK, "application/json", good).ServeHTTP(w, r)
				}))
			defer server.Close()
			keys, err := OpenJWKS(t.Context(), server.URL, JWKSOptions{AllowLocal: true})
			if (err == nil) != tt.want {
				t.Errorf("OpenJWKS = %v, want it accepted: %v", err, tt.want)
			}
			if err == nil {
				_ = keys.Close()
			}
		})
	}
}

// The fetch says what it accepts (RFC 9110 section 12.5.1), and tells the issuer nothing else.
func TestFetchJWKSRequest(t *testing.T) {
	var method string
	var header http.Header
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, header = r.Method, r.Header
		answer(http.StatusOK, "application/json", edJWKS("a")).ServeHTTP(w, r)
	}))
	defer server.Close()
	keys, err := OpenJWKS(t.Context(), server.URL, JWKSOptions{Client: server.Client(),
		AllowLocal: true})
	if err != nil {
		t.Fatalf("OpenJWKS: %v", err)
	}
	_ = keys.Close()
	if method != http.MethodGet {
		t.Errorf("method = %s, want GET", method)
	}
	want := "application/jwk-set+json, application/json"
	if got := header.Values("Accept"); !slices.Equal(got, []string{want}) {
		t.Errorf("Accept = %q, want %q", got, want)
	}
	for _, name := range []string{"Authorization", "Cookie", "Referer"} {
		if got := header.Values(name); got != nil {
			t.Errorf("%s = %q, want none", name, got)
		}
	}
}
