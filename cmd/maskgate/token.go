package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/caddymodule"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "token",
		Short: "Mints a token of the demo's issuer",
		Long:  "Mints a token of the demo's issuer, whose key it makes on first use. Nothing but a demo should trust it.",
		CobraFunc: func(cmd *cobra.Command) {
			var known []string
			for _, p := range demo.People {
				known = append(known, p.Short)
			}
			data := cmd.Flags().String("data", "maskgate-data", "the demo's data directory")
			ttl := cmd.Flags().Duration("ttl", time.Hour, "how long the token is valid")
			cmd.Use = "token " + strings.Join(known, "|")
			cmd.Example = "  curl -H \"Authorization: Bearer $(maskgate token credit-officer)\" -H 'Maskgate-Purpose: loan-review' http://127.0.0.1:8080/v1/customers/" + demo.TourCustomerID
			cmd.Args = cobra.ExactArgs(1)
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				person, ok := demo.Find(args[0])
				if !ok {
					return caddymodule.Misuse(fmt.Errorf("nobody is called %q; want one of %s", args[0], strings.Join(known, ", ")))
				}
				issuer, err := demo.OpenIssuer(filepath.Join(*data, "issuer"))
				if err != nil {
					return err
				}
				token, err := issuer.Token(person, *ttl, time.Now())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
				return err
			}
			caddymodule.Plain(cmd)
		},
	})
}
