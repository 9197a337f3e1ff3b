package masking

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// The selectors of a layout are merged into one deterministic automaton, by the subset
// construction. The parser walks the document and the automaton side by side, so that matching
// costs the same whatever the number of selectors.
//
// A point is a selector and how many of its segments have matched. A state is the set of points
// that some value is at. A value at which a record begins leaves the points of the enclosing
// record's fields and takes up those of its own kind.
//
// Names, wildcards and indexes from 0 lead from state to state by themselves. Other selectors are
// conditions of a state: each is asked for each child, and a child that it selects goes to the
// union of two sets of points. States that only such unions lead to are made when a response first
// needs them.

// state is what the automaton knows of the values at one set of points. A nil state has no points:
// nothing selects the value or anything in it.
type state struct {
	fields  []int // the fields of the innermost record's kind that select the value, in order
	subject bool  // the value is the record's subject
	inputs  []int // the inputs of the record that the value is
	noted   bool  // the value is the subject or an input
	record  int   // the kind of record that begins here; or Envelope: none; or conflict

	// null is the state that a null has where a record begins, since it is no record.
	null *state

	intoObject, intoArray bool // a selector reaches into the value if it is one
	aroundRecords         bool // records can lie in the value

	names     map[string]*state // of members, by name
	otherName *state            // of all other members
	indexes   map[int]*state    // of elements, by index
	otherItem *state            // of all other elements

	place      string      // where the values lie: see automaton.place
	number     uint        // unique in the automaton, small
	conditions []condition // to be asked for each child
	points     []int       // that make the state; only if the automaton has conditions
}

// maxStates is how many states an automaton may have. Selectors with several descendant segments
// can ask for exponentially many.
const maxStates = 1 << 16

// conflict is the kind of record of a state at which two kinds begin. Only a response can lead to
// one: where selectors tell that there is such a state they do not compile.
const conflict = -2

// purpose says what a selector selects.
type purpose uint8

const (
	selectsRecord purpose = iota
	selectsSubject
	selectsInput
	selectsField
)

// path is one selector of a layout.
type path struct {
	query   query
	text    string // from the root, even where the query is relative to a record
	purpose purpose
	kind    int // of record, or Envelope
	index   int // of the input or field
	first   int // its first point; first+n means that n segments have matched
}

// fromDocument reports whether $ is the document in the selector, and not the record.
func (p *path) fromDocument() bool { return p.purpose == selectsRecord || p.kind == Envelope }

// automaton makes the states of a layout.
type automaton struct {
	paths  []path
	owner  []int             // the path of each point
	states map[string]*state // by their points
	most   int               // how many states there may be
	made   uint              // how many states were made
	queue  []pending

	conditional bool // a selector is a condition of its state

	// What follows serves conditions. Once a layout is compiled, mu guards it and all of the above
	// that changes. States themselves do not change once they are in unions.
	mu       sync.RWMutex
	compiled map[string]*state // the states that were made when the layout was compiled
	unions   map[union]*state
	joining  bool     // a union is being made
	joined   []string // the keys of the states that were made for it
}

var errTooLarge = errors.New("the selectors of this route make too large an automaton; " +
	"use fewer descendant segments (..)")

// pending is a state that still is to be expanded, with the points that its children follow from.
type pending struct {
	state  *state
	points []int
}

// add adds a selector.
func (a *automaton) add(q query, text string, purpose purpose, kind, index int) {
	a.paths = append(a.paths, path{q, text, purpose, kind, index, len(a.owner)})
	for _, seg := range q {
		a.conditional = a.conditional || slices.ContainsFunc(seg.selectors, selector.conditional)
	}
	for range len(q) + 1 {
		a.owner = append(a.owner, len(a.paths)-1)
	}
}

// compile makes all states that do not hang on conditions, and returns the state of the document.
func (a *automaton) compile() (*state, error) {
	a.states = map[string]*state{}
	root, err := a.state(a.start())
	if err == nil {
		err = a.drain()
	}
	if a.conditional {
		a.compiled, a.unions = maps.Clone(a.states), map[union]*state{}
	} else {
		a.states = nil
	}
	a.joined = nil
	return root, err
}

