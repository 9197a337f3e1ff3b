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

// nextMember moves over a run of members of an object at a state, and lists it if listed. If no other member follows it stops behind
// the run and returns nil. Else it moves over the name that follows, and returns what is known of that member and where it starts.
// It reports false at a fault.
func (o *outline) nextMember(st *state, rec int32, sh *shape, e *expected, listed bool) (m *shapeMember, start int, ok bool) {
	s := &o.scan
	if e.read {
		start = s.pos
		m = o.member(sh, e)
		return m, start, m != nil
	}
	r := run{sh, e.next, e.next, len(o.ends)}
	begin := s.pos
	noted, records := sh.marks(st)
	var follows bool
	o.ends, s.pos, follows = sh.runEnds(s.src, s.pos, e.next, records, o.ends)
	if r.to += len(o.ends) - r.ends; r.to > r.from {
		members := ones(r.to) &^ ones(r.from)
		e.matched |= members
		e.next = r.to
		if listed {
			for left := members & noted; left != 0; left &= left - 1 {
				i := bits.TrailingZeros64(left)
				o.note(rec, sh.members[i].under(st), o.extent(&r, begin, i))
			}
			n := o.addNode()
			n.state, n.start, n.next, n.record, n.role = st, int32(begin), int32(len(o.nodes)), rec, isRun
			n.extent = extent{value: int32(len(o.runs)), end: o.ends[len(o.ends)-1]}
			o.runs = append(o.runs, r)
		} else {
			o.ends = o.ends[:r.ends]
		}
		if !follows {
			return nil, s.pos, true
		}
	}
	start = s.pos
	m = o.member(sh, e)
	return m, start, m != nil
}

// start returns where a member of a run starts, given where the first does.
func (o *outline) start(r *run, first, i int) int {
	if i == r.from {
		return first
	}
	return int(o.ends[r.ends+i-r.from-1]) + len(",")
}

// extent returns where the value of a member of a run lies, given where the first member starts.
func (o *outline) extent(r *run, first, i int) extent {
	value := o.start(r, first, i) + len(r.shape.members[i].quoted)
	return extent{int32(value), o.ends[r.ends+i-r.from], kinds[o.scan.src[value]], true}
}

// ones returns a set of the first n of 64 members.
func ones(n int) uint64 { return 1<<n - 1 }

// runEnds moves over the members in front that are in a run, from the i-th on and up to one of others, and adds their ends. It returns how
// far it came, and whether another member follows there.
//
// What it compares with zero is never less; but once that and the length are compared, and with the capacity of src known, a load of
// eight bytes is one instruction.
func (sh *shape) runEnds(src []byte, pos, i int, others uint64, ends []int32) (_ []int32, at int, follows bool) {
	src = src[:len(src):len(src)]
	members := sh.members
	for ; i < len(members) && others>>i&1 == 0; i++ {
		m := &members[i]
		p, tail := pos, pos+m.tailAt
		if p < 0 || tail < 0 || len(src)-p < 8 || len(src)-tail < 8 {
			break
		}
		head := binary.LittleEndian.Uint64(src[p:]) ^ m.head
		rest := binary.LittleEndian.Uint64(src[tail:]) ^ m.tail
		if (head|rest)&m.mask != 0 || m.long && !bytes.HasPrefix(src[p:], m.quoted) {
			break
		}
		p += m.size
		if p < 0 || p >= len(src) {
			break
		}
		switch kinds[src[p]] {
		case String:
			p = stringEnd(src, p+1)
		case Number:
			p = plainNumber(src, p)
		case Bool, Null:
			p = plainLiteral(src, p)
		default:
			p = -1
		}
		if p < 0 || len(src)-p < 2 {
			break
		}
		ends = append(ends, int32(p))
		if src[p] != ',' || src[p+1] != '"' {
			return ends, p, false
		}
		pos = p + 1
	}
	return ends, pos, true
}

// stringEnd returns where a string ends, given where its inside begins, or -1 for one with escapes, at the end of src or that is none.
func stringEnd(src []byte, pos int) int {
	src = src[:len(src):len(src)]
	for pos >= 0 && len(src)-pos >= 8 {
		stop := special(binary.LittleEndian.Uint64(src[pos:]))
		if stop == 0 {
			pos += 8
			continue
		}
		pos += bits.TrailingZeros64(stop) / 8
		switch c := src[pos]; {
		case c == '"':
			return pos + 1
		case c < utf8.RuneSelf:
			return -1
		}
		pos = wideEnd(src, pos)
	}
	return -1
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

// wideEnd moves from a character beyond ASCII behind the last one in a row. It returns -1 for what is not UTF-8.
func wideEnd(src []byte, pos int) int {
	src = src[:len(src):len(src)]
	for {
		// Two, or one, of the Chinese characters from U+4000 to U+BFFF: E4 to EB, and two continuation bytes (Unicode table 3-7).
		// The first nibble of E4 to E7 has its third bit set, that of E8 to EB its fourth: one of them.
		if pos >= 0 && len(src)-pos >= 8 {
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

// plainLiteral returns where true, false or null ends, or -1 for what is none.
func plainLiteral(src []byte, pos int) int {
	for _, text := range [...]string{"true", "null", "false"} {
		if end := pos + len(text); end <= len(src) && string(src[pos:end]) == text {
			return end
		}
	}
	return -1
}
