package treatment

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// email keeps the first character and the domain of an e-mail address.
//
//	email  zhangsan@example.com → "z***@example.com"
//
// Three stars stand for the rest, however long. What is not one address with a dotted domain, or
// has only one character in front of the @, is hidden whole: "****". Takes strings.
type email struct{}

func buildEmail(*arguments, Environment) masking.Transform { return email{} }

func (email) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	at := bytes.IndexByte(v.Text, '@')
	if at < 0 {
		return append(dst, hidden...), true
	}
	first := mailboxFirst(v.Text[:at])
	if first == 0 || !isDomain(v.Text[at+1:]) {
		return append(dst, hidden...), true
	}
	dst = append(append(dst, '"'), v.Text[:first]...)
	dst = append(dst, "***"...)
	dst = append(dst, v.Text[at:]...)
	return append(dst, '"'), true
}

// mailbox and domain say which ASCII characters may stand in front of an @, and which behind it.
var mailbox, domain = func() (mailbox, domain [utf8.RuneSelf]bool) {
	for c := range rune(utf8.RuneSelf) {
		mailbox[c] = c > ' ' && c != 0x7F && !strings.ContainsRune(`"(),:;<>@[\]`, c)
		domain[c] = c == '-' || isDigit(c) || isUpper(upper(c))
	}
	return mailbox, domain
}()

// mailboxFirst returns the size of the first character of a local part (RFC 6531 dot-string), or 0
// if local is none or has one character only.
func mailboxFirst(local []byte) (first int) {
	if len(local) > 64 {
		return 0
	}
	n := 0
	for i := 0; i < len(local); {
		size := 1
		if c := local[i]; c < utf8.RuneSelf {
			if !mailbox[c] {
				return 0
			}
		} else {
			var r rune
			r, size = utf8.DecodeRune(local[i:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return 0
			}
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
		c, width := b[0], 1
		switch {
		case c == '.':
			if size == 0 {
				return false
			}
			labels, size = labels+1, -1
		case c < utf8.RuneSelf:
			if !domain[c] {
				return false
			}
		default:
			var r rune
			if r, width = utf8.DecodeRune(b); !unicode.IsLetter(r) && !unicode.IsMark(r) {
				return false
			}
		}
		size++
		b = b[width:]
	}
	return labels > 1 && size > 0
}
