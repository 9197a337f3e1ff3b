// Package masking rewrites JSON responses field by field in one pass over the bytes, without
// building a tree of the document.
//
// # Terms
//
// A [Layout] says where records, subjects and fields lie in the responses of one route. It is
// compiled once, from selectors (RFC 9535 queries), and knows nothing of callers. A [Profile] is
// one [Treatment] for every field of one kind of record. A [Decider] picks a profile for each
// record once the record's subject and the values that conditions read (its inputs) are known. The
// engine calls the [Transform] of a treatment and knows none; package treatment has those that rule
// files name.
//
//	layout, err := masking.Compile(masking.Spec{
//		Envelope: []string{"$.code"},
//		Records: []masking.RecordSpec{{
//			Select:  "$.data.items[*]",
//			Subject: "$.customerId",
//			Fields:  []string{"$.customerId", "$.name", "$.accounts[*].cardNo"},
//		}},
//	})
//	out, err := layout.Append(ctx, nil, body, masking.Document, decider, &report)
//
// # Selectors
//
// A selector is any query of RFC 9535. In the selectors of the envelope and of records, $ is the
// document; in those of a record's subject, inputs and fields, $ is the record. The same holds
// within filters. A filter looks at the response as it came: what it reads need not be listed, nor
// belong to the record that it speaks for.
//
// All selectors of a layout are matched in one pass. Names, wildcards, indexes from 0, and slices
// that count upwards from the front need nothing but what is in front of a value. Others need more
// of the response in memory, for as long as a value is being selected: see [Need] and
// [Layout.Needs].
//
//   - Numbers compare by their exact decimal value, whatever their size and number of digits:
//     9007199254740993 is not 9007199254740992, and 1e400 is less than 1e401. Exponents saturate
//     beyond ±10^16.
//   - Strings compare by Unicode scalar values, names and patterns exactly, without normalisation.
//   - match() and search() take I-Regexps (RFC 9485). ^ and $ are anchors, as in the mappings of
//     RFC 9485 and the suite of RFC 9535. What is no I-Regexp matches nothing (RFC 9535 §2.4.6). A
//     pattern has at most 4096 bytes and repeats at most 1000 times; a selector with a larger one
//     is refused, and so is a response that brings one.
//   - A query that is compared, or is the argument of length, match or search, selects one value at
//     most and has no white space within brackets, as the grammar of singular-query says.
//   - Parentheses, functions and filters nest at most 200 deep.
//   - A response is refused if its filters have to look at more values than 2^25, and 64 for each
//     of its bytes. One that is looked at twice counts as two.
//
// [Compile] refuses two kinds of record that can select one value, where names, wildcards and
// indexes from 0 tell. Where slices, negative indexes or filters do, a response that has such a
// value is refused with a [SelectionError].
//
// # What happens to a value
//
// A value belongs to the innermost record that contains it (the record's own value included), or to
// the envelope if no record does. Only the fields of that record's kind, selected relative to that
// record, speak for it:
//
//   - No field selects it, and it is an object or array that some selector could still reach into:
//     it is structure. Its brackets stay and its members are judged one by one. An object or array
//     that is a record or the document is always structure.
//   - No field selects it, but it is an element of an array of the same record that is in clear: it
//     is in clear too.
//   - No field selects it, and it is none of the above: it is unlisted, and [Unlisted] says what
//     becomes of it.
//   - Fields select it: the strictest of their treatments applies (the highest [Rank]; the first
//     listed among equals). In clear, a string, number, literal or null passes, and so does an
//     array with its elements, save what inner fields and inner records say. Of an object in clear
//     the brackets pass, and its members are judged one by one, since nobody said what is in it. A
//     transform replaces the value whole; a transform that does not take a value of its JSON type,
//     or cannot hide it, drops it. Drop removes it whole.
//   - A field in clear that is [Embedded] is a string that holds JSON: the text within is
//     rewritten.
//   - The record's profile is [Profile.Denied]: the record's value is dropped whole, inner records
//     included.
//
// A null in the place of a record is no record: it belongs to what encloses it, and is kept unless
// a field there selects it.
//
// A record whose kind names a subject must have exactly one, a non-empty string or a number;
// otherwise the response is refused with a [SubjectError], since nobody could say whose data left.
// Subject and inputs of a record, like its fields, are values that belong to the record: what lies
// in an inner record is the inner record's. Every record is decided, also one inside a value that
// is then dropped.
//
// # What stays
//
// Every byte outside a treated value is the input's: number text, order, escapes, white space.
// Where members or elements are dropped, each kept one but the first keeps the separator in front
// of it (white space, comma, white space), the first takes the white space behind the opening
// bracket, and the white space in front of the closing bracket stays. A container that loses all
// its members becomes {} or []; one that had none stays as it was. With [Spec.KeepPositions] an
// array loses no element: null stands in its place.
//
// # Strictness
//
// Input is RFC 8259 and nothing more: UTF-8 only, no byte order mark, no duplicate names (compared
// after unescaping), no trailing data, no lone surrogates, and within [Limits]. Anything else is a
// [SyntaxError], and nothing is rewritten. Names match selectors after unescaping, exactly (no case
// folding, no normalisation).
//
// # How it works
//
// Start reading at [Layout.Append] and at outline.rewrite (rewrite.go), which calls each part of
// the engine once: parse, learn, decide, write. Values, transforms and ranks are in value.go.
//
// When rules load, [Compile] (layout.go) turns a [Spec] into a [Layout]:
//
//	selector.go     parses the selectors, with filter.go and iregexp.go
//	automaton.go    merges them into one automaton: from the state of a value, the name or index
//	                of a child leads to the state of the child
//	condition.go    what names and indexes do not decide: conditions of a state
//	embedded.go     a layout within the layout, for each string that holds JSON
//
// For a response, these follow each other:
//
//	scan.go         the scanner checks tokens, with escape.go; only it refuses a response for
//	                being no JSON
//	shape.go        what objects in one place looked like so far, so that names are compared with
//	                the expected ones, not read
//	run.go          the fast path: moves over runs of expected members
//	outline.go      walks the response beside the automaton; lists, as nodes, what a decision can
//	                change, and the records
//	evaluation.go   decides conditions, on a list of the values in a part of the response
//	                (tree.go), with compare.go and slice.go
//	decide.go       tells the decider of the records, and takes their profiles
//	plan.go         what a profile means for a state, remembered from response to response
//	rewrite.go      copies the response but for what is dropped or replaced
//	report.go       what was done, with names.go
//	fault.go        errors, and where in the response they are
//
// [Layout.Rewrite] does the same piece by piece:
//
//	stream.go       reads the response; containers around records stay open as frames
//	window.go       items, which are decided, written and released together
//	units.go        finds lines, texts and events; events.go takes an event apart
//
// Questions about selectors are answered by [Select] (select.go), [Overlaps] (overlap.go),
// [Layout.Reach] (reach.go), [Apart] and [Concerns].
//
// A response may be cut in front of and behind a value, a member or an element that has a node or
// is in a run. What is between two cuts is copied with one append. A value inside which no decision
// can change anything has no nodes within: it is checked, and copied with what is around it. A
// stream is cut into windows between items: outermost records, and values and brackets around
// records.
//
// The fast path is a run: members that are named as the shape expects, one behind the other,
// without white space, each a string without escapes, a number without exponent or a literal, and
// none of them a record. Eight bytes are looked at at once. A run is one node, however many members
// it has, and the plan says as a set of bits which of them need more than to be copied. Whatever
// else comes, be it a name out of order, white space, an escape, a container or the last bytes of
// the buffer, ends the run without a verdict, and outline.member and the scanner take over for one
// member. Once a name of an object had to be read, the rest of that object goes the slow way, since
// only there duplicates are found. An object whose state has conditions goes it from the start.
//
// The engine keeps its buffers and what it learnt in outlines, of which a layout has a pool: once
// they have grown, a rewrite allocates nothing. What a response can make it keep or do is bounded:
//
//	depth, names, records, buffer, window    [Limits]
//	bytes of a response, in Append           2 GiB: offsets are int32
//	states of the automaton                  65,536. Those that responses made are forgotten when
//	                                         there are more; a response that alone needs more is
//	                                         refused
//	work of filters                          2^25 values, and 64 for each byte of the response
//	patterns that are kept compiled          64
//	members in shapes                        4,096, then all are forgotten; 64 of an object, with
//	                                         names of up to 128 bytes
//	plans                                    8 profiles, each with 128 states and 64 runs
//	names of objects around records          2^20, in a stream
//	white space behind their brackets        1 KiB, in a stream
//	items of a window                        4 times Limits.Window
//	JSON in strings in strings               4 deep
//	names in a report                        32, of 64 bytes
package masking

