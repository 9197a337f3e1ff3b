package command

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// explainCommand is rules explain.
func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain (--caller JSON | --claims FILE) --request REQUEST RULES...",
		Short: "Says what a caller gets of each field, which line decided it, " +
			"and why the others did not",
		Long: `Decides a request as a gateway would and says why: for each field its treatment,
the file and line of the entry that decided, and why every other entry did not. With --response,
for each record of what the data service answers; records that are decided alike are shown once.
Without it, for each kind of record, supposing that the conditions of roles hold where they read
it. No value of a response is printed.

--claims takes the payload of a token, which is not verified; --claim says which claim is what
where that differs from the defaults, as in the Caddyfile. --standing takes what is on record
about subjects, with the keys consents and grants of tests.

Exit status: 0; 1 if the request is refused; 2 if a file or an argument is broken.`,
		Example: "  maskgate rules explain --caller " +
			"'{id: agent-07, roles: [customer-service], purposes: [customer-service]}' \\\n" +
			"    --purpose customer-service --request 'GET /v1/customers/C00000052' " +
			"examples/customer",
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().String("caller", "", "who asks, as tests have it, in YAML or JSON")
	cmd.Flags().String("claims", "",
		"file with the payload of their token instead; - is standard input")
	cmd.Flags().StringToString("claim", nil,
		"which claim is what, as in roles=realm_access.roles (may be repeated)")
	cmd.Flags().String("purpose", "", "the purpose that the caller names")
	cmd.Flags().String("purpose-prefix", "", "prefix of purposes in the claim, which is stripped")
	cmd.Flags().String("address", "", "with --claims, the network address of the connection")
	cmd.Flags().String("request", "",
		"method, path and query, as in 'GET /v1/customers?page=1' (required)")
	cmd.Flags().String("response", "",
		"file with what the data service answers; - is standard input")
	cmd.Flags().String("type", "application/json", "its media type")
	cmd.Flags().String("standing", "", "consents and grants on record, in YAML or JSON")
	cmd.Flags().String("time", "", "when (RFC 3339); default: now")
	asJSON := cmd.Flags().Bool("json", false,
		"print the explanation as JSON, a member for each record")
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		t, err := explained(cmd)
		if err != nil {
			return err
		}
		set, err := ruletest.Load(paths)
		if err != nil {
			return unanswered(cmd, *asJSON, err)
		}
		x := gateway.Explain(set, t)
		out := cmd.OutOrStdout()
		if *asJSON {
			err = printJSON(out, x)
		} else {
			err = printExplanation(out, x, t.Response != nil)
		}
		if err == nil && x.Refused != "" {
			err = No(nil)
		}
		return err
	}
	return cmd
}

// explained returns the request that the flags describe.
func explained(cmd *cobra.Command) (*rules.Test, error) {
	t := &rules.Test{Request: rules.Request{Purpose: flag(cmd, "purpose"), Time: time.Now()}}
	var err, err2, err3 error
	t.Request.Caller, err = explainedCaller(cmd)
	if t.Method, t.Host, t.Target, err2 = rules.ParseRequest(flag(cmd, "request")); err2 != nil {
		err2 = fmt.Errorf("--request: %w", err2)
	}
	if text := flag(cmd, "time"); text != "" {
		if t.Request.Time, err3 = time.Parse(time.RFC3339, text); err3 != nil {
			err3 = fmt.Errorf("--time: want a time as in 2026-11-20T10:00:00+08:00; have %q", text)
		}
	}
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, Misuse(err)
	}
	if file := flag(cmd, "response"); file != "" {
		body, err := readDocument(file, cmd.InOrStdin())
		if err != nil {
			return nil, err
		}
		t.Response = &rules.TestResponse{Status: 200, Type: flag(cmd, "type"), Body: body}
	}
	if text := flag(cmd, "standing"); text != "" {
		t.Standings, err = rules.ParseStanding("--standing", text, t.Request)
	}
	return t, err
}

