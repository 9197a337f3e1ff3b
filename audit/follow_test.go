package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

var errIdle = errors.New("nothing more comes")

// followed follows a log from a record on. Whenever nothing more comes, or
// what is there is at fault, it takes the next of the steps; after the last one
// it stops, and the error is nil.
func followed(t *testing.T, dir string, from int64, steps ...func()) ([]Entry, error) {
	t.Helper()
	wait := func(context.Context, time.Duration) error {
		if len(steps) == 0 {
			return errIdle
		}
		step := steps[0]
		steps = steps[1:]
		step()
		return nil
	}
	var got []Entry
	for e, err := range follow(t.Context(), dir, from, wait) {
		if errors.Is(err, errIdle) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, e)
	}
	t.Fatal("Follow ends without an error")
	return nil, nil
}

// wantSeqs checks that entries are the records from a number on, without a gap.
func wantSeqs(t *testing.T, what string, got []Entry, err error, from, end int64) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: Follow yields an error: %v", what, err)
	}
	for i, e := range got {
		if e.Seq != from+int64(i) {
			t.Errorf("%s: Follow yields record %d, want %d", what, e.Seq, from+int64(i))
			return
		}
	}
	if int64(len(got)) != end-from {
		t.Errorf("%s: Follow yields %d records from %d on, want %d", what, len(got), from, end-from)
	}
}

// TestFollowLive follows while the log is written, with the clock's own waits.
func TestFollowLive(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	o.SegmentSize = 4000
	o.Disk = unsynced{}
	l := mustOpen(t, o)
	const writers, each = 8, 100
	mustAppend(t, l, Record{Event: EventStart})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				access := &Access{ID: fmt.Sprintf("%d-%d", w, i)}
				mustAppend(t, l, Record{Event: EventAccess, Access: access})
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []Entry
	var last error
	for e, err := range Follow(ctx, o.Dir, 0) {
		if last = err; err != nil {
			break
		}
		if got = append(got, e); len(got) == 1+writers*each {
			wg.Wait()
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("Follow ends with %v, want Canceled", last)
	}
	wantSeqs(t, "live", got, nil, 0, 1+writers*each)
	for e, err := range Search(o.Dir, Query{}) {
		if f := got[e.Seq]; err != nil || f.File != e.File || f.Line != e.Line ||
			e.Record.Access != nil && f.Record.ID != e.Record.ID {
			t.Fatalf("Follow yields %+v, Search %+v, %v", f, e, err)
		}
	}
	if n := len(files(t, o.Dir)); n < 3 {
		t.Errorf("the log has %d segments, want several", n)
	}
}

// TestFollowFrom begins with each record, and beyond the end. What stands in
// earlier segments is not read.
func TestFollowFrom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	for from := range sum.Records {
		m := maps.Clone(whole)
		for i, name := range all {
			if i+1 == len(all) {
				break
			}
			if next, _ := parseSegmentName(all[i+1]); next <= from {
				m[name] = []byte("not a segment\n")
			}
		}
		fill(t, dir, m)
		got, err := followed(t, dir, from)
		wantSeqs(t, fmt.Sprint("from ", from), got, err, from, sum.Records)
	}
	for _, beyond := range []int64{0, 1, 5} {
		fill(t, dir, whole)
		from := sum.Records + beyond
		got, err := followed(t, dir, from, func() {}, func() {
			o := testOptions(t, dir)
			o.SegmentSize = 1
			l := mustOpen(t, o)
			for range 4 + beyond {
				mustAppend(t, l, Record{Event: EventAccess})
			}
			mustClose(t, l)
		})
		wantSeqs(t, fmt.Sprint("from ", from), got, err, from, from+4)
	}
	if _, err := followed(t, dir, -1); err == nil {
		t.Error("Follow from -1 = nil, want an error")
	}
}

// TestFollowRestart stops after each record and goes on with the next.
func TestFollowRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	var got []Entry
	for int64(len(got)) < sum.Records {
		for e, err := range Follow(t.Context(), dir, int64(len(got))) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
			break
		}
	}
	wantSeqs(t, "one by one", got, nil, 0, sum.Records)
}

func TestFollowEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if _, err := followed(t, dir, 0, func() {}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Follow of no log = %v, want not exist", err)
	}
	l := mustOpen(t, testOptions(t, dir))
	more := func() { mustAppend(t, l, Record{Event: EventAccess}) }
	got, err := followed(t, dir, 0, func() {}, func() {}, more, more)
	wantSeqs(t, "an empty log", got, err, 0, 2)
}

// TestFollowUncommitted cuts the log at every length: no record is yielded
// before the whole of its checkpoint is there, and each is, once it is.
func TestFollowUncommitted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	for i, name := range all {
		before := map[string][]byte{}
		for _, earlier := range all[:i] {
			before[earlier] = whole[earlier]
		}
		data := whole[name]
		first, _ := parseSegmentName(name)
		for _, cut := range cuts(data) {
			before[name] = data[:cut]
			fill(t, dir, before)
			n := first
			for _, line := range splitLines(data[:cut]) {
				if cp, err := parseCheckpoint([]byte(strings.TrimSuffix(line, "\n"))); err == nil {
					n = cp.n
				}
			}
			var cutShort int
			var got []Entry
			wait := func(context.Context, time.Duration) error {
				if cutShort > 0 {
					return errIdle
				}
				cutShort = len(got) + 1
				for name, data := range whole { // in place, as a writer does
					f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE, 0o600)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := f.WriteAt(data, 0); err != nil {
						t.Fatal(err)
					}
					f.Close()
				}
				return nil
			}
			var last error
			for e, err := range follow(t.Context(), dir, 0, wait) {
				if last = err; err == nil {
					got = append(got, e)
				}
			}
			if !errors.Is(last, errIdle) {
				t.Fatalf("%s cut at %d: Follow = %v", name, cut, last)
			}
			wantSeqs(t, fmt.Sprintf("%s cut at %d", name, cut), got, nil, 0, sum.Records)
			if int64(cutShort-1) != n {
				t.Fatalf("%s cut at %d: Follow yields %d records, want the %d that are committed",
					name, cut, cutShort-1, n)
			}
		}
	}
}

// TestFollowRecovery: a crash leaves records that no checkpoint covers, and a
// gateway that starts sets them aside and writes others in their place.
func TestFollowRecovery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	last := names(whole)[2]
	lines := splitLines(whole[last])
	// The last segment is a header, a group of one (record 12) and a group of two.
	first := func(n int) []byte { return []byte(strings.Join(lines[:n], "")) }
	torn := map[string]struct {
		data []byte
		n    int64 // records before it
	}{
		"a record":                     {first(4), 13},
		"a record and a half":          {append(first(4), lines[4][:20]...), 13},
		"two records":                  {first(5), 13},
		"NULs":                         {append(first(3), make([]byte, 700)...), 13},
		"a new segment":                {nil, 12},
		"the header of a new segment":  {first(1), 12},
		"all but the first checkpoint": {first(2), 12},
	}
	for name, tt := range torn {
		// The next group begins a segment, or does not.
		for _, segmentSize := range []int64{1, 1 << 20} {
			m := maps.Clone(whole)
			m[last] = tt.data
			fill(t, dir, m)
			restart := func() {
				o := testOptions(t, dir)
				o.SegmentSize = segmentSize
				l := mustOpen(t, o)
				fresh := Record{Event: EventStart, Note: "new"}
				appendGroup(t, l, fresh, fresh, fresh)
				mustAppend(t, l, fresh)
				mustClose(t, l)
			}
			got, err := followed(t, dir, 0, func() {}, restart, restart)
			wantSeqs(t, name, got, err, 0, tt.n+8)
			for _, e := range got {
				if (e.Record.Note == "new") != (e.Seq >= tt.n) {
					t.Errorf("%s: record %d has the note %q", name, e.Seq, e.Record.Note)
				}
			}
		}
	}
}

