package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/command"
	"github.com/spf13/cobra"
)

// The groups of commands in the help.
const (
	groupMaskgate = "maskgate"
	groupServer   = "server"
)

// newRoot returns the command maskgate. The root of Caddy's main would not do: it cannot be
// changed, lists every command of Caddy, also those that replace the binary by a download, and its
// examples say caddy.
func newRoot() *cobra.Command {
	_, version := caddy.Version()
	root := &cobra.Command{
		Use: "maskgate",
		Long: `Maskgate stands in front of a data service: it decides what each caller may see of
each record, masks the rest, and writes a tamper-evident access record before a byte leaves.

Begin with:  maskgate demo`,
		Example: "  maskgate demo --once\n" +
			"  maskgate rules check --strict rules/\n" +
			"  maskgate run --config Caddyfile",
		Version:      version,
		SilenceUsage: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupMaskgate, Title: "Maskgate:"},
		&cobra.Group{ID: groupServer, Title: "Server:"},
	)
	for _, cmd := range append(command.All(), demoCommand(), tokenCommand()) {
		cmd.GroupID = groupMaskgate
		root.AddCommand(cmd)
	}
	addServerCommands(root)
	return root
}

// serverHelp is the help for a command of Caddy's, in place of Caddy's own.
type serverHelp struct {
	group                string
	short, long, example string
}

// serverHelps has the commands of Caddy's that help lists. The others can be run too, but a sidecar
// has no use for them. stop and reload ask Caddy's admin endpoint, which the shipped Caddyfile
// turns off, and start leaves a process behind that only stop would end.
var serverHelps = map[string]serverHelp{
	"run": {
		groupServer,
		"Runs the gateway until a signal ends it",
		`Runs the gateway in the foreground, under the configuration that --config names, or else
under ./Caddyfile.

SIGTERM, or Ctrl-C, ends it when the requests in flight are finished. SIGUSR1 loads the
configuration file again. Rule files need no signal: they are taken anew whenever they change.`,
		"  maskgate run --config Caddyfile\n" +
			"  maskgate run --config gateway.conf --adapter caddyfile",
	},
	"validate": {
		groupServer,
		"Tests whether a gateway would start with a configuration",
		`Loads a configuration, with its rule files and the keys of tokens, and does not run it:
no port is opened, and neither key file nor access log is touched. It can be run beside a
gateway.`,
		"  maskgate validate --config Caddyfile",
	},
	"adapt": {
		groupServer,
		"Prints a configuration as the JSON that it stands for",
		`Prints the JSON that a Caddyfile stands for, and warnings on standard error.`,
		"  maskgate adapt --config Caddyfile --pretty",
	},
	"fmt": {
		groupServer,
		"Formats a Caddyfile",
		`Prints a Caddyfile with its lines indented, or writes it back with --overwrite. With
--diff it prints both, with - and + in front of lines that differ.`,
		"  maskgate fmt --overwrite Caddyfile",
	},
	"list-modules": {
		groupServer,
		"Lists the modules of this binary",
		`Lists the modules that are compiled into this binary: Maskgate's, and those of Caddy that
a sidecar needs.`,
		"  maskgate list-modules --skip-standard",
	},
	"version": {
		"",
		"Prints the versions of Maskgate and Caddy",
		`Prints the versions of Maskgate and Caddy. Behind the plus sign of Maskgate's stands the
commit that the binary was built from.`,
		"  maskgate version",
	},
}

// addServerCommands adds Caddy's commands. Help lists those that serverHelps has.
func addServerCommands(root *cobra.Command) {
	ours := map[string]bool{}
	for _, cmd := range root.Commands() {
		ours[cmd.Name()] = true
	}
	registered := caddycmd.Commands()
	names := slices.Sorted(maps.Keys(registered))
	var said []string
	for _, name := range names {
		said = append(said, "caddy "+name, "maskgate "+name)
	}
	saidBy := strings.NewReplacer(said...)
	for _, name := range names {
		if ours[name] {
			continue
		}
		cmd := serverCommand(registered[name])
		if help, ok := serverHelps[name]; ok {
			cmd.GroupID, cmd.Short, cmd.Example = help.group, help.short, help.example
			cmd.Long = help.long + "\n\nThe command is Caddy's: " +
				"https://caddyserver.com/docs/command-line#caddy-" + name
		} else {
			cmd.Hidden = true
		}
		adopt(cmd, saidBy)
		root.AddCommand(cmd)
	}
}

// serverCommand returns the command that Caddy's main makes of a registered one.
func serverCommand(c caddycmd.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   strings.TrimSpace(c.Name + " " + c.Usage),
		Short: c.Short,
		Long:  strings.TrimSpace(c.Long),
	}
	if c.CobraFunc != nil {
		c.CobraFunc(cmd)
	} else {
		cmd.RunE = caddycmd.WrapCommandFuncForCobra(c.Func)
		cmd.Flags().AddGoFlagSet(c.Flags)
	}
	return cmd
}

// adopt makes a command of Caddy's, and the commands below it, call the binary by its name and mark
// their errors.
func adopt(cmd *cobra.Command, saidBy *strings.Replacer) {
	cmd.Long, cmd.Example = saidBy.Replace(cmd.Long), saidBy.Replace(cmd.Example)
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := run(cmd, args); err != nil {
				return &serverError{err}
			}
			return nil
		}
	}
	for _, below := range cmd.Commands() {
		adopt(below, saidBy)
	}
}

// serverError marks the error of a command of Caddy's that ran.
type serverError struct{ error }

func (e *serverError) Unwrap() error { return e.error }

// exitStatus returns the status of the process: 1 if a command of Caddy's ran and failed, and else
// what package command says, which is 2 for a command that does not exist or was called wrongly.
func exitStatus(err error) int {
	if _, ok := errors.AsType[*serverError](err); ok {
		return caddy.ExitCodeFailedStartup
	}
	return command.ExitStatus(err)
}
