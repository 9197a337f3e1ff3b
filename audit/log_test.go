package audit

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// A testDisk fails as it is told to, and counts.
type testDisk struct {
	osDisk
	write   func(f *os.File, p []byte, off int64) (int, error)
	sync    func() error
	syncDir func() error
	syncs   atomic.Int64
}

func (d *testDisk) WriteAt(f *os.File, p []byte, off int64) (int, error) {
	if d.write != nil {
		return d.write(f, p, off)
	}
	return d.osDisk.WriteAt(f, p, off)
}

func (d *testDisk) Sync(f *os.File) error {
	d.syncs.Add(1)
	if d.sync != nil {
		if err := d.sync(); err != nil {
			return err
		}
	}
	return d.osDisk.Sync(f)
}

func (d *testDisk) SyncDir(dir string) error {
	if d.syncDir != nil {
		if err := d.syncDir(); err != nil {
			return err
		}
	}
	return d.osDisk.SyncDir(dir)
}

func TestAppendConcurrent(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	o.SegmentSize = 64 << 10
	l := mustOpen(t, o)
	const writers, each = 64, 50
	var mu sync.Mutex
	seen := make(map[int64]bool) // guarded by mu
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			last := int64(-1)
			for range each {
				seq, err := l.Append(context.Background(), Record{Event: EventAccess})
				if err != nil || seq <= last {
					t.Errorf("Append = %d, %v after %d, want a greater number", seq, err, last)
				}
				last = seq
				mu.Lock()
				seen[seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for seq := range int64(writers * each) {
		if !seen[seq] {
			t.Fatalf("no Append returned %d", seq)
		}
	}
	mustClose(t, l)
	sum, err := Verify(o.Dir, o.Verifiers)
	if err != nil || sum.Records != writers*each || sum.TailFile != "" {
		t.Errorf("Verify = %+v, %v, want %d records", sum, err, writers*each)
	}
}

// holdSync has the first sync of a disk wait. It tells that it does by closing
// held, and goes on once release is closed.
func holdSync() (disk *testDisk, held, release chan bool) {
	held, release = make(chan bool), make(chan bool)
	var once sync.Once
	return &testDisk{sync: func() error {
		once.Do(func() { close(held); <-release })
		return nil
	}}, held, release
}

// TestAppendGroup holds the first sync until all others wait: they share as
// few as a group's size allows.
func TestAppendGroup(t *testing.T) {
	large := Record{Event: EventAccess, Note: strings.Repeat("x", maxBatch*3/5)}
	tests := []struct {
		name   string
		n      int // records that wait
		record Record
		syncs  int64 // that they take
	}{
		{"one group", 63, Record{Event: EventAccess}, 1},
		{"a full group", maxGroup, Record{Event: EventAccess}, 1},
		{"one record more", maxGroup + 1, Record{Event: EventAccess}, 2},
		{"a group of 16 MiB", 2, large, 1},
		{"one large record more", 3, large, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(t, filepath.Join(t.TempDir(), "log"))
			disk, held, release := holdSync()
			o.Disk = disk
			l := mustOpen(t, o)
			first := appendAll(t, l, 1, Record{Event: EventStart})
			<-held
			others := appendAll(t, l, tt.n, tt.record)
			if len(first)+len(others) > 0 {
				t.Error("Append returned before the sync")
			}
			close(release)
			if r := <-first; r.seq != 0 || r.err != nil {
				t.Errorf("the first Append = %d, %v, want 0", r.seq, r.err)
			}
			seen := make(map[int64]bool)
			for range tt.n {
				r := <-others
				if r.err != nil || r.seq < 1 || r.seq > int64(tt.n) || seen[r.seq] {
					t.Fatalf("Append = %d, %v, want a number of its own up to %d",
						r.seq, r.err, tt.n)
				}
				seen[r.seq] = true
			}
			if n := disk.syncs.Load(); n != 1+tt.syncs {
				t.Errorf("%d appends behind the first took %d syncs, want %d", tt.n, n-1, tt.syncs)
			}
			mustClose(t, l)
			if sum, err := Verify(o.Dir, o.Verifiers); err != nil || sum.Records != int64(1+tt.n) {
				t.Errorf("Verify = %+v, %v, want %d records", sum, err, 1+tt.n)
			}
		})
	}
}

func TestAppendFailure(t *testing.T) {
	fail := func(err error) func() error { return func() error { return err } }
	tests := []struct {
		name string
		make func(*testDisk)
		want error
	}{
		{"disk full", func(d *testDisk) {
			d.write = func(*os.File, []byte, int64) (int, error) { return 0, syscall.ENOSPC }
		}, syscall.ENOSPC},
		{"disk full midway", func(d *testDisk) {
			d.write = func(f *os.File, p []byte, off int64) (int, error) {
				n, _ := f.WriteAt(p[:len(p)/2], off)
				return n, syscall.ENOSPC
			}
		}, syscall.ENOSPC},
		{"short write", func(d *testDisk) {
			d.write = func(f *os.File, p []byte, off int64) (int, error) {
				return f.WriteAt(p[:len(p)-1], off)
			}
		}, io.ErrShortWrite},
		{"I/O error of sync", func(d *testDisk) { d.sync = fail(syscall.EIO) }, syscall.EIO},
		{"I/O error of directory sync", func(d *testDisk) { d.syncDir = fail(syscall.EIO) },
			syscall.EIO},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(t, filepath.Join(t.TempDir(), "log"))
			disk := new(testDisk)
			o.Disk, o.SegmentSize = disk, 1
			l := mustOpen(t, o)
			mustAppend(t, l, Record{Event: EventStart})
			good := l.Checkpoint()

			// Some wait in the failing group, and more behind it.
			held, release := make(chan bool), make(chan bool)
			tt.make(disk)
			inner := disk.write
			if inner == nil {
				inner = disk.osDisk.WriteAt
			}
			var once sync.Once
			disk.write = func(f *os.File, p []byte, off int64) (int, error) {
				once.Do(func() { close(held); <-release })
				return inner(f, p, off)
			}
			failed := func(results <-chan result) {
				for range cap(results) {
					if r := <-results; r.seq != -1 || !errors.Is(r.err, ErrUnwritable) ||
						!errors.Is(r.err, tt.want) {
						t.Errorf("Append = %d, %v, want -1, ErrUnwritable and %v",
							r.seq, r.err, tt.want)
					}
				}
			}
			first := appendAll(t, l, 1, Record{Event: EventAccess})
			<-held
			behind := appendAll(t, l, 5, Record{Event: EventAccess})
			close(release)
			failed(first)
			failed(behind)

			// The disk is well again, but the log stays shut.
			disk.write, disk.sync, disk.syncDir = nil, nil, nil
			seq, err := l.Append(context.Background(), Record{Event: EventAccess})
			if seq != -1 || !errors.Is(err, ErrUnwritable) {
				t.Errorf("Append afterwards = %d, %v, want -1 and ErrUnwritable", seq, err)
			}
			if l.Checkpoint() != good {
				t.Error("Checkpoint() advanced in spite of the failure")
			}
			if err := l.Close(); !errors.Is(err, ErrUnwritable) {
				t.Errorf("Close = %v, want ErrUnwritable", err)
			}
			l = mustOpen(t, o)
			mustAppend(t, l, Record{Event: EventStart})
			mustClose(t, l)
			sum, err := Verify(o.Dir, o.Verifiers, Contains(good))
			if err != nil || sum.Records < 2 || sum.TailFile != "" {
				t.Errorf("Verify after reopening = %+v, %v, want at least 2 records", sum, err)
			}
		})
	}
}

