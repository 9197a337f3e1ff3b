package command

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// run runs a command with a text on its standard input.
func run(t *testing.T, stdin string, args ...string) (out, errs string, err error) {
	t.Helper()
	list := All()
	i := slices.IndexFunc(list, func(c *cobra.Command) bool { return c.Name() == args[0] })
	if i < 0 {
		t.Fatalf("there is no command %s", args[0])
	}
	var stdout, stderr bytes.Buffer
	list[i].SetIn(strings.NewReader(stdin))
	list[i].SetOut(&stdout)
	list[i].SetErr(&stderr)
	list[i].SetArgs(args[1:])
	err = list[i].Execute()
	return stdout.String(), stderr.String(), err
}

// call is a run of a command, and what it must come to.
type call struct {
	name   string
	args   string // separated by spaces; what '…' encloses is one; DIR is the directory of the test's files
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

// words splits a line at spaces outside single quotes.
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
