package treatment

import "github.com/maskgate/maskgate/masking"

// birthDate keeps the year of a date, in the form in which it is written.
//
//	birth_date  1949-12-31 → "1949-**-**"
//	birth_date  19491231 → "1949****"
//	birth_date  1949-12-31T00:00:00+08:00 → "1949-**-**"
//
// Dates are those of the treatment date. Anything else is hidden whole: "****". Takes strings and
// numbers.
type birthDate struct{}

func buildBirthDate(*arguments, Environment) masking.Transform { return birthDate{} }

func (birthDate) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	d, ok := parseDate(v.Text)
	if !ok {
		return append(dst, hidden...), true
	}
	dst = append(append(dst, '"'), v.Text[:d.monthFrom]...)
	dst = append(dst, "**"...)
	dst = append(dst, v.Text[d.monthEnd:d.dayFrom]...)
	dst = append(dst, "**"...)
	if hasAt(v.Text, d.dayEnd, "日") {
		dst = append(dst, "日"...)
	}
	return append(dst, '"'), true
}
