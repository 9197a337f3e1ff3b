package auth

import (
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// jwk returns a key as a JSON object, with some members replaced; nil removes one.
func jwk(key jose.JSONWebKey, changes map[string]any) map[string]any {
	data, err := key.MarshalJSON()
	if err != nil {
		panic(err)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		panic(err)
	}
	for name, value := range changes {
		if object[name] = value; value == nil {
			delete(object, name)
		}
	}
	return object
}

func jwks(keys ...map[string]any) string { return mustJSON(map[string]any{"keys": keys}) }

func TestParseJWKS(t *testing.T) {
	keys := testKeys()
	rs, ps, es, ed := keys[jose.RS256].public(), keys[jose.PS256].public(),
		keys[jose.ES256].public(), keys[jose.EdDSA].public()
	small := testKey{"small", jose.RS256, newRSA(1024)}.public()
	p384 := testKey{"p384", jose.ES384, newEC(elliptic.P384())}.public()
	private := func(key testKey) map[string]any {
		return jwk(jose.JSONWebKey{Key: key.private, KeyID: key.kid}, nil)
	}
	oct := map[string]any{"kty": "oct", "k": b64("canary-canary-canary-canary-1234"),
		"kid": "canary"}
	other := testKey{"ed", jose.EdDSA, newEd()}.public()
	tests := []struct {
		name     string
		in       string
		kids     []string // of the usable keys
		warnings int
		want     string // in the error
	}{
		{"all", jwks(jwk(rs, nil), jwk(ps, nil), jwk(es, nil), jwk(ed, nil)),
			[]string{"rs", "ps", "es", "ed"}, 0, ""},
		{"no use, alg or kid", jwks(jwk(rs, map[string]any{"use": nil, "alg": nil, "kid": nil})),
			[]string{""}, 0, ""},
		{"unknown members", `{"x":1,"keys":[` + mustJSON(jwk(ed, map[string]any{"z": 1})) + `]}`,
			[]string{"ed"}, 0, ""},
		{"key_ops verify", jwks(jwk(rs, map[string]any{"use": nil, "key_ops": []string{"verify"}})),
			[]string{"rs"}, 0, ""},

		{"use enc", jwks(jwk(ed, nil), jwk(rs, map[string]any{"use": "enc"})), []string{"ed"}, 0,
			""},
		{"use of a wrong type", jwks(jwk(ed, nil), jwk(rs, map[string]any{"use": []string{"sig"}})),
			[]string{"ed"}, 0, ""},
		{"key_ops encrypt",
			jwks(jwk(ed, nil), jwk(rs, map[string]any{"use": nil, "key_ops": []string{"encrypt"}})),
			[]string{"ed"}, 0, ""},
		{"key_ops empty", jwks(jwk(ed, nil), jwk(rs, map[string]any{"key_ops": []string{}})),
			[]string{"ed"}, 0, ""},
		{"key_ops of a wrong type", jwks(jwk(ed, nil),
			jwk(rs, map[string]any{"key_ops": "verify"})), []string{"ed"}, 0, ""},
		{"unknown kty", jwks(jwk(ed, nil), map[string]any{"kty": "NEW", "kid": "new"}),
			[]string{"ed"}, 0, ""},
		{"no kty", jwks(jwk(ed, nil), map[string]any{"kid": "new"}), []string{"ed"}, 0, ""},

		{"1024 bits", jwks(jwk(ed, nil), jwk(small, nil)), []string{"ed"}, 1, ""},
		{"P-384", jwks(jwk(ed, nil), jwk(p384, nil)), []string{"ed"}, 1, ""},
		{"X25519", jwks(jwk(ed, nil), jwk(ed, map[string]any{"crv": "X25519", "kid": "x"})),
			[]string{"ed"}, 1, ""},
		{"alg RS512", jwks(jwk(ed, nil), jwk(rs, map[string]any{"alg": "RS512"})), []string{"ed"},
			1, ""},
		{"alg of another kty", jwks(jwk(ed, nil), jwk(rs, map[string]any{"alg": "ES256"})),
			[]string{"ed"}, 1, ""},
		{"exponent one", jwks(jwk(ed, nil), jwk(rs, map[string]any{"e": "AQ"})), []string{"ed"}, 1,
			""},
		{"exponent even", jwks(jwk(ed, nil), jwk(rs, map[string]any{"e": "AQAA"})), []string{"ed"},
			1, ""},
		{"point off the curve", jwks(jwk(ed, nil), jwk(es, map[string]any{"y": jwk(es, nil)["x"]})),
			[]string{"ed"}, 1, ""},
		{"curve of another size", jwks(jwk(ed, nil), jwk(es, map[string]any{"crv": "P-384"})),
			[]string{"ed"}, 1, ""},
		{"kid number", jwks(jwk(ed, nil), jwk(rs, map[string]any{"kid": 1})), []string{"ed"}, 1,
			""},
		{"kid long", jwks(jwk(ed, nil), jwk(rs, map[string]any{"kid": strings.Repeat("k", 300)})),
			[]string{"ed"}, 1, ""},

		{"one kid for two algorithms", jwks(jwk(rs, map[string]any{"kid": "a"}),
			jwk(ps, map[string]any{"kid": "a"}), jwk(ed, map[string]any{"kid": "a"})),
			[]string{"a", "a", "a"}, 0, ""},
		{"one kid for one algorithm", jwks(jwk(ed, nil), jwk(other, nil)), nil, 0,
			"key 2 of the JWKS has the kid of another key"},
		{"one kid, one without alg",
			jwks(jwk(rs, nil), jwk(ps, map[string]any{"kid": "rs", "alg": nil})), nil, 0,
			"key 2 of the JWKS has the kid of another key"},

		{"private RSA key", jwks(jwk(ed, nil), private(keys[jose.RS256])), nil, 0,
			"key 2 of the JWKS is private or symmetric"},
		{"private EC key", jwks(private(keys[jose.ES256])), nil, 0,
			"key 1 of the JWKS is private or symmetric"},
		{"private Ed25519 key", jwks(private(keys[jose.EdDSA])), nil, 0,
			"key 1 of the JWKS is private or symmetric"},
		{"private key for encryption", jwks(jwk(ed, nil),
			jwk(rs, map[string]any{"use": "enc", "d": "canary"})), nil, 0, "private or symmetric"},
		{"one private member", jwks(jwk(ed, map[string]any{"qi": jsonNull})), nil, 0,
			"private or symmetric"},
		{"symmetric key", jwks(jwk(ed, nil), oct), nil, 0,
			"key 2 of the JWKS is private or symmetric"},

		{"no usable key", jwks(jwk(small, nil)), nil, 0, "no key that can verify"},
		{"no keys", jwks(), nil, 0, "no array keys"},
		{"empty keys", `{"keys":[]}`, nil, 0, "no key that can verify"},
		{"keys object", `{"keys":{}}`, nil, 0, "no array keys"},
		{"a key alone", mustJSON(jwk(ed, nil)), nil, 0, "no array keys"},
		{"discovery document", `{"issuer":"https://idp.example",` +
			`"jwks_uri":"https://idp.example/jwks"}`, nil, 0, "no array keys"},
		{"key is a string", `{"keys":["canary"]}`, nil, 0, "key 1 of the JWKS is not an object"},
		{"duplicate names", `{"keys":[],"keys":[]}`, nil, 0, "duplicate member name"},
		{"duplicate names in a key", strings.Replace(jwks(jwk(ed, nil)), `"kid"`,
			`"kid":"canary","kid"`, 1), nil, 0, "duplicate member name"},
		{"empty", "", nil, 0, "malformed"},
		{"HTML", "<html>canary</html>", nil, 0, "malformed"},
		{"PEM", "-----BEGIN PRIVATE KEY-----\ncanary", nil, 0, "malformed"},
		{"trailing data", jwks(jwk(ed, nil)) + "x", nil, 0, "malformed"},
		{"too many", `{"keys":[` + strings.Repeat("{},", 100) + `{}]}`, nil, 0,
			"JWKS has 101 keys"},
		{"too large", strings.Repeat(" ", 1<<20+1), nil, 0, "larger than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, warnings, err := parseJWKS([]byte(tt.in))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || set != nil {
					t.Fatalf("parseJWKS = %v, %v, want an error with %q", set, err, tt.want)
				}
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("error %q holds a value of the JWKS", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("parseJWKS: %v", err)
			}
			var kids []string
			for _, key := range set.find("") {
				kids = append(kids, key.KeyID)
			}
			if !slices.Equal(kids, tt.kids) {
				t.Errorf("kids = %q, want %q", kids, tt.kids)
			}
			if len(warnings) != tt.warnings {
				t.Errorf("warnings = %v, want %d", warnings, tt.warnings)
			}
		})
	}
}

