// Package command is everything that an operator types: the commands rules, audit, keys, select, treat and reveal, and how a
// command of Maskgate ends. It knows no server: who embeds it adds its commands to a root of their own, runs that, and exits
// with [ExitStatus]:
//
//	root.AddCommand(command.All(gateway)...)
//	os.Exit(command.ExitStatus(root.Execute()))
//
// The exit status tells an answer from a question that could not be asked: 0 yes, 1 no, 2 there is no answer, 3 there is
// nothing to answer about. What is wrong stands on standard error once, as text.
package command

import (
	"net/netip"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// Gateway is what commands need of a gateway, to run requests through the code that serves them.
type Gateway struct {
	// Rehearse returns a gateway for tests of a set of rules.
	Rehearse func(*rules.Set) (ruletest.Gateway, error)
	// Explain decides a request as a gateway would, and says why.
	Explain func(*rules.Set, *rules.Test) (*rules.Explanation, error)
	// CallerAt is a caller as rules have them, with the address that they come from.
	CallerAt func(auth.Caller, netip.Addr) rules.Caller
}

// All are the commands, each ready for a root.
func All(g Gateway) []*cobra.Command {
	list := []*cobra.Command{rulesCommand(g), auditCommand(), keysCommand(), selectCommand(), treatCommand(), revealCommand()}
	for _, cmd := range list {
		Plain(cmd)
	}
	return list
}

func rulesCommand(g Gateway) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Checks, tests, explains, compares and proposes rule files, and prints their schema",
	}
	cmd.AddCommand(checkCommand(), testCommand(g), explainCommand(g), diffCommand(), schemaCommand(), discoverCommand(), coverageCommand())
	return cmd
}

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verifies and searches the access log",
	}
	cmd.AddCommand(verifyCommand(), searchCommand(), keyCommand())
	return cmd
}

// flag is the text of a flag that a command has.
func flag(cmd *cobra.Command, name string) string { return cmd.Flag(name).Value.String() }
