package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// A command ends with the status of its error, and says once what is wrong.
func TestPlain(t *testing.T) {
	t.Parallel()
	fault := &rules.Fault{File: "a.yaml", Line: 1, Column: 2, Message: "wrong"}
	for _, tt := range []struct {
		name   string
		args   []string
		err    error
		status int
		want   string
	}{
		{"done", nil, nil, 0, ""},
		{"no", nil, No(errors.New("no")), 1, "maskgate: no\n"},
		{"no, as its output says", nil, No(nil), 1, ""},
		{"no, further down", nil, fmt.Errorf("asking: %w", No(errors.New("no"))), 1,
			"maskgate: asking: no\n"},
		{"no answer", nil, errors.New("broken"), 2, "maskgate: broken\n"},
		{"misuse", nil, Misuse(errors.New("want more")), 2,
			"maskgate: want more\nusage: group one [flags]\n"},
		{"nothing", nil, &ending{exitNothing, nil}, 3, ""},
		{"a fault of a file", nil, fault, 2, "a.yaml:1:2: wrong\n"},
		{"faults of files", nil, errors.Join(fault, errors.Join(errors.New("other"), fault)), 2,
			"a.yaml:1:2: wrong\nmaskgate: other\na.yaml:1:2: wrong\n"},
		{"faults of a call", nil, Misuse(errors.Join(errors.New("a"), errors.New("b"))), 2,
			"maskgate: a\nmaskgate: b\nusage: group one [flags]\n"},
		{"no such flag", []string{"--bogus"}, nil, 2,
			"maskgate: unknown flag: --bogus\nusage: group one [flags]\n"},
		{"an argument", []string{"x"}, nil, 2,
			"maskgate: unknown command \"x\" for \"group one\"\nusage: group one [flags]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			group := &cobra.Command{Use: "group"}
			group.AddCommand(&cobra.Command{Use: "one", Args: cobra.NoArgs,
				RunE: func(*cobra.Command, []string) error { return tt.err }})
			Plain(group)
			var out, errs bytes.Buffer
			group.SetOut(&out)
			group.SetErr(&errs)
			group.SetArgs(append([]string{"one"}, tt.args...))
			err := group.Execute()
			if status := ExitStatus(err); status != tt.status || (err == nil) != (status == 0) ||
				errs.String() != tt.want || out.Len() > 0 {
				t.Errorf("it ends with %d, %v\n%s%s\nwant %d\n%s", status, err, &out, &errs,
					tt.status, tt.want)
			}
		})
	}
	if Misuse(nil) != nil {
		t.Error("Misuse(nil) is an error")
	}
	if got := ExitStatus(errors.New("of another command")); got != 2 {
		t.Errorf("ExitStatus of any error = %d, want 2", got)
	}
}

// A group of commands helps whoever gives none, and corrects whoever misspells one.
func TestGroupOfCommands(t *testing.T) {
	t.Parallel()
	all(t, nil, []call{
		{"none", "rules", "", 0,
			[]string{"Checks, tests, ", "Usage:", "Available Commands:", "check"}, nil},
		{"misspelt", "rules chek", "", 2, nil, []string{
			"maskgate: rules has no command \"chek\" (did you mean check?)\n" +
				"usage: rules check|coverage|diff|discover|explain|schema|test\n"}},
		{"far off", "keys nonsense", "", 2, nil,
			[]string{"maskgate: keys has no command \"nonsense\"\nusage: keys rotate\n"}},
	})
}

// A command whose output cannot be written has not answered.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	dir := dataDirectory(t)
	files := write(t, ruleFiles)
	document := write(t, map[string]string{"api.yaml": `openapi: 3.1.0
paths: {/x: {get: {responses: {'200': {content: {application/json: {schema:
  {properties: {a: {type: string}}}}}}}}}}`})
	for _, args := range []string{
		"rules check FILES/warned",
		"rules check FILES/broken",
		"rules check --json FILES/good",
		"rules test ../examples/credit",
		"rules test --json ../examples/credit",
		"rules diff FILES/good FILES/opened",
		"rules diff --json FILES/good FILES/good",
		"rules diff --json FILES/good FILES/broken",
		"rules explain --caller '{id: x}' --request 'GET /v1/branches' FILES/good",
		"rules schema",
		"rules coverage --openapi DOCUMENT/api.yaml FILES/good",
		"rules coverage --json --openapi DOCUMENT/api.yaml FILES/good",
		"audit verify --data DIR",
		"audit search --data DIR",
		"audit search --data DIR --json",
		"audit search --data DIR --event rules",
		"audit key --data DIR",
		"keys rotate --data DIR",
		"select $.paths -",
		"treat clear x",
	} {
		t.Run(args, func(t *testing.T) {
			names := strings.NewReplacer("DIR", dir, "FILES", files, "DOCUMENT", document)
			line := names.Replace(args)
			args := words(line)
			cmd := find(t, args[0])
			cmd.SetIn(strings.NewReader(`{"paths":1}`))
			cmd.SetOut(failingWriter{})
			cmd.SetErr(io.Discard)
			cmd.SetArgs(args[1:])
			if err := cmd.Execute(); !errors.Is(err, errWriter) || ExitStatus(err) != 2 {
				t.Errorf("%s ends with %d, %v, want 2, %v", line, ExitStatus(err), err, errWriter)
			}
		})
	}
}
