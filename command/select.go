package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/maskgate/maskgate/masking"
	"github.com/spf13/cobra"
)

func selectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "select [--json] EXPRESSION [FILE]",
		Short: "Prints what a selector selects from a JSON document",
		Long: `Prints the normalised path (RFC 9535 section 2.7) and the value of everything that
a JSONPath expression (RFC 9535) selects from a JSON document, in document order, each value once:
path, tab and value, a line each. The document is read from FILE, or from standard input without
one or if it is -. It is read as strictly as a response is, and selected from by the code that
rewrites responses.

With --json, each line is an object with the members path and value.

Values are printed as they are in the document, on one line: number text and escapes stay, and
white space around members and elements goes if it holds line breaks or tabs, or with --json.

Exit status: 0 if something is selected, 2 on an error, 3 if nothing is.

  maskgate select '$..[?@.type=="id"].value' doc.json`,
		Args: cobra.RangeArgs(1, 2),
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON lines")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		doc, err := readDocument(cmd.Flags().Arg(1), cmd.InOrStdin())
		if err != nil {
			return err
		}
		found, err := printSelected(cmd.OutOrStdout(), args[0], doc, *asJSON)
		if err == nil && !found {
			err = &ending{exitNothing, nil}
		}
		return err
	}
	return cmd
}

// readDocument reads a file, or standard input.
func readDocument(file string, stdin io.Reader) ([]byte, error) {
	if file == "" || file == "-" {
		doc, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return doc, nil
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return doc, nil
}

// printSelected prints what an expression selects, and reports whether it selects anything.
func printSelected(
	out io.Writer, expression string, doc []byte, jsonLines bool,
) (found bool, err error) {
	w := bufio.NewWriter(out)
	line := json.NewEncoder(w)
	line.SetEscapeHTML(false)
	var failed error
	err = masking.Select(expression, doc, func(path string, value []byte) bool {
		found = true
		if jsonLines {
			failed = line.Encode(struct {
				Path  string          `json:"path"`
				Value json.RawMessage `json:"value"`
			}{path, value})
			return failed == nil
		}
		if bytes.ContainsAny(value, "\n\r\t") { // in white space: strings have them escaped
			var compact bytes.Buffer
			if failed = json.Compact(&compact, value); failed != nil {
				return false
			}
			value = compact.Bytes()
		}
		_, failed = fmt.Fprintf(w, "%s\t%s\n", path, value)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	return found, err
}
