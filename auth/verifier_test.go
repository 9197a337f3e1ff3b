package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestVerifyRefuses(t *testing.T) {
	v := mustVerifier(t, testConfig(), allKeys())
	for _, tt := range refusedTokens() {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), tt.token)
			wantReason(t, err, tt.reason)
			if diff := cmp.Diff(Caller{}, caller); diff != "" {
				t.Errorf("Caller beside the error (-want +got):\n%s", diff)
			}
			for _, part := range strings.Split(tt.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("Error() holds a part of the token")
				}
			}
		})
	}
}

func TestVerifyAccepts(t *testing.T) {
	keys := testKeys()
	payload := mustJSON(claimsWith(nil))
	ed := keys[jose.EdDSA]
	type row struct{ name, token string }
	table := []row{
		{"typ JWT", mint(ed, "ed", payload, map[jose.HeaderKey]any{"typ": "JWT"})},
		{"typ jwt", mint(ed, "ed", payload, map[jose.HeaderKey]any{"typ": "jwt"})},
		{"typ at+jwt", mint(ed, "ed", payload, map[jose.HeaderKey]any{"typ": "at+jwt"})},
		{"typ application/at+JWT",
			mint(ed, "ed", payload, map[jose.HeaderKey]any{"typ": "application/at+JWT"})},
		{"own key beside a jku that leads elsewhere",
			mint(ed, "ed", payload, map[jose.HeaderKey]any{"jku": "https://attacker.example/"})},
		{"kid empty", mintRaw(`{"alg":"EdDSA","kid":""}`, payload)},
		{"unknown header parameter", mintRaw(`{"alg":"EdDSA","kid":"ed","x":{"y":[1]}}`, payload)},
		{"surrogate pair", mintRaw(`{"alg":"EdDSA","kid":"ed","x":"\ud83d\ude00"}`, payload)},
	}
	for algorithm, key := range keys {
		table = append(table, row{string(algorithm), mint(key, key.kid, payload, nil)},
			row{string(algorithm) + " without kid", mint(key, "", payload, nil)})
	}
	v := mustVerifier(t, testConfig(), allKeys())
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), tt.token)
			if err != nil {
				t.Fatalf("Verify: %v", err)
			}
			want := Caller{ID: "u-1001", TokenID: "t-1", Issuer: testIssuer,
				Expires: testNow.Add(time.Minute)}
			if diff := cmp.Diff(want, caller); diff != "" {
				t.Errorf("Caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyAlgorithmAllowList(t *testing.T) {
	payload := mustJSON(claimsWith(nil))
	cfg := testConfig()
	cfg.Algorithms = []string{"ES256"}
	v := mustVerifier(t, cfg, allKeys())
	for algorithm, key := range testKeys() {
		_, err := v.Verify(t.Context(), mint(key, key.kid, payload, nil))
		if algorithm == jose.ES256 && err != nil {
			t.Errorf("Verify(%s) = %v, want no error", algorithm, err)
		} else if algorithm != jose.ES256 {
			wantReason(t, err, ReasonAlgorithm)
		}
	}
}

func TestVerifyTypes(t *testing.T) {
	cfg := testConfig()
	cfg.Types = []string{"application/at+jwt"}
	v := mustVerifier(t, cfg, allKeys())
	payload := mustJSON(claimsWith(nil))
	if _, err := v.Verify(t.Context(), mintRaw(`{"alg":"EdDSA","kid":"ed","typ":"AT+JWT"}`,
		payload)); err != nil {
		t.Errorf("Verify(at+jwt) = %v, want no error", err)
	}
	for _, header := range []string{`{"alg":"EdDSA","kid":"ed","typ":"JWT"}`,
		`{"alg":"EdDSA","kid":"ed"}`} {
		_, err := v.Verify(t.Context(), mintRaw(header, payload))
		wantReason(t, err, ReasonType)
	}
}

func TestVerifyKeyContradicts(t *testing.T) {
	keys := testKeys()
	rs, es := keys[jose.RS256], keys[jose.ES256]
	change := func(key testKey, f func(*jose.JSONWebKey)) jose.JSONWebKey {
		public := key.public()
		f(&public)
		return public
	}
	weak := testKey{"rs", jose.RS256, newRSA(1024)}
	p384 := testKey{"es", jose.ES384, newEC(elliptic.P384())}
	tests := []struct {
		name   string
		key    jose.JSONWebKey
		signer testKey
		want   string
	}{
		{"as it should be", rs.public(), rs, ""},
		{"no use and no alg", change(rs, func(k *jose.JSONWebKey) {
			k.Use, k.Algorithm = "", ""
		}), rs, ""},
		{"use enc", change(rs, func(k *jose.JSONWebKey) { k.Use = "enc" }), rs, ReasonKeyUnknown},
		{"use SIG", change(rs, func(k *jose.JSONWebKey) { k.Use = "SIG" }), rs, ReasonKeyUnknown},
		{"alg RSA-OAEP", change(rs, func(k *jose.JSONWebKey) { k.Algorithm = "RSA-OAEP" }), rs,
			ReasonKeyUnknown},
		{"alg HS256", change(rs, func(k *jose.JSONWebKey) {
			k.Algorithm = "HS256"
		}), rs, ReasonKeyUnknown},
		{"another kty", change(es, func(k *jose.JSONWebKey) { k.KeyID, k.Algorithm = "rs", "" }),
			rs, ReasonKeyUnknown},
		{"1024 bits", weak.public(), weak, ReasonKeyUnknown},
		{"P-384", jose.JSONWebKey{Key: p384.private.Public(), KeyID: "es"}, es, ReasonKeyUnknown},
		{"private key", jose.JSONWebKey{Key: rs.private, KeyID: "rs"}, rs, ReasonKeyUnknown},
		{"symmetric key", jose.JSONWebKey{Key: []byte("secret"), KeyID: "rs"}, rs,
			ReasonKeyUnknown},
		{"no key", jose.JSONWebKey{KeyID: "rs"}, rs, ReasonKeyUnknown},
		{"RSA key nil", jose.JSONWebKey{Key: (*rsa.PublicKey)(nil), KeyID: "rs"}, rs,
			ReasonKeyUnknown},
		{"RSA key empty", jose.JSONWebKey{Key: &rsa.PublicKey{}, KeyID: "rs"}, rs,
			ReasonKeyUnknown},
		{"EC key nil", jose.JSONWebKey{Key: (*ecdsa.PublicKey)(nil), KeyID: "es"}, es,
			ReasonKeyUnknown},
		{"Ed25519 key empty", jose.JSONWebKey{Key: ed25519.PublicKey(nil), KeyID: "ed"},
			keys[jose.EdDSA], ReasonKeyUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := mustVerifier(t, testConfig(), staticKeys{tt.key})
			_, err := v.Verify(t.Context(), mint(tt.signer, tt.signer.kid,
				mustJSON(claimsWith(nil)), nil))
			if tt.want == "" {
				if err != nil {
					t.Errorf("Verify: %v", err)
				}
				return
			}
			wantReason(t, err, tt.want)
		})
	}
}

