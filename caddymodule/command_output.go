package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// exitBroken is the exit status of commands that judge rules where what they read is broken, so that 1 can be a judgement.
const exitBroken = 2

// Good and bad news are in colour on a terminal only, and not if NO_COLOR says so (no-color.org).
func good(text string) string { return "\x1b[32m" + text + "\x1b[0m" }
func bad(text string) string  { return "\x1b[31m" + text + "\x1b[0m" }

// styleOf is the style for what is written to.
func styleOf(w io.Writer) ruletest.Style {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return ruletest.Style{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return ruletest.Style{}
	}
	return ruletest.Style{Good: good, Bad: bad}
}

// printJSON prints a value for machines.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeFile writes a file by a function.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// brokenRules says what is wrong with what a command was to judge, as the lines that editors and people read, and not as a log.
func brokenRules(cmd *cobra.Command, err error) (int, error) {
	fmt.Fprintln(cmd.ErrOrStderr(), err)
	return exitBroken, nil
}
