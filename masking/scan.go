package masking

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// byteOrderMark is refused in front of a document, as RFC 8259 §8.1 permits.
var byteOrderMark = []byte("\ufeff")

// scanner checks the tokens of RFC 8259 and moves over them. Its methods report false at a fault,
// which the scanner then holds.
type scanner struct {
	src    []byte
	pos    int
	input  input // gives more of src; nil if src is all there is
	depth  int
	limits Limits
	// seen holds the hashes of the names of all open objects, innermost last. Two equal hashes are
	// taken for two equal names. The hash is seeded, so that a false alarm, which refuses the
	// response, has odds of 2^-64 a pair.
	seen    []uint64
	seed    maphash.Seed
	scratch []byte // the last name that had escapes, unescaped

	faultAt int
	reason  string // of the fault; empty if there is none
}

func (s *scanner) reset(src []byte, limits Limits) {
	if s.seed == (maphash.Seed{}) {
		s.seed = maphash.MakeSeed()
	}
	s.src, s.pos, s.input, s.depth, s.limits = src, 0, nil, 0, limits
	s.seen = s.seen[:0]
	s.faultAt, s.reason = 0, ""
}

// input gives a scanner more to read.
type input interface {
	// more appends to the scanner's src what comes next. It reports false at the end, and at a
	// fault, which it puts into the scanner.
	more(s *scanner) bool
}

// has reports whether there is a byte at the position.
func (s *scanner) has() bool { return s.pos < len(s.src) || s.fill() }

// need reports whether there are n bytes at the position.
func (s *scanner) need(n int) bool {
	for len(s.src)-s.pos < n {
		if !s.fill() {
			return false
		}
	}
	return true
}

// fill asks for more of src, and reports whether there is more.
func (s *scanner) fill() bool { return s.input != nil && s.reason == "" && s.input.more(s) }

// fail holds a fault at the position, and reports false.
func (s *scanner) fail(reason string) bool { return s.failAt(s.pos, reason) }

// failAt holds a fault at pos, and reports false. If there is a fault already, that one stays: the
// new one may only follow from it.
func (s *scanner) failAt(pos int, reason string) bool {
	if s.reason == "" {
		s.faultAt, s.reason = pos, reason
	}
	return false
}

// blank moves over white space.
func (s *scanner) blank() {
	if s.pos >= len(s.src) || s.src[s.pos] <= ' ' {
		s.blanks()
	}
}

func (s *scanner) blanks() {
	for s.has() {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// kinds says what a value can be, from its first byte.
var kinds = [256]Kind{
	'{': Object, '[': Array, '"': String, 't': Bool, 'f': Bool, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number,
	'5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// kind returns what the value at the position can be, Invalid if nothing.
func (s *scanner) kind() Kind {
	if !s.has() {
		return Invalid
	}
	return kinds[s.src[s.pos]]
}

// scalar checks a value of the kind, which kind returned. That is no object or array.
func (s *scanner) scalar(kind Kind) bool {
	switch kind {
	case String:
		s.pos++
		return s.string()
	case Number:
		return s.number()
	case Null:
		return s.literal("null")
	case Bool:
		if s.src[s.pos] == 't' {
			return s.literal("true")
		}
		return s.literal("false")
	}
	if !s.has() {
		return s.fail("the document ends too early")
	}
	return s.fail("want a value")
}

// literal checks a literal, given its text.
func (s *scanner) literal(text string) bool {
	if !s.need(len(text)) || string(s.src[s.pos:s.pos+len(text)]) != text {
		return s.fail("want " + text)
	}
	s.pos += len(text)
	return true
}

// number checks a number (RFC 8259 §6).
func (s *scanner) number() bool {
	if s.src[s.pos] == '-' {
		s.pos++
	}
	if s.has() && s.src[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("want a digit")
	}
	if s.has() && s.src[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("want a digit behind the decimal point")
		}
	}
	if s.has() && s.src[s.pos]|0x20 == 'e' {
		s.pos++
		if s.has() && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return s.fail("want a digit in the exponent")
		}
	}
	return true
}

// IsNumber reports whether a text is a JSON number (RFC 8259 §6) and nothing else.
func IsNumber(text []byte) bool {
	digits := func(b []byte) []byte { return bytes.TrimLeft(b, "0123456789") }
	b := bytes.TrimPrefix(text, []byte("-"))
	whole := digits(b)
	if n := len(b) - len(whole); n == 0 || n > 1 && b[0] == '0' {
		return false
	}
	if fraction, ok := bytes.CutPrefix(whole, []byte(".")); ok {
		if whole = digits(fraction); len(whole) == len(fraction) {
			return false
		}
	}
	if len(whole) > 0 && whole[0]|0x20 == 'e' {
		exponent := whole[1:]
		if len(exponent) > 0 && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		if whole = digits(exponent); len(whole) == len(exponent) {
			return false
		}
	}
	return len(whole) == 0
}

// digits moves over digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for s.has() && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > start
}

// string checks a string whose opening quote is behind the position, and moves behind its closing
// quote.
func (s *scanner) string() bool {
	for {
		s.pos += plainPrefix(s.src[s.pos:])
		if s.pos == len(s.src) {
			if s.fill() {
				continue
			}
			return s.fail("the document ends within a string")
		}
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < 0x20:
			return s.fail("want control characters escaped")
		default:
			if !s.wide() {
				return s.fail("want UTF-8")
			}
		}
	}
}

