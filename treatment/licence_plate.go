package treatment

import (
	"strings"
	"unicode/utf8"
)

const plateProvinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

// plateEndings end the plates of training, police, cross-border, trailer and consular vehicles.
const plateEndings = "学警港澳挂领"

// isLicencePlate reports whether plain is a number plate (GA 36): a province, a letter, then five
// characters, or six of a new-energy vehicle. The last may be one of plateEndings.
func isLicencePlate(plain []byte) bool {
	n := 0
	for len(plain) > 0 {
		r, size := utf8.DecodeRune(plain)
		plain = plain[size:]
		switch {
		case n == 0:
			if !strings.ContainsRune(plateProvinces, r) {
				return false
			}
		case n == 1:
			if !isUpper(r) {
				return false
			}
		case n >= 6 && len(plain) == 0 && strings.ContainsRune(plateEndings, r):
		case n == 8 || !isDigit(r) && !isUpper(r):
			return false
		}
		n++
	}
	return n == 7 || n == 8
}

// scanLicencePlate appends text without spaces, dashes and the dot that may stand behind the
// letter.
func scanLicencePlate(dst, text []byte) ([]byte, bool) {
	for n := 0; len(text) > 0; {
		r, size := narrow(text)
		text = text[size:]
		switch {
		case r == ' ' || r == '-':
			continue
		case n == 2 && (r == '·' || r == '•' || r == '.'):
			continue
		}
		if n++; n > 8 {
			return dst, false
		}
		dst = utf8.AppendRune(dst, upper(r))
	}
	return dst, true
}
