package treatment

// isMobile reports whether plain is a mobile number of mainland China: 11 digits, the first of
// which is 1.
func isMobile(plain []byte) bool {
	return len(plain) == 11 && plain[0] == '1' && digits(plain) == 11
}

// scanMobile reads a mobile number behind +86, 0086, 86 or nothing, with spaces, dashes and
// brackets anywhere.
func scanMobile(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	for first := true; len(text) > 0; first = false {
		r, size := narrow(text)
		text = text[size:]
		switch {
		case isDigit(r) && len(dst)-start < len("008613812345678"):
			dst = append(dst, byte(r))
		case r == ' ' || r == '-' || r == '(' || r == ')':
		case r == '+' && (first || len(dst) == start):
		default:
			return dst, false
		}
	}
	number := dst[start:]
	for _, code := range [...]string{"0086", "86"} {
		if len(number) == len(code)+11 && string(number[:len(code)]) == code {
			return append(dst[:start], number[len(code):]...), true
		}
	}
	return dst, true
}
