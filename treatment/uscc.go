package treatment

import "strings"

// isUSCC reports whether plain is a unified social credit code: 18 characters (GB 32100-2015),
// digits and letters but I, O, S, V and Z. The check character need not be right.
func isUSCC(plain []byte) bool {
	for _, c := range plain {
		switch {
		case c == 'I' || c == 'O' || c == 'S' || c == 'V' || c == 'Z',
			!isDigit(rune(c)) && !isUpper(rune(c)):
			return false
		}
	}
	return len(plain) == 18
}

// usccChecks reports whether the check character of a code is right (GB 32100-2015, clause 4.3).
// isUSCC must hold for the code.
func usccChecks(plain []byte) bool {
	const values = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for _, c := range plain[:17] {
		sum += strings.IndexByte(values, c) * weight
		weight = weight * 3 % 31
	}
	return plain[17] == values[(31-sum%31)%31]
}
