package auth

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxNumericDate is the last second of the year 9999, the largest that RFC 3339 can write.
const maxNumericDate = 253402300799

// caller checks the claims of a payload whose signature is right.
func (v *Verifier) caller(payload []byte) (Caller, *Error) {
	claims, parseErr := parseObject(payload)
	if parseErr != nil {
		return Caller{}, refuse(ReasonClaims)
	}
	if issuer, ok := claims["iss"].(string); !ok || issuer != v.config.Issuer {
		return Caller{}, refuse(ReasonIssuer)
	}
	if !v.isAudience(claims["aud"]) {
		return Caller{}, refuse(ReasonAudience)
	}
	expires, err := v.checkTimes(claims)
	if err != nil {
		return Caller{}, err
	}
	if _, bound := claims["cnf"]; bound {
		return Caller{}, refuse(ReasonBound)
	}

	caller, err := v.config.Claims.read(claims)
	caller.Issuer, caller.Expires = v.config.Issuer, expires
	if err != nil {
		return Caller{}, err
	}
	return caller, nil
}

// Unverified reads the caller from a token's payload, a JSON object, that nobody has verified: for
// tools that say what a caller with these claims would get, never for a request. Claims without a
// name have the default one. Issuer and Expires stay empty. Its error is an [*Error].
func (c Claims) Unverified(payload []byte) (Caller, error) {
	claims, err := parseObject(payload)
	if err != nil {
		return Caller{}, refuse(ReasonClaims)
	}
	for _, d := range c.defaults() {
		if *d.claim == "" {
			*d.claim = d.name
		}
	}
	caller, refused := c.read(claims)
	if refused != nil {
		return Caller{}, refused
	}
	return caller, nil
}

// read reads what claims say of the caller.
func (c Claims) read(claims map[string]any) (Caller, *Error) {
	r := claimReader{claims: claims, ok: true}
	caller := Caller{
		ID:           r.text(c.Subject),
		Roles:        r.list(c.Roles),
		Organisation: r.single(c.Organisation),
		Purposes:     r.purposes(c.Purposes, c.PurposePrefix),
		AMR:          r.list(c.AMR),
		ACR:          r.single(c.ACR),
		Region:       r.single(c.Region),
		TokenID:      r.member("jti"),
	}
	// sub is registered (RFC 7519 section 4.1.2): its type counts even where another claim is the
	// subject.
	r.member("sub")
	if !r.ok {
		return Caller{}, refuse(ReasonClaims)
	}
	if caller.ID == "" {
		return Caller{}, refuse(ReasonSubject)
	}
	return caller, nil
}

// isAudience reports whether aud (a string or an array of strings, none empty) has an expected
// audience.
func (v *Verifier) isAudience(aud any) bool {
	values, ok := aud.([]any)
	if !ok {
		values = []any{aud}
	}
	found := false
	for _, value := range values {
		text, ok := value.(string)
		if !ok || text == "" {
			return false
		}
		found = found || slices.Contains(v.config.Audience, text)
	}
	return found
}

// checkTimes checks exp, nbf and iat (RFC 7519 sections 4.1.4 to 4.1.6) and returns exp.
func (v *Verifier) checkTimes(claims map[string]any) (expires time.Time, err *Error) {
	now, leeway := v.config.Now(), v.config.Leeway
	expires, ok := numericDate(claims["exp"])
	if !ok {
		return time.Time{}, refuse(ReasonClaims)
	}
	if !now.Before(expires.Add(leeway)) {
		return time.Time{}, refuse(ReasonExpired)
	}
	for _, name := range []string{"nbf", "iat"} {
		value, there := claims[name]
		if !there {
			continue
		}
		start, ok := numericDate(value)
		if !ok {
			return time.Time{}, refuse(ReasonClaims)
		}
		if now.Before(start.Add(-leeway)) {
			return time.Time{}, refuse(ReasonNotYetValid)
		}
	}
	return expires, nil
}

// numericDate reads seconds since 1970 (RFC 7519 section 2), fractions included, up to the year
// 9999.
func numericDate(value any) (time.Time, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// claimReader reads claims until one is wrong; then ok is false and what was read is worthless.
type claimReader struct {
	claims map[string]any
	ok     bool
}

// text reads a string; "" if it is missing.
func (r *claimReader) text(path string) string {
	return r.asText(r.find(r.claims, path))
}

// member is text for a registered claim, which has a name and never a path.
func (r *claimReader) member(name string) string {
	value, there := r.claims[name]
	return r.asText(value, there)
}

func (r *claimReader) asText(value any, there bool) string {
	if !there {
		return ""
	}
	text, ok := value.(string)
	if !ok || !isClean(text) {
		r.ok = false
	}
	return text
}

// list reads an array of strings, or one string; nil if it is missing.
func (r *claimReader) list(path string) []string {
	value, there := r.find(r.claims, path)
	if array, ok := value.([]any); ok {
		return r.elements(array)
	}
	if text := r.asText(value, there); text != "" {
		return []string{text}
	}
	return nil
}

// single reads a string, or an array of one, as Keycloak writes an organisation.
func (r *claimReader) single(path string) string {
	list := r.list(path)
	switch len(list) {
	case 0:
		return ""
	case 1:
	default:
		r.ok = false
	}
	return list[0]
}

// purposes reads an array of strings, or a string of them separated by spaces (RFC 6749 section
// 3.3).
func (r *claimReader) purposes(path, prefix string) []string {
	value, there := r.find(r.claims, path)
	var list []string
	switch value := value.(type) {
	case []any:
		list = r.elements(value)
	case string:
		for word := range strings.SplitSeq(value, " ") {
			r.ok = r.ok && isClean(word)
			if word != "" {
				list = append(list, word)
			}
		}
	default:
		r.ok = r.ok && !there
	}
	if prefix == "" {
		return list
	}
	var purposes []string
	for _, element := range list {
		if purpose, ok := strings.CutPrefix(element, prefix); ok {
			r.ok = r.ok && purpose != "" && isClean(purpose)
			purposes = append(purposes, purpose)
		}
	}
	return purposes
}

// elements reads the strings of an array. An empty one names nothing, so it is wrong.
func (r *claimReader) elements(array []any) []string {
	var list []string
	for _, value := range array {
		text := r.asText(value, true)
		r.ok = r.ok && text != ""
		list = append(list, text)
	}
	return list
}

// find looks a claim up by its exact name, or else by a path with dots; of several ways to split a
// path, the longest first name wins. A path that leads through anything but objects is wrong.
func (r *claimReader) find(object map[string]any, path string) (value any, there bool) {
	if value, there = object[path]; there {
		return value, true
	}
	dot := func(end int) int { return strings.LastIndexByte(path[:end], '.') }
	for end := dot(len(path)); end >= 0; end = dot(end) {
		inner, there := object[path[:end]]
		if !there {
			continue
		}
		next, ok := inner.(map[string]any)
		if !ok {
			r.ok = false
			return nil, false
		}
		if value, there := r.find(next, path[end+1:]); there {
			return value, true
		}
	}
	return nil, false
}

// isClean reports whether a text can stand in a log as what it is: see the package comment.
func isClean(text string) bool {
	if strings.TrimSpace(text) != text {
		return false
	}
	for _, c := range text {
		if c == utf8.RuneError || unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}
