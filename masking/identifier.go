package masking

import (
	"bytes"
	"unicode/utf8"
)

// identifier keeps characters at the ends of an identifier of a known shape. It reads the ways in which people write one,
// and writes the plain one: without spaces and dashes, in half-width digits and upper-case letters.
//
//	cn_id_card                            11010519491231002X → "1****************X"
//	cn_id_card(keep_first=6, keep_last=4) 11010519491231002x → "110105********002X"
//	bank_card(keep_first=0)               6222 0212 3456 7890 128 → "***************0128"
//	cn_mobile                             +86 138-1234-5678 → "138****5678"
//
// keep_first, keep_last and stars are as in mask; each shape has defaults of its own. min is the length of the plain form
// below which a value is hidden whole. plain=yes hides whole whatever is not written in the plain form. What has not the shape,
// or no more characters than are kept, is hidden whole: "****". Takes strings and numbers.
//
// The shapes are cn_id_card, cn_mobile, bank_card, licence_plate, passport, hkmo_permit, tw_permit and uscc.
type identifier struct {
	idForm
	min   int
	plain bool
}

// idForm is what identifiers of a type look like, and what is kept of them unless told otherwise.
type idForm struct {
	first, last, stars int // as in mask
	// scan appends the plain form of text, which needs no escaping. It reports false, and leaves dst in disorder behind its
	// length, if text has not the shape.
	scan func(dst, text []byte) ([]byte, bool)
}

var idForms = map[string]idForm{
	"cn_id_card":    {1, 1, 0, scanIDCard},
	"cn_mobile":     {3, 4, 4, scanMobile},
	"bank_card":     {6, 4, 0, scanBankCard},
	"licence_plate": {3, 1, 0, scanLicencePlate},
	"passport":      {2, 2, 0, scanPassport},
	"hkmo_permit":   {2, 2, 0, scanPermit},
	"tw_permit":     {2, 2, 0, scanPermit},
	"uscc":          {8, 2, 0, scanUSCC},
}

// mostEnds bounds what is kept at either end of an identifier.
const mostEnds = 16

func buildIdentifier(name string) func(*arguments, Environment) Transform {
	return func(a *arguments, _ Environment) Transform { return newIdentifier(name, a) }
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

func (m *identifier) Append(dst []byte, v Value) ([]byte, bool) {
	if v.Kind != String && v.Kind != Number {
		return dst, false
	}
	start := len(dst)
	out, ok := m.scan(append(dst, '"'), v.Text)
	if !ok || m.plain && !bytes.Equal(out[start+1:], v.Text) {
		return append(out[:start], hidden...), true
	}
	plain := out[start+1:]
	length := characters(plain)
	if length < m.min || length <= m.first+m.last {
		return append(out[:start], hidden...), true
	}
	head, tail := prefixSize(plain, m.first), prefixSize(plain, length-m.last)
	var end [mostEnds * utf8.UTFMax]byte
	kept := copy(end[:], plain[tail:])
	stars := m.stars
	if stars == 0 {
		stars = length - m.first - m.last
	}
	out = appendStars(out[:start+1+head], stars)
	out = append(out, end[:kept]...)
	return append(out, '"'), true
}

// appendPlain appends text in half-width and upper case without spaces and dashes, up to most characters; false if there
// are more, or others than ASCII digits and letters.
func appendPlain(dst, text []byte, most int) ([]byte, bool) {
	for len(text) > 0 {
		r, size := narrow(text)
		text = text[size:]
		if r == ' ' || r == '-' {
			continue
		}
		if r = upper(r); !isDigit(r) && !isUpper(r) || most == 0 {
			return dst, false
		}
		dst = append(dst, byte(r))
		most--
	}
	return dst, true
}

// digits counts the digits at the front of plain.
func digits(plain []byte) int {
	n := 0
	for n < len(plain) && isDigit(rune(plain[n])) {
		n++
	}
	return n
}
