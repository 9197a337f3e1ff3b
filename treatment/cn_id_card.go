package treatment

// isIDCard reports whether plain is an identity number: 18 characters, the last of which may be X
// (GB 11643-1999), or the 15 digits of old. The check digit need not be right.
func isIDCard(plain []byte) bool {
	n := digits(plain)
	switch len(plain) {
	case 15:
		return n == 15
	case 18:
		return n == 18 || n == 17 && plain[17] == 'X'
	}
	return false
}

// idCheck returns the check character of the first 17 digits of an identity number (GB 11643-1999),
// as a number from 0 to 10.
func idCheck(digits []byte) int {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(digits[i]-'0') * w
	}
	return (12 - sum%11) % 11
}
