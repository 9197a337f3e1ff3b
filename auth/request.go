package auth

import (
	"net/http"
	"strings"
)

// FromRequest returns the bearer token of a request's header (RFC 6750 section 2.1). A token in the body or the query
// (sections 2.2 and 2.3) is never looked for: it would end up in logs.
//
// There must be exactly one Authorization header, its scheme Bearer in any case, one or more spaces and a b64token.
// The error is an [*Error]. The token's length is checked by [Verifier.Verify].
func FromRequest(h http.Header) (token string, err error) {
	values := h.Values("Authorization")
	switch len(values) {
	case 0:
		return "", &Error{Reason: ReasonMissing}
	case 1:
	default:
		return "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	if !isBearer(scheme) {
		return "", &Error{Reason: ReasonScheme}
	}
	token = strings.TrimLeft(rest, " ")
	if !isB64Token(token) {
		return "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}
	}
	return token, nil
}

// isBearer compares in ASCII: Unicode folding has no place in a scheme.
func isBearer(scheme string) bool {
	const want = "bearer"
	if len(scheme) != len(want) {
		return false
	}
	for i := range len(want) {
		if scheme[i]|0x20 != want[i] {
			return false
		}
	}
	return true
}

// isB64Token matches 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
func isB64Token(s string) bool {
	s = strings.TrimRight(s, "=")
	if s == "" {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isBase64URL(c) && !strings.ContainsRune(".~+/", rune(c)) {
			return false
		}
	}
	return true
}

// isBase64URL reports whether c is in the alphabet of RFC 4648 section 5.
func isBase64URL(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
