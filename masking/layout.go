package masking

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Layout is a compiled [Spec]. It is safe for concurrent use.
type Layout struct {
	spec       Spec
	place      string // of the root
	root       *state
	knownNames map[string]bool // names that selectors have: errors may show them
	work       sync.Pool       // of *outline

	automaton       *automaton // for the conditions of states
	outside, inside Need       // see Needs

	treatments []int         // how many a profile has, by kind of record, the envelope's first
	embedded   [][]*embedded // by kind of record, the envelope's first, and field; nil if none is
	textCount  int           // how many embedded has
}

// ErrNothing is returned by [Layout.Append] and [Layout.Rewrite] when the root of a [Document] is
// dropped: what is left is no JSON text. Of any other framing, the line, text or event is removed
// instead.
var ErrNothing = errors.New("nothing of the document may leave")

// Compile compiles a spec. It reports all faults of the selectors at once, joined; those of a
// selector that does not parse are [SelectorError]s.
func Compile(spec Spec) (*Layout, error) { return compile(spec, "") }

// compile compiles the spec of a text. within is the place of the text, as Names.Place has it; it
// is empty for a whole response.
func compile(spec Spec, within string) (*Layout, error) {
	l := &Layout{spec: spec, place: within + "$", knownNames: map[string]bool{}}
	setDefaults(&l.spec.Limits)
	a := &automaton{most: maxStates}
	var faults []error
	add := func(text string, purpose purpose, kind, index int) {
		q, err := parseQuery(text)
		if err != nil {
			faults = append(faults, err)
			return
		}
		from := within + "$"
		if purpose != selectsRecord && kind != Envelope {
			from = within + spec.Records[kind].Select
		}
		a.add(q, from+text[1:], purpose, kind, index)
		if purpose == selectsRecord || kind == Envelope {
			l.outside = max(l.outside, q.needs())
		} else {
			l.inside = max(l.inside, q.needs())
		}
		for _, seg := range q {
			for _, sel := range seg.selectors {
				l.knownNames[sel.name] = true
			}
		}
	}
	for i, f := range spec.Envelope {
		add(f, selectsField, Envelope, i)
	}
	for k, r := range spec.Records {
		add(r.Select, selectsRecord, k, 0)
		if r.Subject != "" {
			add(r.Subject, selectsSubject, k, 0)
		}
		for i, in := range r.Inputs {
			add(in, selectsInput, k, i)
		}
		for i, f := range r.Fields {
			add(f, selectsField, k, i)
		}
	}
	if err := l.embed(within); err != nil {
		faults = append(faults, err)
	}
	if len(faults) == 0 {
		var err error
		if l.root, err = a.compile(); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("compiling layout: %w", errors.Join(faults...))
	}
	l.automaton = a
	l.work.New = func() any { return &outline{layout: l} }
	return l, nil
}

// Needs says how much of a response must be in memory, at most, to tell what the layout's selectors
// select: outside for those of the envelope and of records, inside for those of a record's subject,
// inputs and fields. [Layout.Append] has all of it in memory. [Layout.Rewrite] has each record, and
// so refuses a document that is longer than Limits.Buffer if outside is more than [NeedNothing].
func (l *Layout) Needs() (outside, inside Need) { return l.outside, l.inside }

// setDefaults sets the limits that are not set.
func setDefaults(limits *Limits) {
	for _, l := range []struct {
		limit        *int
		defaultLimit int
	}{
		{&limits.Depth, DefaultLimits.Depth},
		{&limits.Name, DefaultLimits.Name},
		{&limits.Record, DefaultLimits.Record},
		{&limits.Buffer, DefaultLimits.Buffer},
		{&limits.Window, DefaultLimits.Window},
	} {
		if *l.limit <= 0 {
			*l.limit = l.defaultLimit
		}
	}
}

// Append rewrites src as d decides and appends the result to dst. All of src is checked and decided
// before anything is appended: on an error Append returns dst as it was. Errors are a
// [SyntaxError], a [SubjectError], a [SelectionError], [ErrNothing], or the decider's own. All
// records of src reach the decider in one window. dst and src must not overlap; report may be nil.
func (l *Layout) Append(
	ctx context.Context, dst, src []byte, framing Framing, d Decider, report *Report,
) ([]byte, error) {
	o := l.work.Get().(*outline)
	defer o.release()
	if report == nil {
		report = &o.report
	}
	return o.rewrite(ctx, dst, src, framing, d, report)
}
