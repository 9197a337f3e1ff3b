package masking

// scanPermit reads the number of a permit to travel between the mainland and Hong Kong, Macao (H12345678, M1234567800, C12345678)
// or Taiwan (12345678, T12345678): a letter or none, then 8 digits, or 10 with the count of issues.
func scanPermit(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendPlain(dst, text, 11)
	number := dst[start:]
	if len(number) > 0 && isUpper(rune(number[0])) {
		number = number[1:]
	}
	n := digits(number)
	return dst, ok && n == len(number) && (n == 8 || n == 10)
}