// explainedCaller returns the caller that the flags describe.
func explainedCaller(cmd *cobra.Command) (rules.Caller, error) {
	text, file := flag(cmd, "caller"), flag(cmd, "claims")
	switch {
	case (text == "") == (file == ""):
		return rules.Caller{}, errors.New("want either --caller or --claims, who asks")
	case text != "":
		return rules.ParseCaller("--caller", text)
	}
	payload, err := readDocument(file, cmd.InOrStdin())
	if err != nil {
		return rules.Caller{}, err
	}
	names, err := cmd.Flags().GetStringToString("claim")
	if err != nil {
		return rules.Caller{}, err
	}
	claims, err := auth.NewClaims(names)
	if err != nil {
		return rules.Caller{}, fmt.Errorf("--claim: %w", err)
	}
	claims.PurposePrefix = flag(cmd, "purpose-prefix")
	c, err := claims.Unverified(payload)
	if err != nil {
		return rules.Caller{}, fmt.Errorf("--claims: %w", err)
	}
	caller := gateway.CallerAt(c, netip.Addr{})
	if address := flag(cmd, "address"); address != "" {
		at, err := rules.ParseCaller("--address",
			"address: '"+strings.ReplaceAll(address, "'", "''")+"'")
		if err != nil {
			return rules.Caller{}, err
		}
		caller.Address = at.Address
	}
	return caller, nil
}

// printExplanation prints an explanation for people. With numbered, its accounts are about the
// records of a response, which are numbered; without, about kinds of record.
func printExplanation(out io.Writer, x *rules.Explanation, numbered bool) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if x.Route != "" {
		fmt.Fprintf(w, "%s of %s\n", x.Route, x.Service)
	}
	if x.Purpose != "" {
		fmt.Fprintf(w, "purpose %s, basis %s\n", x.Purpose, x.Basis)
	}
	fmt.Fprintf(w, "rules %s\n", x.RulesDigest)
	if x.Public != "" {
		fmt.Fprintf(w, "public, so responses pass unread: %s\n", x.Public)
	}
	if x.Refused != "" {
		fmt.Fprintf(w, "refused: %s\n", x.Refused)
		if x.Cause != "" {
			fmt.Fprintf(w, "  %s\n", x.Cause)
		}
	}
	printEntries(w, "takes no part in the request", "", x.Skipped)
	for _, g := range alike(x.Records) {
		if g.account.Kind == rules.Envelope && len(g.account.Fields) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s", g.account.Kind)
		if numbered && g.account.Kind != rules.Envelope {
			fmt.Fprintf(w, ", record %s", strings.Join(g.numbers, ", "))
		}
		if g.account.Limit > 0 {
			fmt.Fprintf(w, ", at most %d in a response", g.account.Limit)
		}
		for _, q := range g.account.Quotas {
			fmt.Fprintf(w, ", at most %s in %s by %s", plural(q.Subjects, "subject"),
				rules.Span(q.Window), q.Role)
		}
		if g.account.Denied {
			fmt.Fprint(w, ": denied whole, because no role's condition holds")
		}
		fmt.Fprintln(w)
		for _, s := range g.account.Suppose {
			fmt.Fprintf(w, "  supposing, for role %s: %s (%s)\n", s.Role, s.When, s.Rule)
		}
		printEntries(w, "takes no part in the record", "  ", g.account.Skipped)
		for _, f := range g.account.Fields {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", f.Path, f.Type, f.Treatment, f.Reason, f.Rule)
			for _, e := range f.Others {
				if e.Reason != rules.SaysNothing {
					fmt.Fprintf(w, "    not %s\t\t%s\t%s\t%s\n", entryOf(e), e.Treatment, e.Reason,
						e.Rule)
				}
			}
		}
	}
	return w.Flush()
}

// printEntries prints entries that take no part, under a line that says in what.
func printEntries(w io.Writer, what, indent string, list []rules.Entry) {
	for i, e := range list {
		if i == 0 {
			fmt.Fprintf(w, "%s%s:\n", indent, what)
		}
		fmt.Fprintf(w, "%s  %s\t%s\t%s: %s\n", indent, entryOf(e), e.Rule, e.Reason,
			e.Reason.Meaning())
	}
}

// entryOf names the role or cap that an entry belongs to.
func entryOf(e rules.Entry) string {
	if e.Role == "" {
		return "cap " + e.Treatment
	}
	return "role " + e.Role
}

// accountGroup is records that are decided alike, for the same reasons.
type accountGroup struct {
	account rules.Account
	numbers []string // of the records among those of their kind, from 1
}

// alike groups records whose accounts are the same.
func alike(records []rules.Account) []accountGroup {
	var groups []accountGroup
	seen := map[string]int{}
	for _, a := range records {
		seen[a.Kind]++
		same := func(g accountGroup) bool { return reflect.DeepEqual(g.account, a) }
		i := slices.IndexFunc(groups, same)
		if i < 0 {
			i = len(groups)
			groups = append(groups, accountGroup{account: a})
		}
		groups[i].numbers = append(groups[i].numbers, strconv.Itoa(seen[a.Kind]))
	}
	return groups
}
