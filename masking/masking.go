// Package masking rewrites JSON responses field by field in one pass over the bytes, without building a document tree.
//
// # Terms
//
// A [Layout] says where records, subjects and fields lie in the responses of one route. It is compiled once, from
// selectors (RFC 9535 queries), and knows nothing of callers. A [Profile] is one [Treatment] for every field of one
// kind of record; it is picked per record by a [Decider] once the record's subject and the values that conditions
// read (its inputs) are known. The engine calls the [Transform] of a treatment and knows none; package treatment has those
// that rule files name.
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
// A selector is any query of RFC 9535. $ is the document for the selectors of the envelope and of records, and the record for
// those of a record's subject, inputs and fields; also within filters. What a filter reads need not belong to the record that
// it speaks for, nor be listed: filters look at the response as it came.
//
// All selectors of a layout are matched in one pass. Names, wildcards, indexes from 0, and slices that count upwards from
// the front need nothing but what is in front of a value. Others need more of the response in memory, for as long as a
// value is being selected: see [Need] and [Layout.Needs].
//
//   - Numbers compare by their exact decimal value, whatever their size and number of digits (exponents saturate
//     beyond ±10^16): 9007199254740993 is not 9007199254740992, and 1e400 is less than 1e401.
//   - Strings compare by Unicode scalar values, names and patterns exactly, without normalisation.
//   - match() and search() take I-Regexps (RFC 9485). ^ and $ are anchors, as in its mappings and the suite of RFC 9535.
//     What is no I-Regexp matches nothing (RFC 9535 §2.4.6);
//     A pattern has at most 4096 bytes and repeats at most 1000 times; beyond, a selector is refused, and a response that
//     brings the pattern.
//   - A query that is compared, or the argument of length, match or search, selects one value at most and has no white
//     space within brackets, as the grammar of singular-query says.
//   - Parentheses, functions and filters nest at most 200 deep.
//   - The work of filters is bounded: a response whose filters look at values more than some 10^7 times, and 64 times a
//     byte, is refused.
//
// Two kinds of record that can select one value are refused by [Compile] where names, wildcards and indexes from 0 tell.
// Where slices, negative indexes or filters do, the response is, when it has such a value. These refusals of responses are
// [SelectionError]s.
//
// # What happens to a value
//
// A value belongs to the innermost record that contains it (the record's own value included), or to the envelope if no
// record does. Only the fields of that record's kind, selected relative to that record, speak for it:
//
//   - No field selects it, and it is an object or array that some selector could still reach into: it is structure. Its
//     brackets stay and its members are judged one by one.
//   - No field selects it, it is none of the above, and it is no element of an array of the same record that is a field in clear:
//     it is unlisted, and [Unlisted] says what becomes of it. An unlisted record's own value is never dropped for being an
//     object or array: it is structure.
//   - Fields select it: the strictest of their treatments applies (the highest [Rank]; the first listed among equals).
//     In clear, a string, number, literal or null passes, and so does an array with its elements, save what inner fields and inner
//     records say; of an object the brackets pass, and its members are judged one by one, since nobody said what is in it. A transform replaces it
//     whole; one that does not take a value of its JSON type, or cannot hide it, drops it. Drop removes it whole.
//   - A field in clear that is [Embedded] is a string that holds JSON: the text within is rewritten.
//   - The record's profile is [Profile.Denied]: the record's value is dropped whole, inner records included.
//
// A null in the place of a record is no record: it belongs to what encloses it, and is kept unless a field there selects it.
//
// A record whose kind names a subject must have exactly one, a non-empty string or a number; otherwise the response
// is refused with a [SubjectError], since nobody could say whose data left. Subject and inputs of a record, like its
// fields, are values that belong to it: what lies in an inner record is the inner record's. Every record is decided, also
// one inside a value that is then dropped.
//
// # What stays
//
// Every byte outside a treated value is the input's: number text, order, escapes, white space. Where members or
// elements are dropped, each kept one but the first keeps the separator in front of it (white space, comma, white space),
// the first takes the white space behind the opening bracket, and the white space in front of the closing bracket stays.
// A container that loses all its members becomes {} or []; one that had none stays as it was. With [Spec.KeepPositions] an array
// loses no element: null stands in its place.
//
// # Strictness
//
// Input is RFC 8259 and nothing more: UTF-8 only, no byte order mark, no duplicate names (compared after unescaping), no
// trailing data, no lone surrogates, and within [Limits]. Anything else is a [SyntaxError], and nothing is rewritten.
// Names match selectors after unescaping, exactly (no case folding, no normalisation).
package masking

