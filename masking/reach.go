package masking

import (
	"encoding/binary"
	"slices"
)

// Reach is one place in the responses that a schema describes, and what a layout's selectors make
// of it with no response at hand. A selector that only a response could judge (an index, a slice, a
// filter) counts as selecting.
type Reach struct {
	automaton *automaton
	points    []int // sorted
	within    bool  // the place is an element of an array of the same record that is named
}

// Reach returns the place of the root.
func (l *Layout) Reach() Reach {
	a := l.automaton
	r, _ := a.reach(a.start())
	return r
}

// Member returns the place of the members of a name.
func (r Reach) Member(name string) Reach {
	r, _ = r.step(func(s selector) bool {
		return s.selectsAnyMember() || s.kind == nameSelector && s.name == name
	})
	return r
}

// AnyMember returns the place of members whose names no schema tells. What selects by name does not
// select them.
func (r Reach) AnyMember() Reach {
	r, _ = r.step(selector.selectsAnyMember)
	return r
}

func (s selector) selectsAnyMember() bool {
	return s.kind == wildcardSelector || s.kind == filterSelector
}

// Element returns the place of the elements.
func (r Reach) Element() Reach {
	next, begins := r.step(func(s selector) bool { return s.kind != nameSelector })
	next.within = r.Named() && !begins
	return next
}

// Named reports whether a field of the innermost record, or of the envelope where there is none,
// selects the place, or an array that it is an element of.
func (r Reach) Named() bool {
	a := r.automaton
	return r.within || slices.ContainsFunc(r.points, func(point int) bool {
		return a.path(point).purpose == selectsField && a.matched(point)
	})
}

// Key is the same for two places if and only if the layout can tell apart neither the places nor
// anything below them.
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

// step returns the place of the children that are selected by the selectors for which selects
// holds, and by no others. It reports whether a record begins there in any case.
func (r Reach) step(selects func(selector) bool) (to Reach, begins bool) {
	return r.automaton.reach(r.automaton.follow(r.points, selects))
}

// reach returns the place at some points, with the points of the fields of all records that begin
// there. It reports whether a record begins there in any case; if so the place has no points of the
// fields of the record around it.
func (a *automaton) reach(points []int) (r Reach, begins bool) {
	var kinds []int
	for _, n := range points {
		if a.beginsRecord(n) {
			kinds = append(kinds, a.path(n).kind)
			begins = begins || !slices.ContainsFunc(a.path(n).query, segment.needsResponse)
		}
	}
	if begins {
		points = slices.DeleteFunc(points, func(point int) bool {
			return a.path(point).purpose != selectsRecord
		})
	}
	for _, p := range a.paths {
		if p.purpose != selectsRecord && slices.Contains(kinds, p.kind) {
			points = append(points, p.first)
		}
	}
	slices.Sort(points)
	return Reach{automaton: a, points: slices.Compact(points)}, begins
}

// needsResponse reports whether a selector of the segment selects an element or member of some
// responses only.
func (s segment) needsResponse() bool {
	return slices.ContainsFunc(s.selectors, func(s selector) bool {
		return s.kind == indexSelector || s.conditional()
	})
}