// TestOpenSyncFailure: a log that cannot be made durable does not open.
func TestOpenSyncFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	for _, disk := range []*testDisk{
		{sync: func() error { return syscall.EIO }},
		{syncDir: func() error { return syscall.EIO }},
		{write: func(*os.File, []byte, int64) (int, error) { return 0, syscall.EIO }},
	} {
		o := testOptions(t, dir)
		o.Disk = disk
		if _, err := Open(o); !errors.Is(err, syscall.EIO) {
			t.Errorf("Open on a failing disk = %v, want EIO", err)
		}
	}
	mustOpen(t, testOptions(t, dir))
}

// TestAppendChangedFile changes the log under the running process.
func TestAppendChangedFile(t *testing.T) {
	write := func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) }
	tests := []struct {
		name   string
		change func(path string) error
	}{
		{"deleted", os.Remove},
		{"renamed", func(p string) error { return os.Rename(p, p+".old") }},
		{"truncated", func(p string) error { return os.Truncate(p, 10) }},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }},
		{"grown", func(p string) error {
			data, err := os.ReadFile(p)
			return errors.Join(err, write(p, append(data, '\n')))
		}},
		{"replaced by a copy", func(p string) error {
			data, err := os.ReadFile(p)
			return errors.Join(err, write(p+".new", data), os.Rename(p+".new", p))
		}},
		{"replaced by a link to itself", func(p string) error {
			return errors.Join(os.Rename(p, p+".old"), os.Symlink(p+".old", p))
		}},
		{"directory renamed", func(p string) error {
			dir := filepath.Dir(p)
			return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700))
		}},
	}
	for _, size := range []int64{0, 1} { // within a segment, and at its end
		for _, tt := range tests {
			o := testOptions(t, filepath.Join(t.TempDir(), "log"))
			o.SegmentSize = size
			l := mustOpen(t, o)
			mustAppend(t, l, Record{Event: EventStart})
			if err := tt.change(filepath.Join(o.Dir, segmentName(0))); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err := l.Append(context.Background(), Record{Event: EventAccess})
				if !errors.Is(err, ErrUnwritable) {
					t.Errorf("Append to a log %s under it = %v, want ErrUnwritable", tt.name, err)
				}
			}
			l.Close()
		}
	}

	// While it is being written: the bytes are in a file nobody can find.
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	disk := new(testDisk)
	o.Disk = disk
	l := mustOpen(t, o)
	mustAppend(t, l, Record{Event: EventStart})
	disk.sync = func() error { return os.Remove(filepath.Join(o.Dir, segmentName(0))) }
	_, err := l.Append(context.Background(), Record{Event: EventAccess})
	if !errors.Is(err, ErrUnwritable) {
		t.Errorf("Append to a log deleted meanwhile = %v, want ErrUnwritable", err)
	}
}

