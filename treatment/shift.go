package treatment

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/maskgate/maskgate/masking"
)

// shift moves a date by a secret number of days, the same for all dates of one subject: intervals
// within a person stay as they are.
//
//	shift(days=30)  1949-12-31 → "1950-01-17"
//	shift(days=30)  1949-12-31T08:00:00Z → "1950-01-17T08:00:00Z"
//	shift(days=30)  1949年12月31日 → "1950年01月17日"
//
// days is how far a date moves at most, either way (7 to 3650; required). No date stays where it
// is: of one subject in 2·days + 1 all dates would be in clear. The number of days follows, evenly
// spread, from HMAC-SHA-256 over days, a zero byte, and the text of the subject, under a key
// derived from the purpose's. Another purpose, another version of its key, or other days move the
// same date elsewhere.
//
// The subject is that of the innermost record that the value belongs to. If the record has none the
// value is dropped. Dates are those of the treatment date, and keep their form, numbers too. A time
// behind a date stays, and so does its offset. A month or day of one digit may become one of two.
// Anything else, and a date that would leave the years 1000 to 2999, is hidden whole: "****". Takes
// strings and numbers.
//
// A shifted date shows about when something was, so its rank is that of a mask. Who knows one date
// of a subject knows all.
type shift struct {
	days uint64
	text []byte // days, as the HMAC takes it
	macs sync.Pool
}

func buildShift(a *arguments, env Environment) masking.Transform {
	days := a.count("days", 0, 7, 3650)
	if days == 0 && len(a.faults) == 0 {
		a.fault("want how many days a date moves at most, as in shift(days=30)")
	}
	key, _ := a.purposeKey(env)
	if key == nil {
		return nil
	}
	key, err := subkey(key, nil, "shift hmac-sha-256", sha256.Size)
	if err != nil {
		a.fault("deriving the key: %w", err)
		return nil
	}
	return &shift{
		days: uint64(days),
		text: append(strconv.AppendInt(nil, int64(days), 10), 0),
		macs: sync.Pool{New: func() any { return newMAC(sha256.New, key) }},
	}
}

// Append takes no value, since it is not told whom the value is about.
func (s *shift) Append(dst []byte, _ masking.Value) ([]byte, bool) { return dst, false }

// AppendFor implements [masking.SubjectTransform].
func (s *shift) AppendFor(dst []byte, v, subject masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	d, ok := parseDate(v.Text)
	if !ok {
		return append(dst, hidden...), true
	}
	moved := time.Date(d.year, time.Month(d.month), d.day+s.offset(subject), 0, 0, 0, 0, time.UTC)
	year, month, day := moved.Date()
	if year < 1000 || year > 2999 {
		return append(dst, hidden...), true
	}
	monthText, dayText := v.Text[d.monthFrom:d.monthEnd], v.Text[d.dayFrom:d.dayEnd]
	if v.Kind == masking.String {
		dst = append(dst, '"')
	}
	dst = strconv.AppendInt(dst, int64(year), 10)
	dst = append(dst, v.Text[d.yearEnd:d.monthFrom]...)
	dst = appendPadded(dst, int(month), isPadded(monthText, dayText))
	dst = append(dst, v.Text[d.monthEnd:d.dayFrom]...)
	dst = appendPadded(dst, day, isPadded(dayText, monthText))
	dst = append(dst, v.Text[d.dayEnd:]...)
	if v.Kind == masking.String {
		dst = append(dst, '"')
	}
	return dst, true
}

// offset returns by how many days the subject's dates move: from -days to days, but never 0.
func (s *shift) offset(subject masking.Value) int {
	m := s.macs.Get().(*mac)
	sum := binary.BigEndian.Uint64(m.compute(s.text, subject.Text))
	n := int(sum % (2 * s.days)) // uneven by less than one in 2^50
	s.macs.Put(m)
	if n -= int(s.days); n >= 0 {
		n++
	}
	return n
}

// isPadded reports whether a month or day is to be written with a zero in front if it is below 10.
// If part, which it replaces, is below 10, part tells; if not, other tells, the day or month beside
// it.
func isPadded(part, other []byte) bool {
	return len(part) == 2 && (part[0] == '0' || len(other) == 2)
}

// appendPadded appends a month or day, with a zero in front if padded is set and it is below 10.
func appendPadded(dst []byte, n int, padded bool) []byte {
	if padded && n < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