// Without a kid an attacker must not be able to make each token cost as many checks as there are
// keys.
func TestVerifyTriesFewKeys(t *testing.T) {
	var signers []testKey
	for i := range maxTries + 1 {
		signers = append(signers, testKey{fmt.Sprint(i), jose.EdDSA, newEd()})
	}
	// Keys of another type do not count.
	v := mustVerifier(t, testConfig(), append(publicKeys(testKeys()[jose.RS256]),
		publicKeys(signers...)...))
	for i, signer := range signers {
		_, err := v.Verify(t.Context(), mint(signer, "", mustJSON(claimsWith(nil)), nil))
		if i < maxTries && err != nil {
			t.Errorf("key %d: Verify = %v, want no error", i, err)
		} else if i >= maxTries {
			wantReason(t, err, ReasonSignature)
		}
	}
}

type failingKeys struct{ err error }

func (f failingKeys) Keys(context.Context, string) ([]jose.JSONWebKey, error) { return nil, f.err }

func TestVerifyKeysUnavailable(t *testing.T) {
	cause := errors.New("issuer is down")
	v := mustVerifier(t, testConfig(), failingKeys{cause})
	_, err := v.Verify(t.Context(), mint(testKeys()[jose.EdDSA], "ed", mustJSON(claimsWith(nil)),
		nil))
	wantReason(t, err, ReasonKeysUnavailable)
	if !errors.Is(err, cause) {
		t.Errorf("errors.Is(%v, cause) = false, want true", err)
	}
	if !strings.Contains(err.Error(), cause.Error()) {
		t.Errorf("Error() = %q, want the cause in it for the operator", err)
	}
}

