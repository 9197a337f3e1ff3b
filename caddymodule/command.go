package caddymodule

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Version is that of Maskgate's module in the binary, as access records have it: "(devel)" if it was not built from a version.
func Version() string { return version() }

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "rules",
		Short: "Checks, tests, explains, compares and proposes rule files, and prints their schema",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(checkCommand(), testCommand(), explainCommand(), diffCommand(), schemaCommand(), discoverCommand(), coverageCommand())
			Plain(cmd)
		},
	})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "audit",
		Short: "Verifies and searches the access log",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(verifyCommand(), searchCommand(), keyCommand())
			Plain(cmd)
		},
	})
}
