package caddymodule

import (
	"errors"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "rules",
		Short: "Checks, tests, explains, compares and proposes rule files, and prints their schema",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(checkCommand(), testCommand(), explainCommand(), diffCommand(), schemaCommand(), discoverCommand(), coverageCommand())
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

// status makes a command of a function that returns the exit status. Without an error, what the function wrote has to say why the status
// is what it is.
func status(run func(cmd *cobra.Command, args []string) (int, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		code, err := run(cmd, args)
		cmd.SilenceErrors = err == nil
		if code == 1 && err == nil {
			return errFailed // Caddy takes 1 without an error for success
		}
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, err })(cmd, args)
	}
}

var errFailed = errors.New("exiting with status 1")
