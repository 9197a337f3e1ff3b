// Package command is everything that an operator types: the commands rules, audit, keys, select,
// treat and reveal, and how a command of Maskgate ends. It knows no server: who embeds it adds its
// commands to a root of their own, runs that, and exits with [ExitStatus]:
//
//	root.AddCommand(command.All()...)
//	os.Exit(command.ExitStatus(root.Execute()))
//
// Each command is a function of its own file that returns it, and stands in All or below one that
// does. Commands that need the demo (demo, token) are package cmd/maskgate's.
//
// The exit status tells an answer from a question that could not be asked: 0 yes, 1 no, 2 there is
// no answer, 3 there is nothing to answer about. What is wrong stands on standard error once, as
// text.
package command

import "github.com/spf13/cobra"

// All returns the commands, each ready to be added to a root.
func All() []*cobra.Command {
	list := []*cobra.Command{
		rulesCommand(), auditCommand(), keysCommand(),
		selectCommand(), treatCommand(), revealCommand(),
	}
	for _, cmd := range list {
		Plain(cmd)
	}
	return list
}

func rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Checks, tests, explains, compares and proposes rule files, and prints their schema",
	}
	cmd.AddCommand(
		checkCommand(), testCommand(), explainCommand(), diffCommand(),
		schemaCommand(), discoverCommand(), coverageCommand(),
	)
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
