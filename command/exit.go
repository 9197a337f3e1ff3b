package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// Exit statuses of Maskgate's commands, so that scripts can tell an answer from a question that
// could not be asked.
const (
	// exitNo: the answer is no. A test failed, a change opens something, a request is refused, a
	// log is altered.
	exitNo = 1
	// exitFailed: there is no answer. The command was called wrongly, or what it reads is missing
	// or broken.
	exitFailed = 2
	// exitNothing: there is nothing to answer about, or not yet.
	exitNothing = 3
)

// ending is an error that ends a command with a status of its own.
type ending struct {
	status int
	err    error // nil if the command's output says why
}

func (e *ending) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exiting with status %d", e.status)
	}
	return e.err.Error()
}

func (e *ending) Unwrap() error { return e.err }

// No returns an error that ends a command with the answer no, exit status 1. err may be nil if the
// command's output says why. Any error that is not made by No ends a command with 2: no answer.
func No(err error) error { return &ending{exitNo, err} }

// Misuse marks an error as a wrong call of a command, so that the command's usage is shown too.
// Misuse(nil) is nil.
func Misuse(err error) error {
	if err == nil {
		return nil
	}
	return &misuse{err}
}

type misuse struct{ error }

func (m *misuse) Unwrap() error { return m.error }

// Plain makes a command, and the commands below it, behave as Maskgate's do. A flag that is given
// twice is an error, unless it collects values. What is wrong stands on standard error once, as
// text. [ExitStatus] of the command's error is 1, 2 or 3, as the package comment says.
//
// Call it once for a command, when its flags and the commands below it are complete.
func Plain(cmd *cobra.Command) {
	onlyOnce(cmd.Flags())
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return end(cmd, flagFault(err))
	})
	if cmd.RunE == nil {
		groupOfCommands(cmd)
	}
	arguments, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		return end(cmd, Misuse(arguments(cmd, args)))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return end(cmd, run(cmd, args)) }
	for _, c := range cmd.Commands() {
		Plain(c)
	}
}

// groupOfCommands completes a command that only holds others: alone it prints its help. The name of
// a command that is misspelt must not pass for a request for help, which succeeds.
func groupOfCommands(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		meant := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			meant = fmt.Sprintf(" (did you mean %s?)", near[0])
		}
		return fmt.Errorf("%s has no command %q%s", cmd.Name(), args[0], meant)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	cmd.Use = cmd.Name() + " " + strings.Join(names, "|")
	cmd.DisableFlagsInUseLine = true
}

// end shows an error, and returns an error that carries the exit status.
func end(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true // cobra would show more
	printError(cmd.ErrOrStderr(), err)
	if _, ok := errors.AsType[*misuse](err); ok {
		fmt.Fprintf(cmd.ErrOrStderr(), "usage: %s\n",
			strings.Join(strings.Fields(cmd.UseLine()), " "))
	}
	return &ending{ExitStatus(err), err}
}

// ExitStatus returns the status with which a process exits after a command returned this error: 0
// for nil, and 2 for the error of a command that is not [Plain].
func ExitStatus(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*ending](err); ok {
		return e.status
	}
	return exitFailed
}

// printError shows an error for people: a fault of a file as the line that editors read too, any
// other error behind the name of the binary.
func printError(w io.Writer, err error) {
	switch e := any(err).(type) { // what err itself is, not what it wraps
	case *ending:
		if e.err != nil {
			printError(w, e.err)
		}
	case *misuse:
		printError(w, e.error)
	case *rules.Fault:
		fmt.Fprintln(w, e)
	case interface{ Unwrap() []error }: // errors.Join made it
		for _, joined := range e.Unwrap() {
			printError(w, joined)
		}
	default:
		fmt.Fprintf(w, "maskgate: %v\n", err)
	}
}

// unanswered returns the error of a command that cannot read its files. For machines it prints what
// is wrong as the answer.
func unanswered(cmd *cobra.Command, asJSON bool, err error) error {
	if !asJSON {
		return err
	}
	err = printJSON(cmd.OutOrStdout(), struct {
		Findings []rules.Finding `json:"findings"`
	}{rules.Findings(err)})
	return errors.Join(&ending{exitFailed, nil}, err)
}
