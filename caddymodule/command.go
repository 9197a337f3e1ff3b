package caddymodule

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "rules",
		Short: "Checks, tests, explains, compares and proposes rule files, and prints their schema",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(&cobra.Command{
				Use:     "check PATH...",
				Short:   "Reports every fault of rule files, as file:line:column",
				Long:    "Reads rule files, or directories of them, as one set, and reports all their faults. Exit status: 0 without faults, 1 with.",
				Example: "  maskgate rules check examples/customer",
				Args:    cobra.MinimumNArgs(1),
				RunE:    checkRules,
			}, testCommand(), explainCommand(), diffCommand(), schemaCommand(), discoverCommand(), coverageCommand())
		},
	})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "audit",
		Short: "Verifies and searches the access log",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(verifyCommand(), searchCommand(), keyCommand())
		},
	})
}

// status makes a command of a function that returns the exit status.
func status(run func(cmd *cobra.Command, args []string) (int, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return run(cmd, args) })(cmd, args)
	}
}

func checkRules(cmd *cobra.Command, paths []string) error {
	files, err := rules.ReadFiles(paths...)
	if err != nil {
		return err
	}
	set, err := rules.Load(files, noPseudonyms{})
	if err != nil {
		return fmt.Errorf("rules are not in order:\n%w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d files, %d routes, %d roles: in order\n%s\n", len(files), len(set.Routes()), len(set.Roles()), set.Digest())
	return nil
}

// noPseudonyms stands in for keys where rules are only checked.
type noPseudonyms struct{}

func (noPseudonyms) Pseudonym(string) ([]byte, int) { return nil, 0 }
