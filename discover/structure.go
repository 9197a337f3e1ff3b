package discover

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// path is where a value lies: the names of members, and [*] for elements.
type path []step

type step struct {
	name    string
	element bool
}

var shorthand = regexp.MustCompile(`^[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_\x{80}-\x{10FFFF}]*$`)

// from writes the path as a selector (RFC 9535) from a value that encloses it.
func (p path) from(outer path) string {
	var b strings.Builder
	b.WriteString("$")
	for _, s := range p[len(outer):] {
		switch {
		case s.element:
			b.WriteString("[*]")
		case s.name == "*": // members whose names are not kept; no name that is kept is so written
			b.WriteString(".*")
		case shorthand.MatchString(s.name):
			b.WriteString("." + s.name)
		default: // of presentable names none has a quote or a backslash
			b.WriteString("['" + s.name + "']")
		}
	}
	return b.String()
}

func (p path) within(outer path) bool {
	return len(p) >= len(outer) && slices.Equal(p[:len(outer)], outer)
}

// singular reports whether there is at most one value of the path in a value that encloses it.
func (p path) singular(outer path) bool {
	return p.within(outer) && !slices.ContainsFunc(p[len(outer):], func(s step) bool { return s.element })
}

func (p path) then(s step) path { return append(slices.Clip(p), s) }

// leaf is a field, or a value that is left out.
type leaf struct {
	path  path
	shape *Shape
	proposal
}

// survey is a route's shape, laid flat.
type survey struct {
	leaves []leaf
	items  []path // elements that are objects, the outer ones first
	shapes map[string]*Shape
}

func (v *survey) shape(p path) *Shape { return v.shapes[p.from(nil)] }

// walk lists what lies in a value.
func (v *survey) walk(s *Shape, p path, at place) {
	v.shapes[p.from(nil)] = s
	if s.scalars()+s.Bools > 0 || s.Objects+s.Arrays == 0 {
		v.leaves = append(v.leaves, leaf{p, s, propose(s, at)})
	}
	if s.Hidden > 0 {
		v.leaves = append(v.leaves, leaf{p.then(step{name: "*"}), s, proposal{why: fmt.Sprintf("%d members whose names look like data, or are too many", s.Hidden)}})
	}
	if s.Elements != nil {
		items := p.then(step{element: true})
		if s.Elements.Objects > 0 {
			v.items = append(v.items, items)
		}
		v.walk(s.Elements, items, place{at.name, at.context, nil})
	}
	var siblings []named
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		siblings = append(siblings, ofName(name))
	}
	inside := at.context
	if slices.Contains(siblings, "credit_report") {
		inside = credit
	}
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		v.walk(s.Members[name], p.then(step{name: name}), place{name, contextOf(name, inside), siblings})
	}
}

// contextOf says what a value of that name, or an answer of a route whose path has that segment, is about.
func contextOf(name string, around context) context {
	joined := strings.Join(splitName(name), "")
	switch {
	case strings.Contains(joined, "creditreport") || strings.Contains(joined, "zxbg") || strings.Contains(joined, "zhengxin"):
		return credit
	case around == credit:
		return credit
	case slices.Contains([]string{"transaction", "transactions", "txn", "txns", "trades", "statement", "statements", "jyls", "jymx", "jiaoyi", "交易明细"}, joined):
		return transactions
	}
	return around
}

// subject returns the field that says whom a record at a path is about, nil if there is none: the best identifier of a person that each
// has, once. Where an envelope has no record at times ("data": null), record is the member of it that each has one in.
func (v *survey) subject(p path) (subject *leaf, record path) {
	best := 0
	for i := range v.leaves {
		l := v.leaves[i]
		if !slices.Contains(subjects, named(l.typ)) || !l.path.singular(p) {
			continue
		}
		rank := slices.Index(subjects, named(l.typ))*100 + len(l.path)
		if subject != nil && rank >= best {
			continue
		}
		for n := len(p); n < len(l.path); n++ {
			if v.shape(l.path[:n]).Objects == l.shape.scalars() {
				subject, record, best = &l, l.path[:n], rank
				break
			}
		}
	}
	return subject, record
}

// kind is a kind of record.
type kind struct {
	path    path
	subject *leaf // nil if there is none
}

// kinds returns the kinds of record in a value, itself included, the outer ones first.
func (v *survey) kinds(p path, enclosed bool) []kind {
	s, record := v.subject(p)
	var list []kind
	if s != nil {
		// Someone of their own, and not the one that the record around is about.
		if enclosed && s.shape.Enclosing == s.shape.scalars() {
			return nil
		}
		list = append(list, kind{record, s})
	}
	for _, items := range v.items {
		if items.within(p) && len(items) > len(p) && !slices.ContainsFunc(list, func(k kind) bool { return len(k.path) > len(p) && items.within(k.path) }) {
			list = append(list, v.kinds(items, enclosed || s != nil)...)
		}
	}
	return list
}

// records finds the kinds of record of a route.
func (v *survey) records() []kind {
	list := v.kinds(path{}, false)
	if len(list) == 0 {
		return []kind{{path: v.around(path{}, nil, true)}}
	}
	for i, k := range list {
		inner := list[i+1:]
		if d := v.around(k.path, inner, false); k.subject.path.within(d) {
			list[i].path = d
		}
	}
	return list
}

// around returns the innermost value within p that holds all that is personal there, the records of inner kinds left out. It is p or
// one of its only members; or, if elements are asked for, the elements of an array.
func (v *survey) around(p path, inner []kind, elements bool) path {
	var common path
	for _, l := range v.leaves {
		if l.typ == "" || l.typ == "public" || !l.path.within(p) || slices.ContainsFunc(inner, func(k kind) bool { return l.path.within(k.path) }) {
			continue
		}
		enclosing := l.path[:len(l.path)-min(1, len(l.path)-len(p))]
		if common == nil {
			common = enclosing
		}
		n := 0
		for n < len(common) && n < len(enclosing) && common[n] == enclosing[n] {
			n++
		}
		common = common[:n]
	}
	for len(common) > len(p) && (!elements && !common.singular(p) || v.shape(common).Objects == 0) {
		common = common[:len(common)-1]
	}
	if len(common) < len(p) {
		return p
	}
	return common
}

// fold puts a field in the place of each list within a credit report that is about nobody else.
func (v *survey) fold(kinds []kind, route context) {
	for _, items := range v.items {
		around := route
		for i, s := range items {
			if !s.element {
				around = contextOf(s.name, around)
			}
			if o := v.shape(items[:i]); o != nil {
				for name := range o.Members {
					if ofName(name) == "credit_report" {
						around = credit
					}
				}
			}
		}
		array := items[:len(items)-1]
		if around != credit || len(array) == 0 || slices.ContainsFunc(kinds, func(k kind) bool { return k.path.within(array) }) ||
			!slices.ContainsFunc(kinds, func(k kind) bool { return array.within(k.path) }) {
			continue
		}
		n := len(v.leaves)
		v.leaves = slices.DeleteFunc(v.leaves, func(l leaf) bool { return l.path.within(array) })
		if len(v.leaves) < n { // else an outer list was folded
			v.leaves = append(v.leaves, leaf{array, v.shape(array), proposal{typ: "credit_report", why: "a list within a credit report, about nobody else"}})
		}
	}
	// An empty list tells no more than its name.
	slices.SortStableFunc(v.leaves, func(a, b leaf) int { return cmp.Compare(a.path.from(nil), b.path.from(nil)) })
}
