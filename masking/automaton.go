package masking

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// The selectors of a layout are merged into one deterministic automaton, by the subset construction. It walks down
// the document beside the parser, so that matching costs the same whatever the number of selectors.
//
// A point is a selector and how many of its segments have matched. A state is the set of points that some value is at.
// A value at which a record begins leaves the points of the enclosing record's fields and takes up its own kind's.
//
// Names, wildcards and indexes from 0 lead from state to state by themselves. Other selectors are conditions of a state: each
// is asked for each child, and a child that it selects goes to the union of two sets of points. States that only such
// unions lead to are made when a response first needs them.

// state is what the automaton knows of one value.
type state struct {
	fields  []int  // fields of the innermost record's kind that select the value, in order
	subject bool   // whether it is the record's subject
	inputs  []int  // inputs of the record that it is
	noted   bool   // it is the subject or an input
	record  int    // the kind of record that begins here, or Envelope, or conflict
	null    *state // where a record begins: the state instead if the value is null, which is no record

	intoObject, intoArray bool // whether a selector reaches further
	aroundRecords         bool // whether records can lie inside

	names     map[string]*state // by member name; missing: otherName
	otherName *state
	indexes   map[int]*state // by element; missing: otherItem
	otherItem *state

	place      string      // where its values lie, as the selectors have it; of no text of a response
	number     uint        // of the state, among the automaton's
	conditions []condition // to be asked for each child
	points     []int       // that make the state, if the automaton has conditions
}

// maxStates bounds the automaton. Selectors with several descendant segments can ask for exponentially many.
const maxStates = 1 << 16

// conflict is the kind of record of a state that only a response can lead to, and where two kinds of record begin.
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
	text    string // from the root, also where the query is relative to a record
	purpose purpose
	kind    int // of record
	index   int // of the input or field
	first   int // number of its first place
}

// place numbers are consecutive within a path: first+n means that n segments have matched.
type automaton struct {
	paths    []path
	owner    []int // path of each place
	states   map[string]*state
	most     int  // states
	numbered uint // states so far
	queue    []pending

	conditional bool // some selector is a condition of its state

	// What follows, states, and the states that it leads to, serve conditions. mu guards them once a layout is compiled.
	mu       sync.RWMutex
	compiled map[string]*state // states that do not hang on conditions
	unions   map[union]*state
	joining  bool     // a union is being made
	made     []string // keys of the states of the union being made
}

var errTooLarge = errors.New("the selectors of this route make too large an automaton; use fewer descendant segments (..)")

type pending struct {
	state  *state
	points []int
}

func (a *automaton) add(q query, text string, purpose purpose, kind, index int) {
	a.paths = append(a.paths, path{q, text, purpose, kind, index, len(a.owner)})
	for _, seg := range q {
		a.conditional = a.conditional || slices.ContainsFunc(seg.selectors, selector.conditional)
	}
	for range len(q) + 1 {
		a.owner = append(a.owner, len(a.paths)-1)
	}
}

// compile returns the state of the root value.
func (a *automaton) compile() (*state, error) {
	a.states = map[string]*state{}
	var start []int
	for _, p := range a.paths {
		if p.purpose == selectsRecord || p.kind == Envelope {
			start = append(start, p.first)
		}
	}
	root, err := a.state(start)
	if err == nil {
		err = a.drain()
	}
	if a.conditional {
		a.compiled, a.unions = maps.Clone(a.states), map[union]*state{}
	} else {
		a.states = nil
	}
	a.made = nil
	return root, err
}

// drain expands all states that wait for it.
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

