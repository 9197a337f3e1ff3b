package demo

import "strings"

// idCheck returns the check character of an identity number's first 17 digits: ISO 7064 MOD 11-2
// with the weights of GB 11643-1999.
func idCheck(first17 string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(first17[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// luhnCheck returns the digit that makes digits plus that digit a valid card number
// (ISO/IEC 7812-1, annex B).
func luhnCheck(digits string) byte {
	sum := 0
	for i := range len(digits) {
		v := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte('0' + (10-sum%10)%10)
}

// usccAlphabet holds the characters of a unified social credit code in the order of their values
// (GB 32100-2015, clause 4.3): no I, O, S, V or Z.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// usccCheck returns the check character of a code's first 17 characters: weights 3^i mod 31.
func usccCheck(first17 string) byte {
	sum, weight := 0, 1
	for i := range 17 {
		sum += strings.IndexByte(usccAlphabet, first17[i]) * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31]
}

// orgCheck returns the check character of an organisation code's first eight characters
// (GB 11714-1997), which are positions 9 to 16 of a unified social credit code.
func orgCheck(first8 string) byte {
	const values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += strings.IndexByte(values, first8[i]) * w
	}
	return "0123456789X"[(11-sum%11)%11]
}
