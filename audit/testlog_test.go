package audit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "maskgate/test"

// testKey returns a signer and a verifier that are the same in every run for
// the same seed byte.
func testKey(t testing.TB, name string, seed byte) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func testVerifiers(t testing.TB) note.Verifiers {
	_, v := testKey(t, testOrigin, 1)
	return note.VerifierList(v)
}

// testOptions returns options for a log in dir, with a clock that advances by
// a second each time it is read.
func testOptions(t testing.TB, dir string) Options {
	signer, verifier := testKey(t, testOrigin, 1)
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return Options{
		Dir:       dir,
		Signer:    signer,
		Verifiers: note.VerifierList(verifier),
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(time.Second)
			return now
		},
	}
}

func mustOpen(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t testing.TB, l *Log, r Record) int64 {
	t.Helper()
	seq, err := l.Append(context.Background(), r)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return seq
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// appendGroup appends records in one group.
func appendGroup(t testing.TB, l *Log, records ...Record) {
	t.Helper()
	var waiters []*waiter
	l.mu.Lock() // keeps the committer from taking some of them
	for _, r := range records {
		if r.Time.IsZero() {
			r.Time = l.options.Now()
		}
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		w := &waiter{line, make(chan result, 1)}
		waiters = append(waiters, w)
		l.pending = append(l.pending, w)
		l.queued += len(line)
	}
	l.wake.Signal()
	l.mu.Unlock()
	for _, w := range waiters {
		if res := <-w.done; res.err != nil {
			t.Fatalf("appending a group: %v", res.err)
		}
	}
}

// makeLog writes a small log of three segments: each number below is the
// records of a group.
func makeLog(t testing.TB, dir string) Summary {
	t.Helper()
	segments := [][]int{{1, 2, 3}, {2, 1, 3}, {1, 2}}
	n := 0
	for _, groups := range segments {
		o := testOptions(t, dir)
		l := mustOpen(t, o)
		if n > 0 {
			l.options.SegmentSize = 1 // the first group begins a segment
		}
		for _, size := range groups {
			var records []Record
			for range size {
				access := &Access{ID: fmt.Sprint("r", n), Decision: Released}
				records = append(records, Record{Event: EventAccess, Access: access})
				n++
			}
			appendGroup(t, l, records...)
			// The committer is idle until the next group.
			l.mu.Lock()
			l.options.SegmentSize = 1 << 20
			l.mu.Unlock()
		}
		mustClose(t, l)
	}
	sum, err := Verify(dir, testVerifiers(t))
	if err != nil {
		t.Fatalf("Verify of a fresh log: %v", err)
	}
	if sum.Records != int64(n) || sum.Segments != len(segments) || sum.TailFile != "" {
		t.Fatalf("Verify of a fresh log = %+v, want %d records in %d segments",
			sum, n, len(segments))
	}
	return sum
}

// files returns the contents of the segments in dir by name.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	m := make(map[string][]byte)
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(name)] = data
	}
	return m
}

// fill writes a directory that holds these segments and nothing else.
func fill(t testing.TB, dir string, segments map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range segments {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// names returns the sorted names of segments.
func names(m map[string][]byte) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func splitLines(data []byte) []string {
	lines := strings.SplitAfter(string(data), "\n")
	return lines[:len(lines)-1] // nothing follows the last newline
}

func noteList(v ...note.Verifier) note.Verifiers { return note.VerifierList(v...) }

// unsynced is a Disk for tests that need none to last.
type unsynced struct{ osDisk }

func (unsynced) Sync(*os.File) error  { return nil }
func (unsynced) SyncDir(string) error { return nil }

// long says that tests go through every case. Otherwise they take a choice of
// them, and a second.
var long = os.Getenv("MASKGATE_LONG") == "1"

// cuts returns the lengths at which to cut a segment, which are also the bytes
// to change in it: the beginning and the end of each line and some between
// them, or in long tests all.
func cuts(data []byte) []int {
	var list []int
	begin := 0 // of the line
	for i := range len(data) + 1 {
		rest := bytes.IndexByte(data[i:], '\n') // of the line; -1 at the end
		if long || i-begin < 2 || rest < 2 || (i-begin)%37 == 0 {
			list = append(list, i)
		}
		if rest == 0 {
			begin = i + 1
		}
	}
	return list
}

// An arrival is a context that tells when an Append has handed its record to
// the committer and begins to wait.
type arrival struct {
	context.Context
	arrived chan<- bool
}

func (a arrival) Done() <-chan struct{} {
	a.arrived <- true
	return a.Context.Done()
}

// appendAll calls Append in n goroutines and returns once all wait. results
// has room for what they return.
func appendAll(t testing.TB, l *Log, n int, r Record) (results <-chan result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	arrived, done := make(chan bool, n), make(chan result, n)
	for range n {
		go func() {
			seq, err := l.Append(arrival{ctx, arrived}, r)
			done <- result{seq, err}
		}()
	}
	for range n {
		<-arrived
	}
	return done
}