import "context"

// Spec says where records, subjects and fields lie in the responses of one route.
type Spec struct {
	// Envelope selects the fields outside any record, from the root of the document.
	Envelope []string
	// Embedded are those of them whose values are strings that hold JSON.
	Embedded []Embedded
	// Records are the kinds of record. Kinds may nest; no value but a null may be selected by two of them.
	Records []RecordSpec
	// Unlisted says what becomes of a value that no field selects. The zero value drops it.
	Unlisted Unlisted
	// KeepPositions puts null in the place of an array element that is dropped, instead of removing it, so that parallel arrays
	// stay parallel. A denied record is such an element too: how many there are then shows.
	KeepPositions bool
	// Limits bound what a response may ask of the engine. Zero fields take their defaults.
	Limits Limits
}

// RecordSpec is one kind of record: a JSON value about at most one subject.
type RecordSpec struct {
	// Select selects the records, from the root of the document.
	Select string
	// Subject selects whom a record is about, relative to the record. Empty: records of this kind have no subject.
	Subject string
	// Inputs select the values that conditions read, relative to the record.
	Inputs []string
	// Fields select the fields, relative to the record.
	Fields []string
	// Embedded are those of them whose values are strings that hold JSON.
	Embedded []Embedded
}

// Unlisted says what becomes of a value that no field selects.
type Unlisted uint8

const (
	UnlistedDrop Unlisted = iota // it is dropped
	UnlistedMask                 // it is replaced, whole, by the string "****"
	UnlistedPass                 // it passes
)

// Limits bound what a response may ask of the engine. What passes one is refused with a [SyntaxError].
type Limits struct {
	Depth  int // nesting of objects and arrays; default 128
	Name   int // bytes of a member name as written, quotes included; default 64 KiB
	Record int // bytes of a record; default 1 MiB
	Buffer int // bytes of a response that is decided whole, and of a window; default 1 MiB
	Window int // outermost records that are decided in one batch; default 256
}

// DefaultLimits are the limits that zero fields of [Limits] take.
var DefaultLimits = Limits{Depth: 128, Name: 64 << 10, Record: 1 << 20, Buffer: 1 << 20, Window: 256}

// Framing says how JSON texts lie in a response body.
type Framing uint8

const (
	// Document is one JSON text.
	Document Framing = iota
	// Lines is NDJSON: JSON texts, each on a line of its own. Blank lines are kept, a last newline is optional.
	Lines
	// Sequence is a JSON text sequence (RFC 7464): texts, each with a record separator in front and a line feed behind.
	Sequence
	// Events is an event stream (server-sent events): the data of each event is a JSON text. Other fields and comments do
	// not pass, nor does an event that does not end.
	Events
)

// Envelope is the [Record.Kind] of what lies outside any record.
const Envelope = -1

// Record is what a [Decider] learns of one record. Its byte slices are valid during the call only.
type Record struct {
	Kind    int     // index into Spec.Records, or Envelope
	Parent  int     // index, within the window, of the record that encloses this one; -1 for an envelope
	Subject Value   // the zero Value where the kind names no subject
	Inputs  []Value // one for each of RecordSpec.Inputs; the zero Value where there is not exactly one
}

// Decider picks a profile for each record of a window.
type Decider interface {
	// Decide sets profiles[i] for records[i]. Records come in document order, each document's envelope first.
	// An error refuses the response; Append returns it as it is.
	Decide(ctx context.Context, records []Record, profiles []*Profile) error
}

// Profile is one treatment for every field of one kind of record. It must not change once it is in use.
type Profile struct {
	// Denied drops the record whole. An envelope cannot be denied: return an error instead.
	Denied bool
	// Treatments has one entry for each of the kind's fields, in order, and behind them for each field of what is [Embedded].
	Treatments []Treatment
}
