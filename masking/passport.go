package masking

// scanPassport reads a passport number: 8 or 9 letters and digits (ICAO 9303-3 has nine places), five of them digits at
// least, so that no word passes for one.
func scanPassport(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendPlain(dst, text, 9)
	count := 0
	for _, c := range dst[start:] {
		if isDigit(rune(c)) {
			count++
		}
	}
	return dst, ok && len(dst)-start >= 8 && count >= 5
}
