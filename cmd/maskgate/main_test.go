package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary serve as maskgate, in scripts and as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"maskgate": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			examples, err := filepath.Abs("../../examples/customer")
			env.Setenv("EXAMPLE", examples)
			env.Setenv("DEMO", filepath.Join(filepath.Dir(examples), "demo"))
			env.Setenv("HOME", env.WorkDir)
			root := filepath.Dir(filepath.Dir(examples))
			env.Setenv("CADDYFILE", filepath.Join(root, "Caddyfile"))
			ports := []string{"MASKGATE_PORT", "MASKGATE_METRICS_PORT", "SERVICE_PORT"}
			for _, name := range ports {
				port, err2 := freePort()
				env.Setenv(name, port)
				err = errors.Join(err, err2)
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"flip":    flip,
			"exits":   exits,
			"get":     get,
			"replace": replace,
		},
	})
}

// exits runs a command that must end with a status: exits STATUS COMMAND...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	have := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		have = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if have != want {
		ts.Fatalf("%s: exit status %d, want %d", strings.Join(args[1:], " "), have, want)
	}
}

// get sends a GET request, to a server that is perhaps still starting, and prints status and body:
// get URL [FILE PURPOSE], with the token in the file.
func get(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	if len(args) > 1 {
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[1])))
		request.Header.Set("Maskgate-Purpose", args[2])
	}
	response, err := http.DefaultClient.Do(request)
	for end := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // polls another process
		response, err = http.DefaultClient.Do(request)
	}
	ts.Check(err)
	defer response.Body.Close()
	fmt.Fprintln(ts.Stdout(), response.StatusCode)
	_, err = io.Copy(ts.Stdout(), response.Body)
	ts.Check(err)
}

// flip inverts the lowest bit of one byte of a file: flip FILE PERCENT, so far into the file.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	name := glob(ts, args[0])
	content, err := os.ReadFile(name)
	ts.Check(err)
	percent, err := strconv.Atoi(args[1])
	ts.Check(err)
	content[(len(content)-1)*percent/100] ^= 1
	ts.Check(os.WriteFile(name, content, 0o600))
}

// replace replaces a line of a file: replace FILE OLD NEW.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	content, err := os.ReadFile(name)
	ts.Check(err)
	changed := strings.Replace(string(content), args[1], args[2], 1)
	if changed == string(content) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(name, []byte(changed), 0o600))
}

func glob(ts *testscript.TestScript, pattern string) string {
	names, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(names) != 1 {
		ts.Fatalf("%s: want one file, have %d", pattern, len(names))
	}
	return names[0]
}
