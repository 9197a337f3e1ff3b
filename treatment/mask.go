package treatment

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// mask keeps some characters of a string or number, at the ends or by place, and hides the others.
//
//	mask(keep_first=3, keep_last=4)              13812345678 → "138****5678"
//	mask(keep_first=1, stars=2)                  张三丰 → "张**"
//	mask(keep_first=6, keep_last=4, stars=same)  6222021234567890128 → "622202*********0128"
//	mask(keep_first=1, after=@, stars=3)         zhangsan@example.com → "z***@example.com"
//	mask(before=-)                               0571-88168709 → "0571-****"
//	mask(hide=4-7)                               13812345678 → "138****5678"
//	mask(keep=7-10)                              110105194912310021 → "****1949****"
//
// keep_first and keep_last are how many characters (code points) stay at the ends; default 0.
// before, a character, keeps instead of keep_first what stands in front of the first such
// character, and that character. after keeps instead of keep_last the last such character and what
// stands behind it. A value without the character is hidden whole. hide=A-B hides just the
// characters from A to B, keep=A-B keeps just these; the first character is 1.
//
// stars is how many * stand for a hidden part, whatever its length (default 4, so that the length
// does not show). With stars=same, the default of hide, there is one for each character. with is
// the character that stands instead of *; no digit. min is the length below which a value is hidden
// whole, since what is left of a short value gives it away (default: one more than is kept, or B).
// A value hidden whole becomes "****". Takes strings and numbers.
type mask struct {
	first, last, min int
	stars            int // 0 stands for one for each hidden character
	with             string
	run              []byte // with in a row, as JSON

	places        bool // before, after, hide or keep is given
	before, after []byte
	hide          bool // hide is given, not keep
	from, to      int  // the range of hide or keep, from 1; 0 if neither is given
}

// hidden stands for a value of which nothing is shown. Its length is no value's.
const hidden = `"****"`

// star stands for hidden characters unless with says otherwise.
const star = "*"

// mostKept is the largest number of characters that an argument may say.
const mostKept = 1024

func buildMask(a *arguments, _ Environment) masking.Transform { return newMask(a) }

func newMask(a *arguments) *mask {
	m := &mask{with: star}
	m.before, m.after = a.character("before"), a.character("after")
	m.hide = a.span("hide", m)
	keep := a.span("keep", m)
	if m.hide && keep {
		a.fault("hide and keep: want one of them")
	}
	m.places = m.before != nil || m.after != nil || m.to > 0
	for _, c := range []struct {
		name     string
		count    *int
		excluded bool
		by       string
	}{
		{"keep_first", &m.first, m.before != nil || m.to > 0, "before, hide or keep"},
		{"keep_last", &m.last, m.after != nil || m.to > 0, "after, hide or keep"},
	} {
		if *c.count = a.count(c.name, 0, 0, mostKept); *c.count > 0 && c.excluded {
			a.fault("%s: does not go with %s", c.name, c.by)
		}
	}
	if m.to > 0 && (m.before != nil || m.after != nil) {
		a.fault("before and after do not go with hide or keep")
	}
	least := m.first + m.last + 1
	if m.to > 0 {
		if least = m.to; !m.hide && m.from == 1 {
			least++
		}
	}
	if m.min = a.count("min", least, 0, mostKept); m.min < least {
		if m.to > 0 {
			a.fault("min=%d: want at least %d, which the range asks for", m.min, least)
		} else {
			a.fault("min=%d: want more than the %d characters that are kept", m.min, m.first+m.last)
		}
	}
	missing := 4
	if m.hide {
		missing = 0
	}
	m.stars = a.stars(missing)
	if with := a.character("with"); with != nil {
		r, _ := utf8.DecodeRune(with)
		if unicode.IsDigit(r) || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			a.fault("with=%s: want a character that is seen and no digit", with)
		}
		m.with = string(with)
	}
	m.run = bytes.Repeat(masking.AppendEscaped(nil, []byte(m.with)), 64)
	return m
}

// span takes a range of characters for m, as in 4-7. It reports false if the argument is not given.
func (a *arguments) span(name string, m *mask) bool {
	text, ok := a.take(name)
	if !ok {
		return false
	}
	first, last, _ := strings.Cut(text, "-")
	from, err := strconv.Atoi(strings.TrimSpace(first))
	to, err2 := strconv.Atoi(strings.TrimSpace(last))
	if err != nil || err2 != nil || from < 1 || to < from || to > mostKept {
		a.fault("%s=%s: want the first and the last character, from 1 to %d, as in %s=4-7",
			name, text, mostKept, name)
		return false
	}
	m.from, m.to = from, to
	return true
}

func (m *mask) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	text := v.Text
	length := characters(text)
	if length < m.min {
		return append(dst, hidden...), true
	}
	if m.to > 0 && !m.hide { // keeps a range: what is in front of it and behind it is hidden
		head, tail := prefixSize(text, m.from-1), prefixSize(text, m.to)
		dst = append(dst, '"')
		dst = m.appendHidden(dst, text[:head])
		dst = masking.AppendEscaped(dst, text[head:tail])
		dst = m.appendHidden(dst, text[tail:])
		return append(dst, '"'), true
	}
	head, tail, ok := m.bounds(text, length)
	if !ok {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	dst = masking.AppendEscaped(dst, text[:head])
	dst = m.appendHidden(dst, text[head:tail])
	dst = masking.AppendEscaped(dst, text[tail:])
	return append(dst, '"'), true
}

// bounds returns where the hidden part of a text of some characters begins and ends. It reports
// false if there is none, or if that cannot be told.
func (m *mask) bounds(text []byte, length int) (head, tail int, ok bool) {
	if m.hide {
		return prefixSize(text, m.from-1), prefixSize(text, m.to), true
	}
	head, tail = prefixSize(text, m.first), prefixSize(text, length-m.last)
	if m.before != nil {
		i := bytes.Index(text, m.before)
		if i < 0 {
			return 0, 0, false
		}
		head = i + len(m.before)
	}
	if m.after != nil {
		if tail = bytes.LastIndex(text, m.after); tail < 0 {
			return 0, 0, false
		}
	}
	return head, tail, head < tail
}

// appendHidden appends what stands for a hidden part, unless the part is empty.
func (m *mask) appendHidden(dst, part []byte) []byte {
	if len(part) == 0 {
		return dst
	}
	stars := m.stars
	if stars == 0 {
		stars = characters(part)
	}
	size := len(m.run) / 64
	for ; stars > 64; stars -= 64 {
		dst = append(dst, m.run...)
	}
	return append(dst, m.run[:stars*size]...)
}

var starry = bytes.Repeat([]byte(star), 64)

// appendStars appends n stars.
func appendStars(dst []byte, n int) []byte {
	for ; n > len(starry); n -= len(starry) {
		dst = append(dst, starry...)
	}
	return append(dst, starry[:n]...)
}

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
