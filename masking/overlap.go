package masking

import "slices"

// Overlap is a pair of selectors, by index, that can select the same value of some response.
type Overlap struct {
	First, Second int
	Same          bool // each selects just what the other does, and no more than one value
}

// Overlaps returns the pairs of selectors (RFC 9535) from the same root that can select the same
// value, in order. Where only a response could tell, two count as overlapping: a filter and
// anything, an index from the front and one from the end. Filters that compare one value with
// different literals do not, as in [?@.type=='id'] and [?@.type=='phone']. Selectors that do not
// parse overlap nothing.
func Overlaps(selectors []string) []Overlap {
	queries := make([]query, len(selectors))
	parsed := make([]bool, len(selectors))
	for i, text := range selectors {
		q, err := parseQuery(text)
		queries[i], parsed[i] = q, err == nil
	}
	var list []Overlap
	for i, a := range queries {
		for j, b := range queries[i+1:] {
			if parsed[i] && parsed[i+1+j] && overlap(a, b, map[[2]int]bool{}) {
				same := a.singular() && b.singular() && sameSteps(a, b)
				list = append(list, Overlap{First: i, Second: i + 1 + j, Same: same})
			}
		}
	}
	return list
}

// overlap reports whether two queries can select the same value. It walks both down one path of an
// imagined response. seen has the pairs of remaining segments that led nowhere.
func overlap(a, b query, seen map[[2]int]bool) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	at := [2]int{len(a), len(b)}
	if len(a) == 0 || len(b) == 0 || seen[at] {
		return false
	}
	seen[at] = true
	together := slices.ContainsFunc(a[0].selectors, func(x selector) bool {
		return slices.ContainsFunc(b[0].selectors, func(y selector) bool { return x.meets(y) })
	})
	// A descendant segment may also be at a child without having matched it.
	return together && overlap(a[1:], b[1:], seen) ||
		b[0].descendant && overlap(a[1:], b, seen) ||
		a[0].descendant && overlap(a, b[1:], seen)
}

// meets reports whether two selectors can select the same child.
func (s selector) meets(other selector) bool {
	if s.kind > other.kind {
		s, other = other, s
	}
	for _, one := range []selector{s, other} {
		if one.kind == sliceSelector && one.slice.step == 0 {
			return false // it selects nothing (RFC 9535 §2.3.4.2.2)
		}
	}
	switch kinds := [2]selectorKind{s.kind, other.kind}; {
	case s.kind == nameSelector:
		return other.kind == nameSelector && s.name == other.name || other.selectsAnyMember()
	case kinds == [2]selectorKind{indexSelector, indexSelector}:
		return s.index == other.index || (s.index < 0) != (other.index < 0)
	case kinds == [2]selectorKind{indexSelector, sliceSelector}:
		return s.index < 0 || !other.slice.streams() || other.selectsElement(s.index, unknownLength)
	case kinds == [2]selectorKind{sliceSelector, sliceSelector}:
		return !s.slice.streams() || !other.slice.streams() || s.slice.meets(other.slice)
	case kinds == [2]selectorKind{filterSelector, filterSelector}:
		return !disjoint(s.filter, other.filter)
	}
	return true
}

// meets reports whether two slices without negative bounds have an index in common. Slices whose
// ranges meet are taken to have one, whatever their steps.
func (s slice) meets(other slice) bool {
	start, end := max(s.start, other.start), unknownLength
	for _, one := range []slice{s, other} {
		if one.hasEnd {
			end = min(end, one.end)
		}
	}
	return start < end
}

// disjoint reports whether it is plain that no value passes both filters.
func disjoint(a, b logical) bool {
	for range 2 {
		switch a := a.(type) {
		case anyOf:
			return !slices.ContainsFunc(a, func(one logical) bool { return !disjoint(one, b) })
		case allOf:
			if slices.ContainsFunc(a, func(one logical) bool { return disjoint(one, b) }) {
				return true
			}
		}
		a, b = b, a
	}
	x, ok := a.(comparison)
	y, ok2 := b.(comparison)
	if !ok || !ok2 {
		return false
	}
	value, literalX := x.ofLiteral()
	other, literalY := y.ofLiteral()
	if value == nil || other == nil || value.absolute != other.absolute ||
		!sameSteps(value.segments, other.segments) {
		return false
	}
	equal := sameLiteral(literalX, literalY)
	switch {
	case x.operator == "==" && y.operator == "==":
		return !equal
	case x.operator == "==" && y.operator == "!=", x.operator == "!=" && y.operator == "==":
		return equal
	}
	return false
}

// ofLiteral takes apart the comparison of a value with a literal. The query is nil if it is none.
func (op comparison) ofLiteral() (*filterQuery, operand) {
	left, right := op.left, op.right
	if _, ok := left.(literal); ok {
		left, right = right, left
	}
	q, ok := left.(singularQuery)
	l, ok2 := right.(literal)
	if !ok || !ok2 {
		return nil, operand{}
	}
	return q.query, l.operand
}

// sameLiteral reports whether two literals are equal.
func sameLiteral(a, b operand) bool {
	switch {
	case a.kind != b.kind:
		return false
	case a.kind == Number:
		return compareNumbers(a.text, b.text) == 0
	}
	return string(a.text) == string(b.text) && a.truth == b.truth
}

// sameSteps reports whether two singular queries are the same, however they are written.
func sameSteps(a, b query) bool {
	return slices.EqualFunc(a, b, func(x, y segment) bool {
		s, o := x.selectors[0], y.selectors[0]
		return s.kind == o.kind && s.name == o.name && s.index == o.index
	})
}
