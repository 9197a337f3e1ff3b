package masking

import "strings"

// scanUSCC reads a unified social credit code: 18 characters (GB 32100-2015), digits and letters but I, O, S, V and Z. The
// check character need not be right.
func scanUSCC(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendPlain(dst, text, 18)
	for _, c := range dst[start:] {
		switch c {
		case 'I', 'O', 'S', 'V', 'Z':
			return dst, false
		}
	}
	return dst, ok && len(dst)-start == 18
}

// usccChecks reports whether the check character of a code that scanUSCC read is right (GB 32100-2015, clause 4.3).
func usccChecks(plain []byte) bool {
	const values = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for _, c := range plain[:17] {
		sum += strings.IndexByte(values, c) * weight
		weight = weight * 3 % 31
	}
	return plain[17] == values[(31-sum%31)%31]
}
