package treatment

// isBankCard reports whether plain is a card number: 13 to 19 digits (ISO/IEC 7812-1). The check
// digit need not be right.
func isBankCard(plain []byte) bool {
	return len(plain) >= 13 && len(plain) <= 19 && digits(plain) == len(plain)
}

// luhn returns the check digit that belongs behind the digits (ISO/IEC 7812-1 Annex B), as a
// number.
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
