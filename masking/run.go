package masking

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// run is a row of members such as most are: named as the object's shape has it, one behind the
// other, without white space, each a string without escapes, a number without exponent or a
// literal. None of them begins a record. A run is one node, and all that is kept of a member is
// where it ends.
type run struct {
	shape    *shape
	from, to int // it has the members of the shape from one to, but without, the other
	ends     int // index in outline.ends of the end of the first member
}

// nextMember moves over the next members of an object that are a run, if any. If another member
// follows, nextMember moves over its name too, and returns what is known of the member and where it
// starts; if not, it returns nil. It reports false at a fault. The object is at a state and belongs
// to a record; if list is set the run gets a node.
func (o *outline) nextMember(st *state, rec int32, sh *shape, e *expected, list bool) (
	m *shapeMember, start int, ok bool,
) {
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
		if list {
			for left := members & noted; left != 0; left &= left - 1 {
				i := bits.TrailingZeros64(left)
				o.note(rec, sh.members[i].under(st), o.extent(&r, begin, i))
			}
			n := o.addNode()
			n.state, n.record, n.role = st, rec, isRun
			n.start, n.next = int32(begin), int32(len(o.nodes))
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

// start returns where the i-th member of a run's shape starts. The first member of the run starts
// at first.
func (o *outline) start(r *run, first, i int) int {
	if i == r.from {
		return first
	}
	return int(o.ends[r.ends+i-r.from-1]) + len(",")
}

// extent returns where the value of the i-th member of a run's shape lies. The first member of the
// run starts at first.
func (o *outline) extent(r *run, first, i int) extent {
	value := o.start(r, first, i) + len(r.shape.members[i].quoted)
	return extent{int32(value), o.ends[r.ends+i-r.from], kinds[o.scan.src[value]], true}
}

// ones returns the set of the first n members.
func ones(n int) uint64 { return 1<<n - 1 }

// runEnds moves over the members at pos that can be in a run, beginning with the i-th of the shape,
// and appends where each ends. It stops in front of a member of the set others. It returns where it
// stopped, and whether a member stands there.
//
// Here and below positions are compared with zero, though they are never less. Once that and the
// length are compared, and the capacity of src is known, a load of eight bytes is one instruction.
func (sh *shape) runEnds(src []byte, pos, i int, others uint64, ends []int32) (
	_ []int32, at int, follows bool,
) {
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

// stringEnd returns where the string ends whose inside begins at pos. It returns -1 if the string
// has an escape, is not valid, or ends less than eight bytes in front of the end of src.
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

// plainNumber returns where the number at pos ends. It returns -1 if the number has an exponent, is
// not valid, or reaches the end of src.
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

// wideEnd returns where the characters beyond ASCII end that begin at pos, or -1 if they are not
// UTF-8.
func wideEnd(src []byte, pos int) int {
	src = src[:len(src):len(src)]
	for {
		// Two Chinese characters, or one, from U+4000 to U+BFFF: a byte from E4 to EB, and two
		// continuation bytes (Unicode table 3-7). Of the second nibble of E4 to E7 the bit for 4 is
		// set, of E8 to EB the bit for 8, of the bytes around them both or neither.
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

// plainLiteral returns where the literal at pos ends, true, false or null, or -1 if there is none.
func plainLiteral(src []byte, pos int) int {
	for _, text := range [...]string{"true", "null", "false"} {
		if end := pos + len(text); end <= len(src) && string(src[pos:end]) == text {
			return end
		}
	}
	return -1
}
