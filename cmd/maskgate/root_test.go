package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// No help tells anybody to type caddy, and serverHelps names only commands that Caddy has.
func TestHelpNamesTheBinary(t *testing.T) {
	names := slices.Sorted(maps.Keys(caddycmd.Commands()))
	caddys := regexp.MustCompile(`\bcaddy (` + strings.Join(names, "|") + `)\b`)
	left := maps.Clone(serverHelps)
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, text := range []string{cmd.Use, cmd.Short, cmd.Long, cmd.Example} {
			if found := caddys.FindString(text); found != "" {
				t.Errorf("%s: help says %q", cmd.CommandPath(), found)
			}
		}
		for _, below := range cmd.Commands() {
			look(below)
		}
		delete(left, cmd.Name())
	}
	look(newRoot())
	if len(left) > 0 {
		t.Errorf("Caddy has no such command: %v", slices.Sorted(maps.Keys(left)))
	}
}
