package caddymodule

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/command"
	"github.com/spf13/cobra"
)

// Any build of Caddy with this package has Maskgate's commands.
func init() {
	for i, cmd := range command.All() {
		register(cmd.Name(), cmd.Short, func() *cobra.Command { return command.All()[i] })
	}
}

// register registers a command with Caddy, whose main then exits with the command's status. Caddy
// may ask for the command more than once, each time for one with flags of its own.
func register(name, short string, create func() *cobra.Command) {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  name,
		Short: short,
		CobraFunc: func(registered *cobra.Command) {
			cmd := create()
			exits(cmd)
			below := cmd.Commands()
			cmd.RemoveCommand(below...)
			*registered = *cmd
			registered.AddCommand(below...)
		},
	})
}

// exits makes a command, and those below it, return errors by which Caddy's main exits with their
// status.
func exits(cmd *cobra.Command) {
	arguments, run, flagFault := cmd.Args, cmd.RunE, cmd.FlagErrorFunc()
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		return exit(cmd, arguments(cmd, args))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return exit(cmd, run(cmd, args)) }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit(cmd, flagFault(cmd, err))
	})
	for _, below := range cmd.Commands() {
		exits(below)
	}
}

// exit returns an error by which Caddy's main exits with the status of a command's error. By itself
// it exits with 1 for any.
func exit(cmd *cobra.Command, err error) error {
	status := command.ExitStatus(err)
	if status <= 1 {
		return err
	}
	fail := func(caddycmd.Flags) (int, error) { return status, nil }
	return fmt.Errorf("%w: %w", caddycmd.WrapCommandFuncForCobra(fail)(cmd, nil), err)
}
