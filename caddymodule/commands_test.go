package caddymodule

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/keys"
)

// runCommand runs a command of Maskgate.
func runCommand(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	for _, cmd := range command.All() {
		if cmd.Name() != args[0] {
			continue
		}
		var stdout, stderr bytes.Buffer
		cmd.SetOut(&stdout)
		cmd.SetErr(&stderr)
		cmd.SetArgs(args[1:])
		err = cmd.Execute()
		return stdout.String(), stderr.String(), err
	}
	t.Fatalf("there is no command %s", args[0])
	return "", "", nil
}

// asCaddy is the variable by which the test binary runs as a build of Caddy with this package.
const asCaddy = "MASKGATE_TEST_AS_CADDY"

// In another build of Caddy, too, a command ends with its own status, and says what is wrong once.
func TestCommandsOfAnotherBuild(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	const example = "../examples/customer"
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string
	}{
		{"yes", []string{"rules", "check", example}, 0, "in order", ""},
		{"no", []string{"rules", "explain", "--caller={id: x}", "--request=GET /v1/employees",
			example}, 1, "refused: no_route", ""},
		{"no answer", []string{"rules", "check", "nowhere"}, 2, "",
			"maskgate: reading rules: stat nowhere: no such file or directory\n"},
		{"no argument", []string{"rules", "check"}, 2, "",
			"maskgate: requires at least 1 arg(s), only received 0\nusage: "},
		{"no command", []string{"rules", "chek"}, 2, "",
			"maskgate: rules has no command \"chek\" (did you mean check?)\nusage: "},
		{"no flag", []string{"keys", "rotate", "--bogus"}, 2, "",
			"maskgate: unknown flag: --bogus\nusage: "},
		{"nothing", []string{"select", "$.x", empty}, 3, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], tt.args...)
			cmd.Env = append(os.Environ(), asCaddy+"=1", "HOME="+t.TempDir())
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // its status is looked at
			if have := cmd.ProcessState.ExitCode(); have != tt.status {
				t.Errorf("exit status %d, want %d", have, tt.status)
			}
			if !strings.Contains(stdout.String(), tt.stdout) {
				t.Errorf("standard output %q, want %q in it", &stdout, tt.stdout)
			}
			have := stderr.String()
			if !strings.HasPrefix(have, tt.stderr) || tt.stderr == "" && have != "" {
				t.Errorf("standard error %q, want %q", have, tt.stderr)
			}
		})
	}
}

