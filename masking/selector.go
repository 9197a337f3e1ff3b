package masking

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// query is a parsed selector: the segments behind the root identifier (RFC 9535 §2.1).
type query []segment

// segment is a child or a descendant segment (RFC 9535 §2.5).
type segment struct {
	descendant bool
	selectors  []selector
	spaced     bool // white space stands within the brackets
	end        int  // where it ends in the text of its query
}

// selector is one of the selectors of RFC 9535 §2.3.
type selector struct {
	kind   selectorKind
	text   string // as written
	name   string
	index  int
	slice  slice
	filter logical
	needs  Need
}

type selectorKind uint8

const (
	nameSelector selectorKind = iota
	wildcardSelector
	indexSelector
	sliceSelector
	filterSelector
)

// A SelectorError is a selector that does not parse. Column counts characters from 1.
type SelectorError struct {
	Selector string
	Column   int
	Reason   string
}

func (e *SelectorError) Error() string {
	return fmt.Sprintf("selector %s, column %d: %s", e.Selector, e.Column, e.Reason)
}

// CheckSelector reports whether text is a selector that [Compile] takes, with a [SelectorError] if
// not.
func CheckSelector(text string) error {
	_, err := parseQuery(text)
	return err
}

// Singular reports whether text selects at most one value: names and indexes only (RFC 9535
// §2.3.5.1).
func Singular(text string) bool {
	q, err := parseQuery(text)
	return err == nil && q.singular()
}

func (q query) singular() bool {
	for _, s := range q {
		if s.descendant || len(s.selectors) != 1 {
			return false
		}
		if kind := s.selectors[0].kind; kind != nameSelector && kind != indexSelector {
			return false
		}
	}
	return true
}

// Apart reports whether no value that one selector selects can be, contain or lie within a value
// that the other selects. It is false where that cannot be told.
func Apart(a, b string) bool {
	q, err := parseQuery(a)
	p, err2 := parseQuery(b)
	return err == nil && err2 == nil && q.apart(p)
}

func (q query) apart(other query) bool {
	for i := range min(len(q), len(other)) {
		if q[i].descendant || other[i].descendant {
			return false
		}
		if !q[i:i+1].singular() || !other[i:i+1].singular() {
			continue
		}
		x, y := q[i].selectors[0], other[i].selectors[0]
		if x.kind != y.kind || x.kind == nameSelector && x.name != y.name {
			return true
		}
	}
	return false
}

// Concerns reports whether what becomes of a value that field selects may say something of a value
// that text selects: whether the field's value may be the other one, lie in it, or be an array that
// the other one is an element of.
func Concerns(field, text string) bool {
	f, err := parseQuery(field)
	q, err2 := parseQuery(text)
	switch {
	case err != nil || err2 != nil:
		return true
	case f.apart(q):
		return false
	}
	descends := func(s segment) bool { return s.descendant }
	if len(f) >= len(q) || slices.ContainsFunc(f, descends) ||
		slices.ContainsFunc(q[:len(f)], descends) {
		return true
	}
	// Behind the field, names lead to members of objects, of which the field says nothing.
	return !slices.ContainsFunc(q[len(f):], func(s segment) bool {
		return !slices.ContainsFunc(s.selectors, func(s selector) bool {
			return s.kind != nameSelector
		})
	})
}

// parseQuery parses a query of RFC 9535.
func parseQuery(text string) (query, error) {
	p := queryParser{text: text}
	if !utf8.ValidString(text) {
		return nil, p.fail("want UTF-8")
	}
	if !p.next("$") {
		return nil, p.fail("want a selector that begins with $, as in $.name")
	}
	q, err := p.segments()
	if err != nil || p.pos == len(text) {
		return q, err
	}
	mark := p.pos
	p.blank()
	if p.pos == len(text) {
		p.pos = mark
		return nil, p.fail("remove the white space at the end")
	}
	return nil, p.fail("want . or .. or [")
}

type queryParser struct {
	text  string
	pos   int
	depth int // of parentheses, filters and functions around the position
}

func (p *queryParser) fail(format string, args ...any) error {
	column := utf8.RuneCountInString(p.text[:p.pos]) + 1
	return &SelectorError{p.text, column, fmt.Sprintf(format, args...)}
}

func (p *queryParser) failAt(pos int, format string, args ...any) error {
	p.pos = pos
	return p.fail(format, args...)
}

func (p *queryParser) blank() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *queryParser) next(prefix string) bool {
	if strings.HasPrefix(p.text[p.pos:], prefix) {
		p.pos += len(prefix)
		return true
	}
	return false
}

// at reports whether a byte of set is at the position.
func (p *queryParser) at(set string) bool {
	return p.pos < len(p.text) && strings.IndexByte(set, p.text[p.pos]) >= 0
}

// segments parses segments as far as they go. It stops in front of white space behind the last.
func (p *queryParser) segments() (query, error) {
	var q query
	for {
		mark := p.pos
		p.blank()
		if !p.at(".[") {
			p.pos = mark
			return q, nil
		}
		s, err := p.segment()
		if err != nil {
			return nil, err
		}
		s.end = p.pos
		q = append(q, s)
	}
}

func (p *queryParser) segment() (segment, error) {
	var s segment
	var err error
	dotted := true
	switch {
	case p.next(".."):
		s.descendant = true
		dotted = !p.at("[")
	case p.next("."):
	default:
		dotted = false
	}
	if dotted {
		var one selector
		one, err = p.shorthand()
		s.selectors = []selector{one}
	} else {
		s.selectors, s.spaced, err = p.bracketed()
	}
	return s, err
}

