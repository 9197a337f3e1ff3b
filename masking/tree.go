package masking

import "sort"

// tree lists the values of a part of a response in document order, for conditions that need to see
// the whole part. It is built in one pass over the part's bytes, and reused from part to part.
type tree struct {
	values []treeValue
	scan   scanner
}

type treeValue struct {
	name       int // where the name begins, of a member; -1 of any other value
	start, end int
	next       int // index of the value behind all that lie in this one
	children   int // how many members or elements it has
	kind       Kind
}

// build lists the value at an offset into src, and all that lie in it. It reports false if the
// value is not strict JSON within the limits.
func (t *tree) build(src []byte, at int, limits Limits) bool {
	t.scan.reset(src, limits)
	t.scan.pos = at
	t.values = t.values[:0]
	if !t.value(-1) {
		t.values = t.values[:0]
		return false
	}
	return true
}

func (t *tree) reset() {
	t.scan.src = nil
	t.values = t.values[:0]
}

func (t *tree) value(name int) bool {
	s := &t.scan
	i := len(t.values)
	kind := s.kind()
	t.values = append(t.values, treeValue{name: name, start: s.pos, kind: kind})
	children := 0
	switch kind {
	case Object:
		c := s.enter('}')
		for s.next(&c) {
			start := s.pos
			if _, ok := s.name(c.names); !ok || !t.value(start) {
				return false
			}
			children++
		}
		if !s.leave(c) {
			return false
		}
	case Array:
		c := s.enter(']')
		for s.next(&c) {
			if !t.value(-1) {
				return false
			}
			children++
		}
		if !s.leave(c) {
			return false
		}
	default:
		if !s.scalar(kind) {
			return false
		}
	}
	v := &t.values[i]
	v.end, v.next, v.children = s.pos, len(t.values), children
	return true
}

// covers reports whether the value at an offset into the response is listed.
func (t *tree) covers(at int) bool {
	return len(t.values) > 0 && t.values[0].start <= at && at < t.values[0].end
}

// find returns the value at an offset into the response. The tree must cover it.
func (t *tree) find(at int) int {
	return sort.Search(len(t.values), func(i int) bool { return t.values[i].start >= at })
}
