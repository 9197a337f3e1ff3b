package command

import (
	"bytes"
	"encoding/json"
	"io"
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

func TestRulesCheck(t *testing.T) {
	out, _, err := run(t, "", "rules", "check", "../examples/customer")
	if err != nil || !strings.HasPrefix(out, "3 files, ") || !strings.Contains(out, "\nsha256:") {
		t.Errorf("%s, %v", out, err)
	}
	dir := t.TempDir()
	bad := "kind: policy\nname: x\nrolls: {}\n"
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, "", "rules", "check", dir); err == nil || !strings.Contains(err.Error(), "status 2") || !strings.Contains(out, "p.yaml:3:1: error: ") {
		t.Errorf("rules check of a broken file: %s, %v, want its fault and status 2", out, err)
	}
	for want, args := range map[string][]string{
		"no such file":            {"rules", "check", filepath.Join(dir, "none")},
		"no .yaml":                {"rules", "check", t.TempDir()},
		"requires at least 1 arg": {"rules", "check"},
		"unknown flag: --quiet":   {"rules", "check", "--quiet", dir},
	} {
		if _, _, err := run(t, "", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

// Colours are for terminals, and for those who want them.
func TestColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
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

func TestRulesSchema(t *testing.T) {
	out, _, err := run(t, "", "rules", "schema")
	if err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, `"justification"`) {
		t.Errorf("rules schema: %v, %.100s, want a JSON Schema", err, out)
	}
}
