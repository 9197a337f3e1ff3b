package auth

import (
	"context"
	"net/http"
	"strings"
)

// Authenticate says who sent a request: it verifies the bearer token of the request's header, as
// [Verifier.Verify] does. There must be exactly one Authorization header: the scheme Bearer in any
// case, one or more spaces, and a b64token (RFC 6750 section 2.1). A token in the body or the query
// (sections 2.2 and 2.3) is never looked for: it would end up in logs.
//
// The error is an [*Error], and the Caller beside an error is the zero value. A Caller that is
// returned without an error has an ID and Expires. Authenticate alters nothing of the request and
// does not read its body. Once ctx has ended, it lets nobody in: the reason is
// [ReasonKeysUnavailable], and the error wraps the cause of ctx. The context of the request is not
// looked at.
func (v *Verifier) Authenticate(ctx context.Context, r *http.Request) (Caller, error) {
	if ctx.Err() != nil {
		return Caller{}, &Error{Reason: ReasonKeysUnavailable, cause: context.Cause(ctx)}
	}
	token, err := bearerToken(r.Header)
	if err != nil {
		return Caller{}, err
	}
	return v.Verify(ctx, token)
}

// bearerToken returns the token of the Authorization header. It does not check the token's length.
func bearerToken(h http.Header) (token string, refused *Error) {
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
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' ||
		c == '_'
}
