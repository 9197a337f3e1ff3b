//go:build unix

package keys

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// contents returns the names in a directory, sorted.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestOpenDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "data")
	made, err := OpenDirectory(path)
	if err != nil {
		t.Fatalf("OpenDirectory: %v", err)
	}
	if got := contents(t, path); !slices.Equal(got, []string{"keys.json", "layout"}) {
		t.Errorf("a new directory holds %v, want the key file and the layout", got)
	}
	data, err := os.ReadFile(filepath.Join(path, "layout"))
	if err != nil || string(data) != "1\n" {
		t.Errorf("the new file layout is %q, %v, want 1", data, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of a new directory = %v, %v, want 0700", info.Mode(), err)
	}
	if got := made.AuditDir(); got != filepath.Join(path, "audit") || got != AuditDir(path) {
		t.Errorf("AuditDir = %s", got)
	}
	openers := map[string]func(string) (*Directory, error){
		"open": OpenDirectory, "read": ReadDirectory,
	}
	for name, open := range openers {
		d, err := open(path + "/")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(d.Keys().Subject().Secret, made.Keys().Subject().Secret) {
			t.Errorf("%s gives another key", name)
		}
		if d.AuditDir() != made.AuditDir() {
			t.Errorf("%s: AuditDir = %s, want %s", name, d.AuditDir(), made.AuditDir())
		}
	}
	rotated, err := made.Rotate()
	if err != nil || rotated.Subject().Version != 2 || made.Keys().Subject().Version != 1 {
		t.Errorf("Rotate = %v, %v, want version 2 beside the old set", rotated, err)
	}
	if d, err := ReadDirectory(path); err != nil || d.Keys().Subject().Version != 2 {
		t.Errorf("ReadDirectory after Rotate = %v, %v, want version 2", d, err)
	}
}

// TestOpenDirectoryOfBefore: a directory that an earlier version made says no
// layout. A gateway writes it; whoever reads does not.
func TestOpenDirectoryOfBefore(t *testing.T) {
	path := t.TempDir()
	set, err := Open(filepath.Join(path, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := ReadDirectory(path); err != nil ||
		!bytes.Equal(d.Keys().Subject().Secret, set.Subject().Secret) {
		t.Errorf("ReadDirectory = %v, %v, want the keys", d, err)
	}
	if got := contents(t, path); !slices.Equal(got, []string{"keys.json"}) {
		t.Errorf("after ReadDirectory the directory holds %v, want the key file alone", got)
	}
	if d, err := OpenDirectory(path); err != nil ||
		!bytes.Equal(d.Keys().Subject().Secret, set.Subject().Secret) {
		t.Errorf("OpenDirectory = %v, %v, want the keys", d, err)
	}
	if got := contents(t, path); !slices.Equal(got, []string{"keys.json", "layout"}) {
		t.Errorf("after OpenDirectory the directory holds %v, want the layout too", got)
	}
}

func TestOpenDirectoryRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	var secrets [16][]byte
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			d, err := OpenDirectory(path)
			if err != nil {
				t.Errorf("OpenDirectory: %v", err)
				return
			}
			secrets[i] = d.Keys().Subject().Secret
		})
	}
	wg.Wait()
	for i, s := range secrets {
		if !bytes.Equal(s, secrets[0]) {
			t.Errorf("opener %d got another key than opener 0", i)
		}
	}
	if got := contents(t, path); !slices.Equal(got, []string{"keys.json", "layout"}) {
		t.Errorf("the directory holds %v, want no file more", got)
	}
}

func TestDirectoryRefuses(t *testing.T) {
	write := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o644) }
	}
	tests := []struct {
		name string
		make func(path string) error // the file layout
		want string                  // in the error; empty: accepted
	}{
		{"version 1", write("1\n"), ""},
		{"a later version", write("2\n"), "run the maskgate that made it"},
		{"a much later version", write("9999\n"), "is of version 9999"},
		{"no newline", write("1"), "restore it"},
		{"two lines", write("1\n1\n"), "restore it"},
		{"leading zero", write("01\n"), "restore it"},
		{"sign", write("+1\n"), "restore it"},
		{"zero", write("0\n"), "restore it"},
		{"empty", write(""), "restore it"},
		{"text", write("one\n"), "restore it"},
		{"too long", write(strings.Repeat("1", maxFile+1)), "longer than"},
		{"symlink", func(p string) error { return os.Symlink("keys.json", p) }, "regular file"},
		{"FIFO", func(p string) error { return syscall.Mkfifo(p, 0o600) }, "regular file"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "regular file"},
	}
	for _, tt := range tests {
		for _, keyFile := range []bool{false, true} {
			path := t.TempDir()
			if keyFile {
				if _, err := Open(filepath.Join(path, "keys.json")); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.make(filepath.Join(path, "layout")); err != nil {
				t.Fatal(err)
			}
			before := contents(t, path)
			if keyFile {
				_, err := ReadDirectory(path)
				if (err == nil) != (tt.want == "") ||
					err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: ReadDirectory = %v, want %q", tt.name, err, tt.want)
				}
			}
			_, err := OpenDirectory(path)
			if (err == nil) != (tt.want == "") ||
				err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: OpenDirectory = %v, want %q", tt.name, err, tt.want)
			}
			if got := contents(t, path); err != nil && !slices.Equal(got, before) {
				t.Errorf("%s: OpenDirectory refuses, but leaves %v where %v was",
					tt.name, got, before)
			}
		}
	}
}

func TestReadDirectoryOfNone(t *testing.T) {
	empty := t.TempDir()
	for name, path := range map[string]string{"empty": empty, "missing": empty + "/x"} {
		_, err := ReadDirectory(path)
		if err == nil || !strings.Contains(err.Error(), "want the gateway's data directory") {
			t.Errorf("%s: ReadDirectory = %v, want an error that says what is wanted", name, err)
		}
	}
	if got := contents(t, empty); len(got) > 0 {
		t.Errorf("ReadDirectory made %v", got)
	}
	open := filepath.Join(empty, "keys.json")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDirectory(empty); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("ReadDirectory with a key file that others can read = %v, want what to do", err)
	}
}
