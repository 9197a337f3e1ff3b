package command

import (
	"fmt"

	"github.com/maskgate/maskgate/keys"
	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Rotates the keys of pseudonyms, tokens, ciphertexts and the access log",
	}
	cmd.AddCommand(rotateCommand())
	return cmd
}

// rotateCommand is keys rotate.
func rotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Adds a version to the key file",
		Long: `Adds a version to the key file of a data directory. A gateway uses it from its next
start on: restart it (a reload is not enough).

The versions before it stay, for what was made with them: the access log goes on to verify and to
be searched by subject, and ciphertexts and tokens can be revealed (tokens with --key-version).
But pseudonyms and tokens of the new version differ from those of the old for the same value, so
whoever joins data by them has to know when keys were rotated. Back the key file up before and
after.

Exit status: 0; 2 if there is no key file, or another rotation is under way.`,
		Example: "  maskgate keys rotate --data maskgate-data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := keys.ReadDirectory(flag(cmd, "data"))
			if err != nil {
				return fmt.Errorf("rotating keys: %w", err)
			}
			set, err := data.Rotate()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(),
				"key version %d is in place; restart the gateway to use it, and give auditors "+
					"its public key (maskgate audit key)\n",
				set.Subject().Version)
			return err
		},
	}
	cmd.Flags().String("data", defaultDataDir, "the gateway's data directory")
	return cmd
}
