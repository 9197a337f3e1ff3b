package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How long [Follow] waits before it looks again; see there.
const (
	followFirst = 10 * time.Millisecond
	followLimit = time.Second
)

// A RemovedError says that records which [Follow] is to yield were removed, as
// a retention period demands.
type RemovedError struct {
	Seq   int64 // the record that was to come next
	First int64 // the first record that is still there
}

// Error returns both numbers.
func (e *RemovedError) Error() string {
	return fmt.Sprintf("record %d was removed from the access log, which begins with %d now; "+
		"make up for what is missing, then go on from there", e.Seq, e.First)
}

// Follow yields the committed records of the log in a directory, in order and
// without a gap, from the one with the given number on, and goes on as they
// come, until ctx is done. It begins with the segment that has that record and
// waits for it if the log is not that long. It holds one group in memory.
// Another process may write to the log, stop, and recover from a crash
// meanwhile. Where nothing new is there Follow looks again after 10 ms, then
// after twice as long each time, up to a second.
//
// An error is yielded last. It wraps ctx's error; a [*CorruptError] if the log
// is corrupt, or no longer has what was read before; or a [*RemovedError] if a
// retention period took the record that is to come next.
//
// Whoever keeps the number of the last record that was dealt with, and begins
// with the one after it next time, misses none, and meets one again only if
// its number was not kept.
//
// As [Search] does, Follow checks records against the hashes in the log but
// verifies no signature. It may yield a record just before its sync is done:
// if the power fails at that moment, the log can lack the record afterwards,
// and give its number to another. Nothing had been released on it.
func Follow(ctx context.Context, dir string, from int64) iter.Seq2[Entry, error] {
	return follow(ctx, dir, from, sleep)
}

// sleep returns after a while, or with ctx's error once that is done.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// follow is [Follow] with a function that waits.
func follow(ctx context.Context, dir string, from int64,
	wait func(context.Context, time.Duration) error) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f := &follower{
			ctx: ctx, dir: dir, next: from, pos: from, read: tree{n: -1},
			yield: func(e Entry) bool { return yield(e, nil) },
		}
		defer f.again()
		if err := f.run(wait); !errors.Is(err, errStop) {
			yield(Entry{}, fmt.Errorf("following access log: %w", err))
		}
	}
}

// A follower is where a reader of a growing log stands.
type follower struct {
	ctx   context.Context
	dir   string
	yield func(Entry) bool
	next  int64 // the record to be yielded next

	// What was read, so that a log that is put in the place of this one is
	// noticed. Before the first group n is -1.
	read   tree
	origin string

	file *os.File // the segment that is being read; nil if none is open
	scan *scanner // of file
	pos  int64    // open opens the segment with this record
}

// run yields records until there is an error, which it returns.
func (f *follower) run(wait func(context.Context, time.Duration) error) error {
	if f.next < 0 {
		return fmt.Errorf("there is no record %d; begin with 0", f.next)
	}
	pause := followFirst
	var fault error // of the last look
	for {
		n := f.read.n
		more, err := f.step()
		if f.read.n > n {
			pause, fault = followFirst, nil
		}
		switch {
		case errors.Is(err, errStop):
			return err
		case f.ctx.Err() != nil:
			return f.ctx.Err()
		case err != nil && fault != nil && err.Error() == fault.Error():
			return err
		case more:
			continue
		}
		// A gateway that starts cuts off what a crash left, and who reads
		// meanwhile may see half of one write and half of the next. What
		// is at fault for good is so at the second look, from the
		// beginning of the segment.
		if fault = err; fault != nil {
			f.again()
		}
		if err := wait(f.ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, followLimit)
	}
}

// step reads what has come, and reports whether there may be more to read at
// once.
func (f *follower) step() (more bool, err error) {
	if f.file == nil {
		if err := f.open(); err != nil || f.file == nil {
			return false, err
		}
	}
	n := f.read.n
	if err := f.grow(true); err != nil || f.read.n > n {
		return err == nil, err
	}
	return f.turn()
}

