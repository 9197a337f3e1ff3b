package command

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Colours are for terminals, and for those who want them.
func TestColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("in CI there has to be a terminal: %v", err)
	default:
		t.Skipf("no terminal here: %v", err)
	}
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name          string
		out           io.Writer
		noColor, term string
		want          string
	}{
		{"terminal", terminal, "", "xterm", "\x1b[31merror\x1b[0m"},
		{"NO_COLOR", terminal, "1", "xterm", "error"},
		{"dumb terminal", terminal, "", "dumb", "error"},
		{"file", file, "", "xterm", "error"},
		{"no file", &bytes.Buffer{}, "", "xterm", "error"},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		if got := colours(test.out).red("error"); got != test.want {
			t.Errorf("%s: red = %q, want %q", test.name, got, test.want)
		}
	}
}
