package masking

import (
	"fmt"
	"math"
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
}

// selector is a name, a wildcard or an index selector (RFC 9535 §2.3).
type selector struct {
	kind  selectorKind
	name  string
	index int
}

type selectorKind uint8

const (
	nameSelector selectorKind = iota
	wildcardSelector
	indexSelector
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

// CheckSelector reports whether text is a selector that [Compile] takes, with a [SelectorError] if not.
func CheckSelector(text string) error {
	_, err := parseQuery(text)
	return err
}

// Singular reports whether text selects at most one value: names and indexes only (RFC 9535 §2.3.5.1).
func Singular(text string) bool {
	q, err := parseQuery(text)
	if err != nil {
		return false
	}
	for _, s := range q {
		if s.descendant || len(s.selectors) != 1 || s.selectors[0].kind == wildcardSelector {
			return false
		}
	}
	return true
}

// parseQuery parses the part of RFC 9535 that can be decided while a value streams by: names, wildcards,
// non-negative indexes, and both kinds of segment.
func parseQuery(text string) (query, error) {
	p := queryParser{text: text}
	if !utf8.ValidString(text) {
		return nil, p.fail("want UTF-8")
	}
	if !strings.HasPrefix(text, "$") {
		return nil, p.fail("a selector begins with $, as in $.name")
	}
	p.pos = 1
	var q query
	for p.pos < len(text) {
		mark := p.pos
		p.blank()
		if p.pos == len(text) {
			p.pos = mark
			return nil, p.fail("remove the white space at the end")
		}
		s, err := p.segment()
		if err != nil {
			return nil, err
		}
		q = append(q, s)
	}
	return q, nil
}

type queryParser struct {
	text string
	pos  int
}

func (p *queryParser) fail(format string, args ...any) error {
	return &SelectorError{p.text, utf8.RuneCountInString(p.text[:p.pos]) + 1, fmt.Sprintf(format, args...)}
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

func (p *queryParser) segment() (segment, error) {
	var s segment
	var err error
	dotted := true
	switch {
	case p.next(".."):
		s.descendant = true
		dotted = !strings.HasPrefix(p.text[p.pos:], "[")
	case p.next("."):
	case strings.HasPrefix(p.text[p.pos:], "["):
		dotted = false
	default:
		return s, p.fail("want . or .. or [")
	}
	if dotted {
		var one selector
		one, err = p.shorthand()
		s.selectors = []selector{one}
	} else {
		s.selectors, err = p.bracketed()
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

func (p *queryParser) bracketed() ([]selector, error) {
	p.pos++ // [
	var list []selector
	for {
		p.blank()
		one, err := p.selector()
		if err != nil {
			return nil, err
		}
		list = append(list, one)
		p.blank()
		switch {
		case p.next(","):
		case p.next("]"):
			return list, nil
		default:
			return nil, p.fail("want , or ]")
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
	case '0' <= c && c <= '9':
		return p.index()
	case c == '-' || c == ':':
		return selector{}, p.fail("negative indexes and slices are not supported; use [*] or an index from 0")
	case c == '?':
		return selector{}, p.fail("filters are not supported; select the values and decide with a role's when")
	}
	return selector{}, p.fail("want 'name', *, or an index from 0")
}

// maxIndex is the largest index of I-JSON (RFC 9535 §2.1).
const maxIndex = 1<<53 - 1

func (p *queryParser) index() (selector, error) {
	start := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	digits := p.text[start:p.pos]
	if p.pos < len(p.text) && p.text[p.pos] == ':' {
		return selector{}, p.fail("slices are not supported; use [*] or an index from 0")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > min(maxIndex, math.MaxInt) || len(digits) > 1 && digits[0] == '0' {
		p.pos = start
		return selector{}, p.fail("want an index from 0 to 2^53-1 without leading zeros")
	}
	return selector{kind: indexSelector, index: int(n)}, nil
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
		return p.fail("want one of \\b \\f \\n \\r \\t \\/ \\\\ \\%c or \\u and a whole character in hexadecimal", quote)
	}
	b.WriteRune(r)
	p.pos += size
	return nil
}
