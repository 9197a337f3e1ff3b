package masking

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Need says how much of a response must be in memory to tell what a selector selects, once a value
// is reached that it may select. The larger needs include the smaller.
type Need uint8

const (
	// NeedNothing: what is in front of a value decides. So it is with names, wildcards, indexes
	// from 0, and slices with a step from 0 and no negative bound.
	NeedNothing Need = iota
	// NeedValue: the value itself decides. So it is with filters without $.
	NeedValue
	// NeedContainer: the object or array that holds the value decides. So it is with negative
	// indexes and all other slices.
	NeedContainer
	// NeedRoot: all that $ stands for decides. That is the record for the selectors of a record's
	// subject, inputs and fields, and the document for others. So it is with filters with $.
	NeedRoot
)

// needs returns the largest need of the query's selectors.
func (q query) needs() (largest Need) {
	for _, seg := range q {
		for _, sel := range seg.selectors {
			largest = max(largest, sel.needs)
		}
	}
	return largest
}

// condition is a selector that names and indexes cannot decide: a slice, a negative index or a
// filter. It belongs to a state, and is asked for each child of a value at that state. Selectors of
// one state that are written alike are one condition.
type condition struct {
	selector     *selector
	fromDocument bool  // $ is the document, not the record
	targets      []int // the points of a child that the selector selects
}

// union is a state to which the targets of a condition are added.
type union struct {
	state     *state
	condition *condition
}

// with returns the state of a child that is at next and that a condition selects besides. Such
// states are made when they are first met: which conditions hold together only the responses tell.
func (a *automaton) with(next *state, c *condition) (*state, error) {
	key := union{next, c}
	a.mu.RLock()
	s, known := a.unions[key]
	a.mu.RUnlock()
	if known {
		return s, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.unions) >= 4*a.most {
		a.forgetUnions()
	}
	s, err := a.join(next, c)
	if errors.Is(err, errTooLarge) && len(a.states) > len(a.compiled) {
		a.forgetUnions()
		s, err = a.join(next, c)
	}
	if err != nil {
		return nil, err
	}
	a.unions[key] = s
	return s, nil
}

// forgetUnions drops the states that responses made. States that are in use stay whole, since
// states refer to each other directly.
func (a *automaton) forgetUnions() {
	a.states = maps.Clone(a.compiled)
	clear(a.unions)
}

// join makes the state of a union, and all that it leads to, or nothing.
func (a *automaton) join(next *state, c *condition) (*state, error) {
	points := slices.Clone(c.targets)
	if next != nil {
		points = append(points, next.points...)
	}
	a.joining, a.joined = true, a.joined[:0]
	s, err := a.state(points)
	if err == nil {
		err = a.drain()
	}
	a.joining = false
	if err != nil {
		a.queue = nil
		for _, key := range a.joined {
			delete(a.states, key)
		}
		return nil, err
	}
	return s, nil
}

// child returns the state of the child at the scanner's position. Its container is at st, belongs
// to the record rec and begins at the offset container. next is the state of the child as far as
// its name or index tells; -1 is the index of a member. child reports false at a fault.
func (o *outline) child(st, next *state, rec int32, container, index int) (*state, bool) {
	for i := range st.conditions {
		c := &st.conditions[i]
		holds, ok := o.holds(c, rec, container, index)
		if !ok {
			return nil, false
		}
		if !holds {
			continue
		}
		var err error
		if next, err = o.layout.automaton.with(next, c); err != nil {
			return nil, o.refuse(err.Error())
		}
	}
	return next, true
}

// holds reports whether a condition selects the child at the scanner's position; ok is false at a
// fault. The other parameters are those of child.
func (o *outline) holds(c *condition, rec int32, container, index int) (holds, ok bool) {
	e := &o.evaluation
	at := o.scan.pos
	if c.selector.kind != filterSelector && index < 0 {
		return false, true // the selector is for elements
	}
	root, from := 0, at
	switch c.selector.needs {
	case NeedNothing:
		return c.selector.selectsElement(index, unknownLength), true
	case NeedContainer:
		from = container
	case NeedRoot:
		root = o.rootOf(c, rec)
		from = root
	}
	if !e.tree.covers(from) {
		if o.faulty {
			return false, true
		}
		clear(e.absolute)
		if !e.tree.build(o.scan.src, from, o.layout.spec.Limits) {
			// The scanner is about to meet the same fault, and knows better where it is.
			o.faulty = true
			return false, true
		}
		inRecord := o.records[rec].kind != Envelope && !c.fromDocument
		most := o.layout.spec.Limits.Record
		if size := e.tree.values[0].end - from; inRecord && size > most {
			const reason = "what a selector needs at once has more than %d bytes"
			return false, o.scan.failAt(from, fmt.Sprintf(reason, most))
		}
	}
	if c.selector.kind != filterSelector {
		length := e.tree.values[e.tree.find(container)].children
		return c.selector.selectsElement(index, length), true
	}
	if c.selector.needs == NeedRoot {
		e.root = e.tree.find(root)
	}
	e.text.reset()
	holds = c.selector.filter.holds(e, e.tree.find(at))
	switch {
	case e.tooLarge:
		return false, o.refuse("a filter met " + errPattern.Error())
	case e.exhausted:
		return false, o.refuse("the filters have too much to do; " +
			"use fewer descendant segments (..) in them")
	}
	return holds, true
}

// rootOf returns where the value begins that $ stands for in a condition on a value of a record.
func (o *outline) rootOf(c *condition, rec int32) int {
	n := o.roots[len(o.roots)-1]
	if !c.fromDocument {
		n = o.records[rec].node
	}
	return int(o.nodes[n].value)
}

// refuse notes a fault of the selectors, not of the response: fault makes a SelectionError of it.
func (o *outline) refuse(reason string) bool {
	o.refused = true
	return o.scan.fail(reason)
}
