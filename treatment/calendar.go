package treatment

// calendarDate is where year, month and day stand in a text.
type calendarDate struct {
	year, month, day    int // the numbers
	yearEnd             int // where the year ends, which begins the text
	monthFrom, monthEnd int
	dayFrom, dayEnd     int
}

// parseDate reads a date that begins with its year, and a time behind it or not:
//
//	1949-12-31  1949/12/31  1949.12.31  1949-1-5  19491231  1949年12月31日
//	1949-12-31T08:00:00Z  1949-12-31 08:00:00.5+08:00
//
// Years are from 1000 to 2999. Days that no month has, and any other form, are refused: 31/12/1949
// too, since nobody can tell 01/02/1949 from it.
func parseDate(text []byte) (d calendarDate, ok bool) {
	n := digits(text)
	if n < 4 || text[0] != '1' && text[0] != '2' {
		return d, false
	}
	d.year, d.yearEnd = number(text[:4]), 4
	var rest int // where the date ends
	if n == 8 {
		d.monthFrom, d.monthEnd, d.dayFrom, d.dayEnd, rest = 4, 6, 6, 8, 8
		if len(text) > 8 {
			return d, false
		}
	} else {
		if n != 4 {
			return d, false
		}
		first, second, end := dateSigns(text[4:])
		if first == "" || !hasAt(text, 4, first) {
			return d, false
		}
		d.monthFrom = 4 + len(first)
		size := digits(text[d.monthFrom:])
		d.monthEnd = d.monthFrom + size
		if size < 1 || size > 2 || !hasAt(text, d.monthEnd, second) {
			return d, false
		}
		d.dayFrom = d.monthEnd + len(second)
		size = digits(text[d.dayFrom:])
		d.dayEnd = d.dayFrom + size
		if size < 1 || size > 2 || !hasAt(text, d.dayEnd, end) {
			return d, false
		}
		rest = d.dayEnd + len(end)
	}
	d.month, d.day = number(text[d.monthFrom:d.monthEnd]), number(text[d.dayFrom:d.dayEnd])
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > daysIn(d.year, d.month) {
		return d, false
	}
	return d, rest == len(text) || isClock(text[rest:])
}

// dateSigns returns what must stand behind year, month and day. text is what stands behind the
// year.
func dateSigns(text []byte) (first, second, end string) {
	switch {
	case hasAt(text, 0, "年"):
		return "年", "月", "日"
	case hasAt(text, 0, "-"):
		return "-", "-", ""
	case hasAt(text, 0, "/"):
		return "/", "/", ""
	case hasAt(text, 0, "."):
		return ".", ".", ""
	}
	return "", "", ""
}

// hasAt reports whether s stands in text at i.
func hasAt(text []byte, i int, s string) bool {
	return len(text) >= i+len(s) && string(text[i:i+len(s)]) == s
}

// number returns the number that a few digits are.
func number(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// daysIn returns how many days a month has.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isClock reports whether text is a time as it may stand behind a date: that of RFC 3339, or with a
// space for the T, without seconds or without offset.
func isClock(text []byte) bool {
	switch {
	case len(text) < len("T08:00"),
		text[0] != 'T' && text[0] != 't' && text[0] != ' ',
		digits(text[1:]) != 2 || text[3] != ':' || digits(text[4:]) != 2:
		return false
	}
	text = text[6:]
	if len(text) > 0 && text[0] == ':' {
		if digits(text[1:]) != 2 {
			return false
		}
		text = text[3:]
		if len(text) > 0 && text[0] == '.' {
			n := digits(text[1:])
			if n == 0 || n > 9 {
				return false
			}
			text = text[1+n:]
		}
	}
	switch {
	case len(text) == 0, len(text) == 1 && (text[0] == 'Z' || text[0] == 'z'):
		return true
	case text[0] != '+' && text[0] != '-':
		return false
	}
	text = text[1:]
	return len(text) == 5 && digits(text) == 2 && text[2] == ':' && digits(text[3:]) == 2 ||
		len(text) == 4 && digits(text) == 4
}
