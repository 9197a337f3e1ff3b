package treatment

import (
	"math"
	"strconv"

	"github.com/maskgate/maskgate/masking"
)

// bucket replaces a number by the range it lies in.
//
//	bucket(size=10000)  12345.67 → "10000-20000"
//
// size is the width of a range (1 to 10^9; required). The lower end belongs to the range, the upper
// end does not. Takes numbers, and strings that hold one, up to 10^15 either side of zero; beyond
// that a float64 no longer tells the units apart, and the value is dropped.
type bucket struct{ size int64 }

func buildBucket(a *arguments, _ Environment) masking.Transform {
	size := a.count("size", 0, 1, 1e9)
	if size == 0 && len(a.faults) == 0 {
		a.fault("want the width of a range, as in bucket(size=10000)")
	}
	return &bucket{int64(size)}
}

func (b *bucket) Append(dst []byte, v masking.Value) ([]byte, bool) {
	text := v.Text
	if v.Kind == masking.String {
		// ParseFloat also takes Inf, NaN, hexadecimal and underscores.
		if !masking.IsNumber(text) {
			return dst, false
		}
	} else if v.Kind != masking.Number {
		return dst, false
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(x) > 1e15 {
		return dst, false
	}
	// A quotient of floats could round up into the next range; whole numbers are exact.
	low := int64(math.Floor(x))
	low -= (low%b.size + b.size) % b.size
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, low, 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, low+b.size, 10)
	return append(dst, '"'), true
}