func TestAuditCommands(t *testing.T) {
	g := start(t, "maskgate "+gatewaytest.Serve(t, gatewaytest.OnePerson))
	got := g.get("/v1/people/C1")
	refused := g.get("/v1/none")
	id := got.Header.Get(correlationHeader)
	data := "--data=" + g.data()

	// While the gateway runs.
	out, _, err := runCommand(t, "audit", "verify", data)
	if err != nil || !strings.HasPrefix(out, "4 records under ") ||
		!strings.Contains(out, "maskgate/test\n") {
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

	key, _, err := runCommand(t, "audit", "key", data)
	if err != nil || !strings.HasPrefix(key, "maskgate/test+") {
		t.Errorf("key: %s, %v", key, err)
	}
	directory, err := keys.ReadDirectory(g.data())
	if err != nil {
		t.Fatal(err)
	}
	other := directory.Keys().VerifierKeys(keys.Origin("other"))[0]
	for _, tt := range []struct {
		args        []string
		want, fault string
	}{
		{[]string{"verify", data}, "5 records", ""},
		{[]string{"verify", data, "--checkpoint=" + keptFile}, "5 records", ""},
		{[]string{"verify", data, "--key=" + strings.TrimSpace(key)}, "5 records", ""},
		{[]string{"verify", data, "--key=" + other}, "", "signed by a key that is not known"},
		{[]string{"verify", data, "--key=x"}, "", "reading --key"},
		{[]string{"verify", data, "--checkpoint=none"}, "", "reading the checkpoint"},
		{[]string{"verify", "--data=" + t.TempDir()}, "", "want the gateway's data directory"},
		{[]string{"verify", "x"}, "", "unknown command"},
		{[]string{"key", "--data=" + t.TempDir()}, "", "want the gateway's data directory"},
		{[]string{"search", data, "--id=" + id}, "GET /v1/people/{id}", ""},
		{[]string{"search", data, "--subject=C1"}, "$.name", ""},
		{[]string{"search", data, "--subject=C2"}, "", ""},
		{[]string{"search", data, "--caller=" + agent.ID, "--json"}, `"reason":"no_route"`, ""},
		{[]string{"search", data, "--id=" + refused.Header.Get(correlationHeader)},
			"refused (no_route), status 404", ""},
		{[]string{"search", data, "--purpose=loan-review"}, "", ""},
		{[]string{"search", data, "--since=1h"}, "released", ""},
		{[]string{"search", data, "--until=1h"}, "", ""},
		{[]string{"search", data, "--since=tomorrow"}, "", "--since: want a duration"},
		{[]string{"search", data, "--since=-1h"}, "", "--since: want a duration"},
		{[]string{"search", data, "--until=x"}, "", "--until: want a duration"},
		{[]string{"search", data, "--event=rules"},
			"    before   none, since the start\n      policy.yaml              sha256:", ""},
		{[]string{"search", data, "--event=start"}, "  start  gateway test, version ", ""},
		{[]string{"search", data, "--event=rule"}, "",
			"--event: want access, rules, start or stop"},
		{[]string{"verify", data, "--pruned-before=2"}, "5 records", ""},
		{[]string{"search", data, "--pruned-before=x"}, "", "invalid argument"},
	} {
		out, errs, err := runCommand(t, append([]string{"audit"}, tt.args...)...)
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
	torn := append(bytes.Clone(whole), `{"seq":5,"ti`...)
	if err := os.WriteFile(segment, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err = runCommand(t, "audit", "verify", data)
	if err == nil || !strings.Contains(err.Error(), "status 3") ||
		!strings.Contains(out, "12 bytes behind them") {
		t.Errorf("verify of a torn log: %s, %v", out, err)
	}
	altered := bytes.Replace(whole, []byte(`"released"`), []byte(`"refused!"`), 1)
	if err := os.WriteFile(segment, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"verify", "search"} {
		if out, _, err := runCommand(t, "audit", sub, data); err == nil ||
			!strings.Contains(err.Error(), "corrupt") || out != "" {
			t.Errorf("%s of an altered log: %s, %v", sub, out, err)
		}
	}
}

// TestRotateKeys: a gateway uses the new version from its next start on; the log goes on, and what
// was recorded is found.
func TestRotateKeys(t *testing.T) {
	up := gatewaytest.Serve(t, gatewaytest.OnePerson)
	g := start(t, "maskgate "+up)
	g.get("/v1/people/C1")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, _, err := runCommand(t, "keys", "rotate", "--data="+g.data()); err != nil ||
		!strings.HasPrefix(out, "key version 2 is in place") {
		t.Fatalf("keys rotate: %s, %v", out, err)
	}
	g.load()
	g.await(g.addr)
	g.get("/v1/people/C1")
	out, _, err := runCommand(t, "audit", "search", "--data="+g.data(), "--subject=C1", "--json")
	if err != nil || strings.Count(out, `"s1:`) != 1 || strings.Count(out, `"s2:`) != 1 {
		t.Errorf("search: %s, %v, want a record under each version of the key", out, err)
	}
	if _, _, err := runCommand(t, "keys", "rotate", "--data="+t.TempDir()); err == nil ||
		!strings.Contains(err.Error(), "rotating keys") {
		t.Errorf("keys rotate without a key file: %v", err)
	}
}
