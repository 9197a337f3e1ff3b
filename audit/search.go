package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// A Query says which records [Search] looks for. Each member that is set must
// hold.
type Query struct {
	Subjects []string // pseudonyms; one is enough. Give one for each version of the key
	Caller   string   // identifier of who asked
	ID       string   // correlation identifier
	Event    Event
	Purpose  string
	Decision Decision
	Since    time.Time // not before
	Until    time.Time // before
}

// An Entry is a record, and where it stands.
type Entry struct {
	Seq    int64
	Record Record
	File   string // base name of the segment
	Line   int    // in File, from 1
}

// MarshalJSON encodes the entry as the log has it: the record's members, its
// number first. An encoder with SetEscapeHTML(false) leaves it so.
func (e Entry) MarshalJSON() ([]byte, error) {
	record, err := e.Record.encode()
	if err != nil {
		return nil, err
	}
	return append(append(seqPrefix(e.Seq), ','), record...), nil
}

var errStop = errors.New("the reader has seen enough")

// Search yields, in order, the committed records for which a query asks, of
// the log in a directory. It reads the log from the beginning, holds one group
// in memory, and may run while a gateway writes to the log; an uncommitted
// tail is left out. An error is yielded last. It wraps a [*CorruptError] if
// the log is corrupt.
//
// Search checks records against the hashes in the log but verifies no
// signature; that is for [Verify].
func Search(dir string, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := search(dir, q, func(e Entry) bool { return yield(e, nil) })
		if err != nil && !errors.Is(err, errStop) {
			yield(Entry{}, fmt.Errorf("searching access log: %w", err))
		}
	}
}

func search(dir string, q Query, yield func(Entry) bool) error {
	segments, err := listSegments(dir)
	if err != nil {
		return err
	}
	hints := q.hints()
	var t tree
	var origin string
	for i, first := range segments {
		if i > 0 && first != t.n {
			return misplaced(first, t.n)
		}
		s := &scanner{
			file:   segmentName(first),
			first:  first,
			last:   i == len(segments)-1,
			origin: origin,
			linked: i > 0,
			tree:   t,
		}
		if err := searchSegment(dir, s, q, hints, yield); err != nil {
			return err
		}
		t, origin = s.tree, s.origin
	}
	return nil
}

// searchSegment yields the matching records of a segment, each group once its
// checkpoint is read.
func searchSegment(dir string, s *scanner, q Query, hints [][][]byte,
	yield func(Entry) bool) error {
	f, size, err := openSegment(dir, s.first)
	if err != nil {
		return err
	}
	defer f.Close()
	s.r, s.size = f, size
	wanted := func(_ int64, line []byte) bool { return possible(line, hints) }
	collect(s, wanted, func(e Entry) error {
		if q.match(&e.Record) && !yield(e) {
			return errStop
		}
		return nil
	})
	return s.run()
}

// collect has a scanner yield the records whose lines are wanted, each group
// once its checkpoint is read. Until then the group's lines are in memory.
func collect(s *scanner, wanted func(seq int64, line []byte) bool, yield func(Entry) error) {
	type recordLine struct {
		Entry
		data []byte
	}
	var group []recordLine
	s.record = func(seq int64, l line) error {
		if seq == s.tree.n {
			group = group[:0] // what was in it was never committed
		}
		if wanted(seq, l.data) {
			group = append(group, recordLine{Entry{Seq: seq, File: s.file, Line: l.num},
				bytes.Clone(l.data)})
		}
		return nil
	}
	s.commit = func() error {
		for _, r := range group {
			if err := json.Unmarshal(r.data, &r.Record); err != nil {
				return s.corrupt(r.Line, r.Seq, "the record is not the JSON of a record")
			}
			if err := yield(r.Entry); err != nil {
				return err
			}
		}
		clear(group) // lets go of the lines
		group = group[:0]
		return nil
	}
}

// match reports whether a record is looked for.
func (q *Query) match(r *Record) bool {
	about := func(p Profile) bool {
		return slices.ContainsFunc(p.Subjects,
			func(s string) bool { return slices.Contains(q.Subjects, s) })
	}
	var a Access
	if r.Access != nil {
		a = *r.Access
	}
	return (len(q.Subjects) == 0 || slices.ContainsFunc(a.Profiles, about)) &&
		(q.Caller == "" || a.Caller != nil && a.Caller.ID == q.Caller) &&
		(q.ID == "" || a.ID == q.ID) &&
		(q.Event == "" || r.Event == q.Event) &&
		(q.Purpose == "" || a.Purpose == q.Purpose) &&
		(q.Decision == "" || a.Decision == q.Decision) &&
		(q.Since.IsZero() || !r.Time.Before(q.Since)) &&
		(q.Until.IsZero() || r.Time.Before(q.Until))
}

// hints returns lists of strings as records encode them. The line of a matching
// record contains a string of each list, so that most other lines are sorted
// out without decoding.
func (q *Query) hints() [][][]byte {
	var hints [][][]byte
	for _, needles := range [][]string{
		q.Subjects, {q.Caller}, {q.ID}, {string(q.Event)}, {q.Purpose}, {string(q.Decision)},
	} {
		var list [][]byte
		for _, s := range needles {
			if s != "" || len(needles) > 1 {
				list = append(list, encodeString(s))
			}
		}
		if len(list) > 0 {
			hints = append(hints, list)
		}
	}
	return hints
}

func encodeString(s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("audit: encoding a string: " + err.Error())
	}
	return escape(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

func possible(line []byte, hints [][][]byte) bool {
	return !slices.ContainsFunc(hints, func(list [][]byte) bool {
		return !slices.ContainsFunc(list, func(s []byte) bool { return bytes.Contains(line, s) })
	})
}
