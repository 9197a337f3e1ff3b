package audit

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
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
	disk := new(testDisk)
	o.Disk, o.SegmentSize = disk, 64<<10
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
	if n := disk.syncs.Load(); n > writers*each/2 {
		t.Errorf("%d appends took %d syncs, want far fewer", writers*each, n)
	}
	sum, err := Verify(o.Dir, o.Verifiers)
	if err != nil || sum.Records != writers*each || sum.TailFile != "" {
		t.Errorf("Verify = %+v, %v, want %d records", sum, err, writers*each)
	}
}

// waitPending returns when n records wait for the committer.
func waitPending(l *Log, n int) {
	for {
		l.mu.Lock()
		have := len(l.pending)
		l.mu.Unlock()
		if have >= n {
			return
		}
		runtime.Gosched()
	}
}

// TestAppendGroup holds the first sync until all others wait: two syncs do.
func TestAppendGroup(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	held, release := make(chan bool), make(chan bool)
	var once sync.Once
	disk := &testDisk{sync: func() error {
		once.Do(func() { close(held); <-release })
		return nil
	}}
	o.Disk = disk
	l := mustOpen(t, o)
	var wg sync.WaitGroup
	var returned atomic.Int64
	add := func() {
		mustAppend(t, l, Record{Event: EventAccess})
		returned.Add(1)
	}
	wg.Go(add)
	<-held
	for range 63 {
		wg.Go(add)
	}
	waitPending(l, 63)
	if n := returned.Load(); n != 0 {
		t.Errorf("%d appends returned before the sync", n)
	}
	close(release)
	wg.Wait()
	if n := disk.syncs.Load(); n != 2 {
		t.Errorf("64 appends took %d syncs, want 2", n)
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
			d.write = func(f *os.File, p []byte, off int64) (int, error) { return f.WriteAt(p[:len(p)-1], off) }
		}, io.ErrShortWrite},
		{"I/O error of sync", func(d *testDisk) { d.sync = fail(syscall.EIO) }, syscall.EIO},
		{"I/O error of directory sync", func(d *testDisk) { d.syncDir = fail(syscall.EIO) }, syscall.EIO},
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
			var wg sync.WaitGroup
			add := func() {
				seq, err := l.Append(context.Background(), Record{Event: EventAccess})
				if seq != -1 || !errors.Is(err, ErrUnwritable) || !errors.Is(err, tt.want) {
					t.Errorf("Append = %d, %v, want -1, ErrUnwritable and %v", seq, err, tt.want)
				}
			}
			wg.Go(add)
			<-held
			for range 5 {
				wg.Go(add)
			}
			waitPending(l, 5)
			close(release)
			wg.Wait()

			// The disk is well again, but the log stays shut.
			disk.write, disk.sync, disk.syncDir = nil, nil, nil
			add()
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
				if _, err := l.Append(context.Background(), Record{Event: EventAccess}); !errors.Is(err, ErrUnwritable) {
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
	if _, err := l.Append(context.Background(), Record{Event: EventAccess}); !errors.Is(err, ErrUnwritable) {
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
	held, release := make(chan bool), make(chan bool)
	var once sync.Once
	o.Disk = &testDisk{sync: func() error {
		once.Do(func() { close(held); <-release })
		return nil
	}}
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
