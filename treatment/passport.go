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
