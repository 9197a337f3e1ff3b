package auth

import (
	"errors"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// FuzzVerify looks for a token that is accepted without having been minted, and for panics.
func FuzzVerify(f *testing.F) {
	v := mustVerifier(f, testConfig(), allKeys())
	for _, tt := range refusedTokens() {
		if len(tt.token) < 64<<10 {
			f.Add(tt.token)
		}
	}
	minted := map[string]bool{}
	for _, key := range testKeys() {
		token := mint(key, key.kid, mustJSON(claimsWith(nil)), nil)
		minted[token] = true
		f.Add(token)
	}
	for _, tt := range refusedPayloads() {
		f.Add(mint(testKeys()[jose.EdDSA], "ed", tt.payload, nil))
	}
	f.Fuzz(func(t *testing.T, token string) {
		caller, err := v.Verify(t.Context(), token)
		if err == nil && !minted[token] {
			t.Fatalf("Verify(%q) = %+v, want it refused", token, caller)
		}
		var refused *Error
		if err != nil && (caller.ID != "" || !errors.As(err, &refused) ||
			descriptions[refused.Reason] == "") {
			t.Fatalf("Verify(%q) = %+v, %v", token, caller, err)
		}
		_, _ = bearerToken(http.Header{"Authorization": {token}})
	})
}

// FuzzClaims signs what the fuzzer makes up: an accepted Caller has to keep its promises.
func FuzzClaims(f *testing.F) {
	cfg := testConfig()
	cfg.Claims = Claims{Roles: "realm_access.roles", PurposePrefix: "p:"}
	v := mustVerifier(f, cfg, allKeys())
	f.Add(mustJSON(claimsWith(map[string]any{"realm_access": map[string]any{"roles": []string{"a"}},
		"purpose": "p:a b"})))
	for _, tt := range refusedPayloads() {
		f.Add(tt.payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		caller, err := v.caller([]byte(payload))
		if err != nil {
			return
		}
		if caller.ID == "" || caller.Issuer != testIssuer ||
			!caller.Expires.After(testNow.Add(-DefaultLeeway)) {
			t.Errorf("caller(%q) = %+v", payload, caller)
		}
		texts := []string{caller.ID, caller.Organisation, caller.ACR, caller.Region, caller.TokenID}
		for _, list := range [][]string{caller.Roles, caller.Purposes, caller.AMR} {
			for _, text := range list {
				if text == "" {
					t.Errorf("caller(%q) = %+v has an empty element", payload, caller)
				}
			}
			texts = append(texts, list...)
		}
		for _, text := range texts {
			if !isClean(text) {
				t.Errorf("caller(%q) has %q", payload, text)
			}
		}
	})
}

// FuzzParseJWKS: a JWKS is half trusted. A set that is accepted has usable public keys and nothing
// else.
func FuzzParseJWKS(f *testing.F) {
	f.Add(jwks(jwk(testKeys()[jose.RS256].public(), nil), jwk(testKeys()[jose.ES256].public(),
		nil)))
	f.Add(edJWKS("a", "b"))
	f.Add(jwks(jwk(jose.JSONWebKey{Key: testKeys()[jose.ES256].private}, nil)))
	f.Fuzz(func(t *testing.T, data string) {
		set, _, err := parseJWKS([]byte(data))
		if err != nil {
			return
		}
		if len(set.keys) == 0 {
			t.Error("accepted without a key")
		}
		for _, key := range set.keys {
			if !key.IsPublic() || !key.Valid() {
				t.Error("accepted with a key that is not public and valid")
			}
		}
	})
}
