package masking

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern is an I-Regexp (RFC 9485) ready to match. The zero pattern stands for text that is no
// I-Regexp, and matches nothing (RFC 9535 §2.4.6).
type pattern struct{ regexp *regexp.Regexp }

func (p *pattern) matches(text []byte) bool { return p.regexp != nil && p.regexp.Match(text) }

// maxIRegexp is how many bytes a pattern may have. Package regexp bounds how much its repetitions
// may multiply.
const maxIRegexp = 4096

var errPattern = errors.New("the pattern is too large to match: " +
	"want at most 4096 bytes, and repetitions of at most 1000")

// compilePattern compiles an I-Regexp that is to match whole texts, as in match, or any part of
// them, as in search. Text that is no I-Regexp is no error.
func compilePattern(text string, whole bool) (*pattern, error) {
	if len(text) > maxIRegexp {
		return nil, errPattern
	}
	t := translator{in: text}
	if !utf8.ValidString(text) || !t.branches() || t.pos < len(text) {
		if t.depth > maxNesting {
			return nil, errPattern
		}
		return &pattern{}, nil
	}
	goText := t.out.String()
	if whole {
		goText = `\A(?:` + goText + `)\z`
	}
	r, err := regexp.Compile(goText)
	if err != nil {
		return nil, errPattern
	}
	return &pattern{r}, nil
}

// translator parses an I-Regexp by the grammar of RFC 9485 §3 and writes it as package regexp wants
// it. Its methods report false where the text is no I-Regexp.
//
// By that grammar ^ and $ are characters like others. But in the mappings of RFC 9485 §5 they
// become anchors, and the suite of RFC 9535 wants that: outside brackets they are anchors here.
type translator struct {
	in      string
	pos     int
	depth   int
	out     strings.Builder
	inClass bool
}

func (t *translator) next(c byte) bool {
	if t.pos < len(t.in) && t.in[t.pos] == c {
		t.pos++
		return true
	}
	return false
}

func (t *translator) peek() byte {
	if t.pos == len(t.in) {
		return 0
	}
	return t.in[t.pos]
}

// branches parses an i-regexp: branches with | between them.
func (t *translator) branches() bool {
	if t.depth++; t.depth > maxNesting {
		return false
	}
	for {
		for t.pos < len(t.in) && t.peek() != '|' && t.peek() != ')' {
			if !t.atom() || !t.quantifier() {
				return false
			}
		}
		if !t.next('|') {
			t.depth--
			return true
		}
		t.out.WriteByte('|')
	}
}

func (t *translator) atom() bool {
	switch c := t.peek(); c {
	case '(':
		t.pos++
		t.out.WriteString("(?:")
		if !t.branches() || !t.next(')') {
			return false
		}
		t.out.WriteByte(')')
		return true
	case '.':
		t.pos++
		t.out.WriteString(`[^\n\r]`)
		return true
	case '[':
		return t.class()
	case '^':
		t.pos++
		t.out.WriteString(`(?:\A)`)
		return true
	case '$':
		t.pos++
		t.out.WriteString(`(?:\z)`)
		return true
	case '\\':
		if t.property() {
			return true
		}
		r, ok := t.escape()
		t.character(r)
		return ok
	case '*', '+', '?', ']', '{', '}':
		return false
	}
	t.character(t.rune())
	return true
}

func (t *translator) rune() rune {
	r, size := utf8.DecodeRuneInString(t.in[t.pos:])
	t.pos += size
	return r
}

func (t *translator) character(r rune) { fmt.Fprintf(&t.out, `\x{%x}`, r) }

// quantifier parses a quantifier if there is one.
func (t *translator) quantifier() bool {
	switch c := t.peek(); c {
	case '*', '+', '?':
		t.pos++
		t.out.WriteByte(c)
	case '{':
		t.pos++
		low, ok := t.count()
		if !ok {
			return false
		}
		t.out.WriteString("{" + low)
		if t.next(',') {
			t.out.WriteByte(',')
			if t.peek() != '}' {
				high, ok := t.count()
				if !ok || len(high) < len(low) || len(high) == len(low) && high < low {
					return false
				}
				t.out.WriteString(high)
			}
		}
		t.out.WriteByte('}')
		return t.next('}')
	}
	return true
}

// count parses a QuantExact and returns its digits without leading zeros.
func (t *translator) count() (string, bool) {
	start := t.pos
	for c := t.peek(); '0' <= c && c <= '9'; c = t.peek() {
		t.pos++
	}
	digits := strings.TrimLeft(t.in[start:t.pos], "0")
	return cmp.Or(digits, "0"), t.pos > start
}

// escape parses a SingleCharEsc.
func (t *translator) escape() (rune, bool) {
	t.pos++ // \
	c := t.peek()
	t.pos++
	switch c {
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return rune(c), c != 0 && strings.IndexByte(`()*+-.?[\]^{|}`, c) >= 0
}

// properties are the values of charProp by their first letter.
var properties = map[byte]string{
	'L': "lmotu", 'M': "cen", 'N': "dlo", 'P': "cdefios", 'Z': "lps", 'S': "ckmo", 'C': "cfno",
}

// property parses a charClassEsc if there is one.
func (t *translator) property() bool {
	rest := t.in[t.pos:]
	if len(rest) < 5 || rest[1] != 'p' && rest[1] != 'P' || rest[2] != '{' {
		return false
	}
	minor, known := properties[rest[3]]
	size := 5
	if rest[4] != '}' {
		size = 6
		if !known || len(rest) < 6 || rest[5] != '}' || strings.IndexByte(minor, rest[4]) < 0 {
			return false
		}
	}
	if !known {
		return false
	}
	t.pos += size
	if rest[3] == 'C' && size == 5 {
		// Package regexp does not count unassigned characters among C. Surrogates are no characters
		// of a text.
		members := `\p{Cc}\p{Cf}\p{Cn}\p{Co}`
		if rest[1] == 'P' {
			members = `\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}`
		}
		if !t.inClass {
			members = "[" + members + "]"
		}
		t.out.WriteString(members)
		return true
	}
	t.out.WriteString(rest[:size])
	return true
}

// class parses a charClassExpr.
func (t *translator) class() bool {
	t.pos++ // [
	t.out.WriteByte('[')
	t.inClass = true
	defer func() { t.inClass = false }()
	if t.peek() == '^' && !strings.HasPrefix(t.in[t.pos:], "^]") {
		t.pos++
		t.out.WriteByte('^')
	}
	for first := true; first || !t.next(']'); first = false {
		switch c := t.peek(); {
		case t.pos == len(t.in), c == '[', c == ']':
			return false
		case c == '-':
			t.pos++
			if !first && t.peek() != ']' {
				return false
			}
			t.character('-')
			continue
		case c == '\\' && t.property():
			continue
		}
		low, ok := t.member()
		if !ok {
			return false
		}
		t.character(low)
		if t.peek() == '-' && !strings.HasPrefix(t.in[t.pos:], "-]") {
			t.pos++
			if c := t.peek(); t.pos == len(t.in) || c == '-' || c == '[' || c == ']' {
				return false
			}
			high, ok := t.member()
			if !ok || high < low {
				return false
			}
			t.out.WriteByte('-')
			t.character(high)
		}
	}
	t.out.WriteByte(']')
	return true
}

// member parses a CCchar.
func (t *translator) member() (rune, bool) {
	if t.peek() == '\\' {
		return t.escape()
	}
	return t.rune(), true
}
