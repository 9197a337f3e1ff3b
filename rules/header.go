package rules

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// ownHeaders are the response headers that the gateway sets or drops itself, whatever a rule or the
// configuration says: headers that frame the answer, that tell caches to keep it, or that say
// something of the gateway.
var ownHeaders = []string{
	"Content-Type", "Content-Length", "Content-Encoding", "Content-Range", "Transfer-Encoding",
	"Trailer", "Connection", "Upgrade", "Cache-Control", "Vary", "Etag", "Last-Modified",
	"Expires", "Digest", "Content-Digest", "Repr-Digest", "Content-Md5", "Www-Authenticate",
	"X-Correlation-Id", "X-Content-Type-Options", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Connection", "Te", "Surrogate-Control", "Age", "Pragma", "Alt-Svc", "Accept-Ranges",
	"Server",
}

// CheckHeader returns an error if rules may not let a header of the data service's response
// through.
func CheckHeader(name string) error {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case !IsHeaderName(name):
		return fmt.Errorf("want the name of a header, as in X-Total-Count; have %q", name)
	case slices.Contains(ownHeaders, canonical):
		return fmt.Errorf("response header %s is Maskgate's own; remove it", name)
	// Targeted headers such as CDN-Cache-Control (RFC 9213) would allow what Cache-Control forbids.
	case strings.HasSuffix(canonical, "-Cache-Control"):
		return fmt.Errorf("response header %s would let caches keep answers; remove it", name)
	}
	return nil
}

// IsHeaderName reports whether a text can be the name of a header (RFC 9110 §5.6.2).
func IsHeaderName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' ||
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return name != ""
}