// open opens the segment that has record pos, or the last one if the log is not
// that long. It opens none if the log is empty.
func (f *follower) open() error {
	segments, err := listSegments(f.dir)
	if err != nil {
		return err
	}
	switch {
	case len(segments) == 0 && f.read.n < 0:
		return nil
	case len(segments) == 0:
		return &CorruptError{Seq: -1,
			Reason: fmt.Sprintf("no segment is left, but there were %d records", f.read.n)}
	case segments[0] > f.next:
		return &RemovedError{Seq: f.next, First: segments[0]}
	}
	first := segments[0] // if it is behind pos, what was read was removed since
	for _, n := range segments {
		if n <= f.pos {
			first = n
		}
	}
	file, _, err := openSegment(f.dir, first)
	if err != nil {
		return err
	}
	f.file = file
	f.restart(first)
	return nil
}

// close closes the open segment. The next one to open has record pos.
func (f *follower) close(pos int64) {
	if f.file != nil {
		f.file.Close()
	}
	f.file, f.scan, f.pos = nil, nil, pos
}

// again closes the open segment. The next one to open has the record that was
// read last: what comes after it may stand in the same file or in another.
func (f *follower) again() {
	if f.read.n < 0 {
		f.close(f.next)
	} else {
		f.close(f.read.n - 1)
	}
}

// restart begins to read the open segment, from its first line.
func (f *follower) restart(first int64) {
	s := &scanner{
		file:   segmentName(first),
		r:      f.file,
		first:  first,
		origin: f.origin,
	}
	changed := false
	s.grow = func(t *tree) {
		changed = changed || t.n == f.read.n && t.root() != f.read.root()
	}
	wanted := func(seq int64, _ []byte) bool { return seq >= f.next }
	collect(s, wanted, func(e Entry) error {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		f.next = e.Seq + 1
		if !f.yield(e) {
			return errStop
		}
		return nil
	})
	yield := s.commit
	s.commit = func() error {
		if changed {
			reason := fmt.Sprintf("the records before %d are not those that were read", f.read.n)
			return s.corrupt(0, -1, reason)
		}
		if s.tree.n > f.read.n {
			f.read, f.origin = s.tree.clone(), s.origin
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
		return yield()
	}
	f.scan = s
}

// grow reads what the open segment has more than before. last says that it may
// end in an uncommitted tail.
func (f *follower) grow(last bool) error {
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("reading segment: %w", err)
	}
	if info.Size() < f.scan.committed {
		f.restart(f.scan.first)
	}
	s := f.scan
	if s.size, s.last = info.Size(), last; s.size > s.committed || s.size == 0 {
		if err := s.run(); err != nil {
			return err
		}
	}
	if s.tree.n < f.read.n {
		return s.corrupt(0, s.tree.n,
			"the log ends before this record, which was there: records were cut off")
	}
	return nil
}

// turn closes the open segment, in which nothing more has come, if another one
// is there or if its name is another file's now. It reports whether it did.
func (f *follower) turn() (bool, error) {
	segments, err := listSegments(f.dir)
	if err != nil {
		return false, err
	}
	s := f.scan
	if i, found := slices.BinarySearch(segments, s.first); found && i+1 < len(segments) {
		// The writer had finished this one before it began the next, but
		// maybe not before it was read.
		n := f.read.n
		if err := f.grow(false); err != nil || f.read.n > n {
			return err == nil, err
		}
		if next := segments[i+1]; next != n {
			return false, misplaced(next, n)
		}
		f.close(n)
		return true, nil
	}
	// A segment in which nothing was committed is set aside by a gateway that
	// recovers; then the one before it may grow, or another get its name.
	open, err := f.file.Stat()
	if err != nil {
		return false, fmt.Errorf("reading segment: %w", err)
	}
	named, err := os.Lstat(filepath.Join(f.dir, s.file))
	if err == nil && os.SameFile(open, named) {
		return false, nil
	}
	f.again()
	return true, nil
}