import "context"

// Spec says where records, subjects and fields lie in the responses of one route.
type Spec struct {
	// Envelope selects the fields outside any record, from the root of the document.
	Envelope []string
	// Embedded says which fields of the envelope are strings that hold JSON.
	Embedded []Embedded
	// Records are the kinds of record. Kinds may nest; no value but a null may be selected by two.
	Records []RecordSpec
	// Unlisted says what becomes of a value that no field selects. The zero value drops it.
	Unlisted Unlisted
	// KeepPositions puts null in the place of an array element that is dropped, instead of removing
	// it, so that parallel arrays stay parallel. A denied record is such an element too: how many
	// there are then shows.
	KeepPositions bool
	// Limits bound what a response may ask of the engine. Zero fields take their defaults.
	Limits Limits
}

// RecordSpec is one kind of record: a JSON value about at most one subject.
type RecordSpec struct {
	// Select selects the records, from the root of the document.
	Select string
	// Subject selects whom a record is about, relative to the record. If it is empty, records of
	// this kind have no subject.
	Subject string
	// Inputs select the values that conditions read, relative to the record.
	Inputs []string
	// Fields select the fields, relative to the record.
	Fields []string
	// Embedded says which of the fields are strings that hold JSON.
	Embedded []Embedded
}

// Unlisted says what becomes of a value that no field selects.
type Unlisted uint8

