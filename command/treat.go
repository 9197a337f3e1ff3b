package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
	"github.com/spf13/cobra"
)

func treatCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "treat [--type TYPE] [--json] TREATMENT VALUE...",
		Short: "Prints what a treatment makes of values",
		Long: `Prints what a treatment of rule files makes of values, as JSON, a line each, by the
code that rewrites responses. A value that the treatment does not take is dropped, and so is any
under drop: then the line is the word dropped, without quotes.

Each VALUE is a text, or, with --json, any JSON value.

Pseudonyms, tokens, ciphertexts and shifted dates come of the key of a purpose: they want
--purpose, and to read the gateway's key file.

Exit status: 0; 2 on an error.`,
		Example: "  maskgate treat 'mask(keep_first=3, keep_last=4)' 13812345678\n" +
			"  maskgate treat address 北京市海淀区马连洼街道289号\n" +
			"  maskgate treat --purpose loan-review --type bank_card " +
			"'token(keep_first=6, keep_last=4)' 6222021234567890128",
		Args: cobra.MinimumNArgs(2),
		RunE: treat,
	}
	cmd.Flags().String("type", "", "the type of the field: pseudonyms of two types differ")
	cmd.Flags().Bool("json", false, "values are JSON")
	cmd.Flags().String("purpose", "", "the purpose whose key is used")
	cmd.Flags().String("data", defaultDataDir,
		"the gateway's data directory, which has the key file")
	cmd.Flags().String("subject", "", "whom the values are about: shift wants it")
	return cmd
}

func treat(cmd *cobra.Command, args []string) error {
	e, err := treatment.ParseExpression(args[0])
	if err != nil {
		return err
	}
	env := treatment.Environment{Type: flag(cmd, "type")}
	if purpose := flag(cmd, "purpose"); purpose != "" {
		log, err := OpenAccessLog(flag(cmd, "data"))
		if err != nil {
			return err
		}
		key := log.keys.Pseudonym(purpose)
		env.PseudonymKey = func() ([]byte, int) { return key.Secret, key.Version }
	}
	t, err := e.Treatment(env)
	if err != nil && env.PseudonymKey == nil {
		return fmt.Errorf("%w; if it wants a key, give --purpose", err)
	} else if err != nil {
		return err
	}
	for i, value := range args[1:] {
		if flag(cmd, "json") != "true" {
			value = quote(value)
		} else if !json.Valid([]byte(value)) {
			return fmt.Errorf("value %d is not JSON; write texts in double quotes, as in "+
				"'\"张三\"', or leave out --json", i+1)
		}
		if err := printTreated(cmd.OutOrStdout(), t, value, flag(cmd, "subject")); err != nil {
			return fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	return nil
}

// quote writes a text as JSON.
func quote(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // impossible: a string
	}
	return string(data)
}

// printTreated prints what a treatment makes of a value, by rewriting a record with the value as
// its only field.
func printTreated(w io.Writer, t masking.Treatment, value, subject string) error {
	spec := masking.RecordSpec{Select: "$", Fields: []string{"$.value"}}
	doc := `{"value":` + value + `}`
	if subject != "" {
		spec.Subject = "$.subject"
		doc = `{"subject":` + quote(subject) + `,"value":` + value + `}`
	}
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{spec}})
	if err != nil {
		return err
	}
	ctx, decider := context.Background(), onlyField(t)
	out, err := layout.Append(ctx, nil, []byte(doc), masking.Document, decider, nil)
	if err != nil {
		return err
	}
	var treated struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(out, &treated); err != nil {
		return err
	}
	if treated.Value == nil {
		treated.Value = json.RawMessage("dropped")
	}
	_, err = fmt.Fprintf(w, "%s\n", treated.Value)
	return err
}

// onlyField is a decider that gives a record's only field a treatment.
type onlyField masking.Treatment

// Decide implements [masking.Decider].
func (t onlyField) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	for i, r := range records {
		profiles[i] = &masking.Profile{}
		if r.Kind != masking.Envelope {
			profiles[i].Treatments = []masking.Treatment{masking.Treatment(t)}
		}
	}
	return nil
}
