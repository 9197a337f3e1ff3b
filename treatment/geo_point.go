package treatment

import "github.com/maskgate/maskgate/masking"

// geoPoint rounds coordinates in degrees.
//
//	geo_point            39.908823 → 39.91
//	geo_point            "39.908823,116.397470" → "39.91,116.40"
//	geo_point(digits=1)  [116.397470, 39.908823] → [116.4,39.9]
//
// digits is how many decimals stay (0 to 4; default 2, about 1 km). Takes numbers, strings of one
// to three numbers with commas or spaces between them, and arrays of one to three numbers. The
// first two must be within 180 either side of zero; the third, a height, is left out. A string that
// is anything else is hidden whole, "****"; any other value is dropped.
type geoPoint struct{ digits int }

func buildGeoPoint(a *arguments, _ Environment) masking.Transform {
	return &geoPoint{a.count("digits", 2, 0, 4)}
}

func (g *geoPoint) Append(dst []byte, v masking.Value) ([]byte, bool) {
	start := len(dst)
	switch v.Kind {
	case masking.Number:
		if dst, ok := g.appendPoint(dst, v.Text); ok && pointSize(v.Text) == len(v.Text) {
			return dst, true
		}
	case masking.String:
		if dst, ok := g.appendPoint(append(dst, '"'), v.Text); ok {
			return append(dst, '"'), true
		}
		return append(dst[:start], hidden...), true
	case masking.Array:
		if len(v.Text) < 2 {
			break
		}
		if dst, ok := g.appendPoint(append(dst, '['), v.Text[1:len(v.Text)-1]); ok {
			return append(dst, ']'), true
		}
	}
	return dst[:start], false
}

// appendPoint appends the rounded coordinates of a list.
func (g *geoPoint) appendPoint(dst, text []byte) ([]byte, bool) {
	for i := range 3 {
		text = skipBlank(text)
		n := pointSize(text)
		if n == 0 {
			return dst, false
		}
		if i < 2 {
			if i > 0 {
				dst = append(dst, ',')
			}
			out, ok := appendRounded(dst, text[:n], g.digits)
			if dst = out; !ok || !isDegrees(text[:n]) {
				return dst, false
			}
		}
		blank := skipBlank(text[n:])
		if len(blank) == 0 {
			return dst, true
		}
		if blank[0] == ',' {
			blank = blank[1:]
		} else if len(blank) == len(text)-n {
			return dst, false
		}
		text = blank
	}
	return dst, false
}

// skipBlank returns text without the white space in front.
func skipBlank(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r') {
		text = text[1:]
	}
	return text
}

// pointSize returns the size of the decimal number at the front of text.
func pointSize(text []byte) int {
	n := 0
	for n < len(text) && (isDigit(rune(text[n])) || text[n] == '.' || text[n] == '-' && n == 0) {
		n++
	}
	return n
}

// isDegrees reports whether a decimal number is within 180 either side of zero.
func isDegrees(text []byte) bool {
	if text[0] == '-' {
		text = text[1:]
	}
	n := digits(text)
	if n > 3 {
		return false
	}
	whole := number(text[:n])
	return whole < 180 || whole == 180 && skipZeros(text[n:]) == 0
}

// skipZeros returns how many bytes of a fraction stand behind its point and leading zeros.
func skipZeros(fraction []byte) int {
	for len(fraction) > 0 && (fraction[0] == '.' || fraction[0] == '0') {
		fraction = fraction[1:]
	}
	return len(fraction)
}
