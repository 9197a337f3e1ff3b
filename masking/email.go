package masking

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// email keeps the first character and the domain of an e-mail address.
//
//	email  zhangsan@example.com → "z***@example.com"
//
// Three stars stand for the rest, however long. What is not one address with a dotted domain, or has only one character in
// front of the @, is hidden whole: "****". Takes strings.
type email struct{}

func buildEmail(*arguments, Environment) Transform { return email{} }

func (email) Append(dst []byte, v Value) ([]byte, bool) {
	if v.Kind != String {
		return dst, false
	}
	local, domain, ok := bytes.Cut(v.Text, []byte("@"))
	first := isMailbox(local)
	if !ok || first == 0 || !isDomain(domain) {
		return append(dst, hidden...), true
	}
	dst = append(append(dst, '"'), local[:first]...)
	dst = append(dst, "***@"...)
	dst = append(dst, domain...)
	return append(dst, '"'), true
}

// isMailbox returns the size of the first character of a local part (RFC 6531 dot-string), and 0 if it is none or has no second.
func isMailbox(local []byte) (first int) {
	if len(local) > 64 {
		return 0
	}
	n := 0
	for i := 0; i < len(local); {
		r, size := utf8.DecodeRune(local[i:])
		switch {
		case r >= utf8.RuneSelf:
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return 0
			}
		case r <= ' ' || r == 0x7F || strings.ContainsRune(`"(),:;<>@[\]`, r):
			return 0
		}
		if n++; n == 2 {
			first = i
		}
		i += size
	}
	return first
}

// isDomain reports whether b is a name of at least two labels, of letters, digits and dashes.
func isDomain(b []byte) bool {
	if len(b) > 253 {
		return false
	}
	labels, size := 1, 0
	for len(b) > 0 {
		r, width := utf8.DecodeRune(b)
		b = b[width:]
		switch {
		case r == '.':
			if size == 0 {
				return false
			}
			labels, size = labels+1, 0
		case r == '-' || isDigit(r) || unicode.IsLetter(r) || r >= utf8.RuneSelf && unicode.IsMark(r):
			size++
		default:
			return false
		}
	}
	return labels > 1 && size > 0
}
