package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Options says where a log is and who signs it.
type Options struct {
	// Dir is the directory of the log. It is made if it is missing.
	Dir string

	// Origin names the log in its checkpoints, e.g. "maskgate/gateway-1".
	// It must be the signer's name, which is the default.
	Origin string

	// Signer signs new checkpoints. Verifiers knows its key, and the keys
	// that signed the existing ones.
	Signer    note.Signer
	Verifiers note.Verifiers

	// SegmentSize is the number of bytes from which on a segment is full.
	// Default 64 MiB. A segment is at most one group (32 MiB) longer.
	SegmentSize int64

	// Now tells the time of records that have none. Default [time.Now].
	Now func() time.Time

	// Disk makes bytes last. Default: the operating system's.
	Disk Disk
}

// A Log is an access log open for appending. Its methods may be called by
// many goroutines at once.
type Log struct {
	options Options
	lock    *os.File // held until Close

	recovered int64

	// The committer's own once it runs.
	file *os.File // current segment; nil if there is none yet
	path string   // of file
	size int64    // of file, as far as committed
	tree tree     // over all committed records
	buf  []byte   // reused from group to group

	stopped chan struct{} // closed when the committer has returned

	mu      sync.Mutex // guards all below
	wake    sync.Cond  // on mu: pending or closed changed
	pending []*waiter
	queued  int // bytes in pending
	closed  bool
	err     error  // once set, nothing is written any more
	newest  string // signed note
}

// A waiter is a record on its way to the disk.
type waiter struct {
	line []byte      // from `"time":` on
	done chan result // has room for one
}

type result struct {
	seq int64
	err error
}

// Append writes a record and returns its number, counted from 0. When it
// returns without an error, the record and a checkpoint over it are on disk:
// they survive a crash and a power cut. Records of concurrent calls share a
// write, a sync and a checkpoint.
//
// When ctx is done Append stops waiting and returns ctx's error; the record may
// still be written. After a failed write the record may be found in the log,
// too, when it is opened again: the log tells of all that was released, and
// sometimes of what was not.
//
// With an error the number is -1. The error wraps [ErrUnwritable],
// [ErrClosed], [ErrTooLarge], [ErrBusy], or ctx's error.
func (l *Log) Append(ctx context.Context, r Record) (seq int64, err error) {
	if err := ctx.Err(); err != nil {
		return -1, fmt.Errorf("appending to access log: %w", err)
	}
	if r.Time.IsZero() {
		r.Time = l.options.Now()
	}
	encoded, err := r.encode()
	if err != nil {
		return -1, fmt.Errorf("appending to access log: %w", err)
	}
	w := &waiter{encoded, make(chan result, 1)}
	if err := l.enqueue(w); err != nil {
		return -1, fmt.Errorf("appending to access log: %w", err)
	}
	select {
	case res := <-w.done:
		if res.err != nil {
			return -1, fmt.Errorf("appending to access log: %w", res.err)
		}
		return res.seq, nil
	case <-ctx.Done():
		return -1, fmt.Errorf("appending to access log: %w", ctx.Err())
	}
}

// enqueue hands a record to the committer.
func (l *Log) enqueue(w *waiter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.err != nil:
		return l.err
	case l.queued > 0 && l.queued+len(w.line) > maxQueue:
		return ErrBusy
	}
	l.pending = append(l.pending, w)
	l.queued += len(w.line)
	l.wake.Signal()
	return nil
}

// Close writes what is pending and releases the log. If the log became
// unwritable it returns why. Further calls do nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.stopped
		return nil
	}
	l.closed = true
	l.wake.Signal()
	l.mu.Unlock()

	<-l.stopped
	err := l.err // nobody writes it any more
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	if err = errors.Join(err, l.lock.Close()); err != nil {
		return fmt.Errorf("closing access log: %w", err)
	}
	return nil
}

// Checkpoint returns the newest signed checkpoint, or "" if the log has no
// record yet. Kept where the log's writer cannot reach it, it proves later
// that nothing it covers was changed or cut off; see [Contains].
func (l *Log) Checkpoint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest
}

// Err says why nothing can be written any more; nil as long as it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Recovered returns how many bytes [Open] set aside because a crash had left
// them half written. No record in them was ever acknowledged.
func (l *Log) Recovered() int64 {
	return l.recovered
}
