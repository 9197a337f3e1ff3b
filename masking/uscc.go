package masking

// scanUSCC reads a unified social credit code: 18 characters (GB 32100-2015), digits and letters but I, O, S, V and Z. The
// check character need not be right.
func scanUSCC(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendPlain(dst, text, 18)
	for _, c := range dst[start:] {
		switch c {
		case 'I', 'O', 'S', 'V', 'Z':
			return dst, false
		}
	}
	return dst, ok && len(dst)-start == 18
}
