package treatment

import (
	"bytes"

	"github.com/maskgate/maskgate/masking"
)

// round rounds a number to so many decimals, half away from zero.
//
//	round(digits=2)   39.908823 → 39.91
//	round(digits=-3)  "12345.67" → "12000"
//
// digits is how many decimals stay (-9 to 9; required); below 0 it counts digits in front of the
// point. round computes with the decimal digits, so nothing is lost to binary fractions. A number
// that has no more decimals stays as it is. Takes numbers without an exponent, and strings that
// hold such a number; others are dropped.
type round struct{ digits int }

func buildRound(a *arguments, _ Environment) masking.Transform {
	const missing = 100
	n := a.count("digits", missing, -9, 9)
	if n == missing && len(a.faults) == 0 {
		a.fault("want how many decimals to keep, as in round(digits=2)")
	}
	return &round{n}
}

func (r *round) Append(dst []byte, v masking.Value) ([]byte, bool) {
	start := len(dst)
	switch v.Kind {
	case masking.Number:
		out, ok := appendRounded(dst, v.Text, r.digits)
		return out, ok
	case masking.String:
		out, ok := appendRounded(append(dst, '"'), v.Text, r.digits)
		if !ok {
			return out[:start], false
		}
		return append(out, '"'), true
	}
	return dst, false
}

// maxDecimal is how many bytes, but for the sign, a number may have that is rounded.
const maxDecimal = 64

// appendRounded appends a decimal number (RFC 8259 §6, without exponent) rounded to so many
// decimals. It reports false, and appends nothing, for anything else.
func appendRounded(dst, text []byte, decimals int) ([]byte, bool) {
	whole := text
	negative := len(whole) > 0 && whole[0] == '-'
	if negative {
		whole = whole[1:]
	}
	n := digits(whole)
	if n == 0 || n > 1 && whole[0] == '0' || len(whole) > maxDecimal {
		return dst, false
	}
	var fraction []byte
	if rest := whole[n:]; len(rest) > 0 {
		fraction = rest[1:]
		if rest[0] != '.' || len(fraction) == 0 || digits(fraction) != len(fraction) {
			return dst, false
		}
	}
	var buffer [maxDecimal + 1]byte // the digits, with room for a carry
	all := append(append(append(buffer[:0], '0'), whole[:n]...), fraction...)
	point := n + 1
	cut := max(point+decimals, 0) // where the digits begin that go
	if cut < len(all) {
		up := cut > 0 && all[cut] >= '5'
		for i := range all[cut:] {
			all[cut+i] = '0'
		}
		for i := cut - 1; up && i >= 0; i-- {
			if up = all[i] == '9'; up {
				all[i] = '0'
			} else {
				all[i]++
			}
		}
		all = all[:max(cut, point)]
	}
	for point > 1 && all[0] == '0' {
		all, point = all[1:], point-1
	}
	if negative && len(bytes.Trim(all, "0")) > 0 {
		dst = append(dst, '-')
	}
	dst = append(dst, all[:point]...)
	if len(all) > point {
		dst = append(append(dst, '.'), all[point:]...)
	}
	return dst, true
}
