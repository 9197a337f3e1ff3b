package treatment

import (
	"strconv"

	"github.com/maskgate/maskgate/masking"
)

// date truncates a date to its month, quarter or year.
//
//	date(to=month)    1949-12-31 → "1949-12"
//	date(to=quarter)  1949-12-31T08:00:00Z → "1949-Q4"
//	date(to=year)     19491231 → "1949"
//
// to is required. Dates are 1949-12-31, 1949/12/31, 1949.12.31, 19491231 and 1949年12月31日, all but
// 19491231 also with one digit for a month or day, and with a time behind them (that of RFC 3339,
// or with a space for the T, without seconds or without offset). Anything else is hidden whole:
// "****". Takes strings and numbers.
type date struct{ to string }

func buildDate(a *arguments, _ Environment) masking.Transform {
	to := a.word("to", "", "year", "quarter", "month")
	if to == "" && len(a.faults) == 0 {
		a.fault("want what to truncate to, as in date(to=month): year, quarter or month")
	}
	return &date{to}
}

func (t *date) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	d, ok := parseDate(v.Text)
	if !ok {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, int64(d.year), 10)
	switch t.to {
	case "quarter":
		dst = append(dst, '-', 'Q', '1'+byte((d.month-1)/3))
	case "month":
		dst = append(dst, '-', '0'+byte(d.month/10), '0'+byte(d.month%10))
	}
	return append(dst, '"'), true
}

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
