package masking

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// members moves over members of an object as long as they are what most are: named as the shape has it, without white space,
// and a string without escapes, a number or a literal. If listed, it lists them. It stops behind a value that no other member
// follows so, and returns nil; or in front of a value that wants a closer look, and returns what is known of its member
// and where that starts. It reports false at a fault.
func (o *outline) members(st *state, rec int32, sh *shape, e *expected, listed bool) (m *shapeMember, start int, ok bool) {
	s := &o.scan
	src, pos := s.src, s.pos
	for e.next < len(sh.members) {
		m := sh.members[e.next]
		if len(src)-pos < m.reach || !m.begins(src[pos:]) {
			break
		}
		if !e.read {
			e.matched |= 1 << e.next
		} else if !s.see(e.names, m.hash, pos) {
			return nil, pos, false
		}
		e.next++
		value := pos + len(m.quoted)
		kind := kinds[src[value]]
		end := -1
		switch kind {
		case String:
			end = closingQuote(src, value+1)
		case Number:
			end = plainNumber(src, value)
		case Null, Bool:
			end = plainLiteral(src, value)
		}
		child := m.under(st)
		if end < 0 || len(src)-end < 2 || child.begins() {
			s.pos = value
			s.blank()
			return m, pos, true
		}
		if listed {
			n := o.list()
			n.state, n.start, n.value, n.end, n.next, n.record = child, int32(pos), int32(value), int32(end), int32(len(o.nodes)), rec
			n.kind, n.role, n.bare = kind, plain, kind == String
			if child != nil && child.noted {
				o.note(n)
			}
		}
		if src[end] != ',' || src[end+1] != '"' {
			s.pos = end
			return nil, end, true
		}
		pos = end + 1
	}
	s.pos = pos
	m = o.member(sh, e)
	return m, pos, m != nil
}

// begins reports whether src, which has as many bytes as the member reaches, begins with the member's name and colon.
func (m *shapeMember) begins(src []byte) bool {
	first := binary.LittleEndian.Uint64(src) ^ m.first
	last := binary.LittleEndian.Uint64(src[m.lastAt:]) ^ m.last
	return (first|last)&m.mask == 0 && (len(m.quoted) <= 16 || bytes.HasPrefix(src, m.quoted))
}

// closingQuote returns where a string ends, given where its inside begins, if that has no escapes. It returns -1 for any other string, and
// for one that ends among the last bytes of src: scanner.string knows more.
func closingQuote(src []byte, pos int) int {
	for len(src)-pos >= 8 {
		stop := special(binary.LittleEndian.Uint64(src[pos:]))
		if stop == 0 {
			pos += 8
			continue
		}
		pos += bits.TrailingZeros64(stop) / 8
		if src[pos] == '"' {
			return pos + 1
		}
		if src[pos] < utf8.RuneSelf {
			return -1
		}
		if pos = wideEnd(src, pos); pos < 0 {
			return -1
		}
	}
	return -1
}

// wideEnd moves from a character beyond ASCII behind the last one in a row. It returns -1 for what is not UTF-8.
func wideEnd(src []byte, pos int) int {
	for {
		// Two, or one, of the Chinese characters from U+4000 to U+BFFF: E4 to EB, and two continuation bytes (Unicode table 3-7).
		// The first nibble of E4 to E7 has its third bit set, that of E8 to EB its fourth: one of them.
		if len(src)-pos >= 8 {
			x := binary.LittleEndian.Uint64(src[pos:])
			shape, nibble := x^0x8080e08080e0, x^x>>1
			if shape&0xc0c0f0c0c0f0 == 0 && nibble&0x4000004 == 0x4000004 {
				pos += 6
				continue
			}
			if shape&0xc0c0f0 == 0 && nibble&4 != 0 {
				pos += 3
				continue
			}
		}
		if pos >= len(src) || src[pos] < utf8.RuneSelf {
			return pos
		}
		r, size := utf8.DecodeRune(src[pos:])
		if r == utf8.RuneError && size == 1 {
			return -1
		}
		pos += size
	}
}

// plainNumber returns where a number ends, or -1 for one with an exponent or at the end of src, and for what is none.
func plainNumber(src []byte, pos int) int {
	if src[pos] == '-' {
		pos++
	}
	first := pos
	for pos < len(src) && src[pos]-'0' <= 9 {
		pos++
	}
	if pos == first || pos > first+1 && src[first] == '0' {
		return -1
	}
	if pos < len(src) && src[pos] == '.' {
		pos++
		first = pos
		for pos < len(src) && src[pos]-'0' <= 9 {
			pos++
		}
		if pos == first {
			return -1
		}
	}
	if pos == len(src) || src[pos]|0x20 == 'e' {
		return -1
	}
	return pos
}

// plainLiteral returns where true, false or null ends, or -1 for what is none.
func plainLiteral(src []byte, pos int) int {
	for _, text := range [...]string{"true", "null", "false"} {
		if end := pos + len(text); end <= len(src) && string(src[pos:end]) == text {
			return end
		}
	}
	return -1
}
