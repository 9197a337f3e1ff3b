package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Limits of a JWKS.
const (
	maxJWKSSize = 1 << 20 // bytes
	maxJWKSKeys = 100
)

// secretMembers are the members of a JWK that nobody but the issuer may know (RFC 7518 sections
// 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2, RFC 9964).
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// jwkSet holds the keys of a JWKS that can verify a token. It does not change.
type jwkSet struct {
	keys    []jose.JSONWebKey
	byKeyID map[string][]jose.JSONWebKey
}

// find returns the keys with a key ID, or all for "".
func (s *jwkSet) find(kid string) []jose.JSONWebKey {
	if kid == "" {
		return slices.Clone(s.keys)
	}
	return slices.Clone(s.byKeyID[kid])
}

// parseJWKS parses a JWKS (RFC 7517 section 5). It refuses the whole set if it holds a private or
// symmetric key, if two usable keys with one kid fit one algorithm, or if no key is usable. Keys
// that are for other things, or that it does not understand, it leaves out (section 5). Those that
// look meant for signatures but are unfit it leaves out too and returns a warning for each. No
// error or warning holds key material; keys are numbered from 1.
func parseJWKS(data []byte) (set *jwkSet, warnings []error, err error) {
	if len(data) > maxJWKSSize {
		return nil, nil, fmt.Errorf("JWKS is larger than %d bytes; check the location", maxJWKSSize)
	}
	document, err := parseObject(data)
	if err != nil {
		return nil, nil, fmt.Errorf("JWKS is malformed: %w; check the location", err)
	}
	members, ok := document["keys"].([]any)
	if !ok {
		return nil, nil, errors.New("JWKS has no array keys; check that the location is a JWKS " +
			"and no other document")
	}
	if len(members) > maxJWKSKeys {
		return nil, nil, fmt.Errorf("JWKS has %d keys; at most %d are accepted", len(members),
			maxJWKSKeys)
	}
	set = &jwkSet{byKeyID: map[string][]jose.JSONWebKey{}}
	for i, member := range members {
		object, ok := member.(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("key %d of the JWKS is not an object; correct it", i+1)
		}
		for _, name := range secretMembers {
			if _, secret := object[name]; secret {
				return nil, nil, fmt.Errorf("key %d of the JWKS is private or symmetric (it has "+
					"%q), so whoever reads the JWKS "+
					"can sign tokens; replace that key and publish its public half only", i+1, name)
			}
		}
		if !isForSignatures(object) {
			continue
		}
		key, err := parseJWK(object)
		if err != nil {
			warnings = append(warnings, fmt.Errorf("leaving out key %d of the JWKS: %w", i+1, err))
			continue
		}
		if set.isAmbiguous(key) {
			return nil, nil, fmt.Errorf("key %d of the JWKS has the kid of another key for the "+
				"same algorithm; "+
				"give each key its own kid", i+1)
		}
		set.keys = append(set.keys, key)
		if key.KeyID != "" {
			set.byKeyID[key.KeyID] = append(set.byKeyID[key.KeyID], key)
		}
	}
	if len(set.keys) == 0 {
		return nil, nil,
			errors.Join(append(warnings, errors.New("JWKS has no key that can verify a token; "+
				"publish an RSA key of 2048 bits or more, a P-256 or an Ed25519 key"))...)
	}
	return set, warnings, nil
}

// isForSignatures reports whether a JWK may be meant to verify signatures, by its kty, use and
// key_ops (RFC 7517 sections 4.1 to 4.3). A JWK that has one of these of the wrong type is not.
func isForSignatures(object map[string]any) bool {
	if kty, _ := object["kty"].(string); kty != "RSA" && kty != "EC" && kty != "OKP" {
		return false
	}
	if use, there := object["use"]; there && use != "sig" {
		return false
	}
	if value, there := object["key_ops"]; there {
		operations, _ := value.([]any)
		return slices.Contains(operations, any("verify"))
	}
	return true
}

// parseJWK parses a public key and checks that it fits an algorithm.
func parseJWK(object map[string]any) (key jose.JSONWebKey, err error) {
	data, err := json.Marshal(object)
	if err != nil {
		return key, errors.New("it cannot be encoded again; publish it anew")
	}
	// go-jose's errors can quote what it parsed.
	if key.UnmarshalJSON(data) != nil {
		return key, errors.New("its members are missing, malformed or of an unsupported kind; " +
			"publish it anew")
	}
	if len(key.KeyID) > maxKeyID {
		return key, fmt.Errorf("its kid is longer than %d bytes; shorten it", maxKeyID)
	}
	for _, algorithm := range algorithms {
		if fits(key, string(algorithm)) {
			return key, nil
		}
	}
	return key, errors.New("its type, curve, size or alg fits none of RS256, PS256 (RSA of 2048 " +
		"to 8192 bits, not weak), ES256 (P-256) and EdDSA (Ed25519); have the issuer use one of " +
		"these")
}

// isAmbiguous reports whether the set has a key with the same kid for an algorithm that this key
// fits too.
func (s *jwkSet) isAmbiguous(key jose.JSONWebKey) bool {
	for _, other := range s.byKeyID[key.KeyID] {
		for _, algorithm := range algorithms {
			if fits(key, string(algorithm)) && fits(other, string(algorithm)) {
				return true
			}
		}
	}
	return false
}
