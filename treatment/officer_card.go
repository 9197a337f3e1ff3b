package treatment

import "github.com/maskgate/maskgate/masking"

// officerCard hides an officer's card number but for its words and its last two digits.
//
//	officer_card  军字第12345678号 → "军字第******78号"
//
// A number is at most four Chinese characters that end in 字 or 字第, then 6 to 10 digits, then 号, or
// the digits alone. Anything else is hidden whole: "****". Takes strings and numbers.
type officerCard struct{}

func buildOfficerCard(*arguments, Environment) masking.Transform { return officerCard{} }

func (officerCard) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	start := len(dst)
	out, ok := appendOfficerCard(append(dst, '"'), v.Text)
	if !ok {
		return append(out[:start], hidden...), true
	}
	return append(out, '"'), true
}

// appendOfficerCard appends what is shown of a number. It reports false if text is none.
func appendOfficerCard(dst, text []byte) ([]byte, bool) {
	var beforeLast, last rune   // of the characters in front of the number
	var penultimate, final rune // of the digits
	words, count, closed := 0, 0, false
	for len(text) > 0 {
		r, size := narrow(text)
		character := text[:size]
		text = text[size:]
		switch {
		case r == ' ' || r == '-':
		case closed:
			return dst, false
		case isDigit(r):
			if count++; count > 10 {
				return dst, false
			}
			penultimate, final = final, r
		case count == 0 && words < 4 && isHan(r):
			words++
			beforeLast, last = last, r
			dst = append(dst, character...)
		case count > 0 && words > 0 && r == '号':
			closed = true
		default:
			return dst, false
		}
	}
	if count < 6 || words > 0 && last != '字' && (last != '第' || beforeLast != '字') {
		return dst, false
	}
	dst = appendStars(dst, count-2)
	dst = append(dst, byte(penultimate), byte(final))
	if closed {
		dst = append(dst, "号"...)
	}
	return dst, true
}
