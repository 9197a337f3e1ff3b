package caddymodule

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/command"
	"github.com/spf13/cobra"
)

func init() {
	for i := range command.All() {
		RegisterCommand(func() *cobra.Command { return command.All()[i] })
	}
}

// RegisterCommand registers a command that is [command.Plain] with Caddy, whose main then exits with the command's status.
// Caddy may ask for the command more than once, each time for one with flags of its own.
func RegisterCommand(create func() *cobra.Command) {
	cmd := create()
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  cmd.Name(),
		Short: cmd.Short,
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

// exits makes a command, and those below it, return errors by which Caddy's main exits with their status.
func exits(cmd *cobra.Command) {
	arguments, run, flagFault := cmd.Args, cmd.RunE, cmd.FlagErrorFunc()
	cmd.Args = func(cmd *cobra.Command, args []string) error { return exit(cmd, arguments(cmd, args)) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return exit(cmd, run(cmd, args)) }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return exit(cmd, flagFault(cmd, err)) })
	for _, below := range cmd.Commands() {
		exits(below)
	}
}

// exit returns an error by which Caddy's main exits with the status of a command's. By itself it exits with 1 for any error.
func exit(cmd *cobra.Command, err error) error {
	status := command.ExitStatus(err)
	if status <= 1 {
		return err
	}
	caddys := caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(cmd, nil)
	return fmt.Errorf("%w: %w", caddys, err)
}
