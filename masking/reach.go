package masking

import (
	"encoding/binary"
	"slices"
)

// Reach is what a layout's selectors make of one place in the responses that a schema describes, with no response at hand. Where it
// would take one to tell (an index, a slice, a filter), the selector counts as selecting.
type Reach struct {
	automaton *automaton
	points    []int // sorted
	within    bool  // the place is an element, of the same record, of an array that is named
}

// Reach returns the root of responses.
func (l *Layout) Reach() Reach {
	a := l.automaton
	var start []int
	for _, p := range a.paths {
		if p.purpose == selectsRecord || p.kind == Envelope {
			start = append(start, p.first)
		}
	}
	r, _ := a.reach(start)
	return r
}

// Member is the member of that name.
func (r Reach) Member(name string) Reach {
	r, _ = r.step(func(s selector) bool {
		return s.kind == wildcardSelector || s.kind == filterSelector || s.kind == nameSelector && s.name == name
	})
	return r
}

// AnyMember is a member whose name no schema tells: what selects by name does not select it.
func (r Reach) AnyMember() Reach {
	r, _ = r.step(func(s selector) bool { return s.kind == wildcardSelector || s.kind == filterSelector })
	return r
}

// Element is an element of the array.
func (r Reach) Element() Reach {
	next, begins := r.step(func(s selector) bool { return s.kind != nameSelector })
	next.within = r.Named() && !begins
	return next
}

// Named reports whether a field of the innermost record, or of the envelope where there is none, selects the place, or an array that
// it is an element of.
func (r Reach) Named() bool {
	return r.within || slices.ContainsFunc(r.points, func(n int) bool {
		return r.automaton.paths[r.automaton.owner[n]].purpose == selectsField && r.automaton.matched(n)
	})
}

// Key is the same for two points if and only if the layout cannot tell them apart, nor anything below them.
func (r Reach) Key() string {
	key := []byte{0}
	if r.within {
		key[0] = 1
	}
	for _, n := range r.points {
		key = binary.AppendUvarint(key, uint64(n))
	}
	return string(key)
}

// step moves on, and reports whether a record begins there in any case.
func (r Reach) step(selects func(selector) bool) (to Reach, begins bool) {
	return r.automaton.reach(r.automaton.follow(r.points, selects))
}

// reach takes up the fields of records that begin at the points. Where one begins in any case, those of the record around it end.
func (a *automaton) reach(points []int) (r Reach, begins bool) {
	var kinds []int
	for _, n := range points {
		if p := a.paths[a.owner[n]]; p.purpose == selectsRecord && a.matched(n) {
			kinds = append(kinds, p.kind)
			begins = begins || !slices.ContainsFunc(p.query, func(s segment) bool {
				return slices.ContainsFunc(s.selectors, func(s selector) bool { return s.kind == indexSelector || s.conditional() })
			})
		}
	}
	if begins {
		points = slices.DeleteFunc(points, func(n int) bool { return a.paths[a.owner[n]].purpose != selectsRecord })
	}
	for _, p := range a.paths {
		if p.purpose != selectsRecord && slices.Contains(kinds, p.kind) {
			points = append(points, p.first)
		}
	}
	slices.Sort(points)
	return Reach{automaton: a, points: slices.Compact(points)}, begins
}
