//go:build unix

package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// TestOpenAfterCrash cuts the last segment at many lengths, and fills what is
// cut with NULs, as a power cut does when the size is on disk before the data.
func TestOpenAfterCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	name := all[len(all)-1]
	data := whole[name]
	first, _ := parseSegmentName(name)

	// ends[i] is where the i-th checkpoint ends, sizes[i] what it covers.
	ends, sizes := []int{0}, []int64{first}
	off, n := 0, first
	for _, l := range splitLines(data) {
		off += len(l)
		switch {
		case isCheckpoint([]byte(l)):
			ends, sizes = append(ends, off), append(sizes, n)
		case strings.HasPrefix(l, `{"seq"`):
			n++
		}
	}
	last := 0
	for _, cut := range cuts(data) {
		for _, size := range []int{cut, len(data)} {
			torn := make([]byte, size) // cut bytes of data, then NULs
			copy(torn, data[:cut])
			whole[name] = torn
			fill(t, dir, whole)
			for last+1 < len(ends) && ends[last+1] <= cut {
				last++
			}
			o := testOptions(t, dir)
			o.Disk = unsynced{}
			l, err := Open(o)
			if err != nil {
				t.Fatalf("Open after a crash at byte %d of %d: %v", cut, size, err)
			}
			if got, want := l.Recovered(), int64(size-ends[last]); got != want {
				t.Fatalf("Recovered() after a crash at byte %d of %d = %d, want %d",
					cut, size, got, want)
			}
			if want := int64(size - ends[last]); want > 0 {
				var aside []byte
				list, _ := filepath.Glob(filepath.Join(dir, "torn-*"))
				if len(list) == 1 {
					aside, _ = os.ReadFile(list[0])
				}
				if !bytes.Equal(aside, torn[ends[last]:]) {
					t.Fatalf("crash at byte %d of %d: %v holds %d bytes, want the %d torn ones",
						cut, size, list, len(aside), want)
				}
			}
			if seq := mustAppend(t, l, Record{Event: EventStart}); seq != sizes[last] {
				t.Fatalf("Append after a crash at byte %d of %d = %d, want %d",
					cut, size, seq, sizes[last])
			}
			mustClose(t, l)
			sum, err := Verify(dir, o.Verifiers)
			if err != nil || sum.Records != sizes[last]+1 || sum.TailFile != "" {
				t.Fatalf("Verify after a crash at byte %d of %d = %+v, %v, want %d records",
					cut, size, sum, err, sizes[last]+1)
			}
		}
	}
}

func TestOpenRefusesCorrupt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	name := all[len(all)-1]
	data := string(whole[name])
	sig := strings.LastIndex(data, "maskgate/test") + len("maskgate/test ") + 40
	released := strings.LastIndex(data, "released")
	lines := splitLines([]byte(data))
	tests := []struct {
		name, input string
		want        string // where
	}{
		{"record edited", strings.Replace(data, "released", "refused!", 1), "line 2, record 12"},
		{"last record edited", data[:released] + "refused!" + data[released+8:], "record 14"},
		{"last checkpoint edited", data[:sig] + "AAAA" + data[sig+4:], "line 6, record 13"},
		{"line that is no record after the end", data + "x\n", "line 7, record 15"},
		{"record that is not JSON after the end", data + `{"seq":15,"time":"` + "\n",
			"line 7, record 15"},
		{"wrong number after the end", data + `{"seq":16,"time":"2026-03-01T08:00:00Z"}` + "\n",
			"line 7, record 15"},
		{"checkpoint again after the end", data + lines[len(lines)-1], "line 7, record 15"},
		{"NUL before the last group", strings.Replace(data, "released", "re\x00eased", 1),
			"line 2, record 12"},
		{"header of another", string(whole[all[1]]), "line 1, record 12"},
		{"header only, wrong", `{"segment":{"first":13,"edge":[]}}` + "\n", "line 1, record 12"},
	}
	for _, tt := range tests {
		whole[name] = []byte(tt.input)
		fill(t, dir, whole)
		_, err := Open(testOptions(t, dir))
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), tt.want) ||
			!strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "auditverify") {
			t.Errorf("%s: Open = %v, want a CorruptError at %s that says what to do",
				tt.name, err, tt.want)
		}
		if now := files(t, dir); string(now[name]) != tt.input {
			t.Errorf("%s: Open changed the log", tt.name)
		}
	}
}

