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

// styleOf is the style of good and bad news for what is written to.
func styleOf(w io.Writer) ruletest.Style {
	p := colours(w)
	return ruletest.Style{Good: p.green, Bad: p.red}
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
