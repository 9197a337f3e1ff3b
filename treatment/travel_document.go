package treatment

// isPassport reports whether plain is a passport number: 8 or 9 letters and digits (ICAO 9303-3 has
// nine places). At least five must be digits, so that no word passes for a number.
func isPassport(plain []byte) bool {
	count := 0
	for _, c := range plain {
		switch {
		case isDigit(rune(c)):
			count++
		case !isUpper(rune(c)):
			return false
		}
	}
	return (len(plain) == 8 || len(plain) == 9) && count >= 5
}

// isPermit reports whether plain is the number of a permit to travel between the mainland and Hong
// Kong or Macao (H12345678, M1234567800, C12345678) or Taiwan (12345678, T12345678). It may begin
// with a letter, and has 8 digits, or 10 with the count of issues.
func isPermit(plain []byte) bool {
	if len(plain) > 0 && isUpper(rune(plain[0])) {
		plain = plain[1:]
	}
	n := digits(plain)
	return n == len(plain) && (n == 8 || n == 10)
}
