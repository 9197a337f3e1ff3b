package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// Exit statuses of Maskgate's commands, so that scripts can tell an answer from a question that could not be asked.
const (
	exitNo      = 1 // the answer is no: a test failed, a change opens something, a request is refused, a log is altered
	exitFailed  = 2 // there is no answer: the command was called wrongly, or what it reads is missing or broken
	exitNothing = 3 // there is nothing to answer about, or not yet
)

// ending is an error that ends a command with a status of its own.
type ending struct {
	status int
	err    error // nil: what the command wrote says why
}

func (e *ending) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exiting with status %d", e.status)
	}
	return e.err.Error()
}

func (e *ending) Unwrap() error { return e.err }

// No ends a command with the answer no, exit status 1; err may be nil where what the command wrote says why. Any other error ends a
// command with 2: there is no answer.
func No(err error) error { return &ending{exitNo, err} }

// Misuse says that a command was called wrongly, which is shown with how it is called.
func Misuse(err error) error {
	if err == nil {
		return nil
	}
	return &misuse{err}
}

type misuse struct{ error }

func (m *misuse) Unwrap() error { return m.error }

// Plain makes a command, and those below it, end as Maskgate's do: no flag is taken twice unless it collects values; what is wrong
// stands on standard error once, as text; and [ExitStatus] of the error is one of the three above.
func Plain(cmd *cobra.Command) {
	onlyOnce(cmd.Flags())
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return end(cmd, flagFault(err)) })
	if cmd.RunE == nil {
		groupOfCommands(cmd)
	}
	arguments, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, args []string) error { return end(cmd, Misuse(arguments(cmd, args))) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return end(cmd, run(cmd, args)) }
	for _, c := range cmd.Commands() {
		Plain(c)
	}
}

// groupOfCommands makes a command that only holds others. A misspelt one must not pass for a request for help, which succeeds.
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

// end shows an error, and returns one that carries the exit status.
func end(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true // cobra would show more
	printError(cmd.ErrOrStderr(), err)
	if _, ok := errors.AsType[*misuse](err); ok {
		fmt.Fprintf(cmd.ErrOrStderr(), "usage: %s\n", strings.Join(strings.Fields(cmd.UseLine()), " "))
	}
	return &ending{ExitStatus(err), err}
}

// ExitStatus is the status with which a process exits that ran a command to this error.
func ExitStatus(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*ending](err); ok {
		return e.status
	}
	return exitFailed
}

// printError shows an error for people: faults of files as the lines that editors read too, all else under the name of the binary.
func printError(w io.Writer, err error) {
	switch e := any(err).(type) { // of this error, not of one that it wraps
	case *ending:
		if e.err != nil {
			printError(w, e.err)
		}
	case *misuse:
		printError(w, e.error)
	case *rules.Fault:
		fmt.Fprintln(w, e)
	case interface{ Unwrap() []error }: // joined
		for _, one := range e.Unwrap() {
			printError(w, one)
		}
	default:
		fmt.Fprintf(w, "maskgate: %v\n", err)
	}
}

// unanswered ends a command that cannot read what it is to judge: for machines with the findings, as their answer.
func unanswered(cmd *cobra.Command, asJSON bool, err error) error {
	if !asJSON {
		return err
	}
	err = printJSON(cmd.OutOrStdout(), struct {
		Findings []rules.Finding `json:"findings"`
	}{rules.Findings(err)})
	return errors.Join(&ending{exitFailed, nil}, err)
}
