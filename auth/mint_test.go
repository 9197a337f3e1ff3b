package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	testIssuer   = "https://idp.example"
	testAudience = "maskgate"
)

var testNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// testKey is an issuer's key pair.
type testKey struct {
	kid       string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func (k testKey) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Algorithm: string(k.algorithm),
		Use: "sig"}
}

// testKeys has one key for each algorithm.
var testKeys = sync.OnceValue(func() map[jose.SignatureAlgorithm]testKey {
	keys := map[jose.SignatureAlgorithm]testKey{}
	for _, k := range []testKey{
		{"rs", jose.RS256, newRSA(2048)},
		{"ps", jose.PS256, newRSA(2048)},
		{"es", jose.ES256, newEC(elliptic.P256())},
		{"ed", jose.EdDSA, newEd()},
	} {
		keys[k.algorithm] = k
	}
	return keys
})

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newEd() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// staticKeys is a KeySet of these keys.
type staticKeys []jose.JSONWebKey

func (s staticKeys) Keys(_ context.Context, kid string) ([]jose.JSONWebKey, error) {
	var found []jose.JSONWebKey
	for _, key := range s {
		if kid == "" || key.KeyID == kid {
			found = append(found, key)
		}
	}
	return found, nil
}

func publicKeys(keys ...testKey) staticKeys {
	var set staticKeys
	for _, key := range keys {
		set = append(set, key.public())
	}
	return set
}

func allKeys() staticKeys {
	k := testKeys()
	return publicKeys(k[jose.RS256], k[jose.PS256], k[jose.ES256], k[jose.EdDSA])
}

func testConfig() Config {
	return Config{
		Issuer:   testIssuer,
		Audience: []string{testAudience, "other-name"},
		Now:      func() time.Time { return testNow },
	}
}

func mustVerifier(t testing.TB, cfg Config, keys KeySet) *Verifier {
	t.Helper()
	v, err := New(cfg, keys)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return v
}

// claimsWith returns claims that are accepted, with some replaced; nil removes one, jsonNull is
// null.
func claimsWith(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": testIssuer, "aud": testAudience, "sub": "u-1001", "jti": "t-1",
		"iat": testNow.Unix(), "nbf": testNow.Unix(), "exp": testNow.Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

var jsonNull = json.RawMessage("null")

func mustJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// mint signs with go-jose. header adds parameters; an empty kid leaves kid out.
func mint(key testKey, kid string, payload string, header map[jose.HeaderKey]any) string {
	opts := &jose.SignerOptions{ExtraHeaders: header}
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: key.algorithm, Key: key.private}, opts)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign([]byte(payload))
	if err != nil {
		panic(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

// mintRaw signs any header with the Ed25519 key, also those that go-jose would not write.
func mintRaw(header, payload string) string {
	input := b64(header) + "." + b64(payload)
	signature := ed25519.Sign(testKeys()[jose.EdDSA].private.(ed25519.PrivateKey), []byte(input))
	return input + "." + b64(string(signature))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// wantReason fails unless err is an *Error with this reason.
func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != reason {
		t.Fatalf("err = %v, want reason %s", err, reason)
	}
	if wantCode := map[bool]string{true: "",
		false: CodeInvalidToken}[reason == ReasonKeysUnavailable]; e.Code != wantCode {
		t.Errorf("Code = %q, want %q", e.Code, wantCode)
	}
}
