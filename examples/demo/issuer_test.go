package demo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *Issuer {
	t.Helper()
	i, err := OpenIssuer(dir)
	if err != nil {
		t.Fatalf("OpenIssuer: %v", err)
	}
	return i
}

// verify checks a token against the published keys only, and returns its claims.
func verify(t *testing.T, dir, token string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, JWKSFile))
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	keys := set.Key(parsed.Headers[0].KeyID)
	if len(keys) != 1 || !keys[0].IsPublic() ||
		keys[0].Algorithm != "ES256" || keys[0].Use != "sig" {
		t.Fatalf("%d public ES256 signing keys for kid %q, want 1",
			len(keys), parsed.Headers[0].KeyID)
	}
	claims := map[string]any{}
	if err := parsed.Claims(keys[0], &claims); err != nil {
		t.Fatalf("verifying token: %v", err)
	}
	return claims
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	issuer := open(t, dir)
	for _, tt := range []struct {
		short string
		want  map[string]any
	}{
		{"customer-service", map[string]any{"sub": "agent-07", "roles": []any{"customer-service"},
			"purpose": []any{"customer-service"}, "amr": []any{"pwd"}, "acr": "1"}},
		{"credit-officer", map[string]any{"sub": "officer-03", "roles": []any{"credit-officer"},
			"purpose": []any{"loan-review"}, "amr": []any{"pwd", "mfa"}, "acr": "2"}},
		{"no-role", map[string]any{"sub": "intern-12", "roles": []any{},
			"purpose": []any{"customer-service"}, "amr": []any{"pwd"}, "acr": "1"}},
	} {
		person, ok := Find(tt.short)
		if !ok {
			t.Fatalf("Find(%q) found nobody", tt.short)
		}
		token, err := issuer.Token(person, time.Hour, now)
		if err != nil {
			t.Fatalf("Token(%s): %v", tt.short, err)
		}
		got := verify(t, dir, token)
		if id, _ := got["jti"].(string); len(id) < 26 {
			t.Errorf("Token(%s): jti %q is too short", tt.short, id)
		}
		delete(got, "jti")
		for k, v := range map[string]any{
			"iss": "https://issuer.demo.maskgate.example", "aud": "maskgate",
			"org": "demo-consumer-finance", "region": "CN",
			"iat": float64(now.Unix()), "nbf": float64(now.Unix()),
			"exp": float64(now.Unix() + 3600),
		} {
			tt.want[k] = v
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Token(%s) claims (-want +got):\n%s", tt.short, diff)
		}
		again, err := issuer.Token(person, time.Hour, now)
		if err != nil || again == token {
			t.Errorf("Token(%s) twice = the same token, or %v", tt.short, err)
		}
	}
	if _, ok := Find("nobody"); ok {
		t.Error(`Find("nobody") found somebody`)
	}
}

func TestTokenRefused(t *testing.T) {
	issuer := open(t, t.TempDir())
	for _, tt := range []struct {
		name   string
		person Person
		ttl    time.Duration
	}{
		{"no id", Person{}, time.Hour},
		{"no ttl", People[0], 0},
		{"negative ttl", People[0], -time.Hour},
		{"ttl below a second", People[0], time.Millisecond},
	} {
		if _, err := issuer.Token(tt.person, tt.ttl, now); err == nil {
			t.Errorf("%s: Token = nil error", tt.name)
		}
	}
}

func TestIssuerFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	token, err := open(t, dir).Token(People[0], time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	files := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if got := files(); !slices.Equal(got, []string{KeyFile, JWKSFile}) {
		t.Errorf("files %v", got)
	}
	if info, err := os.Stat(filepath.Join(dir, KeyFile)); err != nil {
		t.Error(err)
	} else if runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%s: mode %v, want 0600", KeyFile, info.Mode())
	}
	key, _ := os.ReadFile(filepath.Join(dir, KeyFile))
	public, _ := os.ReadFile(filepath.Join(dir, JWKSFile))
	if !bytes.Contains(key, []byte(`"d":`)) || bytes.Contains(public, []byte(`"d":`)) {
		t.Error("the private key is missing, or published")
	}

	// A restart keeps the key, and mends a missing or foreign key set.
	for _, spoil := range []func(path string) error{
		func(string) error { return nil },
		os.Remove,
		func(path string) error { return os.WriteFile(path, []byte(`{"keys":[]}`), 0o644) },
	} {
		if err := spoil(filepath.Join(dir, JWKSFile)); err != nil {
			t.Fatal(err)
		}
		open(t, dir)
		verify(t, dir, token)
		if again, _ := os.ReadFile(filepath.Join(dir, KeyFile)); !bytes.Equal(again, key) {
			t.Error("the key changed")
		}
	}
	if got := files(); len(got) != 2 {
		t.Errorf("files %v", got)
	}
}

