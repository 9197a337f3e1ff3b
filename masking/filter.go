package masking

// A filter (RFC 9535 §2.3.5) is parsed to a tree of logical expressions and comparables, and is
// well-typed (§2.4.3) once it is parsed.

// logical is an expression that is true or false.
type logical interface {
	holds(e *evaluation, current int) bool
}

// valued is an expression that has a value, or Nothing.
type valued interface {
	value(e *evaluation, current int) operand
}

type (
	anyOf  []logical // ||
	allOf  []logical // &&
	negate struct{ logical }
	exists struct{ query *filterQuery }

	comparison struct {
		left, right valued
		operator    string
	}

	// matching is match() if whole is set, and search() if not.
	matching struct {
		text, pattern valued
		whole         bool
		fixed         *pattern // the pattern, compiled, if it is a literal
	}

	singularQuery struct{ query *filterQuery }
	lengthOf      struct{ of valued }
	countOf       struct{ query *filterQuery }
	valueOf       struct{ query *filterQuery }
)

// filterQuery is a query within a filter.
type filterQuery struct {
	absolute bool // it begins with $
	segments query
}

// maxNesting bounds parentheses, functions and filters within each other.
const maxNesting = 200

// nested counts a level of nesting, and refuses one too many.
func (p *queryParser) nested() error {
	if p.depth++; p.depth > maxNesting {
		return p.fail("want at most %d levels of parentheses, functions and filters", maxNesting)
	}
	return nil
}

// filter parses a filter selector.
func (p *queryParser) filter() (selector, error) {
	p.pos++ // ?
	if err := p.nested(); err != nil {
		return selector{}, err
	}
	p.blank()
	expression, needs, err := p.or()
	p.depth--
	return selector{kind: filterSelector, filter: expression, needs: max(needs, NeedValue)}, err
}

func (p *queryParser) or() (logical, Need, error) {
	return p.chain("||", p.and, func(list []logical) logical { return anyOf(list) })
}

func (p *queryParser) and() (logical, Need, error) {
	return p.chain("&&", p.basic, func(list []logical) logical { return allOf(list) })
}

// chain parses operands with an operator between them. join makes an expression of two or more.
func (p *queryParser) chain(
	operator string, operand func() (logical, Need, error), join func([]logical) logical,
) (logical, Need, error) {
	var list []logical
	var largest Need
	for {
		one, needs, err := operand()
		if err != nil {
			return nil, 0, err
		}
		list, largest = append(list, one), max(largest, needs)
		mark := p.pos
		p.blank()
		if !p.next(operator) {
			if p.at(operator[:1]) {
				return nil, 0, p.fail("want %s", operator)
			}
			p.pos = mark
			break
		}
		p.blank()
	}
	if len(list) == 1 {
		return list[0], largest, nil
	}
	return join(list), largest, nil
}

// basic parses a basic-expr: an expression in parentheses, a comparison or a test.
func (p *queryParser) basic() (logical, Need, error) {
	not := p.next("!")
	if not {
		p.blank()
	}
	if p.at("(") {
		inner, needs, err := p.parenthesised()
		if not {
			inner = negate{inner}
		}
		return inner, needs, err
	}
	start := p.pos
	left, err := p.term("want a query that begins with @ or $, a comparison, a function, ! or (")
	if err != nil {
		return nil, 0, err
	}
	mark := p.pos
	p.blank()
	operatorAt := p.pos
	operator := p.operator()
	if operator == "" {
		if p.at("=") {
			return nil, 0, p.fail("want ==")
		}
		p.pos = mark
		test, err := left.test(p)
		if not {
			test = negate{test}
		}
		return test, left.needs, err
	}
	if not {
		const reason = "want no comparison behind !; write !(… %s …)"
		return nil, 0, p.failAt(operatorAt, reason, operator)
	}
	l, err := left.valued(p, start)
	if err != nil {
		return nil, 0, err
	}
	p.blank()
	start = p.pos
	right, err := p.term("want a literal, a query that begins with @ or $, or a function")
	if err != nil {
		return nil, 0, err
	}
	r, err := right.valued(p, start)
	return comparison{l, r, operator}, max(left.needs, right.needs), err
}

func (p *queryParser) parenthesised() (logical, Need, error) {
	if err := p.nested(); err != nil {
		return nil, 0, err
	}
	p.pos++ // (
	p.blank()
	inner, needs, err := p.or()
	if err != nil {
		return nil, 0, err
	}
	p.blank()
	if !p.next(")") {
		return nil, 0, p.fail("want ), && or ||")
	}
	p.depth--
	return inner, needs, nil
}

func (p *queryParser) operator() string {
	for _, operator := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.next(operator) {
			return operator
		}
	}
	return ""
}

// term is a literal, a query or a function call: what comparisons, tests and arguments are made of.
// Just one of its first four fields is set.
type term struct {
	literal  valued
	query    *filterQuery
	function valued  // a call of a function of ValueType
	logical  logical // a call of a function of LogicalType

	name  string // of the function
	needs Need
}

// test returns the term as a test expression.
func (t term) test(p *queryParser) (logical, error) {
	switch {
	case t.query != nil:
		return exists{t.query}, nil
	case t.logical != nil:
		return t.logical, nil
	case t.literal != nil:
		return nil, p.fail("want a comparison behind a literal: ==, !=, <, <=, > or >=")
	}
	return nil, p.fail("want a comparison behind %s(): ==, !=, <, <=, > or >=", t.name)
}

