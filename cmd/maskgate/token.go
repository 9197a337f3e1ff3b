package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/spf13/cobra"
)

func tokenCommand() *cobra.Command {
	var known []string
	for _, p := range demo.People {
		known = append(known, p.Short)
	}
	cmd := &cobra.Command{
		Use:   "token " + strings.Join(known, "|") + "|--claims JSON",
		Short: "Mints a token of the demo's issuer",
		Long: `Mints a token of the demo's issuer, whose key it makes on first use, for one of the
demo's people or, with --claims, for whoever you say: a JSON object, or a file with one. Its iss
and aud are the demo's, and it lasts for --ttl unless its claims say otherwise. docs/tokens.md has
the claims that Maskgate reads. Nothing but a demo, or a gateway on a developer's machine, should
trust it.`,
		Example: `  maskgate token --claims '{"sub":"collector-07","roles":["collector"],` +
			`"purpose":["loan-collection"],"amr":["pwd"]}'` +
			"\n  curl -H \"Authorization: Bearer $(maskgate token credit-officer)\" " +
			"-H 'Maskgate-Purpose: loan-review' " +
			"http://127.0.0.1:8080/v1/customers/" + demo.TourCustomerID,
	}
	data := cmd.Flags().String("data", "maskgate-data", "the demo's data directory")
	ttl := cmd.Flags().Duration("ttl", time.Hour, "how long the token is valid")
	claims := cmd.Flags().String("claims", "",
		"the claims of the token, as JSON or the name of a file with it")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if (len(args) == 1) == (*claims != "") || len(args) > 1 {
			return errors.New(
				"want either one of the demo's people or --claims, who the token is for")
		}
		if len(args) == 1 && !slices.Contains(known, args[0]) {
			return fmt.Errorf("nobody is called %q; want one of %s, or --claims", args[0],
				strings.Join(known, ", "))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		object, err := readClaims(*claims)
		if err != nil {
			return command.Misuse(err)
		}
		issuer, err := demo.OpenIssuer(filepath.Join(*data, "issuer"))
		if err != nil {
			return err
		}
		var token string
		if *claims != "" {
			token, err = issuer.Sign(object, *ttl, time.Now())
		} else {
			person, _ := demo.Find(args[0])
			token, err = issuer.Token(person, *ttl, time.Now())
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
		return err
	}
	command.Plain(cmd)
	return cmd
}

// readClaims returns the JSON object that --claims is, or that is in the file that it names.
func readClaims(flag string) ([]byte, error) {
	if flag == "" || strings.HasPrefix(strings.TrimSpace(flag), "{") {
		return []byte(flag), nil
	}
	object, err := os.ReadFile(flag)
	if err != nil {
		return nil, fmt.Errorf("--claims: want a JSON object, or the name of a file with one: %w",
			err)
	}
	return object, nil
}