func TestIssuerRefusesKey(t *testing.T) {
	good := t.TempDir()
	open(t, good)
	key, err := os.ReadFile(filepath.Join(good, KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(good, JWKSFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		text string
		mode os.FileMode
		want string
	}{
		{"group-readable", string(key), 0o640, "chmod 600"},
		{"other-readable", string(key), 0o604, "chmod 600"},
		{"group-writable", string(key), 0o620, "chmod 600"},
		{"empty", "", 0o600, "no JWK"},
		{"cut", string(key[:len(key)/2]), 0o600, "no JWK"},
		{"a set", string(public), 0o600, "no JWK"},
		{"symmetric", `{"kty":"oct","k":"c2VjcmV0LXNlY3JldA","alg":"HS256","kid":"a"}`, 0o600,
			"no private ES256 key"},
	} {
		if runtime.GOOS == "windows" && tt.mode != 0o600 {
			continue // no such modes there
		}
		dir := t.TempDir()
		path := filepath.Join(dir, KeyFile)
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenIssuer(dir)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: OpenIssuer = %v, want an error with %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the error quotes the key: %v", tt.name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != tt.text {
			t.Errorf("%s: the file was changed", tt.name)
		}
	}
}

// TestIssuerRace opens one new directory many times at once: all must end up with one key.
func TestIssuerRace(t *testing.T) {
	dir := t.TempDir()
	tokens := make([]string, 8)
	var wg sync.WaitGroup
	for n := range tokens {
		wg.Go(func() {
			issuer, err := OpenIssuer(dir)
			if err != nil {
				t.Errorf("OpenIssuer: %v", err)
				return
			}
			if tokens[n], err = issuer.Token(People[0], time.Hour, now); err != nil {
				t.Errorf("Token: %v", err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, token := range tokens {
		verify(t, dir, token)
	}
}

func TestSign(t *testing.T) {
	dir := t.TempDir()
	issuer := open(t, dir)
	for _, tt := range []struct {
		name, claims string
		want         map[string]any
	}{
		{"filled in", `{"sub":"collector-07"}`, map[string]any{
			"sub": "collector-07", "iss": IssuerURL, "aud": Audience,
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Unix() + 60,
		}},
		{"given", `{"iat":1,"nbf":2,"exp":3,"jti":"x","roles":["a"]}`, map[string]any{
			"iat": 1, "nbf": 2, "exp": 3, "jti": "x", "roles": []string{"a"},
			"iss": IssuerURL, "aud": Audience,
		}},
		{"its own", `{"iss":"https://idp.bank.example","aud":["crm"]}`, map[string]any{
			"iss": IssuerURL, "aud": Audience,
		}},
	} {
		token, err := issuer.Sign([]byte(tt.claims), time.Minute, now)
		if err != nil {
			t.Errorf("%s: Sign(%s): %v", tt.name, tt.claims, err)
			continue
		}
		have := verify(t, dir, token)
		for name, want := range tt.want {
			w, _ := json.Marshal(want)
			if h, _ := json.Marshal(have[name]); string(h) != string(w) {
				t.Errorf("%s: %s = %s, want %s", tt.name, name, h, w)
			}
		}
		if id, _ := have["jti"].(string); id == "" {
			t.Errorf("%s: no jti", tt.name)
		}
	}
	for _, claims := range []string{"", "null", "[]", `"x"`, "{"} {
		if token, err := issuer.Sign([]byte(claims), time.Minute, now); err == nil {
			t.Errorf("Sign(%s) = %s, want an error", claims, token)
		}
	}
	if token, err := issuer.Sign([]byte("{}"), time.Millisecond, now); err == nil {
		t.Errorf("Sign for a millisecond = %s, want an error", token)
	}
}