func TestOpenOptions(t *testing.T) {
	_, other := testKey(t, testOrigin, 9)
	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"no directory", func(o *Options) { o.Dir = "" }, "set Dir"},
		{"no signer", func(o *Options) { o.Signer = nil }, "set Signer"},
		{"no verifiers", func(o *Options) { o.Verifiers = nil }, "verifiers"},
		{"other verifiers", func(o *Options) { o.Verifiers = note.VerifierList(other) },
			"verifiers"},
		{"other origin", func(o *Options) { o.Origin = "other" }, "signer of that name"},
		{"bad origin", func(o *Options) { o.Origin = "a\"b" }, "choose another"},
		{"negative size", func(o *Options) { o.SegmentSize = -1 }, "SegmentSize"},
		{"same origin", func(o *Options) { o.Origin = testOrigin }, ""},
	}
	for _, tt := range tests {
		o := testOptions(t, filepath.Join(t.TempDir(), "log"))
		tt.change(&o)
		l, err := Open(o)
		if err == nil {
			l.Close()
		}
		if (err == nil) != (tt.want == "") ||
			err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Open = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestOpenRefusesFile(t *testing.T) {
	makers := []struct {
		name string
		make func(path string) error
	}{
		{"symlink", func(p string) error { return os.Symlink("/dev/null", p) }},
		{"dangling symlink", func(p string) error { return os.Symlink(p+"-elsewhere", p) }},
		{"FIFO", func(p string) error { return syscall.Mkfifo(p, 0o600) }},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }},
		{"executable", func(p string) error { return os.WriteFile(p, nil, 0o700) }},
	}
	for _, name := range []string{"lock", segmentName(0)} {
		for _, tt := range makers {
			o := testOptions(t, t.TempDir())
			if err := os.Chmod(o.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := tt.make(filepath.Join(o.Dir, name)); err != nil {
				t.Fatal(err)
			}
			if l, err := Open(o); err == nil {
				l.Close()
				t.Errorf("Open with %s a %s = nil, want an error", name, tt.name)
			}
			if _, err := Verify(o.Dir, o.Verifiers); err == nil && name != "lock" {
				t.Errorf("Verify with %s a %s = nil, want an error", name, tt.name)
			}
		}
	}
	for _, tt := range makers[:4] {
		if tt.name == "directory" {
			continue
		}
		dir := filepath.Join(t.TempDir(), "log")
		if err := tt.make(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(testOptions(t, dir)); err == nil {
			t.Errorf("Open with the directory a %s = nil, want an error", tt.name)
		}
	}
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, link + "/"} {
		if _, err := Open(testOptions(t, path)); err == nil {
			t.Errorf("Open(%q), a link to a directory, = nil, want an error", path)
		}
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testOptions(t, dir))
	if err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("Open of a directory others can write to = %v, want an error that says what to do",
			err)
	}
	stray := filepath.Join(t.TempDir(), "log")
	makeLog(t, stray)
	if err := os.WriteFile(filepath.Join(stray, "1.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testOptions(t, stray)); err == nil {
		t.Error("Open with a stray segment = nil, want an error")
	}
}

func TestOpenLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "log")
	l := mustOpen(t, testOptions(t, dir))
	if _, err := Open(testOptions(t, dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("Open of an open log = %v, want ErrLocked", err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, testOptions(t, dir)))
	info, err := os.Lstat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory = %v, %v, want 0700", info.Mode(), err)
	}
}

// TestRotation writes segments of one group each, and with a new key midway.
func TestRotation(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	signer2, v2 := testKey(t, testOrigin, 2)
	_, v1 := testKey(t, testOrigin, 1)
	both := note.VerifierList(v1, v2)
	for run, signer := range []note.Signer{o.Signer, signer2} {
		o.SegmentSize, o.Signer, o.Verifiers = 1, signer, both
		l := mustOpen(t, o)
		for i := range 9 {
			want := int64(9*run + i)
			seq := mustAppend(t, l, Record{Event: EventAccess, Note: fmt.Sprint(i)})
			if seq != want {
				t.Errorf("Append = %d, want %d", seq, want)
			}
			sum, err := Verify(o.Dir, both, Contains(l.Checkpoint())) // while it is open
			if err != nil || sum.Records != want+1 || sum.Segments != int(want+1) ||
				sum.Checkpoint != l.Checkpoint() {
				t.Errorf("Verify = %+v, %v, want %d records and segments", sum, err, want+1)
			}
		}
		mustClose(t, l)
	}
	if _, err := Verify(o.Dir, note.VerifierList(v1)); err == nil {
		t.Error("Verify without the second key = nil, want an error")
	}
}
