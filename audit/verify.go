package audit

import (
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Summary is what [Verify] found.
type Summary struct {
	Origin      string    // name of the log; empty if it has no checkpoint
	First       int64     // number of the first record that is still there
	Records     int64     // committed records, removed ones included: the tree's size
	Checkpoints int       // checkpoints, all verified
	Segments    int       // segment files
	Size        int64     // bytes in them, the tail included
	Root        tlog.Hash // over all committed records
	Checkpoint  string    // newest signed note; empty if there is none
	FirstTime   time.Time // of the first committed record that is still there
	LastTime    time.Time // of the last committed record

	// Uncommitted tail: what was being written, or what a crash left half
	// written. No record in it was acknowledged. A log at rest has none.
	Tail     int64  // bytes, which can be 0 if a segment was just made
	TailFile string // the last segment, if it ends in a tail; else empty
}

// Present returns how many committed records are there, and were verified.
func (s Summary) Present() int64 { return max(s.Records-s.First, 0) }

// Removed returns how many records were removed from the beginning of the log;
// see [PrunedBefore]. What they said was not verified.
func (s Summary) Removed() int64 { return s.First }

// A Check is something more that [Verify] checks.
type Check func(*checks)

type checks struct {
	kept   []string
	pruned int64
}

// Contains asks that the log contain all that a checkpoint covers which was
// kept elsewhere; see [Log.Checkpoint], and [FindCheckpoint] for what a file
// has. So it comes out if the log was rolled back, cut off, or written anew by
// somebody who has the key.
func Contains(checkpoint string) Check {
	return func(c *checks) { c.kept = append(c.kept, checkpoint) }
}

// PrunedBefore allows that whole segments with records before the given one
// were removed, as a retention period demands: the log may begin with any
// segment whose first record is not after it. The header of that segment
// stands for the ones before, and the checkpoints that follow vouch for it.
func PrunedBefore(seq int64) Check {
	return func(c *checks) { c.pruned = seq }
}

// Verify checks every byte of the log in a directory against the checkpoints
// in it. It only reads, in bounded memory, and may run while a gateway writes
// to the log; what is being written shows as a tail.
//
// If the log is not what was written, the error wraps a [*CorruptError] that
// names the first bad record. If it has no fault, but checkpoints by a key that
// v does not know, the error wraps a [*KeyError] with the first of them. In
// both cases the summary covers what is before that record. If the log has
// another name than a checkpoint kept elsewhere, the error wraps an
// [*OriginError].
func Verify(dir string, v note.Verifiers, opts ...Check) (Summary, error) {
	var c checks
	for _, opt := range opts {
		opt(&c)
	}
	sum, err := verify(dir, v, c)
	if err != nil {
		return sum, fmt.Errorf("verifying access log: %w", err)
	}
	return sum, nil
}

func verify(dir string, v note.Verifiers, c checks) (Summary, error) {
	var sum Summary
	var t tree
	sum.Root = t.root()
	signers := &trust{verifiers: v}
	var origin string                   // of the log
	kept := make(map[int64][]tlog.Hash) // by size
	var most checkpoint                 // the kept checkpoint that covers most
	for _, signed := range c.kept {
		cp, err := openCheckpoint(signed, v)
		if err != nil {
			return sum, fmt.Errorf("reading kept checkpoint: %w", err)
		}
		if most.origin != "" && most.origin != cp.origin {
			return sum, fmt.Errorf("reading kept checkpoint: it is of log %q, another of %q; "+
				"give those of one log", cp.origin, most.origin)
		}
		kept[cp.n] = append(kept[cp.n], cp.root)
		if cp.n >= most.n {
			most = cp
		}
	}
	// holds checks the kept checkpoints of the size that the tree now has.
	var broken *CorruptError
	holds := func(t *tree) {
		for _, root := range kept[t.n] {
			if root != t.root() && broken == nil {
				broken = &CorruptError{Seq: -1, Reason: fmt.Sprintf("a record before %d is not "+
					"the one that the checkpoint kept elsewhere covers", t.n)}
			}
		}
		delete(kept, t.n)
	}

	segments, err := listSegments(dir)
	if err != nil {
		return sum, err
	}
	for i, first := range segments {
		linked := i > 0 || first == 0 || first > c.pruned
		if linked && first != t.n {
			return sum, misplaced(first, t.n)
		}
		if i == 0 {
			sum.First = first
		}
		s := &scanner{
			file:   segmentName(first),
			first:  first,
			last:   i == len(segments)-1,
			trust:  signers,
			origin: origin,
			linked: linked,
			tree:   t,
		}
		if err := verifySegment(dir, s, &sum, holds); err != nil {
			return sum, err
		}
		if t, origin = s.tree, s.origin; s.committed == 0 && !linked {
			return sum, &CorruptError{File: s.file, Seq: first,
				Reason: "no checkpoint vouches for the removed records"}
		}
	}
	if origin != "" && most.origin != "" && origin != most.origin {
		return sum, fmt.Errorf("checking kept checkpoint: %w; "+
			"give one of this log, or the directory of that one",
			&OriginError{Have: origin, Want: most.origin})
	}
	if broken != nil {
		return sum, broken
	}
	if most.n > t.n {
		return sum, &CorruptError{Seq: t.n, Reason: fmt.Sprintf("the log ends before this record, "+
			"but the checkpoint kept elsewhere covers %d: records were cut off", most.n)}
	}
	delete(kept, 0)
	for n := range kept {
		return sum, fmt.Errorf("checking kept checkpoint: the records before %d that it covers "+
			"were removed; give a newer one", n)
	}
	return sum, signers.err()
}

// verifySegment runs a scanner over a segment and adds what it finds.
func verifySegment(dir string, s *scanner, sum *Summary, holds func(*tree)) error {
	f, size, err := openSegment(dir, s.first)
	if err != nil {
		return err
	}
	defer f.Close()
	s.r, s.size = f, size

	var from, to []byte // first and last record line of the group
	s.record = func(_ int64, l line) error {
		if from == nil {
			from = append([]byte{}, l.data[:min(len(l.data), 128)]...)
		}
		to = append(to[:0], l.data[:min(len(l.data), 128)]...)
		return nil
	}
	s.grow = holds
	s.commit = func() error {
		if sum.Checkpoints == 0 {
			sum.FirstTime = recordTime(from)
		}
		sum.LastTime = recordTime(to)
		from = nil
		sum.Checkpoints++
		sum.Records, sum.Root = s.tree.n, s.tree.root()
		sum.Origin, sum.Checkpoint = s.origin, s.newest
		return nil
	}
	sum.Segments++
	sum.Size += size
	if err := s.run(); err != nil {
		return err
	}
	if s.tail {
		sum.Tail, sum.TailFile = size-s.committed, s.file
	}
	return nil
}
