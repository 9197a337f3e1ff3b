package gatewaytest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// canarySize is how many bytes a canary has.
const canarySize = 16

// NewCanary returns a text that stands nowhere else.
func NewCanary() string { return "K" + rand.Text()[:canarySize-1] }

var (
	escapeU   = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)
	badEscape = regexp.MustCompile(`%([^0-9a-fA-F]|.[^0-9a-fA-F]|.?$)`)
)

// Holds reports whether bytes hold a canary: as it is, JSON-escaped, compressed, or URL-, hex- or
// base64-encoded, whole.
func Holds(all []byte, canary string) bool {
	lower := strings.ToLower(canary)
	views := []string{string(all)}
	views = append(views, escapeU.ReplaceAllStringFunc(views[0], func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 32)
		return string(rune(n))
	}))
	if plain, err := url.PathUnescape(badEscape.ReplaceAllString(views[0], "%25$1")); err == nil {
		views = append(views, plain)
	}
	if i := bytes.Index(all, []byte("\x1f\x8b")); i >= 0 {
		if z, err := gzip.NewReader(bytes.NewReader(all[i:])); err == nil {
			plain, _ := io.ReadAll(z)
			views = append(views, string(plain))
		}
	}
	// The runtime prints arguments in a stack as hexadecimal words.
	views = append(views, strings.NewReplacer("0x", "", ", ", "", "?", "").Replace(views[0]))
	for _, v := range views {
		v = strings.ToLower(v)
		if strings.Contains(v, lower) || strings.Contains(v, hex.EncodeToString([]byte(canary))) ||
			strings.Contains(v, hex.EncodeToString([]byte(lower))) {
			return true
		}
	}
	for shift := range 3 { // wherever it stands in what was encoded
		padded := strings.Repeat("x", shift) + canary + "xxx"
		text := base64.StdEncoding.EncodeToString([]byte(padded))
		inner := text[4 : len(text)-8]
		forURLs := strings.NewReplacer("+", "-", "/", "_").Replace(inner)
		if strings.Contains(views[0], inner) || strings.Contains(views[0], forURLs) {
			return true
		}
	}
	return false
}
