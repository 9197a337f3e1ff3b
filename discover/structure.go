package discover

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// path says where a value lies, step by step.
type path []step

type step struct {
	name    string
	element bool
	mixed   bool // whether an object stands sometimes where the array does
}

var shorthand = regexp.MustCompile(`^[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_\x{80}-\x{10FFFF}]*$`)

// from writes the path as a selector (RFC 9535) from a value that encloses it.
func (p path) from(outer path) string {
	var b strings.Builder
	b.WriteString("$")
	for _, s := range p[len(outer):] {
		switch {
		case s.mixed: // [*] would select members of the object as well
			b.WriteString("[0:]")
		case s.element:
			b.WriteString("[*]")
		case s.name == "*": // members whose names are not kept; no presentable name is *
			b.WriteString(".*")
		case shorthand.MatchString(s.name):
			b.WriteString("." + s.name)
		default: // no presentable name has a quote or a backslash
			b.WriteString("['" + s.name + "']")
		}
	}
	return b.String()
}

func (p path) within(outer path) bool {
	return len(p) >= len(outer) && slices.Equal(p[:len(outer)], outer)
}

// singular reports whether a value that encloses the path has at most one value there.
func (p path) singular(outer path) bool {
	return p.within(outer) && !slices.ContainsFunc(p[len(outer):], func(s step) bool {
		return s.element
	})
}

func (p path) then(s step) path { return append(slices.Clip(p), s) }

// leaf is a field, or a value that is left out.
type leaf struct {
	path  path
	shape *Shape
	proposal
	inner []leaf // of the JSON in its strings
}

// survey lists what lies in a route's shape.
type survey struct {
	leaves []leaf
	lists  []list // of objects, the outer ones first
	shapes map[string]*Shape
}

// list is an array of objects.
type list struct {
	items path // its elements
	about topic
}

func (v *survey) shape(p path) *Shape { return v.shapes[p.from(nil)] }

// walk lists what lies in a value.
func (v *survey) walk(s *Shape, p path, at place) {
	v.shapes[p.from(nil)] = s
	switch {
	case s.Embedded != nil && v.embedded(s, p, at):
	case s.scalars()+s.Bools > 0 || s.Objects+s.Arrays == 0:
		v.leaves = append(v.leaves, leaf{path: p, shape: s, proposal: propose(s, at)})
	case s.Arrays > 0 && s.Elements == nil: // all arrays were empty
		v.leaves = append(v.leaves, leaf{path: p.then(step{element: true}), shape: s,
			proposal: propose(s, at)})
	}
	if s.Hidden > 0 {
		v.leaves = append(v.leaves, leaf{path: p.then(step{name: "*"}), shape: s,
			proposal: proposal{why: fmt.Sprintf("%d members whose names look like data, or are "+
				"too many", s.Hidden)}})
	}
	if s.Elements != nil {
		items := p.then(step{element: true, mixed: s.Objects > 0})
		if s.Elements.Objects > 0 {
			v.lists = append(v.lists, list{items, at.topic})
		}
		v.walk(s.Elements, items, place{at.name, at.topic, nil})
	}
	var siblings []named
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		siblings = append(siblings, ofName(name))
	}
	inside := at.topic
	if slices.Contains(siblings, "credit_report") {
		inside = credit
	}
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		v.walk(s.Members[name], p.then(step{name: name}), place{name, topicOf(name, inside),
			siblings})
	}
}

// embedded lists the fields of the JSON in a string. It reports false, and lists nothing, unless
// half of the values hold JSON and a type is proposed for a field within.
func (v *survey) embedded(s *Shape, p path, at place) bool {
	n := s.Embedded.Objects + s.Embedded.Arrays
	if n*2 < s.scalars() || n == 0 {
		return false
	}
	within := &survey{shapes: map[string]*Shape{}}
	within.walk(s.Embedded, path{}, place{topic: at.topic})
	if !slices.ContainsFunc(within.leaves, func(l leaf) bool { return l.typ != "" }) {
		return false
	}
	v.leaves = append(v.leaves, leaf{p, s, proposal{typ: embeddedJSON, why: outOf(n, s) +
		" hold JSON"}, within.leaves})
	return true
}

// topicOf returns what a value is about by its name, or an answer by a segment of its path.
func topicOf(name string, around topic) topic {
	joined := strings.Join(splitName(name), "")
	switch {
	case strings.Contains(joined, "creditreport") || strings.Contains(joined, "zxbg") ||
		strings.Contains(joined, "zhengxin"):
		return credit
	case around == credit:
		return credit
	case slices.Contains([]string{"transaction", "transactions", "txn", "txns", "trades",
		"statement", "statements", "jyls", "jymx", "jiaoyi", "交易明细"}, joined):
		return transactions
	}
	return around
}

// subject returns the field that says whom a record at a path is about: the best identifier of a
// person that each value there has once; nil if there is none. record is the path of the record. It
// lies further in than p if the value at p is sometimes without a record, as in "data": null.
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
			if v.shape(l.path[:n]).values() == l.shape.scalars() {
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
	var kinds []kind
	s, record := v.subject(p)
	// An element is a record if it is about another person than the record around it.
	if s != nil && (!enclosed || s.shape.Enclosing < s.shape.scalars()) {
		kinds = append(kinds, kind{record, s})
	}
	for _, l := range v.lists {
		inner := func(m list) bool { return len(m.items) > len(p) && m.items.within(p) }
		between := func(m list) bool {
			return inner(m) && len(m.items) < len(l.items) && l.items.within(m.items)
		}
		if inner(l) && !slices.ContainsFunc(v.lists, between) {
			kinds = append(kinds, v.kinds(l.items, enclosed || s != nil)...)
		}
	}
	return kinds
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

// around returns the path of the innermost value within p that holds everything personal there,
// without the records of inner kinds. That is p or a value in it that p has at most once; if
// elements is true, it may also be the elements of an array.
func (v *survey) around(p path, inner []kind, elements bool) path {
	var common path
	for _, l := range v.leaves {
		if l.typ == "" || l.typ == "public" || !l.path.within(p) || slices.ContainsFunc(inner,
			func(k kind) bool { return l.path.within(k.path) }) {
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

// fold replaces each list within a credit report that is about nobody else by two fields, the list
// and the members of its objects. It sorts the leaves.
func (v *survey) fold(kinds []kind) {
	for _, l := range v.lists {
		array := l.items[:len(l.items)-1]
		recordIn := slices.ContainsFunc(kinds, func(k kind) bool { return k.path.within(array) })
		inRecord := slices.ContainsFunc(kinds, func(k kind) bool { return array.within(k.path) })
		if l.about != credit || len(array) == 0 || recordIn || !inRecord {
			continue
		}
		n := len(v.leaves)
		v.leaves = slices.DeleteFunc(v.leaves, func(leaf leaf) bool {
			return leaf.path.within(array) && len(leaf.path) <= len(l.items)+1
		})
		if len(v.leaves) < n { // if not, the objects have nothing but objects in them
			v.leaves = append(v.leaves,
				leaf{path: array, shape: v.shape(array), proposal: proposal{typ: "credit_report",
					why: "a list within a credit report, about nobody else"}},
				leaf{path: l.items.then(step{name: "*"}), shape: v.shape(array),
					proposal: proposal{typ: "credit_report", why: "what its objects say"}})
		}
	}
	slices.SortStableFunc(v.leaves, func(a, b leaf) int {
		return cmp.Compare(a.path.from(nil), b.path.from(nil))
	})
}
