package masking

// scanBankCard reads a card number: 13 to 19 digits (ISO/IEC 7812-1), in groups or not. The check digit need not be right.
func scanBankCard(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendPlain(dst, text, 19)
	n := len(dst) - start
	return dst, ok && n >= 13 && digits(dst[start:]) == n
}

// luhn returns the check digit that belongs behind the digits (ISO/IEC 7812-1 Annex B), as a number.
func luhn(digits []byte) int {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (len(digits)-i)%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10 - sum%10) % 10
}
