package treatment

import "unicode/utf8"

// narrow decodes the first character of text. It returns a full-width form (U+FF01 to U+FF5E) as
// the ASCII character that it stands for, and the kinds of space and dash that people type in
// numbers as a space and a dash.
func narrow(text []byte) (r rune, size int) {
	if text[0] < utf8.RuneSelf {
		return rune(text[0]), 1
	}
	r, size = utf8.DecodeRune(text)
	switch {
	case 0xFF01 <= r && r <= 0xFF5E:
		r -= 0xFEE0
	case r == 0x3000 || r == 0xA0 || 0x2000 <= r && r <= 0x200A || r == 0x202F:
		r = ' '
	case 0x2010 <= r && r <= 0x2015 || r == 0x2212:
		r = '-'
	}
	return r, size
}

// basicHan decodes the first character of text, if it is one from U+4E00 to U+9FFF. Text must be
// UTF-8.
func basicHan(text []byte) (r rune, ok bool) {
	if len(text) < 3 || text[0]&0xf0 != 0xe0 {
		return 0, false
	}
	r = rune(text[0]&0x0f)<<12 | rune(text[1]&0x3f)<<6 | rune(text[2]&0x3f)
	return r, 0x4E00 <= r && r <= 0x9FFF
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }

// upper returns an ASCII letter in upper case.
func upper(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// isHan reports whether r is a Chinese character as names and addresses have them (CJK unified
// ideographs with their extensions and compatibility forms, 〇 and 々).
func isHan(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || r == 0x3007 || r == 0x3005 ||
		0x3400 <= r && r <= 0x4DBF || 0xF900 <= r && r <= 0xFAFF || 0x20000 <= r && r <= 0x323AF
}

// characters counts the characters of text, which must be UTF-8.
func characters(text []byte) int {
	n := len(text)
	for _, b := range text {
		if b&0xc0 == 0x80 { // a continuation byte
			n--
		}
	}
	return n
}
