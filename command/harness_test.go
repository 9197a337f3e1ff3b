package command

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// find returns a new command of that name.
func find(t *testing.T, name string) *cobra.Command {
	t.Helper()
	for _, cmd := range All() {
		if cmd.Name() == name {
			return cmd
		}
	}
	t.Fatalf("there is no command %s", name)
	return nil
}

// run runs a command with a text on its standard input.
func run(t *testing.T, stdin string, args ...string) (out, errs string, err error) {
	t.Helper()
	cmd := find(t, args[0])
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args[1:])
	err = cmd.Execute()
	return stdout.String(), stderr.String(), err
}

// call is a run of a command, and what it must come to.
type call struct {
	name   string
	args   string // see words; DIR stands for the directory of the test's files
	stdin  string
	status int

	// The parts that standard output and standard error have, in this order; without any, nothing
	// is written. DIR stands for the directory of the test's files.
	out, errs []string
}

// check runs the command with the files of a directory.
func (c call) check(t *testing.T, dir string) {
	t.Helper()
	out, errs, err := run(t, c.stdin, words(strings.ReplaceAll(c.args, "DIR", dir))...)
	if status := ExitStatus(err); status != c.status {
		t.Errorf("%s: exit status %d, want %d", c.args, status, c.status)
	}
	for _, stream := range []struct {
		name, text string
		parts      []string
	}{{"output", out, c.out}, {"error", errs, c.errs}} {
		text := strings.ReplaceAll(stream.text, dir, "DIR")
		if rest := text; !inOrder(&rest, stream.parts) || len(stream.parts) == 0 && text != "" {
			t.Errorf("%s: standard %s is\n%s\nwant %q", c.args, stream.name, text, stream.parts)
		}
	}
}

// inOrder reports whether a text has these parts, one behind the other.
func inOrder(text *string, parts []string) bool {
	for _, part := range parts {
		var ok bool
		if _, *text, ok = strings.Cut(*text, part); !ok {
			return false
		}
	}
	return true
}

// words splits a line at the spaces outside single quotes. What single quotes enclose is one word.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// write writes files below a new directory.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// all runs calls in parallel, with the same files.
func all(t *testing.T, files map[string]string, calls []call) {
	t.Helper()
	dir := write(t, files)
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(t, dir)
		})
	}
}

// failingWriter takes nothing.
type failingWriter struct{}

var errWriter = errors.New("a pipe that is closed")

func (failingWriter) Write([]byte) (int, error) { return 0, errWriter }