// wide moves over characters beyond ASCII. It reports false where they are no UTF-8.
func (s *scanner) wide() bool {
	b := s.src[s.pos:]
	n := 0
	for n < len(b) && b[n] >= utf8.RuneSelf {
		// Chinese characters first: E4 to E9, and the rest of what three bytes encode without
		// exceptions (Unicode table 3-7).
		if c := b[n]; len(b)-n >= 3 && 0xe1 <= c && c <= 0xec &&
			b[n+1]&0xc0 == 0x80 && b[n+2]&0xc0 == 0x80 {
			n += 3
			continue
		}
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			s.pos += n
			if !utf8.FullRune(b[n:]) && s.fill() {
				return s.wide()
			}
			return false
		}
		n += size
	}
	s.pos += n
	return true
}

// special looks at eight bytes at once. It sets the top bit of each byte that does not stand for
// itself in a string or is not ASCII. Behind the first of these it may set the top bits of others
// too.
func special(x uint64) uint64 {
	const ones = 0x0101010101010101
	// The xor brings 0x22, the quote, and what is below 0x20 below 0x21, so that they borrow.
	low := (x ^ 0x02*ones) - 0x21*ones
	slash := (x ^ '\\'*ones) - ones
	return (x | low | slash) & (0x80 * ones)
}

// plainPrefix returns how many bytes at the front of b are ASCII and stand for themselves in a
// string.
func plainPrefix(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		if stop := special(binary.LittleEndian.Uint64(b[n:])); stop != 0 {
			n += bits.TrailingZeros64(stop) / 8
			break
		}
	}
	for n < len(b) && b[n] != '"' && b[n] != '\\' && ' ' <= b[n] && b[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// escape checks the escape at the position.
func (s *scanner) escape() bool {
	if !s.need(2) {
		return s.failAt(len(s.src), "the document ends within a string")
	}
	switch s.src[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		s.need(12) // a pair has so many; others do with fewer
		if _, size := unicodeEscape(s.src[s.pos:]); size > 0 {
			s.pos += size
			return true
		}
		return s.fail("want \\u and four hexadecimal digits, surrogates in pairs")
	}
	return s.fail("want one of the escapes of RFC 8259")
}

// name checks a member's name and colon, and returns the name, unescaped, valid until the next
// call. The object's names begin at names in seen.
func (s *scanner) name(names int) ([]byte, bool) {
	if !s.has() || s.src[s.pos] != '"' {
		return nil, s.fail("want a name in quotes")
	}
	start := s.pos
	s.pos++
	if !s.string() {
		return nil, false
	}
	if s.pos-start > s.limits.Name {
		return nil, s.failAt(start, fmt.Sprintf("a name has more than %d bytes", s.limits.Name))
	}
	name := s.text(start)
	if !s.see(names, s.hash(name), start) {
		return nil, false
	}
	s.blank()
	if !s.has() || s.src[s.pos] != ':' {
		return nil, s.fail("want a colon")
	}
	s.pos++
	s.blank()
	return name, true
}

// text returns the name that begins at start, unescaped.
func (s *scanner) text(start int) []byte {
	raw := s.src[start+1:]
	if n := plainPrefix(raw); raw[n] == '"' {
		return raw[:n]
	}
	s.scratch = s.scratch[:0]
	for i := 0; raw[i] != '"'; {
		if raw[i] != '\\' {
			s.scratch = append(s.scratch, raw[i])
			i++
			continue
		}
		var size int
		s.scratch, size = appendUnescaped(s.scratch, raw[i:])
		i += size
	}
	return s.scratch
}

// smallObject is how many names of an object are compared one by one. If an object has more, all
// are sorted and compared at its end.
const smallObject = 16

// container is an object or array that the scanner is in. Its members or elements are walked so:
//
//	c := s.enter('}')
//	for s.next(&c) {
//		// move over the child; at a fault, return false
//	}
//	return s.leave(c)
type container struct {
	closing byte
	begun   bool // the scanner is at a child, or behind one
	names   int  // where the names of an object begin in scanner.seen
}

// enter moves behind the bracket of an object or array, given its closing bracket.
func (s *scanner) enter(closing byte) container {
	if s.depth == s.limits.Depth {
		s.fail(fmt.Sprintf("nested more than %d deep", s.limits.Depth))
	}
	s.depth++
	s.pos++
	return container{closing: closing, names: len(s.seen)}
}

// next moves to the next child and reports true, or moves behind the closing bracket.
func (s *scanner) next(c *container) bool {
	s.blank()
	if !c.begun {
		c.begun = true
		if s.has() && s.src[s.pos] == c.closing {
			s.pos++
			return false
		}
		return s.reason == ""
	}
	if !s.has() {
		return s.fail("the document ends too early")
	}
	switch s.src[s.pos] {
	case ',':
		s.pos++
		s.blank()
		return true
	case c.closing:
		s.pos++
		return false
	}
	return s.fail("want a comma or " + string(c.closing))
}

// leave ends an object or array, unless there was a fault.
func (s *scanner) leave(c container) bool {
	if s.reason != "" {
		return false
	}
	if mine := s.seen[c.names:]; len(mine) > smallObject {
		slices.Sort(mine)
		for i, h := range mine[1:] {
			if h == mine[i] {
				return s.failAt(s.pos-1, "a name stands twice in an object")
			}
		}
	}
	s.seen = s.seen[:c.names]
	s.depth--
	return true
}
