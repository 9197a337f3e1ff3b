package masking

import (
	"bytes"
	"strings"
)

// operand is a value in a comparison, or an argument. Its kind is Invalid if it is Nothing (RFC
// 9535 §2.4.1).
type operand struct {
	kind  Kind
	text  []byte // a string's content; a number as written
	truth bool   // whether a boolean is true
	at    int    // index of an object or array in the tree
}

func (op comparison) holds(e *evaluation, current int) bool {
	defer e.text.release(e.text.mark())
	l, r := op.left.value(e, current), op.right.value(e, current)
	switch op.operator {
	case "==":
		return e.equal(l, r)
	case "!=":
		return !e.equal(l, r)
	case "<":
		return less(l, r)
	case "<=":
		return less(l, r) || e.equal(l, r)
	case ">":
		return less(r, l)
	default:
		return less(r, l) || e.equal(l, r)
	}
}

// equal compares as RFC 9535 §2.3.5.2.2 says.
func (e *evaluation) equal(l, r operand) bool {
	if l.kind != r.kind {
		return false
	}
	switch l.kind {
	case Number:
		return compareNumbers(l.text, r.text) == 0
	case String:
		return bytes.Equal(l.text, r.text)
	case Bool:
		return l.truth == r.truth
	case Array:
		return e.equalElements(l.at, r.at)
	case Object:
		return e.equalMembers(l.at, r.at)
	}
	return true // null, Nothing
}

func (e *evaluation) equalElements(l, r int) bool {
	if e.tree.values[l].children != e.tree.values[r].children {
		return false
	}
	if l == r {
		return true
	}
	other := r + 1
	for c := range e.children(l) {
		if !e.equal(e.operand(c), e.operand(other)) {
			return false
		}
		other = e.tree.values[other].next
	}
	return !e.exhausted
}

func (e *evaluation) equalMembers(l, r int) bool {
	if e.tree.values[l].children != e.tree.values[r].children {
		return false
	}
	if l == r {
		return true
	}
	for c := range e.children(l) {
		other, ok := e.member(r, string(e.name(c)))
		if !ok || !e.equal(e.operand(c), e.operand(other)) {
			return false
		}
	}
	return !e.exhausted
}

// less compares as RFC 9535 §2.3.5.2.2 says. Strings are UTF-8 without surrogates, so their bytes
// are in the order of their Unicode scalar values.
func less(l, r operand) bool {
	switch {
	case l.kind != r.kind:
		return false
	case l.kind == Number:
		return compareNumbers(l.text, r.text) < 0
	case l.kind == String:
		return bytes.Compare(l.text, r.text) < 0
	}
	return false
}

// decimal is a number as ±0.digits × 10^exponent. The digits are those of whole and fraction; the
// first is not 0. Zero has no digits.
type decimal struct {
	negative bool
	whole    []byte // digits that stand in front of the decimal point
	fraction []byte // digits that stand behind it
	exponent int64
}

// maxExponent stands for all exponents beyond ±maxExponent/16: numbers so far out compare by their
// digits alone.
const maxExponent = 1 << 60

// parseDecimal takes apart a number that is valid JSON, or a literal of RFC 9535.
func parseDecimal(text []byte) decimal {
	var d decimal
	if text[0] == '-' {
		d.negative = true
		text = text[1:]
	}
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		d.exponent = parseExponent(text[i+1:])
		text = text[:i]
	}
	d.whole, d.fraction, _ = bytes.Cut(text, []byte("."))
	if d.whole = bytes.TrimLeft(d.whole, "0"); len(d.whole) == 0 {
		zeros := len(d.fraction)
		d.fraction = bytes.TrimLeft(d.fraction, "0")
		d.exponent -= int64(zeros - len(d.fraction))
	}
	d.exponent += int64(len(d.whole))
	d.fraction = bytes.TrimRight(d.fraction, "0")
	if len(d.whole)+len(d.fraction) == 0 {
		return decimal{}
	}
	return d
}

func parseExponent(text []byte) int64 {
	digits := strings.TrimLeft(string(bytes.TrimLeft(text, "+-")), "0")
	var n int64
	for _, c := range digits {
		if n = n*10 + int64(c-'0'); n > maxExponent/16 {
			n = maxExponent
			break
		}
	}
	if text[0] == '-' {
		return -n
	}
	return n
}

func (d decimal) sign() int {
	switch {
	case len(d.whole)+len(d.fraction) == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// digit returns the i-th digit; behind the last all are 0.
func (d decimal) digit(i int) byte {
	switch {
	case i < len(d.whole):
		return d.whole[i]
	case i-len(d.whole) < len(d.fraction):
		return d.fraction[i-len(d.whole)]
	}
	return '0'
}

// compareNumbers compares two numbers by their exact decimal value. A binary floating-point number
// would not do: 9007199254740993 is not 9007199254740992, and 1e400 is less than 1e401.
func compareNumbers(l, r []byte) int {
	if bytes.Equal(l, r) {
		return 0
	}
	a, b := parseDecimal(l), parseDecimal(r)
	sign := a.sign()
	if s := b.sign(); s != sign {
		return sign - s
	}
	if a.exponent != b.exponent {
		if a.exponent < b.exponent {
			return -sign
		}
		return sign
	}
	for i := range max(len(a.whole)+len(a.fraction), len(b.whole)+len(b.fraction)) {
		if x, y := a.digit(i), b.digit(i); x != y {
			if x < y {
				return -sign
			}
			return sign
		}
	}
	return 0
}
