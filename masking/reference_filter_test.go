package masking_test

import (
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// The reference's filters: parsed and evaluated as RFC 9535 puts it, without a thought for speed.

// An expression is a literal, a query, an operator or a function with its arguments.
type expression struct {
	op      string // literal, query, ||, &&, !, a comparison, or a function's name
	literal any
	query   query
	fromTop bool // the query begins with $
	args    []expression
}

// nothing is the value of what has none (section 2.4.1).
type nothing struct{}

func (e expression) singular() bool {
	return e.op == "query" && !slices.ContainsFunc(e.query, func(s segment) bool {
		if s.descendant || s.spaced || len(s.selectors) != 1 {
			return true
		}
		x := s.selectors[0]
		return x.wildcard || x.isSlice || x.filter != nil
	})
}

func (e expression) isValue() bool {
	return slices.Contains([]string{"literal", "length", "count", "value"}, e.op) || e.singular()
}

func (e expression) isTest() bool {
	return !slices.Contains([]string{"literal", "length", "count", "value"}, e.op)
}

func (p *queryParser) or() expression  { return p.joined("||", p.and) }
func (p *queryParser) and() expression { return p.joined("&&", p.basic) }

func (p *queryParser) joined(op string, operand func() expression) expression {
	list := []expression{operand()}
	for !p.bad {
		before := p.rest
		p.space()
		if !p.eat([]rune(op)...) {
			p.rest = before
			break
		}
		p.space()
		list = append(list, operand())
	}
	return expression{op: op, args: list}
}

func (p *queryParser) basic() expression {
	if p.eat('!') {
		p.space()
		if e := p.positive(); !slices.Contains(comparisons, e.op) {
			return expression{op: "!", args: []expression{e}}
		}
		p.bad = true
	}
	return p.positive()
}

var comparisons = []string{"==", "!=", "<=", ">=", "<", ">"}

func (p *queryParser) positive() expression {
	if p.bad {
		return expression{}
	}
	if p.eat('(') {
		p.deeper()
		p.space()
		e := p.or()
		p.space()
		if !p.eat(')') {
			p.bad = true
		}
		p.depth--
		return expression{op: "()", args: []expression{e}}
	}
	left := p.operand()
	before := p.rest
	p.space()
	for _, op := range comparisons {
		if p.eat([]rune(op)...) {
			p.space()
			right := p.operand()
			if !left.isValue() || !right.isValue() {
				p.bad = true
			}
			return expression{op: op, args: []expression{left, right}}
		}
	}
	p.rest = before
	if !left.isTest() {
		p.bad = true
	}
	return left
}

var (
	numberLiteral = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`)
	word          = regexp.MustCompile(`^[a-z][a-z0-9_]*`)
)

func (p *queryParser) operand() expression {
	switch {
	case p.eat('@'):
		return expression{op: "query", query: p.segments()}
	case p.eat('$'):
		return expression{op: "query", query: p.segments(), fromTop: true}
	case p.eat('\''):
		return expression{op: "literal", literal: p.quoted('\'')}
	case p.eat('"'):
		return expression{op: "literal", literal: p.quoted('"')}
	}
	rest := string(p.rest)
	if n := numberLiteral.FindString(rest); n != "" {
		p.rest = p.rest[len(n):]
		return expression{op: "literal", literal: rational(n)}
	}
	name := word.FindString(rest)
	p.rest = p.rest[len(name):]
	if p.eat('(') {
		return p.function(name)
	}
	switch name {
	case "true", "false":
		return expression{op: "literal", literal: name == "true"}
	case "null":
		return expression{op: "literal", literal: nil}
	}
	p.bad = true
	return expression{}
}

func (p *queryParser) function(name string) expression {
	p.deeper()
	defer func() { p.depth-- }()
	e := expression{op: name}
	p.space()
	for !p.bad && !p.eat(')') {
		if len(e.args) > 0 {
			if !p.eat(',') {
				p.bad = true
			}
			p.space()
		}
		e.args = append(e.args, p.operand())
		p.space()
	}
	parameters := map[string]int{"length": 1, "count": 1, "value": 1, "match": 2, "search": 2}
	if n, known := parameters[name]; !known || n != len(e.args) {
		p.bad = true
	}
	for _, a := range e.args {
		if name == "count" || name == "value" {
			p.bad = p.bad || a.op != "query"
		} else {
			p.bad = p.bad || !a.isValue()
		}
	}
	return e
}

// rational is a number's value.
func rational(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("reference: " + text)
	}
	return r
}

// hugeExponent finds numbers that rational would take too long for.
var hugeExponent = regexp.MustCompile(`[eE][-+]?0*[1-9][0-9]{4}`)

// nodes returns what a query selects from n (sections 2.1.2 and 2.5).
func (q query) nodes(top, n *node) []*node {
	list := []*node{n}
	for _, s := range q {
		var next []*node
		for _, n := range list {
			visited := []*node{n}
			if s.descendant {
				for i := 0; i < len(visited); i++ {
					visited = append(visited, visited[i].children...)
				}
			}
			for _, v := range visited {
				for _, x := range s.selectors {
					for _, c := range v.children {
						if x.hits(top, c) {
							next = append(next, c)
						}
					}
				}
			}
		}
		list = next
	}
	return list
}

func (e expression) nodes(top, n *node) []*node {
	if e.fromTop {
		n = top
	}
	return e.query.nodes(top, n)
}

// any returns n as a Go value.
func (n *node) any() any {
	switch n.kind {
	case masking.Null:
		return nil
	case masking.Bool:
		return n.raw == "true"
	case masking.Number:
		return rational(n.raw)
	case masking.String:
		return string(n.text)
	case masking.Array:
		list := []any{}
		for _, c := range n.children {
			list = append(list, c.any())
		}
		return list
	default:
		object := map[string]any{}
		for _, c := range n.children {
			object[c.name] = c.any()
		}
		return object
	}
}

func (e expression) test(top, n *node) bool {
	switch e.op {
	case "||":
		return slices.ContainsFunc(e.args, func(a expression) bool { return a.test(top, n) })
	case "&&":
		return !slices.ContainsFunc(e.args, func(a expression) bool { return !a.test(top, n) })
	case "()":
		return e.args[0].test(top, n)
	case "!":
		return !e.args[0].test(top, n)
	case "query":
		return len(e.nodes(top, n)) > 0
	}
	a, b := e.args[0].value(top, n), e.args[1].value(top, n)
	switch e.op {
	case "==":
		return equals(a, b)
	case "!=":
		return !equals(a, b)
	case "<":
		return before(a, b)
	case "<=":
		return before(a, b) || equals(a, b)
	case ">":
		return before(b, a)
	case ">=":
		return before(b, a) || equals(a, b)
	}
	text, ok := a.(string)
	pattern, isText := b.(string)
	return ok && isText && matchPattern(pattern, text, e.op == "match")
}

func (e expression) value(top, n *node) any {
	switch e.op {
	case "literal":
		return e.literal
	case "count":
		return big.NewRat(int64(len(e.args[0].nodes(top, n))), 1)
	case "value":
		return oneValue(e.args[0].nodes(top, n))
	case "length":
		var length int
		switch v := e.args[0].value(top, n).(type) {
		case string:
			length = utf8.RuneCountInString(v)
		case []any:
			length = len(v)
		case map[string]any:
			length = len(v)
		default:
			return nothing{}
		}
		return big.NewRat(int64(length), 1)
	}
	return oneValue(e.nodes(top, n))
}

func oneValue(list []*node) any {
	if len(list) == 1 {
		return list[0].any()
	}
	return nothing{}
}

func equals(a, b any) bool {
	return reflect.DeepEqual(plainNumbers(a), plainNumbers(b))
}

// plainNumbers returns v with its numbers in a form that has one value each.
func plainNumbers(v any) any {
	type number string
	switch v := v.(type) {
	case *big.Rat:
		return number(v.RatString())
	case []any:
		list := []any{}
		for _, x := range v {
			list = append(list, plainNumbers(x))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, x := range v {
			object[name] = plainNumbers(x)
		}
		return object
	}
	return v
}

func before(a, b any) bool {
	if x, ok := a.(*big.Rat); ok {
		y, ok := b.(*big.Rat)
		return ok && x.Cmp(y) < 0
	}
	x, ok := a.(string)
	y, isText := b.(string)
	return ok && isText && slices.Compare([]rune(x), []rune(y)) < 0
}

// A piece of an I-Regexp matches text from i on, and goes on with k at each place where it may end.
type piece func(text []rune, i int, k func(int) bool) bool

// matchPattern matches by backtracking. What is no I-Regexp (RFC 9485) matches nothing.
func matchPattern(pattern, text string, whole bool) bool {
	p := &patternParser{queryParser{rest: []rune(pattern)}}
	m := p.branches()
	if p.bad || len(p.rest) > 0 {
		return false
	}
	runes := []rune(text)
	for i := range len(runes) + 1 {
		if m(runes, i, func(end int) bool { return !whole || end == len(runes) }) {
			return true
		}
		if whole {
			break
		}
	}
	return false
}

type patternParser struct{ queryParser }

func (p *patternParser) branches() piece {
	var all []piece
	for {
		one := piece(func(_ []rune, i int, k func(int) bool) bool { return k(i) })
		for !p.bad && len(p.rest) > 0 && p.rest[0] != '|' && p.rest[0] != ')' {
			a, b := one, p.quantified(p.atom())
			one = func(t []rune, i int, k func(int) bool) bool {
				return a(t, i, func(j int) bool { return b(t, j, k) })
			}
		}
		all = append(all, one)
		if !p.eat('|') {
			break
		}
	}
	return func(t []rune, i int, k func(int) bool) bool {
		return slices.ContainsFunc(all, func(m piece) bool { return m(t, i, k) })
	}
}

func (p *patternParser) quantified(m piece) piece {
	low, high := 1, 1
	switch {
	case p.eat('*'):
		low, high = 0, -1
	case p.eat('+'):
		low, high = 1, -1
	case p.eat('?'):
		low, high = 0, 1
	case p.eat('{'):
		digits := regexp.MustCompile(`^([0-9]+)(,([0-9]*))?\}`).FindStringSubmatch(string(p.rest))
		if digits == nil {
			p.bad = true
			return m
		}
		p.rest = p.rest[len(digits[0]):]
		n := func(s string) int { return int(rational(s).Num().Int64()) }
		low = n(digits[1])
		switch {
		case digits[2] == "":
			high = low
		case digits[3] == "":
			high = -1
		default:
			if high = n(digits[3]); high < low {
				p.bad = true
			}
		}
	}
	var times func(done int) piece
	times = func(done int) piece {
		return func(t []rune, i int, k func(int) bool) bool {
			if done >= low && k(i) {
				return true
			}
			return done != high && m(t, i,
				func(j int) bool { return (j > i || done < low) && times(done+1)(t, j, k) })
		}
	}
	return times(0)
}

func character(in func(rune) bool) piece {
	return func(t []rune, i int, k func(int) bool) bool { return i < len(t) && in(t[i]) && k(i+1) }
}

func (p *patternParser) atom() piece {
	switch {
	case p.eat('('):
		m := p.branches()
		if !p.eat(')') {
			p.bad = true
		}
		return m
	case p.eat('.'):
		return character(func(r rune) bool { return r != '\n' && r != '\r' })
	case p.eat('^'):
		return func(_ []rune, i int, k func(int) bool) bool { return i == 0 && k(i) }
	case p.eat('$'):
		return func(t []rune, i int, k func(int) bool) bool { return i == len(t) && k(i) }
	case p.eat('['):
		return p.class()
	case strings.ContainsRune("*+?]{}", p.rest[0]):
		p.bad = true
	}
	if in := p.property(); in != nil {
		return character(in)
	}
	r := p.char()
	return character(func(x rune) bool { return x == r })
}

func (p *patternParser) char() rune {
	r := p.next()
	if r != '\\' {
		return r
	}
	switch r = p.next(); {
	case p.bad:
	case r == 'n':
		return '\n'
	case r == 'r':
		return '\r'
	case r == 't':
		return '\t'
	case !strings.ContainsRune(`()*+-.?[\]^{|}`, r):
		p.bad = true
	}
	return r
}

var propertyEscape = regexp.MustCompile(`^\\[pP]\{(L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]` +
	`?|S[ckmo]?|C[cfno]?)\}`)

func (p *patternParser) property() func(rune) bool {
	text := propertyEscape.FindString(string(p.rest))
	if text == "" {
		return nil
	}
	p.rest = p.rest[len(text):]
	if text[3:] == "C}" { // all that is in no other category
		in := regexp.MustCompile(`\A[\pL\pM\pN\pP\pS\pZ]\z`)
		return func(r rune) bool { return in.MatchString(string(r)) == (text[1] == 'P') }
	}
	in := regexp.MustCompile(`\A` + text + `\z`)
	return func(r rune) bool { return in.MatchString(string(r)) }
}

func (p *patternParser) class() piece {
	var in []func(rune) bool
	dash := func(r rune) bool { return r == '-' }
	not := !strings.HasPrefix(string(p.rest), "^]") && p.eat('^')
	if p.eat('-') {
		in = append(in, dash)
	}
	for !p.bad && !(len(in) > 0 && p.eat(']')) {
		if len(in) > 0 && p.eat('-', ']') {
			in = append(in, dash)
			break
		}
		if f := p.property(); f != nil {
			in = append(in, f)
			continue
		}
		low := p.classChar()
		high := low
		if len(p.rest) > 1 && p.rest[0] == '-' && p.rest[1] != ']' {
			p.next()
			if high = p.classChar(); high < low {
				p.bad = true
			}
		}
		in = append(in, func(r rune) bool { return low <= r && r <= high })
	}
	return character(func(r rune) bool {
		return not != slices.ContainsFunc(in, func(f func(rune) bool) bool { return f(r) })
	})
}

func (p *patternParser) classChar() rune {
	if len(p.rest) > 0 && strings.ContainsRune("[]-", p.rest[0]) {
		p.bad = true
	}
	return p.char()
}
