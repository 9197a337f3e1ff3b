package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/maskgate/maskgate/keys"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
	"github.com/spf13/cobra"
)

func revealCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reveal --purpose PURPOSE --type TYPE VALUE...",
		Short: "Turns tokens and ciphertexts back into values, for holders of the key file",
		Long: `Turns what the treatments token and encrypt made back into values, and prints each
as JSON, on a line of its own. VALUE - stands for the lines of standard input, where other users
of the machine cannot see them.

Whoever can read the key file may reveal; nobody else can. Nothing is sent to a gateway, and no
value is logged.

A ciphertext names its form and key. A token does not: give --treatment with the arguments that
the rules gave it, and, if keys were rotated since, --key-version. It has no seal either: with
another purpose, type, treatment or key, something else comes out.

Exit status: 0; 1 if a value cannot be turned back, which stops at the first; 2 if the command is
called wrongly, or there is no key file.`,
		Example: "  maskgate reveal --purpose loan-review --type person_name e1:1:…\n" +
			"  maskgate reveal --purpose loan-review --type bank_card --treatment " +
			"'token(keep_first=6, keep_last=4)' - < tokens.txt",
		Args: cobra.MinimumNArgs(1),
		RunE: reveal,
	}
	cmd.Flags().String("data", defaultDataDir, "the gateway's data directory")
	cmd.Flags().String("purpose", "",
		"the purpose of the access that yielded the values (required)")
	cmd.Flags().String("type", "", "the type of the field (required)")
	cmd.Flags().String("treatment", "token",
		"the treatment, as rule files write it; ciphertexts need none")
	cmd.Flags().Int("key-version", 0, "version of the key of tokens; 0 is the newest")
	return cmd
}

func reveal(cmd *cobra.Command, values []string) error {
	if flag(cmd, "purpose") == "" || flag(cmd, "type") == "" {
		return Misuse(errors.New("want --purpose and --type, under which the values were made"))
	}
	tokens, err := treatment.ParseExpression(flag(cmd, "treatment"))
	if err != nil {
		return Misuse(fmt.Errorf("--treatment: %w", err))
	}
	version, err := strconv.Atoi(flag(cmd, "key-version"))
	if err != nil {
		return Misuse(fmt.Errorf("--key-version: %w", err))
	}
	log, err := OpenAccessLog(flag(cmd, "data"))
	if err != nil {
		return err
	}
	r := revealer{
		keys:      log.keys.Pseudonyms(flag(cmd, "purpose")),
		typ:       flag(cmd, "type"),
		out:       cmd.OutOrStdout(),
		reversers: map[string]treatment.Reverser{},
	}
	count := 0
	for _, value := range values {
		if value != "-" {
			count++
			if err := r.reveal(value, tokens, version); err != nil {
				return No(fmt.Errorf("value %d: %w", count, err))
			}
			continue
		}
		lines := bufio.NewScanner(cmd.InOrStdin())
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			count++
			if err := r.reveal(lines.Text(), tokens, version); err != nil {
				return No(fmt.Errorf("value %d: %w", count, err))
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
	}
	return nil
}

// revealer turns values of one purpose and type back.
type revealer struct {
	keys      []keys.Key // newest first
	typ       string
	out       io.Writer
	reversers map[string]treatment.Reverser // by treatment and version
}

// reveal prints what a value was. Its error never holds the value.
func (r *revealer) reveal(value string, tokens treatment.Expression, version int) error {
	e := tokens
	if sealed, named, ok := treatment.Ciphertext(value); ok {
		e, version = sealed, named
	}
	reverser, err := r.reverser(e, version)
	if err != nil {
		return err
	}
	out, ok := reverser.Reverse(nil, masking.Value{Kind: masking.String, Text: []byte(value)})
	if !ok {
		return fmt.Errorf("%s did not make it for this purpose and type with this key", e.Name)
	}
	_, err = fmt.Fprintf(r.out, "%s\n", out)
	return err
}

// reverser returns the inverse of a treatment under a version of the key; version 0 is the newest.
func (r *revealer) reverser(e treatment.Expression, version int) (treatment.Reverser, error) {
	id := e.String() + "\x00" + strconv.Itoa(version)
	if known := r.reversers[id]; known != nil {
		return known, nil
	}
	i := 0
	if version != 0 {
		i = slices.IndexFunc(r.keys, func(k keys.Key) bool { return k.Version == version })
		if i < 0 {
			return nil, fmt.Errorf("the key file has no version %d", version)
		}
	}
	key := r.keys[i]
	t, err := e.Treatment(treatment.Environment{
		Type: r.typ, PseudonymKey: func() ([]byte, int) { return key.Secret, key.Version },
	})
	if err != nil {
		return nil, err
	}
	reverser, ok := t.Transform.(treatment.Reverser)
	if !ok {
		return nil, fmt.Errorf("%s cannot be turned back; token and encrypt can", e.Name)
	}
	r.reversers[id] = reverser
	return reverser, nil
}
