package masking

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends the character that the escape at the front of b stands for, and returns
// the escape's size. The escape must be valid.
func appendUnescaped(dst, b []byte) ([]byte, int) {
	switch b[1] {
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r, size := unicodeEscape(b)
		return utf8.AppendRune(dst, r), size
	}
	return append(dst, b[1]), 2
}

// unicodeEscape decodes the \uXXXX at the front of b, or two of them that are a surrogate pair (RFC
// 8259 §7). The size is 0 if there is none, or half a pair only.
func unicodeEscape(b []byte) (r rune, size int) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(b[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 decodes the \uXXXX at the front of b.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendEscaped appends text as the inside of a JSON string, with no more escapes than RFC 8259 §7
// demands.
func AppendEscaped(dst, text []byte) []byte {
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] >= ' ' && text[n] != '"' && text[n] != '\\' {
			n++
		}
		dst = append(dst, text[:n]...)
		if n == len(text) {
			break
		}
		switch c := text[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		text = text[n+1:]
	}
	return dst
}

// arena holds unescaped strings. What unescape returned stays valid until the arena is reset, or
// released to a mark that was made before.
type arena struct{ block []byte }

func (a *arena) reset() { a.block = a.block[:0] }

func (a *arena) mark() int { return len(a.block) }

// release takes back what unescape returned since the mark. The block may be a newer and larger
// one.
func (a *arena) release(mark int) { a.block = a.block[:mark] }

// unescape returns the text of a valid JSON string, given what is between its quotes.
func (a *arena) unescape(raw []byte) []byte {
	if cap(a.block)-len(a.block) < len(raw) {
		a.block = make([]byte, 0, max(4096, 2*cap(a.block), len(raw)))
	}
	start := len(a.block)
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			a.block = append(a.block, raw[i])
			i++
			continue
		}
		var size int
		a.block, size = appendUnescaped(a.block, raw[i:])
		i += size
	}
	return a.block[start:len(a.block):len(a.block)]
}
