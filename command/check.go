package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// checkCommand is rules check.
func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "Reports every fault of rule files, and what should not go into force unseen",
		Long: `Reads rule files, or directories of them, as one set, and reports, as
file:line:column: severity: message [code],
  - all faults for which they do not load, or else
  - what loads but looks wrong or unsafe: docs/lint.md lists the codes, with what to do.
A warning is accepted, with a reason, by the key accept of the file that it is about; it is then
counted, and listed by --json only.

Exit status: 0 if the rules load and nothing is found but warnings, 1 if there are errors, or
warnings with --strict (accepted ones do not count), 2 if the rules cannot be read or do not load:
a gateway would not start with them.`,
		Example: "  maskgate rules check examples/customer\n" +
			"  maskgate rules check --strict --json rules/",
		Args: cobra.MinimumNArgs(1),
	}
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	strict := cmd.Flags().Bool("strict", false, "exit with 1 for warnings too")
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		files, err := rules.ReadFiles(paths...)
		if err != nil && !*asJSON {
			return err
		}
		c := checked{
			Files: len(files), Findings: rules.Findings(err),
			PassedOver: rules.FindPassedOver(paths...),
		}
		var set *rules.Set
		if err == nil {
			set, c.Findings = rules.Check(files)
		}
		if set != nil {
			c.Routes, c.Roles, c.Digest = len(set.Routes()), len(set.Roles()), set.Digest()
		}
		c.count()
		if out := cmd.OutOrStdout(); *asJSON {
			err = c.json(out)
		} else {
			for _, p := range c.PassedOver {
				fmt.Fprintf(cmd.ErrOrStderr(), "maskgate: not read: %s: %s\n", p.File, p.Why)
			}
			err = c.text(out, colours(out))
		}
		switch {
		case err != nil:
			return err
		case set == nil:
			return &ending{exitFailed, nil}
		case c.Errors > 0 || *strict && c.Warnings > 0:
			return No(nil)
		}
		return nil
	}
	return cmd
}

// checked is what rules check has to say.
type checked struct {
	Files    int             `json:"files"`
	Routes   int             `json:"routes"`
	Roles    int             `json:"roles"`
	Digest   string          `json:"digest,omitempty"` // "" if the rules do not load
	Errors   int             `json:"errors"`
	Warnings int             `json:"warnings"` // not counting accepted ones
	Accepted int             `json:"accepted"`
	Findings []rules.Finding `json:"findings"`

	// PassedOver are files that look like rules, and are not read.
	PassedOver []rules.PassedOver `json:"passed_over,omitempty"`
}

func (c *checked) count() {
	for _, f := range c.Findings {
		switch {
		case f.Severity == rules.Error:
			c.Errors++
		case f.Accepted != "":
			c.Accepted++
		default:
			c.Warnings++
		}
	}
}

func (c *checked) json(out io.Writer) error {
	if c.Findings == nil {
		c.Findings = []rules.Finding{}
	}
	return printJSON(out, c)
}

func (c *checked) text(out io.Writer, p palette) error {
	var b strings.Builder
	for _, f := range c.Findings {
		switch {
		case f.Accepted != "":
			continue
		case f.Severity == rules.Error:
			b.WriteString(p.red(f.String()) + "\n")
		default:
			b.WriteString(p.yellow(f.String()) + "\n")
		}
	}
	if c.Digest == "" {
		fmt.Fprintf(&b, "%s: not in order, %s; a gateway would not start with them\n",
			plural(c.Files, "file"), plural(c.Errors, "error"))
		_, err := io.WriteString(out, b.String())
		return err
	}
	verdict := "in order"
	if c.Errors+c.Warnings > 0 {
		verdict = plural(c.Errors, "error") + ", " + plural(c.Warnings, "warning")
	}
	if c.Accepted > 0 {
		verdict += fmt.Sprintf(", %d accepted", c.Accepted)
	}
	fmt.Fprintf(&b, "%s, %s, %s: %s\n%s\n", plural(c.Files, "file"), plural(c.Routes, "route"),
		plural(c.Roles, "role"), verdict, c.Digest)
	_, err := io.WriteString(out, b.String())
	return err
}

// plural writes a number and what it counts.
func plural[N int | int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