const (
	UnlistedDrop Unlisted = iota // it is dropped
	UnlistedMask                 // it is replaced, whole, by the string "****"
	UnlistedPass                 // it passes
)

// Limits bound what a response may ask of the engine. A response that passes a limit is refused
// with a [SyntaxError].
type Limits struct {
	Depth  int // nesting of objects and arrays; default 128
	Name   int // bytes of a member name as written, quotes included; default 64 KiB
	Record int // bytes of a record; default 1 MiB
	Buffer int // bytes of a response that is decided whole, and of a window; default 1 MiB
	Window int // outermost records that are decided in one batch; default 256
}

// DefaultLimits are the limits that zero fields of [Limits] take.
var DefaultLimits = Limits{
	Depth: 128, Name: 64 << 10, Record: 1 << 20, Buffer: 1 << 20, Window: 256,
}

// Framing says how JSON texts lie in a response body.
type Framing uint8

const (
	// Document is one JSON text.
	Document Framing = iota
	// Lines is NDJSON: JSON texts, each on a line of its own. Blank lines are kept, a last newline
	// is optional.
	Lines
	// Sequence is a JSON text sequence (RFC 7464): texts, each with a record separator in front and
	// a line feed behind.
	Sequence
	// Events is an event stream (server-sent events): the data of each event is a JSON text. Other
	// fields and comments do not pass, nor does an event that does not end.
	Events
)

// Envelope is the [Record.Kind] of what lies outside any record.
const Envelope = -1

// Record is what a [Decider] learns of one record. Its byte slices are valid during the call only.
type Record struct {
	Kind    int   // index into Spec.Records, or Envelope
	Parent  int   // index, in the window, of the record that encloses this one; -1 for an envelope
	Subject Value // the zero Value if the kind names no subject
	// Inputs has a value for each of RecordSpec.Inputs: the zero Value if the input does not select
	// exactly one.
	Inputs []Value
}

// Decider picks a profile for each record of a window.
type Decider interface {
	// Decide sets profiles[i] for records[i]. Records come in document order, each document's
	// envelope first. An error refuses the response; Append returns it as it is.
	Decide(ctx context.Context, records []Record, profiles []*Profile) error
}

// Profile is one treatment for every field of one kind of record. It must not change once it is in
// use.
type Profile struct {
	// Denied drops the record whole. An envelope cannot be denied: return an error instead.
	Denied bool
	// Treatments has a treatment for each of the kind's fields, in order, and behind these for each
	// field of what is [Embedded].
	Treatments []Treatment
}
