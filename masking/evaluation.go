package masking

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf8"
)

// evaluation evaluates filters on a tree. @ is a value of the tree, and so is the root that $
// stands for.
type evaluation struct {
	tree     tree
	root     int
	absolute map[absoluteQuery]found // what queries that begin with $ select
	patterns map[patternKey]*pattern // patterns that came from the response
	text     arena                   // unescaped strings of one test

	work      int  // how much may still be done for this response
	exhausted bool // there was too much work: what was found is void
	tooLarge  bool // a pattern that came from the response is too large
}

type absoluteQuery struct {
	query *filterQuery
	root  int
}

// found is how many values a query selects, as far as evaluation.count counted, and the first.
type found struct{ n, first int }

type patternKey struct {
	text  string
	whole bool
}

// The work of filters is bounded. To look at a value costs one, each time, and one more for every
// eight bytes of the value that are read. A response may cost baseWork, which is a second or so,
// and workPerByte for each of its bytes.
const (
	baseWork    = 1 << 25
	workPerByte = 64
	patternWork = 1 << 12 // what it costs to compile a pattern
)

// maxPatterns is how many patterns are kept compiled.
const maxPatterns = 64

func (e *evaluation) reset() {
	e.tree.reset()
	e.text.reset()
	clear(e.absolute)
	clear(e.patterns)
	e.exhausted, e.tooLarge = false, false
}

// spend charges for a value that is looked at, and reports whether more may be done.
func (e *evaluation) spend() bool {
	e.charge(1)
	return !e.exhausted
}

// charge takes work off what may still be done.
func (e *evaluation) charge(work int) {
	if e.work -= work; e.work < 0 {
		e.exhausted = true
	}
}

// children yields the members or elements of the value at i.
func (e *evaluation) children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		v := e.tree.values[i]
		for c := i + 1; c < v.next; c = e.tree.values[c].next {
			if !e.spend() || !yield(c) {
				return
			}
		}
	}
}

// name returns a member's name, unescaped, valid until the next call.
func (e *evaluation) name(i int) []byte {
	name := e.tree.scan.text(e.tree.values[i].name)
	e.charge(len(name) / 8)
	return name
}

// member returns the member of a name of the value at i.
func (e *evaluation) member(i int, name string) (int, bool) {
	if e.tree.values[i].kind == Object {
		for c := range e.children(i) {
			if string(e.name(c)) == name {
				return c, true
			}
		}
	}
	return 0, false
}

// operand returns the value at i, as comparisons take it.
func (e *evaluation) operand(i int) operand {
	v := e.tree.values[i]
	o := operand{kind: v.kind, at: i}
	raw := e.tree.scan.src[v.start:v.end]
	switch v.kind {
	case String:
		e.charge(len(raw) / 8)
		o.text = raw[1 : len(raw)-1]
		if bytes.IndexByte(o.text, '\\') >= 0 {
			o.text = e.text.unescape(o.text)
		}
	case Number:
		e.charge(len(raw) / 8)
		o.text = raw
	case Bool:
		o.truth = raw[0] == 't'
	}
	return o
}

// walk yields what segments select from the value at i, in any order, as often as they select it.
// It reports false if yield did, or if there was too much work.
func (e *evaluation) walk(segments query, i int, yield func(int) bool) bool {
	if len(segments) == 0 {
		return yield(i)
	}
	if kind := e.tree.values[i].kind; kind != Object && kind != Array {
		return true
	}
	for k := range segments[0].selectors {
		further := func(c int) bool { return e.walk(segments[1:], c, yield) }
		if !e.selects(&segments[0].selectors[k], i, further) {
			return false
		}
	}
	if segments[0].descendant {
		for c := range e.children(i) {
			if !e.walk(segments, c, yield) {
				return false
			}
		}
	}
	return !e.exhausted
}

