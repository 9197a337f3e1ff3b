package command

import (
	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// schemaCommand is rules schema.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Prints the JSON Schema of rule files",
		Long: `Prints the JSON Schema (draft 7) by which editors complete and check rule files. Put
its path in front of a file:

  # yaml-language-server: $schema=rules.schema.json`,
		Example: "  maskgate rules schema > rules.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(rules.Schema())
			return err
		},
	}
}
