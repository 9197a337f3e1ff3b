package masking

import (
	"bytes"
	"unicode/utf8"
)

// mask keeps characters at the ends of a string or number and hides what is between them.
//
//	mask(keep_first=3, keep_last=4)              13812345678 → "138****5678"
//	mask(keep_first=1, stars=2)                  张三丰 → "张**"
//	mask(keep_first=6, keep_last=4, stars=same)  6222021234567890128 → "622202*********0128"
//
// keep_first and keep_last count characters (code points; default 0). stars is how many * stand for the hidden
// part, whatever its length (default 4, so that the length does not show), or same for one each. min is the length
// below which a value is hidden whole (default: one more than is kept): what is left of a short value gives it away.
// A value hidden whole becomes "****". Takes strings and numbers.
type mask struct {
	first, last, min int
	stars            int // 0: one for each hidden character
}

// hidden stands for a value of which nothing is shown. Its length is no value's.
const hidden = `"****"`

func buildMask(a *arguments, _ Environment) Transform {
	const most = 1024
	m := &mask{
		first: a.count("keep_first", 0, 0, most),
		last:  a.count("keep_last", 0, 0, most),
	}
	m.min = a.count("min", m.first+m.last+1, 0, most)
	if m.min <= m.first+m.last {
		a.fault("min=%d: want more than the %d characters that are kept", m.min, m.first+m.last)
	}
	if text, ok := a.take("stars"); !ok {
		m.stars = 4
	} else if text != "same" {
		a.left = append(a.left, Argument{"stars", text})
		m.stars = a.count("stars", 4, 1, most)
	}
	return m
}

func (m *mask) Append(dst []byte, v Value) ([]byte, bool) {
	if v.Kind != String && v.Kind != Number {
		return dst, false
	}
	length := utf8.RuneCount(v.Text)
	if length < m.min {
		return append(dst, hidden...), true
	}
	head := v.Text[:prefixSize(v.Text, m.first)]
	tail := v.Text[prefixSize(v.Text, length-m.last):]
	stars := m.stars
	if stars == 0 {
		stars = length - m.first - m.last
	}
	dst = append(dst, '"')
	dst = appendEscaped(dst, head)
	for ; stars > len(starry); stars -= len(starry) {
		dst = append(dst, starry...)
	}
	dst = append(dst, starry[:stars]...)
	dst = appendEscaped(dst, tail)
	return append(dst, '"'), true
}

var starry = bytes.Repeat([]byte("*"), 64)

// prefixSize returns how many bytes the first n characters of text take.
func prefixSize(text []byte, n int) int {
	size := 0
	for range n {
		if text[size] < utf8.RuneSelf {
			size++
			continue
		}
		_, width := utf8.DecodeRune(text[size:])
		size += width
	}
	return size
}