// selects yields the children of the value at i that a selector selects. It reports what walk
// reports.
func (e *evaluation) selects(s *selector, i int, yield func(int) bool) bool {
	v := e.tree.values[i]
	if s.kind == nameSelector {
		c, ok := e.member(i, s.name)
		return !ok || yield(c)
	}
	index := 0
	for c := range e.children(i) {
		var chosen bool
		switch s.kind {
		case wildcardSelector:
			chosen = true
		case filterSelector:
			chosen = s.filter.holds(e, c)
		default:
			chosen = v.kind == Array && s.selectsElement(index, v.children)
		}
		if chosen && !yield(c) {
			return false
		}
		index++
	}
	return !e.exhausted
}

// selectsElement reports whether an index or slice selects the element at an index of an array of a
// length.
func (s *selector) selectsElement(index, length int) bool {
	switch s.kind {
	case indexSelector:
		return index == normalIndex(s.index, length)
	case sliceSelector:
		return s.slice.selects(index, length)
	}
	return false
}

// count returns how many values a query within a filter selects, and the first. It counts no
// further than most.
func (e *evaluation) count(q *filterQuery, current, most int) (n, first int) {
	from := current
	key := absoluteQuery{q, e.root}
	if q.absolute {
		if f, known := e.absolute[key]; known {
			return f.n, f.first
		}
		from = e.root
	}
	e.walk(q.segments, from, func(i int) bool {
		if n == 0 {
			first = i
		}
		n++
		return n < most && e.spend()
	})
	if q.absolute {
		if e.absolute == nil {
			e.absolute = map[absoluteQuery]found{}
		}
		e.absolute[key] = found{n, first}
	}
	return n, first
}

func (x anyOf) holds(e *evaluation, current int) bool {
	for _, one := range x {
		if one.holds(e, current) {
			return true
		}
	}
	return false
}

func (x allOf) holds(e *evaluation, current int) bool {
	for _, one := range x {
		if !one.holds(e, current) {
			return false
		}
	}
	return true
}

func (x negate) holds(e *evaluation, current int) bool { return !x.logical.holds(e, current) }

func (x exists) holds(e *evaluation, current int) bool {
	n, _ := e.count(x.query, current, 1)
	return n > 0
}

func (x matching) holds(e *evaluation, current int) bool {
	defer e.text.release(e.text.mark())
	text := x.text.value(e, current)
	if text.kind != String {
		return false
	}
	e.charge(len(text.text))
	if x.fixed != nil {
		return x.fixed.matches(text.text)
	}
	p := x.pattern.value(e, current)
	if p.kind != String {
		return false
	}
	key := patternKey{string(p.text), x.whole}
	compiled, known := e.patterns[key]
	if !known {
		e.charge(patternWork)
		var err error
		if compiled, err = compilePattern(key.text, key.whole); err != nil {
			e.exhausted, e.tooLarge = true, true
			return false
		}
		if e.patterns == nil {
			e.patterns = map[patternKey]*pattern{}
		} else if len(e.patterns) >= maxPatterns {
			clear(e.patterns)
		}
		e.patterns[key] = compiled
	}
	return compiled.matches(text.text)
}

// literal is a literal of a filter.
type literal struct{ operand }

func (x literal) value(*evaluation, int) operand { return x.operand }

func (x singularQuery) value(e *evaluation, current int) operand {
	return valueOf(x).value(e, current)
}

func (x valueOf) value(e *evaluation, current int) operand {
	if n, i := e.count(x.query, current, 2); n == 1 {
		return e.operand(i)
	}
	return operand{}
}

func (x countOf) value(e *evaluation, current int) operand {
	n, _ := e.count(x.query, current, unknownLength)
	return operand{kind: Number, text: strconv.AppendInt(nil, int64(n), 10)}
}

func (x lengthOf) value(e *evaluation, current int) operand {
	defer e.text.release(e.text.mark())
	of := x.of.value(e, current)
	var n int
	switch of.kind {
	case String:
		n = utf8.RuneCount(of.text)
	case Array, Object:
		n = e.tree.values[of.at].children
	default:
		return operand{}
	}
	return operand{kind: Number, text: strconv.AppendInt(nil, int64(n), 10)}
}
