package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Open opens the log in a directory for appending, making both if they are
// missing, and takes its lock. It checks the last segment, all of it, so it
// takes time in proportion to the size of a segment, not of the log; [Verify]
// checks everything.
//
// What a crash left half written is set aside, see [Log.Recovered] and the
// package comment. The error wraps a [*CorruptError] if the log is corrupt, an
// [*OriginError] if it has another name, a [*KeyError] if the verifiers do not
// know a key that signed it, and [ErrLocked] if it is in use.
func Open(o Options) (*Log, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	if err := makeDir(o.Dir, o.Disk); err != nil {
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	l := &Log{options: o, lock: lock, stopped: make(chan struct{})}
	l.wake.L = &l.mu
	if err := l.load(); err != nil {
		if l.file != nil {
			l.file.Close()
		}
		lock.Close()
		if _, ok := errors.AsType[*CorruptError](err); ok {
			err = fmt.Errorf("%w; keep a copy of %s as evidence, run auditverify on it, "+
				"then start with an empty directory", err, o.Dir)
		}
		if _, ok := errors.AsType[*OriginError](err); ok {
			err = fmt.Errorf("%w; give the gateway the name of its log, or a new directory", err)
		}
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	go l.run()
	return l, nil
}

// complete fills in defaults and checks that the keys fit together.
func (o *Options) complete() error {
	switch {
	case o.Dir == "":
		return errors.New("no directory given; set Dir")
	case o.Signer == nil:
		return errors.New("no signer given; set Signer")
	case o.SegmentSize < 0:
		return errors.New("negative segment size; set SegmentSize to bytes, or 0 for 64 MiB")
	}
	o.Dir = filepath.Clean(o.Dir) // a trailing slash would follow a link
	if o.Origin == "" {
		o.Origin = o.Signer.Name()
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = defaultSegmentSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Disk == nil {
		o.Disk = osDisk{}
	}
	if !validOrigin(o.Origin) {
		return fmt.Errorf("origin %q is not of printable ASCII without space, plus, "+
			"quotation mark and backslash; choose another", o.Origin)
	}
	if o.Origin != o.Signer.Name() {
		return fmt.Errorf("origin %q differs from the signer's name %q; make a signer of that name",
			o.Origin, o.Signer.Name())
	}
	// A checkpoint that the next start cannot verify would lock us out.
	var empty tree
	msg, err := note.Sign(&note.Note{Text: checkpointText(o.Origin, 0, empty.root())}, o.Signer)
	if err != nil {
		return fmt.Errorf("trying the signer: %w", err)
	}
	if _, err := note.Open(msg, o.Verifiers); err != nil {
		return fmt.Errorf("trying the signer: %w; add its key to the verifiers", err)
	}
	return nil
}

// load finds where the log ends, sets aside what a crash left behind it, and
// makes sure that what is read is on disk.
func (l *Log) load() error {
	segments, err := listSegments(l.options.Dir)
	if err != nil || len(segments) == 0 {
		return err
	}
	first := segments[len(segments)-1]
	s, err := l.scan(first, true)
	if err != nil {
		return err
	}
	if s.committed == 0 {
		// The crash came when the segment was being made.
		if err := l.setAsideFile(first); err != nil {
			return err
		}
		if segments = segments[:len(segments)-1]; len(segments) == 0 {
			if first != 0 {
				return &CorruptError{File: segmentName(first), Seq: 0,
					Reason: "the segments before it are missing"}
			}
			return nil
		}
		if s, err = l.scan(segments[len(segments)-1], false); err != nil {
			return err
		}
		if s.tree.n != first {
			return &CorruptError{File: segmentName(first), Seq: s.tree.n,
				Reason: "the segment before it does not end where it begins"}
		}
	} else if s.tail {
		if err := l.setAsideTail(s); err != nil {
			return err
		}
	}
	l.size, l.tree, l.newest = s.committed, s.tree, s.newest
	return l.rewrite(s)
}

// scan opens a segment as the current one and checks it.
func (l *Log) scan(first int64, last bool) (*scanner, error) {
	name := segmentName(first)
	l.path = filepath.Join(l.options.Dir, name)
	f, err := openRegular(l.path, os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("opening segment: %w", err)
	}
	l.file = f
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening segment: %w", err)
	}
	s := &scanner{
		file:  name,
		r:     f,
		size:  info.Size(),
		first: first,
		last:  last,
		trust: &trust{verifiers: l.options.Verifiers},
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	// All segments have the same origin, so this is the wrong log, or one
	// that was made when the gateway had another name.
	if s.origin != "" && s.origin != l.options.Origin {
		return nil, &OriginError{Have: s.origin, Want: l.options.Origin}
	}
	return s, s.trust.err()
}

// setAsideFile renames the current segment, in which nothing is committed.
func (l *Log) setAsideFile(first int64) error {
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("setting aside torn segment: %w", err)
	}
	l.recovered += info.Size()
	torn, err := l.createTorn(first)
	if err != nil {
		return fmt.Errorf("setting aside torn segment: %w", err)
	}
	defer torn.Close()
	// The new file only reserves the name.
	err = errors.Join(
		l.options.Disk.Sync(l.file),
		os.Rename(l.path, torn.Name()),
		l.options.Disk.SyncDir(l.options.Dir),
		l.file.Close(),
	)
	l.file = nil
	if err != nil {
		return fmt.Errorf("setting aside torn segment: %w", err)
	}
	return nil
}

// setAsideTail copies what follows the last checkpoint of the current segment
// to a file of its own, and then cuts it off.
func (l *Log) setAsideTail(s *scanner) error {
	torn, err := l.createTorn(s.tree.n)
	if err != nil {
		return fmt.Errorf("setting aside torn write: %w", err)
	}
	defer torn.Close()
	tail := io.NewSectionReader(l.file, s.committed, s.size-s.committed)
	if _, err := io.Copy(torn, tail); err != nil {
		return fmt.Errorf("setting aside torn write: %w", err)
	}
	if err := l.options.Disk.Sync(torn); err != nil {
		return fmt.Errorf("setting aside torn write: %w", err)
	}
	if err := l.options.Disk.SyncDir(l.options.Dir); err != nil {
		return fmt.Errorf("setting aside torn write: %w", err)
	}
	if err := l.file.Truncate(s.committed); err != nil {
		return fmt.Errorf("cutting off torn write: %w", err)
	}
	l.recovered += s.size - s.committed
	return nil
}

// createTorn makes an empty file for what a crash left of record seq and the
// ones after it.
func (l *Log) createTorn(seq int64) (*os.File, error) {
	base := fmt.Sprintf("torn-%d-%d", seq, l.options.Now().Unix())
	name := base
	for n := 2; ; n++ {
		f, err := openRegular(filepath.Join(l.options.Dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

// rewrite writes the last group once more, as it is, and syncs. If an earlier
// sync failed, the kernel may show pages that it will never write; all before
// the last group was synced before that was written.
func (l *Log) rewrite(s *scanner) error {
	buf := make([]byte, s.committed-s.group)
	if _, err := l.file.ReadAt(buf, s.group); err != nil {
		return fmt.Errorf("reading last group: %w", err)
	}
	n, err := l.options.Disk.WriteAt(l.file, buf, s.group)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("rewriting last group: %w", err)
	}
	if err := l.options.Disk.Sync(l.file); err != nil {
		return fmt.Errorf("syncing last group: %w", err)
	}
	if err := l.options.Disk.SyncDir(l.options.Dir); err != nil {
		return fmt.Errorf("syncing directory: %w", err)
	}
	return nil
}
