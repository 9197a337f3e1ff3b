package auth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// refusedPayloads is the table of tricks with the claims.
func refusedPayloads() []struct{ name, payload, want string } {
	type row = struct{ name, payload, want string }
	with := func(name string, value any) string {
		return mustJSON(claimsWith(map[string]any{name: value}))
	}
	without := func(name string) string { return with(name, nil) }
	table := []row{
		{"no JSON", "hello", ReasonClaims},
		{"array", "[]", ReasonClaims},
		{"empty object", "{}", ReasonIssuer},
		{"trailing data", mustJSON(claimsWith(nil)) + "{}", ReasonClaims},
		{"duplicate iss", strings.Replace(mustJSON(claimsWith(nil)), "{",
			`{"iss":"https://evil.example",`, 1), ReasonClaims},
		{"duplicate iss, escaped", strings.Replace(mustJSON(claimsWith(nil)), "{",
			`{"\u0069ss":"https://evil.example",`, 1), ReasonClaims},
		{"duplicate deep", with("x", json.RawMessage(`{"y":{"a":1,"a":1}}`)), ReasonClaims},
		{"bad UTF-8", strings.Replace(mustJSON(claimsWith(nil)), "u-1001", "u-\xff", 1),
			ReasonClaims},
		{"lone surrogate", strings.Replace(mustJSON(claimsWith(nil)), "u-1001", `\udc00`, 1),
			ReasonClaims},

		{"iss missing", without("iss"), ReasonIssuer},
		{"iss null", with("iss", jsonNull), ReasonIssuer},
		{"iss array", with("iss", []string{testIssuer}), ReasonIssuer},
		{"iss empty", with("iss", ""), ReasonIssuer},
		{"iss another", with("iss", "https://evil.example"), ReasonIssuer},
		{"iss with slash", with("iss", testIssuer+"/"), ReasonIssuer},
		{"iss in another case", with("iss", strings.ToUpper(testIssuer)), ReasonIssuer},
		{"iss with a Cyrillic e", with("iss", strings.Replace(testIssuer, "e", "\u0435", 1)),
			ReasonIssuer},
		{"ISS only", strings.Replace(mustJSON(claimsWith(nil)), `"iss"`, `"ISS"`, 1), ReasonIssuer},

		{"aud missing", without("aud"), ReasonAudience},
		{"aud null", with("aud", jsonNull), ReasonAudience},
		{"aud number", with("aud", 1), ReasonAudience},
		{"aud object", with("aud", map[string]any{testAudience: true}), ReasonAudience},
		{"aud empty", with("aud", ""), ReasonAudience},
		{"aud empty array", with("aud", []string{}), ReasonAudience},
		{"aud has an empty one", with("aud", []string{testAudience, ""}), ReasonAudience},
		{"aud has a number", with("aud", []any{testAudience, 1}), ReasonAudience},
		{"aud nested", with("aud", []any{[]string{testAudience}}), ReasonAudience},
		{"aud another", with("aud", "other"), ReasonAudience},
		{"aud begins so", with("aud", testAudience+"-x"), ReasonAudience},
		{"aud separated by spaces", with("aud", testAudience+" other"), ReasonAudience},
		{"aud in another case", with("aud", "Maskgate"), ReasonAudience},

		{"exp missing", without("exp"), ReasonClaims},
		{"exp null", with("exp", jsonNull), ReasonClaims},
		{"exp string", with("exp", "1795262460"), ReasonClaims},
		{"exp negative", with("exp", -1), ReasonClaims},
		{"exp huge", with("exp", json.RawMessage("1e300")), ReasonClaims},
		{"exp infinite", with("exp", json.RawMessage("1e999")), ReasonClaims},
		{"exp in milliseconds", with("exp", testNow.Add(time.Hour).UnixMilli()), ReasonClaims},
		{"exp past beyond leeway", with("exp", testNow.Add(-30*time.Second).Unix()), ReasonExpired},
		{"exp zero", with("exp", 0), ReasonExpired},
		{"nbf null", with("nbf", jsonNull), ReasonClaims},
		{"nbf string", with("nbf", "0"), ReasonClaims},
		{"nbf ahead beyond leeway", with("nbf", testNow.Add(31*time.Second).Unix()),
			ReasonNotYetValid},
		{"iat object", with("iat", map[string]any{}), ReasonClaims},
		{"iat ahead beyond leeway", with("iat", testNow.Add(31*time.Second).Unix()),
			ReasonNotYetValid},

		{"sub missing", without("sub"), ReasonSubject},
		{"sub empty", with("sub", ""), ReasonSubject},
		{"sub null", with("sub", jsonNull), ReasonClaims},
		{"sub number", with("sub", 1001), ReasonClaims},
		{"sub array", with("sub", []string{"u"}), ReasonClaims},
		{"jti number", with("jti", 7), ReasonClaims},
		{"jti with newline", with("jti", "a\nb"), ReasonClaims},
		{"bound to a key", with("cnf", map[string]any{"jkt": "x"}), ReasonBound},

		{"roles object", with("roles", map[string]any{"admin": true}), ReasonClaims},
		{"roles null", with("roles", jsonNull), ReasonClaims},
		{"roles true", with("roles", true), ReasonClaims},
		{"roles has a number", with("roles", []any{"a", 1}), ReasonClaims},
		{"roles has an empty one", with("roles", []string{"a", ""}), ReasonClaims},
		{"roles has a newline", with("roles", []string{"a\nadmin"}), ReasonClaims},
		{"org number", with("org", 1), ReasonClaims},
		{"org of two", with("org", []string{"a", "b"}), ReasonClaims},
		{"purpose number", with("purpose", 1), ReasonClaims},
		{"purpose null", with("purpose", jsonNull), ReasonClaims},
		{"purpose separated by tab", with("purpose", "a\tb"), ReasonClaims},
		{"amr object", with("amr", map[string]any{}), ReasonClaims},
		{"acr number", with("acr", 1), ReasonClaims},
		{"region false", with("region", false), ReasonClaims},
	}
	for name, text := range map[string]string{
		"NUL": "a\x00", "escape": "\x1b[31m", "C1 control": "a\u0085b",
		"line separator": "a\u2028b",
		"bidi override":  "a\u202eb", "zero width": "a\u200bb", "BOM": "\ufeffa",
		"replacement":   "a\ufffd",
		"leading space": " a", "trailing ideographic space": "a\u3000", "soft hyphen": "a\u00adb",
	} {
		for _, claim := range []string{"sub", "roles", "org", "amr", "acr", "region", "jti"} {
			table = append(table, row{claim + " with " + name, with(claim, text), ReasonClaims})
		}
	}
	return table
}

