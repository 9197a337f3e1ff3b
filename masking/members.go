package masking

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// run is a row of members that are what most are: named as their object's shape has it, one behind the other, without white
// space, each a string without escapes, a number or a literal. It is one node, and all that is kept of a member is where it ends.
type run struct {
	shape    *shape
	from, to int // of the shape's members
	ends     int // where the first member's is in outline.ends
}

// members moves over a run of members of an object at a state, and lists it if listed. If no other member follows it stops behind
// the run and returns nil. Else it moves over the name that follows, and returns what is known of that member and where it starts.
// It reports false at a fault.
func (o *outline) members(st *state, rec int32, sh *shape, e *expected, listed bool) (m *shapeMember, start int, ok bool) {
	s := &o.scan
	src, pos := s.src, s.pos
	marks := sh.marks(st)
	begin, from, ends := pos, e.next, len(o.ends)
	i, follows := from, true
	for i < len(sh.members) {
		next := sh.members[i]
		if len(src)-pos < next.reach || !next.begins(src[pos:]) {
			break
		}
		if e.read && !s.see(e.names, next.hash, pos) {
			return nil, pos, false
		}
		value := pos + len(next.quoted)
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
		marked := marks>>i&1 != 0
		if end < 0 || len(src)-end < 2 || marked && next.state.begins() {
			m, s.pos = next, value
			break
		}
		if listed {
			o.ends = append(o.ends, int32(end))
			if marked {
				o.note(rec, next.state, extent{int32(value), int32(end), kind, true})
			}
		}
		i++
		if follows = src[end] == ',' && src[end+1] == '"'; !follows {
			s.pos = end
			break
		}
		pos = end + 1
	}
	e.next = i
	if !e.read {
		e.matched |= ones(i) &^ ones(from)
	}
	if listed && i > from {
		n := o.list()
		n.state, n.start, n.next, n.record, n.role = st, int32(begin), int32(len(o.nodes)), rec, isRun
		n.extent = extent{value: int32(len(o.runs)), end: o.ends[len(o.ends)-1]}
		o.runs = append(o.runs, run{sh, from, i, ends})
	}
	switch {
	case m != nil:
		if !e.read {
			e.matched |= 1 << i
		}
		e.next++
		s.blank()
		return m, pos, true
	case !follows:
		return nil, pos, true
	}
	s.pos = pos
	m = o.member(sh, e)
	return m, pos, m != nil
}

// ones returns a set of the first n of 64 members.
func ones(n int) uint64 { return 1<<n - 1 }

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