func TestJWKSetFind(t *testing.T) {
	set, _, err := parseJWKS([]byte(jwks(jwk(testKeys()[jose.EdDSA].public(), nil),
		jwk(testKeys()[jose.ES256].public(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	for kid, want := range map[string]int{"": 2, "ed": 1, "ED": 0, "other": 0, "../ed": 0} {
		if got := set.find(kid); len(got) != want {
			t.Errorf("find(%q) returns %d keys, want %d", kid, len(got), want)
		}
	}
	set.find("")[0] = jose.JSONWebKey{}
	if set.find("")[0].Key == nil {
		t.Error("a caller could change the set")
	}
}

// modulus returns a number that modulo each odd prime up to 167 is a power of 65537, 1, but for the
// prime `other`, of which it is a multiple, as it is of the next primes after 167. No multiple of a
// prime is a power of 65537 modulo it.
func modulus(other int64) *big.Int {
	powers, zeros := big.NewInt(1), big.NewInt(1)
	for prime := int64(3); prime < 200; prime += 2 {
		switch p := big.NewInt(prime); {
		case !p.ProbablyPrime(0):
		case prime <= 167 && prime != other:
			powers.Mul(powers, p)
		default:
			zeros.Mul(zeros, p)
		}
	}
	// The Chinese remainder theorem.
	return zeros.Mul(zeros, new(big.Int).ModInverse(zeros, powers))
}

func TestIsROCA(t *testing.T) {
	// Modulo each of the primes a power of 65537 is what the fingerprint looks for.
	weak := new(big.Int).Exp(big.NewInt(65537), big.NewInt(128), nil)
	if !isROCA(weak) {
		t.Error("isROCA(65537^128) = false, want true")
	}
	for i := range 3 {
		if n := newRSA(2048).N; isROCA(n) {
			t.Errorf("isROCA(sound key %d) = true, want false", i)
		}
	}
	// The primes are those of the detection tool of CVE-2017-15361: no more, no fewer, no others.
	if !isROCA(modulus(0)) {
		t.Error("isROCA(powers modulo the odd primes up to 167) = false, want true")
	}
	primes := 0
	for prime := int64(3); prime <= 167; prime += 2 {
		if !big.NewInt(prime).ProbablyPrime(0) {
			continue
		}
		if primes++; isROCA(modulus(prime)) {
			t.Errorf("isROCA(multiple of %d, powers modulo the other primes) = true, want false",
				prime)
		}
	}
	if primes != 38 {
		t.Errorf("%d odd primes up to 167, want 38", primes)
	}
}

func TestFitsRSASizes(t *testing.T) {
	tests := []struct {
		bits int
		want bool
	}{
		{1024, false}, {2047, false}, {2048, true}, {4096, true}, {8191, true}, {8192, true},
		{8193, false}, {16384, false},
	}
	for _, tt := range tests {
		// An odd number of this size. That it has no two primes does not matter: nothing is signed.
		n := new(big.Int).Lsh(big.NewInt(1), uint(tt.bits-1))
		n.SetBit(n, 0, 1)
		key := jose.JSONWebKey{Key: &rsa.PublicKey{N: n, E: 65537}}
		for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256} {
			if got := fits(key, string(algorithm)); got != tt.want {
				t.Errorf("fits(RSA of %d bits, %s) = %v, want %v", tt.bits, algorithm, got, tt.want)
			}
		}
	}
}