// start returns the points of the document.
func (a *automaton) start() (points []int) {
	for _, p := range a.paths {
		if p.fromDocument() {
			points = append(points, p.first)
		}
	}
	return points
}

// drain expands the states of the queue, and those that they add to it.
func (a *automaton) drain() error {
	for len(a.queue) > 0 {
		next := a.queue[0]
		a.queue = a.queue[1:]
		if err := a.expand(next); err != nil {
			return err
		}
	}
	return nil
}

// state returns the state of a set of points, nil for the empty set. It may reorder the slice.
func (a *automaton) state(points []int) (*state, error) {
	slices.Sort(points)
	points = slices.Compact(points)
	if len(points) == 0 {
		return nil, nil
	}
	var key []byte
	for _, n := range points {
		key = binary.AppendUvarint(key, uint64(n))
	}
	if s := a.states[string(key)]; s != nil {
		return s, nil
	}
	a.made++
	s := &state{number: a.made}
	if a.conditional {
		s.points = slices.Clone(points)
	}
	kind, conflicts := Envelope, false
	for _, n := range points {
		if !a.beginsRecord(n) {
			continue
		}
		if p := a.path(n); kind != Envelope && kind != p.kind {
			if conflicts = true; !a.joining {
				return nil, fmt.Errorf("records %d and %d can select the same value; "+
					"a value is of one kind of record", kind+1, p.kind+1)
			}
		} else {
			kind = p.kind
		}
	}
	var null *state
	if kind != Envelope {
		var err error
		null, err = a.state(slices.DeleteFunc(slices.Clone(points), a.beginsRecord))
		if err != nil {
			return nil, err
		}
		points = slices.DeleteFunc(points, func(n int) bool {
			return a.path(n).purpose != selectsRecord || a.beginsRecord(n)
		})
		for _, p := range a.paths {
			if p.purpose != selectsRecord && p.kind == kind {
				points = append(points, p.first)
			}
		}
		slices.Sort(points)
	}
	if conflicts {
		kind, points = conflict, nil
	}
	if len(a.states) >= a.most {
		return nil, errTooLarge
	}
	s.record, s.null = kind, null
	a.states[string(key)] = s
	a.joined = append(a.joined, string(key))
	a.queue = append(a.queue, pending{s, points})
	return s, nil
}

// path returns the path of a point.
func (a *automaton) path(point int) *path { return &a.paths[a.owner[point]] }

// matched reports whether all segments of a point's selector have matched.
func (a *automaton) matched(point int) bool {
	p := a.path(point)
	return point == p.first+len(p.query)
}

// beginsRecord reports whether a record begins at a value that is at a point.
func (a *automaton) beginsRecord(point int) bool {
	return a.path(point).purpose == selectsRecord && a.matched(point)
}

// expand works out what a state selects and where it leads.
func (a *automaton) expand(at pending) error {
	s := at.state
	s.place = a.place(s, at.points)
	names, indexes := map[string][]int{}, map[int][]int{}
	for _, n := range at.points {
		p := a.path(n)
		if a.matched(n) {
			switch p.purpose {
			case selectsField:
				s.fields = append(s.fields, p.index)
			case selectsInput:
				s.inputs, s.noted = append(s.inputs, p.index), true
			case selectsSubject:
				s.subject, s.noted = true, true
			}
			continue
		}
		seg := p.query[n-p.first]
		s.aroundRecords = s.aroundRecords || p.purpose == selectsRecord
		s.intoObject = s.intoObject || seg.descendant
		s.intoArray = s.intoArray || seg.descendant
		for i, sel := range seg.selectors {
			switch sel.kind {
			case nameSelector:
				names[sel.name] = nil
				s.intoObject = true
			case indexSelector, sliceSelector:
				s.intoArray = true
				if !sel.conditional() {
					indexes[sel.index] = nil
				}
			case wildcardSelector, filterSelector:
				s.intoObject, s.intoArray = true, true
			}
			if sel.conditional() {
				s.ask(&seg.selectors[i], p.fromDocument(), n+1)
			}
		}
	}
	s.names = make(map[string]*state, len(names))
	s.indexes = make(map[int]*state, len(indexes))
	var err error
	for name := range names {
		s.names[name], err = a.step(at.points, func(sel selector) bool {
			return sel.kind == wildcardSelector || sel.kind == nameSelector && sel.name == name
		})
		if err != nil {
			return err
		}
	}
	for index := range indexes {
		s.indexes[index], err = a.step(at.points, func(sel selector) bool {
			return sel.kind == wildcardSelector || sel.kind == indexSelector && sel.index == index
		})
		if err != nil {
			return err
		}
	}
	s.otherName, err = a.step(at.points, func(sel selector) bool {
		return sel.kind == wildcardSelector
	})
	s.otherItem = s.otherName
	return err
}

