package masking

import "math"

// slice is an array slice selector (RFC 9535 §2.3.4).
type slice struct {
	start, end, step int
	hasStart, hasEnd bool
}

// unknownLength stands for the length of an array whose end the parser has not reached.
const unknownLength = math.MaxInt

// streams reports whether the slice selects the same elements whatever the array's length.
func (s slice) streams() bool {
	return s.step == 0 || s.step > 0 && s.start >= 0 && s.end >= 0
}

// selects reports whether the slice selects the element at index of an array of that length.
func (s slice) selects(index, length int) bool {
	if s.step == 0 {
		return false
	}
	start, end := 0, length
	if s.step < 0 {
		start, end = length-1, -length-1
	}
	if s.hasStart {
		start = normalIndex(s.start, length)
	}
	if s.hasEnd {
		end = normalIndex(s.end, length)
	}
	if s.step > 0 {
		lower, upper := min(max(start, 0), length), min(max(end, 0), length)
		return lower <= index && index < upper && (index-lower)%s.step == 0
	}
	upper, lower := min(max(start, -1), length-1), min(max(end, -1), length-1)
	return lower < index && index <= upper && (upper-index)%-s.step == 0
}

// normalIndex counts a negative index from the end (RFC 9535 §2.3.3.2).
func normalIndex(index, length int) int {
	if index < 0 {
		return length + index
	}
	return index
}
