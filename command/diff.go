package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/spf13/cobra"
)

// diffCommand is rules diff.
func diffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Says what a change of rules opens and closes, and for whom",
		Long: `Decides every field of every route, for every role and purpose, under both sets of
rules (files, or directories of them) and prints where treatments differ, and what else does:
routes, public ones, query parameters, headers, media types, conditions, requirements, limits.
What it cannot tell opens: a condition that was rewritten, or a mask that shows something else.

Exit status: 0 if nothing opens, 1 if something does, so that a pull request can ask for
security's review, 2 if a file is broken.`,
		Example: "  git worktree add ../before origin/main\n" +
			"  maskgate rules diff ../before/examples/customer examples/customer",
		Args: cobra.ExactArgs(2),
	}
	asJSON := cmd.Flags().Bool("json", false, "print the changes as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		before, err := ruletest.Load(args[:1])
		after, err2 := ruletest.Load(args[1:])
		if err := errors.Join(err, err2); err != nil {
			return unanswered(cmd, *asJSON, err)
		}
		d := ruleChange{
			Old: before.Digest(), New: after.Digest(), Changes: rules.Diff(before, after),
		}
		for _, c := range d.Changes {
			if c.Effect == rules.Opens {
				d.Opens++
			}
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			err = printJSON(out, d)
		} else {
			err = d.print(out, styleOf(out))
		}
		if err == nil && d.Opens > 0 {
			err = No(nil)
		}
		return err
	}
	return cmd
}

// ruleChange is what rules diff prints.
type ruleChange struct {
	Old     string         `json:"old_rules_digest"`
	New     string         `json:"new_rules_digest"`
	Opens   int            `json:"opens"` // how many changes open something
	Changes []rules.Change `json:"changes"`
}

// print writes the changes for people: for each role, purpose and route a heading, and below it,
// for each way in which something changes, a line that says how and a line that says what.
func (d *ruleChange) print(w io.Writer, style ruletest.Style) error {
	var b strings.Builder
	head := ""
	for _, g := range d.groups() {
		if g.heading != head {
			if head != "" {
				b.WriteString("\n")
			}
			head = g.heading
			b.WriteString(head + "\n")
		}
		effect := fmt.Sprintf("%-7s", g.effect)
		switch {
		case g.effect == rules.Opens && style.Bad != nil:
			effect = style.Bad(effect)
		case g.effect == rules.Closes && style.Good != nil:
			effect = style.Good(effect)
		}
		fmt.Fprintf(&b, "  %s %s\n            %s\n", effect, g.change,
			strings.Join(g.subjects, ", "))
	}
	if head == "" {
		b.WriteString("nothing changes for anybody\n")
	} else {
		fmt.Fprintf(&b, "\n%s, of which %d open something\n",
			plural(len(d.Changes), "change"), d.Opens)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// changeGroup is what changes in one way for one role, purpose and route.
type changeGroup struct {
	heading  string
	effect   rules.Effect
	change   string
	subjects []string
}

// groups joins changes that differ in their subject only.
func (d *ruleChange) groups() []changeGroup {
	var list []changeGroup
	from := 0 // where the groups of the current heading begin
	for _, c := range d.Changes {
		g := changeGroup{heading: heading(&c), effect: c.Effect, change: c.Old + " -> " + c.New}
		if c.OldRule+c.NewRule != "" {
			g.change += fmt.Sprintf("  (%s -> %s)", cmp.Or(c.OldRule, "-"), cmp.Or(c.NewRule, "-"))
		}
		if c.If != nil {
			g.change += "  if " + strings.Join(c.If, ", and ")
		}
		if len(list) > 0 && list[from].heading != g.heading {
			from = len(list)
		}
		i := from
		for i < len(list) && (list[i].effect != g.effect || list[i].change != g.change) {
			i++
		}
		if i == len(list) {
			list = append(list, g)
		}
		list[i].subjects = append(list[i].subjects, subjectOf(&c))
	}
	return list
}

// heading names whom a change concerns, and where.
func heading(c *rules.Change) string {
	words := []string{"anyone"}
	if len(c.Roles) > 0 {
		words[0] = "role " + strings.Join(c.Roles, " with ")
	}
	if c.Purpose != "" {
		words = append(words, "for "+c.Purpose)
	}
	if c.Route != "" {
		words = append(words, c.Service+" "+c.Route)
	}
	return strings.Join(words, ", ")
}

// subjectOf names what changes.
func subjectOf(c *rules.Change) string {
	switch {
	case c.Field != "" && c.Kind != "$":
		return c.Kind + " " + c.Field
	case c.Field != "":
		return c.Field
	case c.Kind != "":
		return c.What + " " + c.Kind
	}
	return c.What
}
