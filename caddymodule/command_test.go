package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
	"github.com/spf13/cobra"
)

// command runs a command as the binary would.
func command(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	c, ok := caddycmd.Commands()[args[0]]
	if !ok {
		t.Fatalf("there is no command %s", args[0])
	}
	cmd := &cobra.Command{Use: c.Name, SilenceUsage: true}
	c.CobraFunc(cmd)
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args[1:])
	err = cmd.Execute()
	return stdout.String(), stderr.String(), err
}

func TestRulesCheck(t *testing.T) {
	out, _, err := command(t, "rules", "check", "../examples/customer")
	if err != nil || !strings.HasPrefix(out, "3 files, ") || !strings.Contains(out, "\nsha256:") {
		t.Errorf("%s, %v", out, err)
	}
	dir := t.TempDir()
	bad := "kind: policy\nname: x\nrolls: {}\n"
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := command(t, "rules", "check", dir); err == nil || !strings.Contains(err.Error(), "status 2") || !strings.Contains(out, "p.yaml:3:1: error: ") {
		t.Errorf("rules check of a broken file: %s, %v, want its fault and status 2", out, err)
	}
	for want, args := range map[string][]string{
		"no such file":            {"rules", "check", filepath.Join(dir, "none")},
		"no .yaml":                {"rules", "check", t.TempDir()},
		"requires at least 1 arg": {"rules", "check"},
		"unknown flag: --quiet":   {"rules", "check", "--quiet", dir},
	} {
		if _, _, err := command(t, args...); err == nil || !strings.Contains(err.Error(), want) {
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
	out, _, err := command(t, "rules", "schema")
	if err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, `"justification"`) {
		t.Errorf("rules schema: %v, %.100s, want a JSON Schema", err, out)
	}
}

func TestAuditCommands(t *testing.T) {
	g := start(t, "maskgate "+upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	}))
	got := g.get("/v1/people/C1")
	refused := g.get("/v1/none")
	id := got.header.Get(correlationHeader)
	data := "--data=" + g.data()

	// While the gateway runs.
	out, _, err := command(t, "audit", "verify", data)
	if err != nil || !strings.HasPrefix(out, "4 records under ") || !strings.Contains(out, "maskgate/test\n") {
		t.Errorf("verify: %s, %v", out, err)
	}
	keptFile := filepath.Join(g.dir, "kept.txt")
	_, note, _ := strings.Cut(out, "verified\n")
	if err := os.WriteFile(keptFile, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}

	key, _, err := command(t, "audit", "key", data, "--gateway=test")
	if err != nil || !strings.HasPrefix(key, "maskgate/test+") {
		t.Errorf("key: %s, %v", key, err)
	}
	other, _, err := command(t, "audit", "key", data, "--gateway=other")
	if err != nil || other == key {
		t.Errorf("key: %s, %v", other, err)
	}
	for _, tt := range []struct {
		args        []string
		want, fault string
	}{
		{[]string{"verify", data}, "5 records", ""},
		{[]string{"verify", data, "--checkpoint=" + keptFile}, "5 records", ""},
		{[]string{"verify", data, "--key=" + strings.TrimSpace(key)}, "5 records", ""},
		{[]string{"verify", data, "--key=" + strings.TrimSpace(other)}, "", "verif"},
		{[]string{"verify", data, "--key=x"}, "", "reading --key"},
		{[]string{"verify", data, "--checkpoint=none"}, "", "reading the checkpoint"},
		{[]string{"verify", "--data=" + t.TempDir()}, "", "want the gateway's data directory"},
		{[]string{"verify", "x"}, "", "unknown command"},
		{[]string{"key", "--data=" + t.TempDir()}, "", "want the gateway's data directory"},
		{[]string{"search", data, "--id=" + id}, "GET /v1/people/{id}", ""},
		{[]string{"search", data, "--subject=C1"}, "$.name", ""},
		{[]string{"search", data, "--subject=C2"}, "", ""},
		{[]string{"search", data, "--caller=" + agent.ID, "--json"}, `"reason":"no_route"`, ""},
		{[]string{"search", data, "--id=" + refused.header.Get(correlationHeader)}, "refused (no_route), status 404", ""},
		{[]string{"search", data, "--purpose=loan-review"}, "", ""},
		{[]string{"search", data, "--since=1h"}, "released", ""},
		{[]string{"search", data, "--until=1h"}, "", ""},
		{[]string{"search", data, "--since=tomorrow"}, "", "--since: want a duration"},
		{[]string{"search", data, "--since=-1h"}, "", "--since: want a duration"},
		{[]string{"search", data, "--until=x"}, "", "--until: want a duration"},
		{[]string{"search", data, "--event=rules"}, "    before   none, since the start\n      policy.yaml              sha256:", ""},
		{[]string{"search", data, "--event=start"}, "  start  gateway test, version ", ""},
		{[]string{"search", data, "--event=rule"}, "", "--event: want access, rules, start or stop"},
		{[]string{"verify", data, "--pruned-before=2"}, "5 records", ""},
		{[]string{"search", data, "--pruned-before=x"}, "", "invalid argument"},
	} {
		out, errs, err := command(t, append([]string{"audit"}, tt.args...)...)
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%v: %v, want %s", tt.args, err, tt.fault)
			}
		case err != nil || !strings.Contains(out, tt.want):
			t.Errorf("%v: %s, %v, want %s", tt.args, out, err, tt.want)
		case tt.want == "" && (out != "" || errs != "no record matches\n"):
			t.Errorf("%v: %s%s, want nothing", tt.args, out, errs)
		}
		if strings.Contains(out+errs, "张三丰") {
			t.Errorf("%v shows a value", tt.args)
		}
	}

	// What a crash leaves is exit status 3; an altered byte is 1.
	segment := filepath.Join(keys.AuditDir(g.data()), strings.Repeat("0", 20)+".jsonl")
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, append(bytes.Clone(whole), `{"seq":5,"ti`...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err = command(t, "audit", "verify", data)
	if err == nil || !strings.Contains(err.Error(), "status 3") || !strings.Contains(out, "12 bytes behind them") {
		t.Errorf("verify of a torn log: %s, %v", out, err)
	}
	if err := os.WriteFile(segment, bytes.Replace(whole, []byte(`"released"`), []byte(`"refused!"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"verify", "search"} {
		if out, _, err := command(t, "audit", sub, data); err == nil || !strings.Contains(err.Error(), "corrupt") || out != "" {
			t.Errorf("%s of an altered log: %s, %v", sub, out, err)
		}
	}
}

// TestPruned: a log whose oldest segments were removed verifies if that is allowed, and only then.
func TestPruned(t *testing.T) {
	dir := t.TempDir()
	s, err := openShared(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Destruct(); err != nil {
		t.Fatal(err)
	}
	signer, _ := s.keys.Signer(keys.Origin("test"))
	verifiers, _ := s.keys.Verifiers(keys.Origin("test"))
	log, err := audit.Open(audit.Options{Dir: keys.AuditDir(dir), Signer: signer, Verifiers: verifiers, SegmentSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := log.Append(t.Context(), audit.Record{
			Event: audit.EventAccess, Access: &audit.Access{Decision: audit.Released, Status: 200, Route: "GET /v1/people"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(log.Close(), os.Remove(filepath.Join(keys.AuditDir(dir), strings.Repeat("0", 20)+".jsonl"))); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"verify", "search"} {
		if out, _, err := command(t, "audit", sub, "--data="+dir); err == nil {
			t.Errorf("%s of a pruned log: %s", sub, out)
		}
		if out, _, err := command(t, "audit", sub, "--data="+dir, "--pruned-before=2"); err != nil || out == "" {
			t.Errorf("%s --pruned-before=2: %s, %v", sub, out, err)
		}
	}
}

// TestRotateKeys: a gateway uses the new version from its next start on; the log goes on, and what was recorded is found.
func TestRotateKeys(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	g := start(t, "maskgate "+up)
	g.get("/v1/people/C1")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, _, err := command(t, "keys", "rotate", "--data="+g.data()); err != nil || !strings.HasPrefix(out, "key version 2 is in place") {
		t.Fatalf("keys rotate: %s, %v", out, err)
	}
	g.load()
	g.await(g.addr)
	g.get("/v1/people/C1")
	out, _, err := command(t, "audit", "search", "--data="+g.data(), "--subject=C1", "--json")
	if err != nil || strings.Count(out, `"s1:`) != 1 || strings.Count(out, `"s2:`) != 1 {
		t.Errorf("search: %s, %v, want a record under each version of the key", out, err)
	}
	if _, _, err := command(t, "keys", "rotate", "--data="+t.TempDir()); err == nil || !strings.Contains(err.Error(), "rotating keys") {
		t.Errorf("keys rotate without a key file: %v", err)
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
