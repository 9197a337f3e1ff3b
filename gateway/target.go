package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/maskgate/maskgate/rules"
)

// targetPath returns the path of a request if there is only one way to read it. Upstreams differ in
// what they make of empty and dot segments, encoded slashes and letters, backslashes and path
// parameters; such a path is refused.
func targetPath(r *http.Request) (string, error) {
	path := r.URL.EscapedPath()
	ambiguous := badRequest.because(reasonPath)
	// A raw path that is not escaped as it should be is escaped anew by net/url, so it differs from
	// what was sent.
	if !strings.HasPrefix(path, "/") || r.URL.RawPath != "" && r.URL.RawPath != path {
		return "", ambiguous
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "." || segment == ".." || segment == "" && path != "/" {
			return "", ambiguous
		}
		plain, err := url.PathUnescape(segment)
		if err != nil || !utf8.ValidString(plain) || strings.ContainsAny(segment, `;\`) {
			return "", ambiguous
		}
		// Only what has to be encoded may be.
		if escapedNeedlessly(segment) || strings.ContainsAny(plain, "/\\;%?#\x7f") ||
			strings.IndexFunc(plain, isControl) >= 0 {
			return "", ambiguous
		}
	}
	return path, nil
}

// routeOf finds the route of a path. Upstreams differ in whether they decode a segment, or fold its
// case, before they compare it; if that would lead to another route the path is refused.
func routeOf(set *rules.Set, method, host, path string) (*rules.Route, error) {
	found := set.Route(method, host, path)
	if strings.Contains(path, "%") {
		plain, err := url.PathUnescape(path)
		if err != nil || set.Route(method, host, plain) != found {
			return nil, badRequest.because(reasonPath)
		}
	}
	folded := set.Route(method, host, strings.ToLower(path))
	if folded != nil && folded != found {
		return nil, badRequest.because(reasonPath)
	}
	if found == nil {
		return nil, noRoute.because(reasonNoRoute)
	}
	return found, nil
}

func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r < 0xa0 }

// escapedNeedlessly reports whether a letter, a digit or one of -._~ is encoded (RFC 3986 §2.3).
func escapedNeedlessly(segment string) bool {
	for i := 0; i+2 < len(segment); i++ {
		if segment[i] != '%' {
			continue
		}
		c := unhex(segment[i+1])<<4 | unhex(segment[i+2])
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~", c) >= 0 {
			return true
		}
	}
	return false
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// maxQuery bounds the query, in bytes.
const maxQuery = 8 << 10

// targetQuery returns the query, encoded anew, if it is at most 8 KiB, and each of its parameters
// stands once and is listed by the route.
func targetQuery(r *http.Request, route *rules.Route) (string, error) {
	refused := badRequest.because(reasonQuery)
	if len(r.URL.RawQuery) > maxQuery {
		return "", refused
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", refused
	}
	for name, v := range values {
		if parameterFault(route, name, v) != "" {
			return "", refused
		}
	}
	return values.Encode(), nil
}

// parameterFault returns what is wrong with a query parameter; "" if nothing is. The text names the
// parameter, which is the caller's text.
func parameterFault(route *rules.Route, name string, values []string) string {
	switch {
	case !route.AllowsQuery(name):
		return fmt.Sprintf("the route does not list %q", name)
	case len(values) != 1:
		return fmt.Sprintf("%q stands twice", name)
	case !utf8.ValidString(values[0]):
		return fmt.Sprintf("%q is not UTF-8", name)
	}
	return ""
}
