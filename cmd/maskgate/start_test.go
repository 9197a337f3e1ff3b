package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var block = regexp.MustCompile("(?s)```(sh)?\n(.*?)```")

// The commands of docs/start.md work as they stand, but for the ports, and print what it shows.
func TestStart(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the page asks by curl: %v", err)
		}
		t.Skipf("the page asks by curl: %v", err)
	}
	page, err := os.ReadFile("../../docs/start.md")
	if err != nil {
		t.Fatal(err)
	}
	var ports []string
	for range 2 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	script := "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
	var shown []string
	for _, b := range block.FindAllStringSubmatch(string(page), -1) {
		if b[1] == "sh" {
			script += b[2]
		} else {
			shown = append(shown, strings.Split(strings.TrimSuffix(b[2], "\n"), "\n")...)
		}
	}
	script = strings.NewReplacer("9001", ports[0], "8080", ports[1], "--no-gateway",
		"--no-gateway --service-port "+ports[0]).Replace(script)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the page's commands: %v\n%s", err, out)
	}
	for _, line := range shown {
		if !strings.Contains(string(out), line) {
			t.Errorf("the page shows %q, which nothing prints", line)
		}
	}
	if t.Failed() || len(shown) == 0 {
		t.Logf("%d lines shown; printed:\n%s", len(shown), out)
	}
}
