package treatment

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