// valued returns the term as a side of a comparison, or as an argument of ValueType.
func (t term) valued(p *queryParser, start int) (valued, error) {
	switch {
	case t.literal != nil:
		return t.literal, nil
	case t.function != nil:
		return t.function, nil
	case t.logical != nil:
		return nil, p.failAt(start, "want a value; %s() is true or false and stands alone", t.name)
	case !t.query.segments.singular():
		return nil, p.failAt(start, "want a query of names and indexes only, "+
			"which selects at most one value, or value(), count() or a test")
	}
	for _, s := range t.query.segments {
		if s.spaced {
			const reason = "want no white space within the brackets of a query that is compared"
			return nil, p.failAt(start, reason)
		}
	}
	return singularQuery{t.query}, nil
}

// term parses a term. If there is none, reason says what is wanted.
func (p *queryParser) term(reason string) (term, error) {
	switch {
	case p.at("@$"):
		q, needs, err := p.filterQuery()
		return term{query: q, needs: needs}, err
	case p.at(`'"`):
		text, err := p.quoted(p.text[p.pos])
		return term{literal: literal{operand{kind: String, text: []byte(text), at: -1}}}, err
	case p.at("-0123456789"):
		text, err := p.number()
		return term{literal: literal{operand{kind: Number, text: []byte(text), at: -1}}}, err
	}
	start := p.pos
	for p.pos < len(p.text) {
		if c := p.text[p.pos]; c < 'a' || c > 'z' {
			if p.pos == start || c != '_' && (c < '0' || c > '9') {
				break
			}
		}
		p.pos++
	}
	name := p.text[start:p.pos]
	switch {
	case name == "":
		return term{}, p.fail("%s", reason)
	case p.at("("):
		return p.function(name, start)
	case name == "null":
		return term{literal: literal{operand{kind: Null, at: -1}}}, nil
	case name == "true" || name == "false":
		return term{literal: literal{operand{kind: Bool, truth: name == "true", at: -1}}}, nil
	case parametersOf[name] > 0:
		return term{}, p.fail("want ( right behind %s", name)
	}
	return term{}, p.failAt(start, "%s", reason)
}

func (p *queryParser) filterQuery() (*filterQuery, Need, error) {
	q := &filterQuery{absolute: p.text[p.pos] == '$'}
	p.pos++
	var err error
	if q.segments, err = p.segments(); err != nil {
		return nil, 0, err
	}
	needs := NeedValue
	if q.absolute {
		needs = NeedRoot
	}
	for _, seg := range q.segments {
		for _, sel := range seg.selectors {
			if sel.needs == NeedRoot {
				needs = NeedRoot
			}
		}
	}
	return q, needs, nil
}

// number parses a number literal (RFC 9535 §2.3.5.1).
func (p *queryParser) number() (string, error) {
	start := p.pos
	p.next("-")
	first := p.pos
	if !p.digits() {
		return "", p.fail("want a digit")
	}
	if p.text[first] == '0' && p.pos-first > 1 {
		return "", p.failAt(first, "want a number without leading zeros")
	}
	if p.next(".") && !p.digits() {
		return "", p.fail("want a digit behind the decimal point")
	}
	if p.at("eE") {
		p.pos++
		if p.at("+-") {
			p.pos++
		}
		if !p.digits() {
			return "", p.fail("want a digit in the exponent")
		}
	}
	return p.text[start:p.pos], nil
}

// parametersOf says how many parameters the functions have (RFC 9535 §2.4.4 to §2.4.8).
var parametersOf = map[string]int{"length": 1, "count": 1, "value": 1, "match": 2, "search": 2}

// function parses the arguments of a function (RFC 9535 §2.4) and checks their types. Its name
// begins at start; the position is at its parenthesis.
func (p *queryParser) function(name string, start int) (term, error) {
	parameters, known := parametersOf[name]
	if !known {
		const reason = "want one of the functions length, count, match, search and value"
		return term{}, p.failAt(start, reason)
	}
	if err := p.nested(); err != nil {
		return term{}, err
	}
	f := term{name: name}
	p.pos++ // (
	p.blank()
	wanted := ": a literal, a query that begins with @ or $, or a function"
	takesNodes := name == "count" || name == "value"
	if takesNodes {
		wanted = ": a query that begins with @ or $"
	}
	var values []valued
	var nodes *filterQuery
	var at int // where the last argument begins
	for i := range parameters {
		if i > 0 {
			if !p.next(",") {
				return term{}, p.fail("want , and a second argument of %s", name)
			}
			p.blank()
		}
		at = p.pos
		a, err := p.term("want an argument of " + name + wanted)
		if err != nil {
			return term{}, err
		}
		f.needs = max(f.needs, a.needs)
		if takesNodes {
			if nodes = a.query; nodes == nil {
				const reason = "want a query that begins with @ or $ as the argument of %s"
				return term{}, p.failAt(at, reason, name)
			}
		} else {
			v, err := a.valued(p, at)
			if err != nil {
				return term{}, err
			}
			values = append(values, v)
		}
		p.blank()
	}
	if !p.next(")") {
		return term{}, p.fail("want ) behind the last argument of %s", name)
	}
	p.depth--
	switch name {
	case "length":
		f.function = lengthOf{values[0]}
	case "count":
		f.function = countOf{nodes}
	case "value":
		f.function = valueOf{nodes}
	default:
		m := matching{text: values[0], pattern: values[1], whole: name == "match"}
		if l, ok := m.pattern.(literal); ok && l.kind == String {
			var err error
			if m.fixed, err = compilePattern(string(l.text), m.whole); err != nil {
				return term{}, p.failAt(at, "%v", err)
			}
		}
		f.logical = m
	}
	return f, nil
}