func TestVerifyRefusesClaims(t *testing.T) {
	v := mustVerifier(t, testConfig(), allKeys())
	for _, tt := range refusedPayloads() {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), mint(testKeys()[jose.EdDSA], "ed", tt.payload,
				nil))
			wantReason(t, err, tt.want)
			if diff := cmp.Diff(Caller{}, caller); diff != "" {
				t.Errorf("Caller beside the error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyClaims(t *testing.T) {
	keycloak := Claims{
		Roles: "realm_access.roles", Organisation: "organization", Purposes: "scope",
		PurposePrefix: "purpose:",
	}
	tests := []struct {
		name   string
		claims Claims
		with   map[string]any
		want   Caller
	}{
		{"nothing optional", Claims{}, map[string]any{"jti": nil, "iat": nil, "nbf": nil},
			Caller{}},
		{
			"everything", Claims{},
			map[string]any{
				"roles": []string{"a", "b"}, "org": "crm", "purpose": "loan-review",
				"amr": []string{"pwd", "mfa"},
				"acr": "2", "region": "CN", "jti": "t-1",
			},
			Caller{
				Roles: []string{"a", "b"}, Organisation: "crm", Purposes: []string{"loan-review"},
				AMR: []string{"pwd", "mfa"}, ACR: "2", Region: "CN", TokenID: "t-1",
			},
		},
		{"audience among others", Claims{}, map[string]any{"jti": nil,
			"aud": []string{"x", "other-name"}}, Caller{}},
		{"one role", Claims{}, map[string]any{"jti": nil, "roles": "team lead"},
			Caller{Roles: []string{"team lead"}}},
		{"empty strings", Claims{}, map[string]any{"jti": "", "roles": "", "org": "", "purpose": "",
			"acr": ""}, Caller{}},
		{"empty arrays", Claims{}, map[string]any{"jti": nil, "roles": []string{},
			"org": []string{}, "purpose": []string{}, "amr": []string{}}, Caller{}},
		{"Chinese", Claims{}, map[string]any{"jti": nil, "org": "客户服务部 一组"},
			Caller{Organisation: "客户服务部 一组"}},
		{
			"Keycloak", keycloak,
			map[string]any{
				"jti": nil, "realm_access": map[string]any{"roles": []string{"teller"}},
				"organization": []string{"acme"},
				"scope":        "openid purpose:loan-review profile purpose:audit",
			},
			Caller{Roles: []string{"teller"}, Organisation: "acme",
				Purposes: []string{"loan-review", "audit"}},
		},
		{
			"purposes as an array with a prefix", keycloak,
			map[string]any{"jti": nil, "scope": []string{"openid", "purpose:a"}},
			Caller{Purposes: []string{"a"}},
		},
		{"no purpose with the prefix", keycloak, map[string]any{"jti": nil, "scope": "openid"},
			Caller{}},
		{
			"name with dots", Claims{Roles: "https://example.com/v1.0/roles"},
			map[string]any{"jti": nil, "https://example.com/v1.0/roles": []string{"a"}},
			Caller{Roles: []string{"a"}},
		},
		{
			"exact name before path", Claims{Roles: "a.b"},
			map[string]any{"jti": nil, "a.b": "exact", "a": map[string]any{"b": "path"}},
			Caller{Roles: []string{"exact"}},
		},
		{
			"path through a name with dots", Claims{Roles: "resource_access.crm.web.roles"},
			map[string]any{"jti": nil, "resource_access": map[string]any{
				"crm.web": map[string]any{"roles": "r"}}},
			Caller{Roles: []string{"r"}},
		},
		{
			"path that ends early", Claims{Roles: "a.b.c"},
			map[string]any{"jti": nil, "a": map[string]any{"b": map[string]any{}}}, Caller{},
		},
		{"exp within leeway", Claims{}, map[string]any{"jti": nil,
			"exp": testNow.Add(-29 * time.Second).Unix()},
			Caller{Expires: testNow.Add(-29 * time.Second)}},
		{"exp with a fraction", Claims{}, map[string]any{"jti": nil,
			"exp": json.RawMessage("1795262400.5")},
			Caller{Expires: testNow.Add(500 * time.Millisecond)}},
		{"exp with an exponent", Claims{}, map[string]any{"jti": nil,
			"exp": json.RawMessage("17952624e2")}, Caller{Expires: testNow}},
		{"nbf and iat within leeway", Claims{}, map[string]any{"jti": nil,
			"nbf": testNow.Add(30 * time.Second).Unix(),
			"iat": testNow.Add(30 * time.Second).Unix()}, Caller{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Claims = tt.claims
			got, err := mustVerifier(t, cfg, allKeys()).
				Verify(t.Context(), mint(testKeys()[jose.EdDSA], "ed",
					mustJSON(claimsWith(tt.with)), nil))
			if err != nil {
				t.Fatalf("Verify: %v", err)
			}
			want := tt.want
			want.ID, want.Issuer = "u-1001", testIssuer
			if want.Expires.IsZero() {
				want.Expires = testNow.Add(time.Minute)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyClaimsElsewhereRefused(t *testing.T) {
	tests := []struct {
		name   string
		claims Claims
		with   map[string]any
		want   string
	}{
		{"path through a string", Claims{Roles: "realm.roles"}, map[string]any{"realm": "x"},
			ReasonClaims},
		{"path through null", Claims{Roles: "realm.roles"}, map[string]any{"realm": jsonNull},
			ReasonClaims},
		{"path through an array", Claims{Roles: "realm.roles"},
			map[string]any{"realm": []any{map[string]any{"roles": "a"}}}, ReasonClaims},
		{"other subject missing", Claims{Subject: "client_id"}, nil, ReasonSubject},
		{"other subject array", Claims{Subject: "client_id"},
			map[string]any{"client_id": []string{"a"}}, ReasonClaims},
		{"sub mistyped beside other subject", Claims{Subject: "client_id"},
			map[string]any{"client_id": "a", "sub": 1}, ReasonClaims},
		{"purpose is nothing but the prefix", Claims{PurposePrefix: "p:"},
			map[string]any{"purpose": "p:"}, ReasonClaims},
		{"purpose begins with a space after the prefix", Claims{PurposePrefix: "p:"},
			map[string]any{"purpose": []string{"p: a"}}, ReasonClaims},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Claims = tt.claims
			_, err := mustVerifier(t, cfg, allKeys()).
				Verify(t.Context(), mint(testKeys()[jose.EdDSA], "ed",
					mustJSON(claimsWith(tt.with)), nil))
			wantReason(t, err, tt.want)
		})
	}
}
