package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// run is the committer: it writes what is pending, group by group, and tells
// the callers of Append, until the log is closed or a write fails.
func (l *Log) run() {
	defer close(l.stopped)
	for {
		group := l.take()
		if len(group) == 0 {
			return
		}
		first := l.tree.n
		signed, err := l.commit(group)
		if err != nil {
			l.poison(group, err)
			return
		}
		l.mu.Lock()
		l.newest = signed
		l.mu.Unlock()
		for i, w := range group {
			w.done <- result{seq: first + int64(i)}
		}
	}
}

// take waits for records and returns the next group: none if the log is closed
// and all is written.
func (l *Log) take() []*waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) == 0 && !l.closed {
		l.wake.Wait()
	}
	n, size := 0, 0
	for n < len(l.pending) && n < maxGroup && size < maxBatch {
		size += len(l.pending[n].line)
		n++
	}
	group := l.pending[:n:n]
	if l.pending = l.pending[n:]; len(l.pending) == 0 {
		l.pending = nil // lets go of the records that are written
	}
	l.queued -= size
	return group
}

// poison makes the log unwritable and tells the callers of Append. What is on
// disk now is not known: after a failed sync the kernel may have dropped the
// pages and call the next sync a success, so there is no second try.
func (l *Log) poison(group []*waiter, cause error) {
	l.mu.Lock()
	l.err = fmt.Errorf("%w: %w", ErrUnwritable, cause)
	group = append(group, l.pending...)
	l.pending, l.queued = nil, 0
	l.mu.Unlock()
	for _, w := range group {
		w.done <- result{err: l.err}
	}
}

// commit writes a group and its checkpoint with one write and one sync, and
// returns the checkpoint's note.
func (l *Log) commit(group []*waiter) (signed string, err error) {
	t := l.tree.clone()
	buf := l.buf[:0]
	fresh := l.file == nil || l.size >= l.options.SegmentSize
	if fresh {
		buf = append(appendHeader(buf, &t), '\n')
	}
	leaves := make([]tlog.Hash, len(group))
	for i, w := range group {
		start := len(buf)
		buf = append(append(buf, seqPrefix(t.n)...), ',')
		buf = append(buf, w.line...)
		leaves[i] = tlog.RecordHash(buf[start:])
		t.add(leaves[i])
		buf = append(buf, '\n')
	}
	text := checkpointText(l.options.Origin, t.n, t.root())
	msg, err := note.Sign(&note.Note{Text: text}, l.options.Signer)
	if err != nil {
		return "", fmt.Errorf("signing checkpoint: %w", err)
	}
	buf = append(appendCheckpoint(buf, string(msg), leaves), '\n')

	if fresh {
		if err := l.rotate(); err != nil {
			return "", err
		}
	}
	if err := l.write(buf); err != nil {
		return "", err
	}
	if fresh {
		if err := l.options.Disk.SyncDir(l.options.Dir); err != nil {
			return "", fmt.Errorf("syncing directory: %w", err)
		}
	}
	l.tree = t
	if l.buf = buf; cap(buf) > 1<<20 {
		l.buf = nil
	}
	return string(msg), nil
}

// rotate makes an empty segment for the records from now on.
func (l *Log) rotate() error {
	if l.file != nil {
		if err := l.check(); err != nil {
			return err
		}
		if err := l.file.Close(); err != nil {
			return fmt.Errorf("closing segment: %w", err)
		}
		l.file = nil
	}
	path := filepath.Join(l.options.Dir, segmentName(l.tree.n))
	f, err := openRegular(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("making segment: %w", err)
	}
	l.file, l.path, l.size = f, path, 0
	return nil
}

// write appends to the segment, durably. The file is looked at before and
// after: bytes in a file that nobody can find are not on record.
func (l *Log) write(buf []byte) error {
	if err := l.check(); err != nil {
		return err
	}
	n, err := l.options.Disk.WriteAt(l.file, buf, l.size)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("writing segment: %w", err)
	}
	if err := l.options.Disk.Sync(l.file); err != nil {
		return fmt.Errorf("syncing segment: %w", err)
	}
	l.size += int64(len(buf))
	return l.check()
}

// check checks that the open segment is the file at its path and as long as
// it was left.
func (l *Log) check() error {
	open, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("checking segment: %w", err)
	}
	named, err := os.Lstat(l.path)
	if err != nil {
		return fmt.Errorf("checking segment: it was removed or renamed under the gateway: %w", err)
	}
	switch {
	case !os.SameFile(open, named):
		return fmt.Errorf("checking segment: %s was replaced under the gateway", l.path)
	case open.Size() < l.size:
		return fmt.Errorf("checking segment: %s was truncated under the gateway", l.path)
	case open.Size() > l.size:
		return fmt.Errorf("checking segment: %s was written to by somebody else", l.path)
	}
	return nil
}
