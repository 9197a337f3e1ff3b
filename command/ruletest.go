package command

import (
	"errors"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// testCommand is rules test.
func testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Runs tests of rules: a request and a response in, what the caller gets out",
		Long: `Runs the tests in files, or in all files below directories that end in _test.yaml
or _test.yml, by the code that serves requests, without a network, and shows what differs.
docs/tools.md has the keys of tests.

Exit status: 0 if all tests pass, 1 if one fails, 2 if a file is broken.`,
		Example: "  maskgate rules test examples\n" +
			"  maskgate rules test --coverage --junit report.xml examples/customer",
		Args: cobra.MinimumNArgs(1),
	}
	asJSON := cmd.Flags().Bool("json", false, "print the report as JSON, coverage included")
	junit := cmd.Flags().String("junit", "", "also write the report to this file, as JUnit XML")
	coverage := cmd.Flags().Bool("coverage", false,
		"print which routes, fields and roles no test exercises")
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		report, why := ruletest.Run(paths, gateway.Rehearse)
		if why != nil { // no test ran
			report = &ruletest.Report{Results: []ruletest.Result{}, Findings: rules.Findings(why)}
		}
		if *junit != "" {
			if err := writeFile(*junit, report.JUnit); err != nil {
				return errors.Join(why, err)
			}
		}
		if why != nil && !*asJSON {
			return why
		}
		out := cmd.OutOrStdout()
		var err error
		if *asJSON {
			err = printJSON(out, report)
		} else {
			err = report.Text(out, styleOf(out), *coverage)
		}
		switch {
		case err != nil:
			return err
		case why != nil:
			return &ending{exitFailed, nil}
		case report.Failed > 0:
			return No(nil)
		}
		return nil
	}
	return cmd
}
