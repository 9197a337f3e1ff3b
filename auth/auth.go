// Package auth turns a request into the [Caller] who sent it, and fails closed.
//
// Each kind of credential is a type of its own with a method Authenticate(ctx, request), which is
// what package gateway asks for (gateway.Authenticator; gatewaytest has its contract). There is one
// so far, [Verifier], for bearer tokens that are JWTs. Another kind, such as an opaque token that
// is introspected or a client certificate, is another type in files of its own here.
//
// # Terms
//
// A token is a JWT (RFC 7519) signed as a JWS in compact serialisation (RFC 7515 section 3.1). A
// [Verifier] checks it against one issuer's keys, which a [KeySet] provides: [OpenJWKS] reads them
// from a JWKS (RFC 7517 section 5) in a file or at a URL. A refusal is an [*Error] with the code of
// RFC 6750 section 3.1 for the caller and a reason for metrics and logs. No error of this package
// holds a token, a claim's value or key material.
//
//	keys, err := auth.OpenJWKS(ctx, "https://idp.example/jwks", auth.JWKSOptions{Report: log})
//	config := auth.Config{Issuer: "https://idp.example", Audience: []string{"maskgate"}}
//	verifier, err := auth.New(config, keys)
//	caller, err := verifier.Authenticate(r.Context(), r)
//
// # What a token must be
//
// In this order, and nothing after the first fault is looked at:
//
//  1. no longer than the limit, three parts of base64url without padding, stray bits or white
//     space;
//  2. its header a JSON object without duplicate names, with an allowed alg (never none, never a
//     MAC: RFC 8725 section 3.1), an accepted typ (RFC 8725 section 3.11), and no crit, b64, enc or
//     zip. The key references jku, jwk, x5u and x5c are neither fetched nor used (RFC 8725 section
//     3.10);
//  3. signed by a key of the issuer whose type, size, use and alg fit the token's alg: RSA of 2048
//     to 8192 bits for RS256 and PS256, P-256 for ES256, Ed25519 for EdDSA (RFC 8725 section 3.2).
//     A kid is compared for equality and nothing else. Without a kid the keys that fit are tried,
//     four at the most;
//  4. its payload a JSON object without duplicate names at any depth, in UTF-8 without lone
//     surrogates;
//  5. its iss equal to the issuer; one of its aud an expected audience; exp there and ahead; nbf
//     and iat, if there, not ahead; sub there; every claim that is read of the expected JSON type.
//     Clock skew is tolerated up to a limit.
//
// A token that is bound to a key (cnf: RFC 7800, RFC 8705, RFC 9449) is refused: as a bearer token
// it would lose the proof of possession that its issuer asked for.
//
// # Which claim is what
//
// [Claims] names the claim for each part of the Caller: its exact name, or else a path through
// objects with dots, such as realm_access.roles. Names and values are compared byte for byte; there
// is no case folding or normalisation. A value may not contain control characters, invisible format
// characters, line separators or U+FFFD, nor begin or end with a space, so that none hides or
// forges a part of a log line.
package auth

import "time"

// Caller is who asks, as the issuer of the token states it. It is a plain value; its slices belong
// to the receiver.
type Caller struct {
	ID           string   // the subject of the token, never empty; unique within the Issuer
	Roles        []string // may be empty
	Organisation string   // may be empty
	Purposes     []string // the purposes the token is good for; may be empty
	AMR          []string // authentication methods (RFC 8176); may be empty
	ACR          string   // authentication context class; may be empty
	Region       string   // may be empty
	TokenID      string   // jti (RFC 7519 section 4.1.7); may be empty
	Issuer       string   // never empty

	// Expires is the token's exp, in UTC and without leeway. It is never zero. A stream that is
	// still under way then should end.
	Expires time.Time
}
