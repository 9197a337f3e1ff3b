package treatment

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// identifier keeps characters at the ends of an identifier of a known shape. It reads identifiers
// as people write them, and writes the plain form: without spaces and dashes, in half-width digits
// and upper-case letters.
//
//	cn_id_card                            11010519491231002X → "1****************X"
//	cn_id_card(keep_first=6, keep_last=4) 11010519491231002x → "110105********002X"
//	bank_card(keep_first=0)               6222 0212 3456 7890 128 → "***************0128"
//	cn_mobile                             +86 138-1234-5678 → "138****5678"
//
// keep_first, keep_last and stars are as in mask; each shape has defaults of its own. Hidden whole,
// "****", are values that have not the shape, have no more characters than are kept, have fewer
// than min in the plain form or, with plain=yes, are not written in the plain form. Takes strings
// and numbers.
//
// The shapes are cn_id_card, cn_mobile, bank_card, licence_plate, passport, hkmo_permit, tw_permit
// and uscc.
type identifier struct {
	idForm
	min   int
	plain bool
}

// idForm is what identifiers of a type look like, and what is kept of them unless told otherwise.
type idForm struct {
	first, last, stars int // as in mask
	// is reports whether a text is an identifier in the plain form. Such a text needs no escaping.
	is func(plain []byte) bool
	// scan appends what could be the plain form of text. If nothing could it reports false, and
	// what it returns is void but for its memory.
	scan func(dst, text []byte) ([]byte, bool)
}

var idForms = map[string]idForm{
	"cn_id_card":    {1, 1, 0, isIDCard, appendPlain},
	"cn_mobile":     {3, 4, 4, isMobile, scanMobile},
	"bank_card":     {6, 4, 0, isBankCard, appendPlain},
	"licence_plate": {3, 1, 0, isLicencePlate, scanLicencePlate},
	"passport":      {2, 2, 0, isPassport, appendPlain},
	"hkmo_permit":   {2, 2, 0, isPermit, appendPlain},
	"tw_permit":     {2, 2, 0, isPermit, appendPlain},
	"uscc":          {8, 2, 0, isUSCC, appendPlain},
}

// mostEnds is how many characters may be kept at either end of an identifier.
const mostEnds = 16

func buildIdentifier(name string) func(*arguments, Environment) masking.Transform {
	return func(a *arguments, _ Environment) masking.Transform { return newIdentifier(name, a) }
}

func newIdentifier(name string, a *arguments) *identifier {
	s := idForms[name]
	m := &identifier{idForm: s}
	m.first = a.count("keep_first", s.first, 0, mostEnds)
	m.last = a.count("keep_last", s.last, 0, mostEnds)
	m.min = a.count("min", 0, 0, mostKept)
	m.stars = a.stars(s.stars)
	m.plain = a.word("plain", "no", "yes", "no") == "yes"
	return m
}

func (m *identifier) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	if m.is(v.Text) {
		return m.append(dst, v.Text), true
	}
	start := len(dst)
	out, ok := m.scan(dst, v.Text)
	if plain := out[start:]; ok && !m.plain && m.is(plain) {
		masked := m.append(out, plain)[len(out):]
		return append(out[:start], masked...), true
	}
	return append(out[:start], hidden...), true
}

// append appends what is shown of an identifier in the plain form.
func (m *identifier) append(dst, plain []byte) []byte {
	length := len(plain)
	if plain[0] >= utf8.RuneSelf {
		length = characters(plain)
	}
	hides := length - m.first - m.last
	if hides <= 0 || length < m.min {
		return append(dst, hidden...)
	}
	head, tail := m.first, length-m.last
	if length < len(plain) {
		head, tail = prefixSize(plain, head), prefixSize(plain, tail)
	}
	stars := m.stars
	if stars == 0 {
		stars = hides
	}
	if stars > len(starry) {
		dst = append(append(dst, '"'), plain[:head]...)
		dst = appendStars(dst, stars)
		return append(append(dst, plain[tail:]...), '"')
	}
	size := len(dst) + len(`""`) + head + stars + len(plain) - tail
	dst = slices.Grow(dst, size-len(dst))
	out := dst[len(dst):size]
	out[0] = '"'
	n := 1 + copy(out[1:], plain[:head])
	n += copy(out[n:], starry[:stars])
	n += copy(out[n:], plain[tail:])
	out[n] = '"'
	return dst[:size]
}

// longestPlain is how many characters an identifier has at most.
const longestPlain = 19

// appendPlain appends text in half-width and upper case without spaces and dashes. It reports false
// if that has more characters than any identifier, or others than ASCII digits and letters.
func appendPlain(dst, text []byte) ([]byte, bool) {
	for n := 0; len(text) > 0; {
		r, size := narrow(text)
		text = text[size:]
		if r == ' ' || r == '-' {
			continue
		}
		if r = upper(r); !isDigit(r) && !isUpper(r) || n == longestPlain {
			return dst, false
		}
		dst = append(dst, byte(r))
		n++
	}
	return dst, true
}

// digits counts the digits at the front of plain.
func digits(plain []byte) int {
	n := 0
	for ; len(plain)-n >= 8; n += 8 {
		// Of a digit, d has the upper nibble clear and the lower one no more than 9.
		d := binary.LittleEndian.Uint64(plain[n:]) ^ 0x3030303030303030
		if (d|(d+0x0606060606060606))&0xf0f0f0f0f0f0f0f0 != 0 {
			break
		}
	}
	for n < len(plain) && plain[n]-'0' <= 9 {
		n++
	}
	return n
}
