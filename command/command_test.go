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
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
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

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"":                     {},
		"2h":                   now.Add(-2 * time.Hour),
		"1d":                   now.Add(-24 * time.Hour),
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-21T00:00:00Z": time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := moment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("moment(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

// TestPruned: a log whose oldest segments were removed verifies if that is allowed, and only then.
func TestPruned(t *testing.T) {
	dir := t.TempDir()
	appendLog(t, dir, 0, audit.Record{Event: audit.EventStart}, audit.Record{Event: audit.EventStop})
	released := audit.Record{
		Event: audit.EventAccess, Access: &audit.Access{Decision: audit.Released, Status: 200, Route: "GET /v1/people"},
	}
	appendLog(t, dir, 1, released, released, released)
	if err := os.Remove(filepath.Join(keys.AuditDir(dir), strings.Repeat("0", 20)+".jsonl")); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"verify", "search"} {
		if out, _, err := run(t, "", "audit", sub, "--data="+dir); err == nil {
			t.Errorf("%s of a pruned log: %s", sub, out)
		}
		if out, _, err := run(t, "", "audit", sub, "--data="+dir, "--pruned-before=2"); err != nil || out == "" {
			t.Errorf("%s --pruned-before=2: %s, %v", sub, out, err)
		}
	}
}

// appendLog appends records to the access log of a data directory, in segments of a size.
func appendLog(t *testing.T, dir string, segmentSize int64, records ...audit.Record) {
	t.Helper()
	origin := keys.Origin("test")
	set, err := keys.Open(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := set.Signer(origin)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(audit.Options{
		Dir: keys.AuditDir(dir), Origin: origin, Signer: signer, Verifiers: set, SegmentSize: segmentSize,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if _, err := log.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
