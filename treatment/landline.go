package treatment

import (
	"strings"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// landline keeps the area code and the last four digits of a fixed-line number of mainland China.
//
//	landline  0571-88168709 → "0571-****8709"
//	landline  +86 571 8816 8709 → "0571-****8709"
//	landline  88168709-8001 → "****8709"
//
// An area code has three digits (010, 02x) or four, a number seven or eight. Both may stand behind
// +86 or 0086, where the area code has no 0, and among brackets, spaces and dashes. An extension is
// hidden. Anything else is hidden whole: "****". Takes strings and numbers.
type landline struct{}

func buildLandline(*arguments, Environment) masking.Transform { return landline{} }

func (landline) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	number, area, ok := parseLandline(v.Text)
	if !ok {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	if area > 0 {
		dst = append(append(dst, number.digit[:area]...), '-')
	}
	dst = append(dst, "****"...)
	dst = append(dst, number.digit[number.n-4:number.n]...)
	return append(dst, '"'), true
}

// dialled is the digits of a number.
type dialled struct {
	digit [24]byte
	ends  [24]bool // something else stands behind the digit
	n     int      // how many there are
}

// parseLandline reads a number and the size of its area code, 0 if it has none.
func parseLandline(text []byte) (d dialled, area int, ok bool) {
	international, extension := false, false
	for len(text) > 0 && !extension {
		r, size := narrow(text)
		text = text[size:]
		switch {
		case isDigit(r):
			if d.n == len(d.digit) {
				return d, 0, false
			}
			d.digit[d.n] = byte(r)
			d.n++
		case r == ' ' || r == '-' || r == '(' || r == ')':
			if d.n > 0 {
				d.ends[d.n-1] = true
			}
		case r == '+' && d.n == 0 && !international:
			international = true
		case d.n >= 7 && strings.ContainsRune("转轉#,xXe分", r):
			d.ends[d.n-1], extension = true, true
		default:
			return d, 0, false
		}
	}
	if extension && !isExtension(text) {
		return d, 0, false
	}
	switch {
	case international && d.n > 2 && d.digit[0] == '8' && d.digit[1] == '6':
		d.cut(2)
	case !international && d.n > 4 && [4]byte(d.digit[:4]) == [4]byte{'0', '0', '8', '6'}:
		d.cut(4)
	case international:
		return d, 0, false
	default:
		return d.local()
	}
	if d.digit[0] != '0' { // behind +86 the area code stands without its 0, but some write it
		copy(d.digit[1:], d.digit[:len(d.digit)-1])
		copy(d.ends[1:], d.ends[:len(d.ends)-1])
		d.digit[0], d.ends[0] = '0', false
		d.n++
	}
	return d.local()
}

// cut removes the first n digits.
func (d *dialled) cut(n int) {
	copy(d.digit[:], d.digit[n:])
	copy(d.ends[:], d.ends[n:])
	d.n -= n
}

// local returns the number without its extension, and the size of the area code.
func (d dialled) local() (dialled, int, bool) {
	if d.n > len(d.digit) {
		return d, 0, false
	}
	area := 0
	if d.n > 0 && d.digit[0] == '0' {
		area = 4
		if d.digit[1] == '1' || d.digit[1] == '2' {
			area = 3
		}
	}
	for size := 8; size >= 7; size-- {
		n := area + size
		if d.n == n || d.n > n && d.n <= n+6 && d.ends[n-1] { // the rest is an extension
			first := d.digit[area]
			if first == '0' || first == '1' && area == 0 { // 138-1234-5678 is a mobile number
				return d, 0, false
			}
			d.n = n
			return d, area, true
		}
	}
	return d, 0, false
}

// isExtension reports whether text can stand behind the first character of the word for an
// extension: the rest of the word, then up to six digits.
func isExtension(text []byte) bool {
	count := 0
	for len(text) > 0 {
		r, size := narrow(text)
		if r == utf8.RuneError {
			return false
		}
		text = text[size:]
		switch {
		case isDigit(r):
			count++
		case count == 0 && strings.ContainsRune("机機接xt.: -", r):
		default:
			return false
		}
	}
	return count <= 6
}