// TestFollowCorrupt changes what was read, what comes next, and what was
// begun.
func TestFollowCorrupt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	other := filepath.Join(t.TempDir(), "other")
	l := mustOpen(t, testOptions(t, other))
	for i := range sum.Records + 5 {
		mustAppend(t, l, Record{Event: EventAccess,
			Access: &Access{ID: fmt.Sprint("other", i), Decision: Released}})
	}
	mustClose(t, l)
	var tr tree
	for n := range int64(12) {
		tr.add([32]byte{byte(n)})
	}
	otherHeader := func(s string) string {
		return string(appendHeader(nil, &tr)) + s[strings.Index(s, "\n"):]
	}
	signer, _ := testKey(t, "maskgate/renamed", 1)
	renamed := forge(t, whole, func(seq int64) note.Signer {
		if seq >= 12 {
			return signer
		}
		return nil
	}, untouched)
	change := func(name string, edit func(string) string) func() {
		return func() {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			data = []byte(edit(string(data)))
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	before13 := func(s string) string { return s[:strings.Index(s, `{"seq":13`)] }
	released := func(s string) string { return strings.Replace(s, "released", "refused!", 1) }
	remove := func(name string) func() {
		return func() {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		before func()   // Follow begins
		steps  []func() // whenever nothing comes
		n      int64    // records that are yielded
		seq    int64    // the record that is blamed
	}{
		{"the first segment", change(all[0], released), nil, 0, 0},
		{"a middle segment", change(all[1], released), nil, 6, 6},
		{"the last segment", change(all[2], released), nil, 12, 12},
		{"the middle segment is missing", remove(all[1]), nil, 6, 6},
		{"the end of a middle segment is missing",
			change(all[1], func(s string) string { return s[:len(s)-1] }), nil, 9, 9},
		{"a tail in a middle segment",
			change(all[1], func(s string) string { return s + `{"seq":12,"ti` }), nil, 12, 12},
		{"the header of another tree", change(all[2], otherHeader), nil, 12, 12},
		{"the last segment is of another log", func() { fill(t, dir, renamed) }, nil, 12, 12},
		{"a line that is no record at the end",
			change(all[2], func(s string) string { return s + "x\n" }), nil, 15, 15},
		{"a line that is no record comes", nil,
			[]func(){change(all[2], func(s string) string { return s + "x\n" })}, 15, 15},
		{"records are cut off", nil, []func(){change(all[2], before13)}, 15, 13},
		{"the last segment is emptied", nil,
			[]func(){change(all[2], func(s string) string { return "" })}, 15, 12},
		{"the last segment is removed", nil, []func(){remove(all[2])}, 15, 12},
		{"all is removed", nil, []func(){func() { fill(t, dir, nil) }}, 15, -1},
		{"another log", nil, []func(){func() { fill(t, dir, files(t, other)) }}, 15, -1},
		{"another file, with another record", nil, []func(){func() {
			changed := filepath.Join(t.TempDir(), "changed")
			data := []byte(released(string(whole[all[2]])))
			if err := os.WriteFile(changed, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(changed, filepath.Join(dir, all[2])); err != nil {
				t.Fatal(err)
			}
		}}, 15, 12},
	}
	for _, tt := range tests {
		fill(t, dir, whole)
		if tt.before != nil {
			tt.before()
		}
		steps := append(slices.Clone(tt.steps), func() {}, func() {}, func() {})
		got, err := followed(t, dir, 0, steps...)
		e, ok := errors.AsType[*CorruptError](err)
		if !ok || e.Seq != tt.seq || int64(len(got)) != tt.n {
			t.Errorf("%s: Follow yields %d records, then %v, want %d, then a CorruptError for %d",
				tt.name, len(got), err, tt.n, tt.seq)
		}
	}
}

// TestFollowFlippedByte: whatever byte is changed, what is yielded was written,
// and nothing after the change is.
func TestFollowFlippedByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	want, err := followed(t, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(whole) {
		data := whole[name]
		for _, i := range cuts(data) {
			if i == len(data) {
				continue
			}
			m := maps.Clone(whole)
			m[name] = bytes.Clone(data)
			m[name][i] ^= 1
			fill(t, dir, m)
			got, _ := followed(t, dir, 0)
			for n, e := range got {
				if e.Seq != want[n].Seq || e.Record.ID != want[n].Record.ID ||
					!e.Record.Time.Equal(want[n].Record.Time) {
					t.Fatalf("%s byte %d changed: Follow yields %+v, want %+v", name, i, e, want[n])
				}
			}
		}
	}
}

// TestFollowTransient: what is at fault at one look and not at the next is
// none, for a write may be cut off and another come while a reader reads.
func TestFollowTransient(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	whole := files(t, dir)
	for _, name := range names(whole) {
		m := maps.Clone(whole)
		m[name] = []byte(strings.Replace(string(m[name]), "released", "refused!", 1))
		fill(t, dir, m)
		got, err := followed(t, dir, 0, func() {
			m[name] = []byte("another fault\n")
			fill(t, dir, m)
		}, func() { fill(t, dir, whole) })
		wantSeqs(t, name, got, err, 0, sum.Records)
	}
}

func TestFollowRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	delete(whole, all[0])
	fill(t, dir, whole)
	_, err := followed(t, dir, 5, func() {})
	if e, ok := errors.AsType[*RemovedError](err); !ok || *e != (RemovedError{5, 6}) {
		t.Errorf("Follow from a record that was removed = %v, want a RemovedError", err)
	}
	got, err := followed(t, dir, 6)
	wantSeqs(t, "pruned", got, err, 6, sum.Records)
	got, err = followed(t, dir, 6, func() { delete(whole, all[1]); fill(t, dir, whole) }, func() {
		l := mustOpen(t, testOptions(t, dir))
		mustAppend(t, l, Record{Event: EventAccess})
		mustClose(t, l)
	})
	wantSeqs(t, "pruned behind the reader", got, err, 6, sum.Records+1)

	// Records that were not asked for come and go while the reader waits.
	got, err = followed(t, dir, 20, func() {
		o := testOptions(t, dir)
		o.SegmentSize = 1
		l := mustOpen(t, o)
		for range 8 {
			mustAppend(t, l, Record{Event: EventAccess})
		}
		mustClose(t, l)
		for _, name := range names(files(t, dir)) {
			if name < segmentName(18) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	wantSeqs(t, "pruned before the reader", got, err, 20, 24)
}

func TestFollowContext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	n := int64(0)
	var last error
	for e, err := range Follow(ctx, dir, 0) {
		if last = err; err != nil {
			continue
		}
		if n = e.Seq + 1; n == 4 { // in the middle of a group
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || n != 4 {
		t.Errorf("Follow yields %d records, then %v, want 4 and Canceled", n, last)
	}
	for range Follow(ctx, dir, 0) {
		n++
	}
	if n != 5 {
		t.Errorf("Follow with a context that is done yields %d times, want an error alone", n-4)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for _, err := range Follow(ctx, dir, sum.Records) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Follow beyond the end, for a while, = %v, want DeadlineExceeded", err)
		}
	}
}

// TestFollowPause: the longer nothing comes, the more seldom Follow looks.
func TestFollowPause(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := mustOpen(t, testOptions(t, dir))
	var pauses []time.Duration
	wait := func(_ context.Context, d time.Duration) error {
		switch pauses = append(pauses, d); len(pauses) {
		case 10:
			mustAppend(t, l, Record{Event: EventStart})
		case 12:
			return errIdle
		}
		return nil
	}
	for _, err := range follow(t.Context(), dir, 0, wait) {
		if err != nil && !errors.Is(err, errIdle) {
			t.Fatal(err)
		}
	}
	want := []time.Duration{10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 10, 20}
	for i := range want {
		want[i] *= time.Millisecond
	}
	if !slices.Equal(pauses, want) {
		t.Errorf("Follow waits %v, want %v", pauses, want)
	}
}