// TestAppendReadOnlyFile: an open file can still be written, durably.
func TestAppendReadOnlyFile(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	l := mustOpen(t, o)
	mustAppend(t, l, Record{Event: EventStart})
	if err := os.Chmod(filepath.Join(o.Dir, segmentName(0)), 0o400); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, Record{Event: EventAccess})
	if sum, err := Verify(o.Dir, o.Verifiers); err != nil || sum.Records != 2 {
		t.Errorf("Verify = %+v, %v, want 2 records", sum, err)
	}
}

func TestAppendCancelled(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	disk, held, release := holdSync()
	o.Disk = disk
	l := mustOpen(t, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := l.Append(ctx, Record{Event: EventAccess})
		done <- err
	}()
	<-held
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Append with ctx cancelled midway = %v, want Canceled", err)
	}
	close(release)
	if _, err := l.Append(ctx, Record{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with ctx cancelled before = %v, want Canceled", err)
	}
	if seq := mustAppend(t, l, Record{Event: EventAccess}); seq != 1 {
		t.Errorf("Append after a cancelled one = %d, want 1", seq)
	}
	mustClose(t, l)
	mustClose(t, l)
	if _, err := l.Append(context.Background(), Record{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close = %v, want ErrClosed", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	o := testOptions(b, filepath.Join(b.TempDir(), "log"))
	l := mustOpen(b, o)
	r := fullRecord()
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(context.Background(), r); err != nil {
				b.Error(err)
			}
		}
	})
}