// conditional reports whether the selector is a condition of its state.
func (s selector) conditional() bool {
	return s.kind == sliceSelector || s.kind == filterSelector || s.needs > NeedNothing
}

// ask adds a condition or, if there is one that is written alike, a target to that one.
func (s *state) ask(sel *selector, fromDocument bool, target int) {
	same := func(c condition) bool {
		return c.selector.text == sel.text && c.fromDocument == fromDocument
	}
	if i := slices.IndexFunc(s.conditions, same); i >= 0 {
		s.conditions[i].targets = append(s.conditions[i].targets, target)
		return
	}
	s.conditions = append(s.conditions, condition{sel, fromDocument, []int{target}})
}

// step returns the state of the children that are selected by the selectors for which match holds,
// and by no others. Their container is at points.
func (a *automaton) step(points []int, match func(selector) bool) (*state, error) {
	return a.state(a.follow(points, match))
}

// follow returns the points of the children that are selected by the selectors for which match
// holds, and by no others. Their container is at points.
func (a *automaton) follow(points []int, match func(selector) bool) []int {
	var next []int
	for _, n := range points {
		if a.matched(n) {
			continue
		}
		p := a.path(n)
		seg := p.query[n-p.first]
		if seg.descendant {
			next = append(next, n)
		}
		if slices.ContainsFunc(seg.selectors, match) {
			next = append(next, n+1)
		}
	}
	return next
}

// member returns the state of the members of a name. s may be nil.
func (s *state) member(name []byte) *state {
	if s == nil {
		return nil
	}
	if next, ok := s.names[string(name)]; ok {
		return next
	}
	return s.otherName
}

// element returns the state of the elements at an index. s may be nil.
func (s *state) element(index int) *state {
	if s == nil {
		return nil
	}
	if len(s.indexes) > 0 {
		if next, ok := s.indexes[index]; ok {
			return next
		}
	}
	return s.otherItem
}

// begins reports whether a record begins at a value unless it is null. s may be nil.
func (s *state) begins() bool { return s != nil && s.record != Envelope }

// selected reports whether fields select a value. s may be nil.
func (s *state) selected() bool { return s != nil && len(s.fields) > 0 }

// reaches reports whether a selector reaches into a value of a kind. s may be nil.
func (s *state) reaches(kind Kind) bool {
	return s != nil && (kind == Object && s.intoObject || kind == Array && s.intoArray)
}

// place says where the values at a state lie, in the words of the selectors. Where a record begins
// that is the text of the record's selector. Elsewhere it is the text of the state's first selector
// as far as it has matched, with .. behind it if the values may lie deeper.
func (a *automaton) place(s *state, points []int) string {
	if s.record >= 0 {
		i := slices.IndexFunc(a.paths, func(p path) bool {
			return p.purpose == selectsRecord && p.kind == s.record
		})
		return a.paths[i].text
	}
	if len(points) == 0 {
		return ""
	}
	p := a.path(points[0])
	matched := points[0] - p.first
	if matched == len(p.query) {
		return p.text
	}
	from := len("$")
	if matched > 0 {
		from = p.query[matched-1].end
	}
	text := p.text[:len(p.text)-(p.query[len(p.query)-1].end-from)]
	if p.query[matched].descendant {
		text += ".."
	}
	return text
}
