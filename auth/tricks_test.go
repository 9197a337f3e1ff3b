package auth

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// refusedToken is a token that no Verifier with allKeys and testConfig may accept.
type refusedToken struct {
	name   string
	token  string
	reason string
}

// refusedTokens is the table of tricks with the form, the header and the signature. It seeds the
// fuzzer too.
func refusedTokens() []refusedToken {
	keys := testKeys()
	rs, es, ed := keys[jose.RS256], keys[jose.ES256], keys[jose.EdDSA]
	payload := mustJSON(claimsWith(nil))
	good := mint(ed, "ed", payload, nil)
	parts := strings.Split(good, ".")
	attacker := testKey{"ed", jose.EdDSA, newEd()}
	attackerRS := testKey{"rs", jose.RS256, newRSA(2048)}
	spki, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	if err != nil {
		panic(err)
	}
	spkiPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	raw := func(params string) string {
		return mintRaw(`{"alg":"EdDSA","kid":"ed"`+params+`}`, payload)
	}

	table := []refusedToken{
		{"empty", "", ReasonMalformed},
		{"one dot", ".", ReasonMalformed},
		{"two dots", "..", ReasonMalformed},
		{"a megabyte of dots", strings.Repeat(".", 1<<20), ReasonTooLarge},
		{"16 KiB of dots", strings.Repeat(".", 16<<10), ReasonMalformed},
		{"one byte over the limit", strings.Repeat("a", 16<<10+1), ReasonTooLarge},
		{"two parts", parts[0] + "." + parts[1], ReasonMalformed},
		{"four parts", good + ".", ReasonMalformed},
		{"JWE", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d", ReasonMalformed},
		{"PS256 with a short salt", mintPSS(20, payload), ReasonSignature},
		{"PS256 with a long salt", mintPSS(0, payload), ReasonSignature},
		{"JWE header in three parts", mintRaw(`{"alg":"EdDSA","kid":"ed","enc":"A256GCM"}`,
			payload), ReasonHeader},
		{"compressed", raw(`,"zip":"DEF"`), ReasonHeader},
		{"JSON serialisation", fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, parts[1],
			parts[0], parts[2]), ReasonMalformed},
		{"JSON serialisation with two dots", `{"payload":"a.b.c"}`, ReasonMalformed},
		{"detached payload", parts[0] + ".." + parts[2], ReasonMalformed},
		{"no signature", parts[0] + "." + parts[1] + ".", ReasonMalformed},
		{"no header", "." + parts[1] + "." + parts[2], ReasonMalformed},
		{"trailing space", good + " ", ReasonMalformed},
		{"trailing newline", good + "\n", ReasonMalformed},
		{"newline inside", parts[0] + ".\n" + parts[1] + "." + parts[2], ReasonMalformed},
		{"leading space", " " + good, ReasonMalformed},
		{"no-break space", good + "\u00a0", ReasonMalformed},
		{"NUL", good + "\x00", ReasonMalformed},
		{"full-width letter", strings.Replace(good, "e", "\uff45", 1), ReasonMalformed},
		{"padding", good + "=", ReasonMalformed},
		{"standard base64", parts[0] + "." + parts[1] + ".+/+/", ReasonMalformed},
		{"stray bits", strayBits(good), ReasonMalformed},
		{"bearer prefix", "Bearer " + good, ReasonMalformed},
		{"changed payload", parts[0] + "." +
			b64(mustJSON(claimsWith(map[string]any{"sub": "root"}))) + "." + parts[2],
			ReasonSignature},
		{"changed signature", parts[0] + "." + parts[1] + "." + b64(strings.Repeat("x", 64)),
			ReasonSignature},
		{"short signature", parts[0] + "." + parts[1] + "." + parts[2][:40], ReasonSignature},
		{"another's signature", mint(attacker, "ed", payload, nil), ReasonSignature},
		{"another's RSA signature", mint(attackerRS, "rs", payload, nil), ReasonSignature},
		{"another's signature without kid", mint(attacker, "", payload, nil), ReasonSignature},

		{"header is no object", mintRaw(`["alg"]`, payload), ReasonMalformed},
		{"header is no JSON", mintRaw(`{"alg":"EdDSA"`, payload), ReasonMalformed},
		{"header with trailing data", mintRaw(`{"alg":"EdDSA","kid":"ed"}{}`, payload),
			ReasonMalformed},
		{"header with bad UTF-8", raw(",\"x\":\"\xff\""), ReasonMalformed},
		{"header with lone surrogate", raw(`,"x":"\ud800"`), ReasonMalformed},
		{"header with BOM", mintRaw("\ufeff"+`{"alg":"EdDSA","kid":"ed"}`, payload),
			ReasonMalformed},
		{"duplicate alg", mintRaw(`{"alg":"none","alg":"EdDSA","kid":"ed"}`, payload),
			ReasonMalformed},
		{"duplicate alg, escaped", mintRaw(`{"alg":"EdDSA","\u0061lg":"none","kid":"ed"}`, payload),
			ReasonMalformed},
		{"duplicate kid", raw(`,"kid":"es"`), ReasonMalformed},
		{"duplicate deep in the header", raw(`,"x":[{"a":1,"a":2}]`), ReasonMalformed},
		{"header nested deeply", raw(`,"x":` + strings.Repeat("[", 3000) +
			strings.Repeat("]", 3000)), ReasonMalformed},

		{"no alg", mintRaw(`{"kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg null", mintRaw(`{"alg":null,"kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg array", mintRaw(`{"alg":["EdDSA"],"kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg empty", mintRaw(`{"alg":"","kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg in another case", mintRaw(`{"alg":"eddsa","kid":"ed"}`, payload), ReasonAlgorithm},
		{"ALG", mintRaw(`{"ALG":"EdDSA","kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg with space", mintRaw(`{"alg":"EdDSA ","kid":"ed"}`, payload), ReasonAlgorithm},
		{"alg not in the list", mint(testKey{"es384", jose.ES384, newEC(elliptic.P384())}, "es384",
			payload, nil), ReasonAlgorithm},
		{"alg not in the list, right key", mint(testKey{"rs", jose.RS512, rs.private}, "rs",
			payload, nil), ReasonAlgorithm},

		{"kid is another key's type", mint(ed, "rs", payload, nil), ReasonKeyUnknown},
		{"key's alg is another", mint(testKey{"rs", jose.PS256, rs.private}, "rs", payload, nil),
			ReasonKeyUnknown},
		{"ES256 on another kid", mint(es, "ed", payload, nil), ReasonKeyUnknown},
		{"kid unknown", mint(ed, "ed2", payload, nil), ReasonKeyUnknown},
		{"kid path traversal", mint(ed, "../../../../dev/null", payload, nil), ReasonKeyUnknown},
		{"kid SQL", mint(ed, "x' UNION SELECT 'ed", payload, nil), ReasonKeyUnknown},
		{"kid with NUL", mintRaw(`{"alg":"EdDSA","kid":"ed\u0000"}`, payload), ReasonKeyUnknown},
		{"kid in another case", mint(ed, "ED", payload, nil), ReasonKeyUnknown},
		{"kid of a kilobyte", mint(ed, strings.Repeat("k", 1024), payload, nil), ReasonHeader},
		{"kid of a megabyte", mint(ed, strings.Repeat("k", 1<<20), payload, nil), ReasonTooLarge},
		{"kid number", mintRaw(`{"alg":"EdDSA","kid":1}`, payload), ReasonHeader},
		{"kid null", mintRaw(`{"alg":"EdDSA","kid":null}`, payload), ReasonHeader},
		{"kid array", mintRaw(`{"alg":"EdDSA","kid":["ed"]}`, payload), ReasonHeader},

		{"crit", raw(`,"crit":["exp"],"exp":1`), ReasonHeader},
		{"crit empty", raw(`,"crit":[]`), ReasonHeader},
		{"crit null", raw(`,"crit":null`), ReasonHeader},
		{"b64 false", raw(`,"b64":false,"crit":["b64"]`), ReasonHeader},
		{"b64 true alone", raw(`,"b64":true`), ReasonHeader},

		{"typ ID token of another kind", raw(`,"typ":"logout+jwt"`), ReasonType},
		{"typ DPoP proof", raw(`,"typ":"dpop+jwt"`), ReasonType},
		{"typ number", raw(`,"typ":1`), ReasonType},
		{"typ null", raw(`,"typ":null`), ReasonType},
		{"typ with a long s", raw(`,"typ":"at+jwt\u017f"`), ReasonType},
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "n\\u006fne", "none "} {
		header := b64(`{"alg":"` + none + `"}`)
		table = append(table,
			refusedToken{"alg " + none + ", no signature", header + "." + b64(payload) + ".",
				ReasonMalformed},
			refusedToken{"alg " + none + ", some signature", header + "." + b64(payload) + ".AAAA",
				ReasonAlgorithm})
	}
	for name, secret := range map[string][]byte{
		"SPKI": spki, "PEM": spkiPEM,
		"PEM without newline": []byte(strings.TrimSpace(string(spkiPEM))),
		"modulus":             []byte(mustJSON(rs.public())),
	} {
		for _, kid := range []string{`,"kid":"rs"`, ``} {
			table = append(table, refusedToken{"HS256 with the public key as " + name + kid,
				mac(`{"alg":"HS256"`+kid+`}`, payload, secret), ReasonAlgorithm})
		}
		table = append(table, refusedToken{"RS256 header over an HMAC by " + name,
			mac(`{"alg":"RS256","kid":"rs"}`, payload, secret), ReasonSignature})
	}
	embedded := attacker.public()
	for name, value := range map[jose.HeaderKey]any{
		"jwk": embedded, "jku": "https://attacker.example/jwks",
		"x5u": "https://attacker.example/cert",
	} {
		table = append(table, refusedToken{"attacker's key in " + string(name),
			mint(attacker, "ed", payload, map[jose.HeaderKey]any{name: value}), ReasonSignature})
	}
	return table
}

// strayBits sets the unused bits of the last character, which a lax decoder ignores.
func strayBits(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last|1])
}

func mac(header, payload string, secret []byte) string {
	input := b64(header) + "." + b64(payload)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(input))
	return input + "." + b64(string(h.Sum(nil)))
}

// mintPSS signs PS256 with a salt of this many bytes; RFC 7518 section 3.5 wants 32.
func mintPSS(salt int, payload string) string {
	input := b64(`{"alg":"PS256","kid":"ps"}`) + "." + b64(payload)
	hash := sha256.Sum256([]byte(input))
	options := &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}
	// In crypto/rsa a length of 0 means as long as possible, which is as wrong.
	signature, err := testKeys()[jose.PS256].private.Sign(rand.Reader, hash[:], options)
	if err != nil {
		panic(err)
	}
	return input + "." + b64(string(signature))
}
