package audit

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadOrigin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if _, err := ReadOrigin(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadOrigin of no log = %v, want not exist", err)
	}
	l := mustOpen(t, testOptions(t, dir))
	if got, err := ReadOrigin(dir); got != "" || err != nil {
		t.Errorf("ReadOrigin of an empty log = %q, %v, want none", got, err)
	}
	mustAppend(t, l, Record{Event: EventStart})
	if got, err := ReadOrigin(dir); got != testOrigin || err != nil {
		t.Errorf("ReadOrigin while the log is open = %q, %v, want %q", got, err, testOrigin)
	}
	mustClose(t, l)
	makeLog(t, dir+"2")
	whole := files(t, dir+"2")
	if got, err := ReadOrigin(dir + "2"); got != testOrigin || err != nil {
		t.Errorf("ReadOrigin = %q, %v, want %q", got, err, testOrigin)
	}
	if err := os.Remove(filepath.Join(dir+"2", names(whole)[0])); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadOrigin(dir + "2"); got != testOrigin || err != nil {
		t.Errorf("ReadOrigin of a pruned log = %q, %v, want %q", got, err, testOrigin)
	}
	data := files(t, dir)[segmentName(0)]
	fill(t, dir, map[string][]byte{segmentName(0): data[:len(data)-1]})
	if got, err := ReadOrigin(dir); got != "" || err != nil {
		t.Errorf("ReadOrigin of a log that was cut short in its first group = %q, %v, want none",
			got, err)
	}
	data = bytes.Replace(data, []byte("2026"), []byte("2025"), 1)
	fill(t, dir, map[string][]byte{segmentName(0): data})
	if _, err := ReadOrigin(dir); !errors.As(err, new(*CorruptError)) {
		t.Errorf("ReadOrigin of a corrupt log = %v, want a CorruptError", err)
	}
}

// TestOriginCharacters: an origin stands in notes and in JSON as it is.
func TestOriginCharacters(t *testing.T) {
	tests := []struct {
		name, origin string
		want         bool
	}{
		{"as usual", "maskgate/gateway-1", true},
		{"first and last printable", "!~", true},
		{"empty", "", false},
		{"space", "a b", false},
		{"plus", "a+b", false},
		{"quotation mark", `a"b`, false},
		{"backslash", `a\b`, false},
		{"newline", "a\nb", false},
		{"tab", "a\tb", false},
		{"NUL", "a\x00b", false},
		{"unit separator", "a\x1fb", false},
		{"escape", "a\x1b[2Jb", false},
		{"DEL", "a\x7fb", false},
		{"C1 control", "a\u009bb", false},
		{"Latin", "é", false},
		{"Chinese", "网关", false},
		{"no-break space", "a\u00a0b", false},
		{"not UTF-8", "a\xffb", false},
	}
	for _, tt := range tests {
		if got := validOrigin(tt.origin); got != tt.want {
			t.Errorf("%s: validOrigin(%q) = %v, want %v", tt.name, tt.origin, got, tt.want)
		}
		if tt.origin == "" {
			continue // Options take it for the signer's name
		}
		o := testOptions(t, filepath.Join(t.TempDir(), "log"))
		o.Origin = tt.origin + "!" // the signer has another name
		_, err := Open(o)
		refused := err != nil && strings.Contains(err.Error(), "choose another")
		if refused == tt.want {
			t.Errorf("%s: Open with origin %q = %v", tt.name, o.Origin, err)
		}
		if _, err := os.Lstat(o.Dir); err == nil {
			t.Errorf("%s: Open with origin %q made a directory", tt.name, o.Origin)
		}
		var tr tree
		tr.add([32]byte{1})
		signed := checkpointText(tt.origin, 1, tr.root()) + "\n— " + tt.origin + " AAAAAAAA\n"
		cp, err := parseCheckpoint(appendCheckpoint(nil, signed, tr.edge))
		if (err == nil) != tt.want || tt.want && cp.origin != tt.origin {
			t.Errorf("%s: parseCheckpoint of a checkpoint by %q = %q, %v",
				tt.name, tt.origin, cp.origin, err)
		}
	}
}
