package masking

import "bytes"

// scanMobile reads a mobile number of mainland China: 11 digits, the first of which is 1, behind +86, 0086, 86 or nothing, with
// spaces, dashes and brackets anywhere.
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
	plain := dst[start:]
	switch len(plain) {
	case len("008613812345678"):
		if !bytes.HasPrefix(plain, []byte("0086")) {
			return dst, false
		}
	case len("8613812345678"):
		if !bytes.HasPrefix(plain, []byte("86")) {
			return dst, false
		}
	case len("13812345678"):
	default:
		return dst, false
	}
	n := copy(plain, plain[len(plain)-11:])
	return dst[:start+n], plain[0] == '1'
}