// state returns the state of a set of points, nil for the empty one.
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
	a.numbered++
	s := &state{number: a.numbered}
	if a.conditional {
		s.points = slices.Clone(points)
	}
	kind, conflicts := Envelope, false
	for _, n := range points {
		if p := a.paths[a.owner[n]]; p.purpose == selectsRecord && a.matched(n) {
			if kind != Envelope && kind != p.kind {
				if conflicts = true; a.joining {
					continue
				}
				return nil, fmt.Errorf("records %d and %d can select the same value; a value is of one kind of record", kind+1, p.kind+1)
			}
			kind = p.kind
		}
	}
	var null *state
	if kind != Envelope {
		recordHere := func(n int) bool { return a.paths[a.owner[n]].purpose == selectsRecord && a.matched(n) }
		var err error
		if null, err = a.state(slices.DeleteFunc(slices.Clone(points), recordHere)); err != nil {
			return nil, err
		}
		points = slices.DeleteFunc(points, func(n int) bool {
			return a.paths[a.owner[n]].purpose != selectsRecord || recordHere(n)
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
	a.made = append(a.made, string(key))
	a.queue = append(a.queue, pending{s, points})
	return s, nil
}

// matched reports whether all segments of the place's selector have matched.
func (a *automaton) matched(n int) bool {
	p := a.paths[a.owner[n]]
	return n == p.first+len(p.query)
}

// expand works out what a state selects and where it leads.
func (a *automaton) expand(at pending) error {
	s := at.state
	s.place = a.place(s, at.points)
	names, indexes := map[string][]int{}, map[int][]int{}
	for _, n := range at.points {
		p := a.paths[a.owner[n]]
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
				s.ask(&seg.selectors[i], p.purpose == selectsRecord || p.kind == Envelope, n+1)
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
	s.otherName, err = a.step(at.points, func(sel selector) bool { return sel.kind == wildcardSelector })
	s.otherItem = s.otherName
	return err
}

// conditional reports whether the selector is a condition of its state.
func (s selector) conditional() bool {
	return s.kind == sliceSelector || s.kind == filterSelector || s.needs > NeedNothing
}

// ask adds a condition, or a target to one that is written alike.
func (s *state) ask(sel *selector, document bool, target int) {
	same := func(c condition) bool { return c.selector.text == sel.text && c.ofDocument == document }
	if i := slices.IndexFunc(s.conditions, same); i >= 0 {
		s.conditions[i].targets = append(s.conditions[i].targets, target)
		return
	}
	s.conditions = append(s.conditions, condition{sel, document, []int{target}})
}

// step returns the state of a child that the selectors for which match holds select.
func (a *automaton) step(points []int, match func(selector) bool) (*state, error) {
	return a.state(a.follow(points, match))
}

// follow returns the points that the selectors for which match holds lead to.
func (a *automaton) follow(points []int, match func(selector) bool) []int {
	var next []int
	for _, n := range points {
		if a.matched(n) {
			continue
		}
		p := a.paths[a.owner[n]]
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

// member returns the state of the member of that name. s may be nil.
func (s *state) member(name []byte) *state {
	if s == nil {
		return nil
	}
	if next, ok := s.names[string(name)]; ok {
		return next
	}
	return s.otherName
}

// element returns the state of the element at index. s may be nil.
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

// begins reports whether a record begins at the value, unless that is null. s may be nil.
func (s *state) begins() bool { return s != nil && s.record != Envelope }

// selected reports whether fields select the value. s may be nil.
func (s *state) selected() bool { return s != nil && len(s.fields) > 0 }

// reaches reports whether a selector reaches into a value of that kind. s may be nil.
func (s *state) reaches(kind Kind) bool {
	return s != nil && (kind == Object && s.intoObject || kind == Array && s.intoArray)
}

// place says where the values of a state lie: the text of a selector, the record's if one begins there, as far as it has matched;
// with .. behind it where they may lie deeper.
func (a *automaton) place(s *state, points []int) string {
	if s.record >= 0 {
		i := slices.IndexFunc(a.paths, func(p path) bool { return p.purpose == selectsRecord && p.kind == s.record })
		return a.paths[i].text
	}
	if len(points) == 0 {
		return ""
	}
	p := a.paths[a.owner[points[0]]]
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
