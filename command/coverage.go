package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/maskgate/maskgate/coverage"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// coverageCommand is rules coverage.
func coverageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "coverage --openapi FILE PATH...",
		Short: "Lists response fields of an OpenAPI document that no rule names",
		Long: `Compares the rule files at PATHs with an OpenAPI document (3.0 or 3.1, YAML or
JSON) and lists, for each operation, the response fields that no rule names. A field that is not
named is dropped, unless its route says otherwise; one that is new in the document may be personal
data that nobody has looked at. A route that says public names all its fields.

References ($ref) may lead to other files beside the document, not to the network. Error responses
are left out: none is passed on.

Exit status: 0 if rules name all fields, 1 if not, 2 on an error.`,
		Example: "  maskgate rules coverage --openapi examples/demo/openapi.yaml examples/customer",
		Args:    cobra.MinimumNArgs(1),
	}
	document := cmd.Flags().String("openapi", "", "the OpenAPI document (required)")
	base := cmd.Flags().String("base", "",
		"path or address at which the gateway is asked, in front of the document's paths; "+
			"default: that of its servers, or nothing")
	asJSON := cmd.Flags().Bool("json", false, "print the operations as JSON")
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		if *document == "" {
			return Misuse(errors.New("want --openapi FILE, the document to compare with"))
		}
		set, err := ruletest.Load(paths)
		if err != nil {
			return unanswered(cmd, *asJSON, err)
		}
		operations, err := coverage.Check(set, *document, os.ReadFile, *base)
		if err != nil {
			return unanswered(cmd, *asJSON, err)
		}
		unnamed, err := printCoverage(cmd.OutOrStdout(), operations, *asJSON)
		if err == nil && unnamed > 0 {
			err = No(nil)
		}
		return err
	}
	return cmd
}

// printCoverage prints which fields rules do not name, and counts them.
func printCoverage(out io.Writer, list []coverage.Operation, asJSON bool) (unnamed int, err error) {
	fields := 0
	for _, o := range list {
		unnamed += len(o.Unnamed)
		fields += o.Fields
	}
	if asJSON {
		return unnamed, printJSON(out, list)
	}
	for _, o := range list {
		if len(o.Unnamed) == 0 {
			continue
		}
		by := "no route"
		if o.Route != "" {
			by = fmt.Sprintf("%s of %s", o.Route, o.Service)
		}
		if _, err := fmt.Fprintf(out, "%s (%s)\n", o.Match, by); err != nil {
			return unnamed, err
		}
		for _, field := range o.Unnamed {
			if _, err := fmt.Fprintf(out, "  %s\n", field); err != nil {
				return unnamed, err
			}
		}
	}
	_, err = fmt.Fprintf(out, "%s, %s, %d of them named by no rule\n",
		plural(len(list), "operation"), plural(fields, "field"), unnamed)
	if err == nil && unnamed > 0 {
		_, err = fmt.Fprintln(out, "look at each of them, and add it to its route if it may pass")
	}
	return unnamed, err
}
