package masking

import (
	"strings"
	"unicode/utf8"
)

const plateProvinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

// plateEndings end the plates of training, police, cross-border, trailer and consular vehicles.
const plateEndings = "学警港澳挂领"

// scanLicencePlate reads a number plate (GA 36): a province, a letter, then five characters or six of a new-energy vehicle, the
// last of which may be one of 学警港澳挂领. A dot may stand behind the letter.
func scanLicencePlate(dst, text []byte) ([]byte, bool) {
	n := 0
	for len(text) > 0 {
		r, size := narrow(text)
		text = text[size:]
		r = upper(r)
		switch {
		case r == ' ' || r == '-' || r == '·' || r == '•' || r == '.':
			continue
		case n == 0:
			if !strings.ContainsRune(plateProvinces, r) {
				return dst, false
			}
		case n == 1:
			if !isUpper(r) {
				return dst, false
			}
		case n >= 6 && len(text) == 0 && strings.ContainsRune(plateEndings, r):
		case n == 8 || !isDigit(r) && !isUpper(r):
			return dst, false
		}
		dst = utf8.AppendRune(dst, r)
		n++
	}
	return dst, n == 7 || n == 8
}
