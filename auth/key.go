package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// RSA moduli must have this many bits (RFC 7518 section 3.3; the upper bound limits what a check
// costs).
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// KeySet provides an issuer's public keys. It must be safe for concurrent use.
type KeySet interface {
	// Keys returns the keys with this key ID, or all if kid is "", the likeliest first. kid comes
	// from a token that nobody has checked: compare it and do nothing else with it. That there is
	// no such key is no error; an error means that the keys are not known at present, and holds no
	// key material.
	Keys(ctx context.Context, kid string) ([]jose.JSONWebKey, error)
}

// Renewer is a KeySet that can look for new keys on demand. A Verifier asks it when no key verifies
// a token, so that it sees a rotation.
type Renewer interface {
	// Renew reports whether the keys may have changed since the last call of Keys. It limits how
	// often it looks, whatever tokens an attacker sends, and returns early when ctx ends.
	Renew(ctx context.Context) bool
}

// fits reports whether a key may verify signatures by an algorithm: by its type and size, its use
// and its alg (RFC 7517 sections 4.2 and 4.4). A JSONWebKey has no key_ops; parseJWKS sees to
// these.
func fits(key jose.JSONWebKey, algorithm string) bool {
	if key.Use != "" && key.Use != "sig" {
		return false
	}
	if key.Algorithm != "" && key.Algorithm != algorithm {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return (algorithm == string(jose.RS256) || algorithm == string(jose.PS256)) &&
			isStrongRSA(public)
	case *ecdsa.PublicKey:
		return algorithm == string(jose.ES256) && public != nil && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == string(jose.EdDSA) && len(public) == ed25519.PublicKeySize
	}
	return false
}

func isStrongRSA(key *rsa.PublicKey) bool {
	if key == nil || key.N == nil {
		return false
	}
	bits := key.N.BitLen()
	return bits >= minRSABits && bits <= maxRSABits && key.N.Bit(0) == 1 &&
		key.E >= 3 && key.E%2 == 1 && key.E <= math.MaxInt32 && !isROCA(key.N)
}

// pssVerifier verifies PS256 with a salt as long as the hash, which RFC 7518 section 3.5 requires;
// go-jose takes a salt of any length.
type pssVerifier struct{ key *rsa.PublicKey }

// VerifyPayload implements [jose.OpaqueVerifier].
func (p pssVerifier) VerifyPayload(payload, signature []byte,
	algorithm jose.SignatureAlgorithm) error {
	if algorithm != jose.PS256 {
		return jose.ErrUnsupportedAlgorithm
	}
	hash := sha256.Sum256(payload)
	return rsa.VerifyPSS(p.key, crypto.SHA256, hash[:], signature,
		&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

// rocaPrimes are the primes of the fingerprint below.
var rocaPrimes = []int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
	101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// isROCA reports whether a modulus has the fingerprint of the keys that can be factored
// (CVE-2017-15361): modulo every small prime it is a power of 65537. A sound key has it with a
// probability of about 2⁻²⁷.
func isROCA(n *big.Int) bool {
	for _, prime := range rocaPrimes {
		residue := new(big.Int).Mod(n, big.NewInt(prime)).Int64()
		power, found := int64(1), false
		for range prime {
			if power == residue {
				found = true
				break
			}
			power = power * 65537 % prime
		}
		if !found {
			return false
		}
	}
	return true
}