// shorthand parses a wildcard or member-name-shorthand (RFC 9535 §2.5.1.1).
func (p *queryParser) shorthand() (selector, error) {
	if p.next("*") {
		return selector{kind: wildcardSelector}, nil
	}
	start := p.pos
	for i, r := range p.text[start:] {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= 0x80
		if !letter && (i == 0 || r < '0' || r > '9') {
			break
		}
		p.pos = start + i + utf8.RuneLen(r)
	}
	if p.pos == start {
		return selector{}, p.fail("want a name or *; write other names as ['name']")
	}
	return selector{kind: nameSelector, name: p.text[start:p.pos]}, nil
}

// bracketed parses a bracketed selection (RFC 9535 §2.5.1.1), and tells whether it has white space
// between its tokens.
func (p *queryParser) bracketed() (list []selector, spaced bool, err error) {
	p.pos++ // [
	space := func() {
		mark := p.pos
		p.blank()
		spaced = spaced || p.pos > mark
	}
	for {
		space()
		start := p.pos
		one, err := p.selector()
		if err != nil {
			return nil, false, err
		}
		one.text = p.text[start:p.pos]
		list = append(list, one)
		space()
		switch {
		case p.next(","):
		case p.next("]"):
			return list, spaced, nil
		default:
			return nil, false, p.fail("want , or ]")
		}
	}
}

func (p *queryParser) selector() (selector, error) {
	if p.pos == len(p.text) {
		return selector{}, p.fail("want a selector and ]")
	}
	switch c := p.text[p.pos]; {
	case c == '*':
		p.pos++
		return selector{kind: wildcardSelector}, nil
	case c == '\'' || c == '"':
		name, err := p.quoted(c)
		return selector{kind: nameSelector, name: name}, err
	case '0' <= c && c <= '9' || c == '-' || c == ':':
		return p.indexOrSlice()
	case c == '?':
		return p.filter()
	}
	return selector{}, p.fail("want 'name', *, an index, a slice or a filter")
}

// indexOrSlice parses an index or an array slice selector (RFC 9535 §2.3.3 and §2.3.4).
func (p *queryParser) indexOrSlice() (selector, error) {
	var parts [3]int
	var given [3]bool
	n := 0
	for {
		if p.at("-0123456789") {
			var err error
			if parts[n], err = p.integer(); err != nil {
				return selector{}, err
			}
			given[n] = true
		}
		mark := p.pos
		p.blank()
		if n == 2 || !p.next(":") {
			// White space in front of a colon is the slice's, any other belongs to the brackets.
			p.pos = mark
			break
		}
		n++
		p.blank()
	}
	if n == 0 {
		s := selector{kind: indexSelector, index: parts[0]}
		if s.index < 0 {
			s.needs = NeedContainer
		}
		return s, nil
	}
	s := selector{kind: sliceSelector, slice: slice{
		start: parts[0], hasStart: given[0], end: parts[1], hasEnd: given[1], step: 1,
	}}
	if given[2] {
		s.slice.step = parts[2]
	}
	if !s.slice.streams() {
		s.needs = NeedContainer
	}
	return s, nil
}

// maxIndex is the largest index of I-JSON (RFC 9535 §2.1).
const maxIndex = 1<<53 - 1

// integer parses an int (RFC 9535 §2.3.3.1).
func (p *queryParser) integer() (int, error) {
	start := p.pos
	p.next("-")
	first := p.pos
	p.digits()
	digits := p.text[first:p.pos]
	if digits == "" {
		return 0, p.fail("want a digit")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case digits[0] == '0' && p.pos-start > 1:
		return 0, p.failAt(start, "want an integer without leading zeros, and no -0")
	case err != nil || n > min(maxIndex, math.MaxInt):
		return 0, p.failAt(start, "want an integer from -(2^53-1) to 2^53-1")
	case first > start:
		n = -n
	}
	return int(n), nil
}

// digits moves over digits and reports whether there were any.
func (p *queryParser) digits() bool {
	start := p.pos
	for p.at("0123456789") {
		p.pos++
	}
	return p.pos > start
}

// quoted parses a string literal (RFC 9535 §2.3.1.1).
func (p *queryParser) quoted(quote byte) (string, error) {
	p.pos++
	var b strings.Builder
	for p.pos < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		switch {
		case r == rune(quote):
			p.pos++
			return b.String(), nil
		case r == '\\':
			if err := p.escape(&b, quote); err != nil {
				return "", err
			}
			continue
		case r < 0x20:
			return "", p.fail("write a control character as an escape, as in \\u000a")
		}
		b.WriteRune(r)
		p.pos += size
	}
	return "", p.fail("want a closing %c", quote)
}

func (p *queryParser) escape(b *strings.Builder, quote byte) error {
	rest := p.text[p.pos+1:]
	if rest == "" {
		return p.fail("want a character behind \\")
	}
	if rest[0] == quote {
		b.WriteByte(quote)
		p.pos += 2
		return nil
	}
	if i := strings.IndexByte(`bfnrt/\`, rest[0]); i >= 0 {
		b.WriteByte("\b\f\n\r\t/\\"[i])
		p.pos += 2
		return nil
	}
	r, size := unicodeEscape([]byte(p.text[p.pos:]))
	if size == 0 {
		return p.fail("want one of \\b \\f \\n \\r \\t \\/ \\\\ \\%c "+
			"or \\u and a whole character in hexadecimal", quote)
	}
	b.WriteRune(r)
	p.pos += size
	return nil
}
