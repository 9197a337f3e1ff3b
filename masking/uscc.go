package masking

// isUSCC reports whether plain is a unified social credit code: 18 characters (GB 32100-2015), digits and letters but I, O, S, V
// and Z. The check character need not be right.
func isUSCC(plain []byte) bool {
	for _, c := range plain {
		switch {
		case c == 'I' || c == 'O' || c == 'S' || c == 'V' || c == 'Z', !isDigit(rune(c)) && !isUpper(rune(c)):
			return false
		}
	}
	return len(plain) == 18
}
