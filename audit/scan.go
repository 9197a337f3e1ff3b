package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A scanner reads one segment, group by group, and checks it.
type scanner struct {
	// To be set before run.
	file   string      // base name, for errors
	r      io.ReaderAt // the segment
	size   int64       // bytes of it to read
	first  int64       // number in its name
	last   bool        // no segment follows, so it may end in an uncommitted tail
	trust  *trust      // verifies signatures; nil: they are not looked at
	origin string      // the log's; if empty, what the first checkpoint says
	linked bool        // the header must be that of tree; else it is believed
	tree   tree        // over all committed records

	// Optional.
	record func(seq int64, l line) error // each record line, not yet committed
	grow   func(t *tree)                 // before a good group, and after each of its records
	commit func() error                  // after each group, as long as trust has no doubt

	// Results.
	committed   int64  // offset after the last good checkpoint
	group       int64  // offset of the first byte of the last good group
	checkpoints int    // good checkpoints
	newest      string // the last one's note
	tail        bool   // what follows committed is an uncommitted tail

	hashes    []tlog.Hash // of the current group's records
	groupLine int         // line of the current group's first record
}

// run reads the segment. Called again with a greater size, it goes on behind
// the last good checkpoint. It returns a *CorruptError that names the first bad
// record, an error of reading, or what record or commit returned.
func (s *scanner) run() error {
	lines := s.rest()
	var fault *CorruptError // the first fault of the current group
	nul := false            // the current group has a NUL byte
	s.hashes, s.tail = s.hashes[:0], false
	if s.committed == 0 && !s.linked {
		s.tree = tree{n: s.first}
	}
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", s.file, err)
		}
		nul = nul || l.nul
		if !l.complete {
			continue // at the end of the file
		}
		if l.num == 1 {
			fault = s.header(l)
			if !isCheckpoint(l.data) {
				continue
			}
		}
		if isCheckpoint(l.data) {
			torn := nul && s.last && l.end == s.size // if it is not valid
			if fault = s.close(l, fault, torn); fault != nil {
				if torn {
					s.tail = true
					return nil
				}
				return fault
			}
			nul = false
			if s.commit != nil && !s.trust.doubted() {
				if err := s.commit(); err != nil {
					return err
				}
			}
			continue
		}
		if fault != nil {
			continue // the checkpoint may tell of an earlier one
		}
		seq := s.tree.n + int64(len(s.hashes))
		if fault = s.line(l, seq); fault == nil {
			s.hashes = append(s.hashes, tlog.RecordHash(l.data))
			if s.record != nil {
				if err := s.record(seq, l); err != nil {
					return err
				}
			}
		}
	}

	if s.committed == s.size && s.committed > 0 {
		return nil
	}
	if !s.last {
		if fault != nil {
			return fault
		}
		return s.corrupt(0, s.tree.n,
			"the segment ends without a checkpoint, though another follows")
	}
	if !nul {
		if fault != nil {
			return fault
		}
		if err := s.checkTail(); err != nil {
			return err
		}
	}
	s.tail = true
	return nil
}

// rest returns a reader of the lines that are not committed.
func (s *scanner) rest() *lineReader {
	num := 0
	if s.committed > 0 {
		num = s.groupLine - 1
	}
	rest := io.NewSectionReader(s.r, s.committed, s.size-s.committed)
	return newLineReader(rest, num, s.committed)
}

// header checks the first line.
func (s *scanner) header(l line) *CorruptError {
	s.groupLine = 2
	t, err := parseHeader(l.data)
	switch {
	case err != nil:
		return s.corrupt(l.num, s.first, err.Error())
	case t.n != s.first:
		return s.corrupt(l.num, s.first, "the header is that of another segment")
	case s.linked && !t.equal(&s.tree):
		return s.corrupt(l.num, s.first, "the header does not continue the segment before it")
	}
	s.tree = t
	return nil
}

// line checks a line that must be record seq.
func (s *scanner) line(l line, seq int64) *CorruptError {
	switch {
	case l.long:
		return s.corrupt(l.num, seq, "the line is longer than 16 MiB")
	case !bytes.HasPrefix(l.data, recordStart(seq)):
		return s.corrupt(l.num, seq, "another line stands where the record should")
	}
	return nil
}

// close checks the checkpoint line of a group and, if all is well, commits
// the group. Otherwise it returns the group's first fault, which may be the
// one that was found before. In what may be a torn write, a key that is not
// known is a fault.
func (s *scanner) close(l line, found *CorruptError, torn bool) *CorruptError {
	bad := func(reason string) *CorruptError {
		if found != nil {
			return found
		}
		return s.corrupt(l.num, s.tree.n, reason)
	}
	if found != nil && found.Line == 1 {
		return found
	}
	cp, err := parseCheckpoint(l.data)
	if err != nil || l.long {
		return bad(errCheckpoint.Error())
	}
	if s.origin != "" && cp.origin != s.origin {
		return bad("the checkpoint is that of another log")
	}
	var by note.Verifier
	var unknown *doubt
	if s.trust != nil {
		if by, unknown, err = s.trust.verify(&cp); err != nil {
			return bad(err.Error())
		}
		if unknown != nil && torn {
			return bad("the checkpoint is signed by a key that is not known")
		}
	}
	t := s.tree.clone()
	for _, leaf := range cp.leaves {
		t.add(leaf)
	}
	if t.n != cp.n || t.root() != cp.root {
		if by != nil && s.trust.doubted() {
			return s.trust.doubt.corrupt("the checkpoint is by a key that is not known, " +
				"and a later one by a known key contradicts it")
		}
		return bad("the checkpoint does not follow from what stands before it")
	}
	for i := range min(len(s.hashes), len(cp.leaves)) {
		if s.hashes[i] != cp.leaves[i] {
			return s.corrupt(s.groupLine+i, s.tree.n+int64(i), "the record was changed")
		}
	}
	have, want := len(s.hashes), len(cp.leaves)
	i := min(have, want)
	line, seq := s.groupLine+i, s.tree.n+int64(i)
	switch {
	case have > want:
		return s.corrupt(line, seq, "the record was added")
	case found != nil:
		return found
	case have < want:
		return s.corrupt(line, seq, "the record is missing")
	}
	if s.trust != nil {
		if unknown != nil {
			unknown.File, unknown.Line, unknown.Seq = s.file, l.num, s.tree.n
		}
		if fault := s.trust.accept(by, unknown); fault != nil {
			return fault
		}
	}

	if s.grow != nil {
		s.grow(&s.tree)
		for _, leaf := range cp.leaves {
			s.tree.add(leaf)
			s.grow(&s.tree)
		}
	}
	s.tree, s.origin, s.newest = t, cp.origin, cp.note
	s.group, s.committed = s.committed, l.end
	s.hashes, s.groupLine = s.hashes[:0], l.num+1
	s.checkpoints++
	return nil
}

// checkTail checks that the complete record lines after the last checkpoint
// are JSON, as a write cut short would leave them.
func (s *scanner) checkTail() error {
	lines := s.rest()
	for seq := s.tree.n; ; seq++ {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", s.file, err)
		}
		if l.num == 1 {
			seq-- // the header
		}
		if l.complete && !json.Valid(l.data) {
			return s.corrupt(l.num, max(seq, 0), "the record is not JSON")
		}
	}
}

func (s *scanner) corrupt(num int, seq int64, reason string) *CorruptError {
	return &CorruptError{File: s.file, Line: num, Seq: seq, Reason: reason}
}
