package auth

import (
	"maps"
	"slices"
	"strings"
)

// The codes of RFC 6750 section 3.1. A request without bearer credentials, or a token that cannot
// be checked now, has the code "".
const (
	CodeInvalidRequest = "invalid_request" // HTTP 400
	CodeInvalidToken   = "invalid_token"   // HTTP 401
)

// The reasons why a request or token is refused. They are stable and fit for metric labels.
const (
	ReasonMissing     = "missing"       // no Authorization header
	ReasonScheme      = "scheme"        // an Authorization header of another scheme
	ReasonMalformed   = "malformed"     // not a bearer token, not a compact JWS, not a JWT
	ReasonTooLarge    = "too_large"     // longer than Config.MaxTokenSize
	ReasonHeader      = "header"        // a header parameter that is refused or of the wrong type
	ReasonAlgorithm   = "algorithm"     // alg is missing or not in Config.Algorithms
	ReasonType        = "type"          // typ is not in Config.Types
	ReasonKeyUnknown  = "key_unknown"   // no key with this kid that fits the algorithm
	ReasonSignature   = "signature"     // the signature is not by the key
	ReasonIssuer      = "issuer"        // iss is missing or another
	ReasonAudience    = "audience"      // aud is missing, empty or has none of Config.Audience
	ReasonExpired     = "expired"       // exp is past
	ReasonNotYetValid = "not_yet_valid" // nbf or iat is ahead
	ReasonSubject     = "subject"       // the subject is missing or empty
	ReasonBound       = "bound"         // cnf: bound to a key, so not a bearer token
	ReasonClaims      = "claims"        // a claim is missing, mistyped or has a forbidden character

	// ReasonKeysUnavailable is not the token's fault: the keys are not known at present, or the
	// request ended first; HTTP 503.
	ReasonKeysUnavailable = "keys_unavailable"
)

// descriptions says to the caller what is wrong and what to do, in the characters that RFC 6750
// section 3 permits in an error_description. They are fixed: nothing of a token reaches them.
var descriptions = map[string]string{
	ReasonMissing: "the request has no bearer token; send one in the Authorization header",
	ReasonScheme:  "the Authorization header has another scheme; send a Bearer token",
	ReasonMalformed: "the token is malformed; send one JWT in compact serialisation, in " +
		"one Authorization header",
	ReasonTooLarge: "the token is too large; ask the issuer for one with fewer claims",
	ReasonHeader: "the token header has a parameter that is not accepted; ask the " +
		"issuer for a plain JWT",
	ReasonAlgorithm: "the token is signed by an algorithm that is not accepted; ask the " +
		"issuer for another",
	ReasonType: "the token is of a type that is not accepted; send an access token",
	ReasonKeyUnknown: "the token is signed by a key that the issuer does not publish; get a " +
		"new token",
	ReasonSignature: "the token has a wrong signature; get a new token",
	ReasonIssuer: "the token is from another issuer; get one from the issuer that this " +
		"service trusts",
	ReasonAudience:    "the token is not for this service; ask the issuer for this audience",
	ReasonExpired:     "the token has expired; get a new one",
	ReasonNotYetValid: "the token is not valid yet; check the clocks",
	ReasonSubject:     "the token names no subject; ask the issuer to add it",
	ReasonBound: "the token is bound to a key and no bearer token; ask the issuer for " +
		"one that is not bound",
	ReasonClaims: "the token lacks a claim or has one of the wrong type; ask the issuer " +
		"to correct its claims",
	ReasonKeysUnavailable: "the token cannot be checked now; try again later",
}

// Reasons lists every value of [Error.Reason], sorted.
func Reasons() []string { return slices.Sorted(maps.Keys(descriptions)) }

// Error is why a caller is not let in. [Verifier.Authenticate] and [Verifier.Verify] return no
// other error.
type Error struct {
	Code   string // for the caller: "", CodeInvalidRequest or CodeInvalidToken
	Reason string // for metrics and logs: one of the Reason constants

	cause error // why the token cannot be checked now; for the operator only
}

// refuse returns the error for a token that is refused for this reason.
func refuse(reason string) *Error { return &Error{Code: CodeInvalidToken, Reason: reason} }

// Error is fit for logs. It holds nothing of the token.
func (e *Error) Error() string {
	text := "checking bearer token: " + descriptions[e.Reason]
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns why the token cannot be checked now, for [ReasonKeysUnavailable]; nil for any
// other reason.
func (e *Error) Unwrap() error { return e.cause }

// Challenge returns the value of WWW-Authenticate for this error (RFC 6750 section 3). It leaves
// out characters of the realm that are not ASCII or have no place in a quoted-string (RFC 9110
// section 5.6.4).
func (e *Error) Challenge(realm string) string {
	var b strings.Builder
	b.WriteString(`Bearer realm="`)
	for _, c := range []byte(realm) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= 0x20 && c < 0x7f:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	if e.Code != "" {
		b.WriteString(`, error="` + e.Code + `"`)
		b.WriteString(`, error_description="` + descriptions[e.Reason] + `"`)
	}
	return b.String()
}
