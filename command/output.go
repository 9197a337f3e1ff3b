package command

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/maskgate/maskgate/rules/ruletest"
)

// styleOf returns the style of good and bad news for a command's output.
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

// writeFile makes a file, which the function writes.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