// renewingKeys has other keys after Renew.
type renewingKeys struct {
	before, after staticKeys
	renewed       int
}

func (r *renewingKeys) Keys(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	if r.renewed > 0 {
		return r.after.Keys(ctx, kid)
	}
	return r.before.Keys(ctx, kid)
}

func (r *renewingKeys) Renew(context.Context) bool { r.renewed++; return true }

func TestVerifyRenews(t *testing.T) {
	old, next := testKey{"a", jose.EdDSA, newEd()}, testKey{"b", jose.EdDSA, newEd()}
	sameID := testKey{"a", jose.EdDSA, newEd()}
	payload := mustJSON(claimsWith(nil))
	tests := []struct {
		name    string
		after   testKey
		token   string
		renewed int
		want    string
	}{
		{"key known", next, mint(old, "a", payload, nil), 0, ""},
		{"kid unknown", next, mint(next, "b", payload, nil), 1, ""},
		{"no kid", next, mint(next, "", payload, nil), 1, ""},
		{"another key under the same kid", sameID, mint(sameID, "a", payload, nil), 1, ""},
		{"still unknown", next, mint(old, "c", payload, nil), 1, ReasonKeyUnknown},
		{"bad claims", next, mint(old, "a", "{}", nil), 0, ReasonIssuer},
		{"malformed", next, "a.b.c", 0, ReasonMalformed},
		{"algorithm", next, mintRaw(`{"alg":"HS256","kid":"b"}`, payload), 0, ReasonAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys := &renewingKeys{before: publicKeys(old), after: publicKeys(tt.after)}
			_, err := mustVerifier(t, testConfig(), keys).Verify(t.Context(), tt.token)
			if tt.want != "" {
				wantReason(t, err, tt.want)
			} else if err != nil {
				t.Errorf("Verify: %v", err)
			}
			if keys.renewed != tt.renewed {
				t.Errorf("Renew was called %d times, want %d", keys.renewed, tt.renewed)
			}
		})
	}
}

// A token that is too large must be refused before anything is made of it: whoever sends one needs
// no key, so its price is the network's alone.
func TestVerifyTooLargeTakesNoMemory(t *testing.T) {
	v := mustVerifier(t, testConfig(), allKeys())
	token := strings.Repeat(".", 1<<20)
	const runs = 64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_, err := v.Verify(t.Context(), token)
		wantReason(t, err, ReasonTooLarge)
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 64<<10 {
		t.Errorf("Verify(1 MiB) takes %d bytes, want a small part of the token's", n)
	}
}

func TestVerifyConcurrently(t *testing.T) {
	v := mustVerifier(t, testConfig(), allKeys())
	token := mint(testKeys()[jose.ES256], "es", mustJSON(claimsWith(nil)), nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Errorf("Verify: %v", err)
			}
		})
	}
	group.Wait()
}
