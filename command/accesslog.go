package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
)

// AccessLog reads the access log in a data directory. A gateway may be writing to it.
type AccessLog struct {
	dir  string
	keys *keys.Set
}

// OpenAccessLog opens a data directory that a gateway has made.
func OpenAccessLog(data string) (*AccessLog, error) {
	d, err := keys.ReadDirectory(data)
	if err != nil {
		return nil, err
	}
	return &AccessLog{d.AuditDir(), d.Keys()}, nil
}

// Verify verifies all of the log with the directory's own keys.
func (l *AccessLog) Verify(checks ...audit.Check) (audit.Summary, error) {
	return audit.Verify(l.dir, l.keys, checks...)
}

// origin returns the name of the log or, while no gateway has written to it, the name that it gets
// from a gateway of the given name.
func (l *AccessLog) origin(gateway string) (string, error) {
	origin, err := audit.ReadOrigin(l.dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", unsound(err)
	case origin == "" && gateway == "":
		return "", Misuse(errors.New(
			"the log does not say its name yet: want --gateway, the gateway's name"))
	case origin == "":
		return keys.Origin(gateway), nil
	case gateway != "" && keys.Origin(gateway) != origin:
		return "", Misuse(fmt.Errorf(
			"--gateway: the log is that of %q, not of %q", origin, keys.Origin(gateway)))
	}
	return origin, nil
}

// Search finds records. It looks for a subject by the name that services know, if subject is not
// "".
func (l *AccessLog) Search(q audit.Query, subject string) iter.Seq2[audit.Entry, error] {
	if subject != "" {
		q.Subjects = l.Pseudonyms(subject)
	}
	return audit.Search(l.dir, q)
}

// Pseudonyms returns the names that a subject has in the log, one for each version of the key.
func (l *AccessLog) Pseudonyms(subject string) []string {
	var list []string
	for _, k := range l.keys.Subjects() {
		list = append(list, audit.Subject(k.Secret, k.Version, subject))
	}
	return list
}

// PrintSummary prints for people what was verified, and what was not: records that were removed,
// and bytes that are not committed. [audit.FindCheckpoint] finds the checkpoint in what it prints.
func PrintSummary(w io.Writer, s audit.Summary) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s under %s in %s: verified\n", plural(s.Present(), "record"),
		plural(s.Checkpoints, "checkpoint"), plural(s.Segments, "segment file"))
	if n := s.Removed(); n > 0 {
		fmt.Fprintf(&b, "%s before them: removed, and not verified\n", plural(n, "record"))
	}
	b.WriteString(s.Checkpoint)
	if s.TailFile != "" {
		fmt.Fprintf(&b, "%d bytes behind them, in %s, are not committed\n", s.Tail, s.TailFile)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintEntry prints a record for people, its time in the machine's zone. Of an access it prints
// what the subjects with these pseudonyms got, or what all got if there are none.
func PrintEntry(w io.Writer, e audit.Entry, subjects []string) error {
	r := e.Record
	var b strings.Builder
	fmt.Fprintf(&b, "#%d  %s  ", e.Seq, r.Time.Local().Format(time.RFC3339))
	if r.Event != audit.EventAccess {
		return printEvent(w, &b, r)
	}
	b.WriteString(cmp.Or(string(r.Decision), string(r.Event)))
	if r.Reason != "" {
		fmt.Fprintf(&b, " (%s)", r.Reason)
	}
	fmt.Fprintf(&b, ", status %d  %s\n", r.Status, cmp.Or(r.Route, r.Method+", no route"))
	if c := r.Caller; c != nil {
		fmt.Fprintf(&b, "    caller   %s, roles %s, from %s\n", cmp.Or(c.ID, "unknown"),
			cmp.Or(strings.Join(c.Roles, " "), "none"), c.Address)
	}
	fmt.Fprintf(&b, "    purpose  %s, basis %s; %s; rules %.19s; id %s\n",
		cmp.Or(r.Purpose, "none"),
		cmp.Or(r.Basis, "none"), plural(r.Records, "record"), r.RulesDigest, r.ID)
	for _, p := range r.Profiles {
		about := func(subject string) bool { return slices.Contains(p.Subjects, subject) }
		if len(subjects) > 0 && !slices.ContainsFunc(subjects, about) {
			continue
		}
		fmt.Fprintf(&b, "    %s, about %s\n", p.Kind, plural(len(p.Subjects), "subject"))
		table := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0) // a builder does not fail
		for _, f := range p.Fields {
			fmt.Fprintf(table, "      %s\t%s\t%4d×\t%s\t%s", f.Path, f.Type, f.Count, f.Treatment,
				cmp.Or(f.Rule, f.Reason))
			if f.Withheld > 0 {
				fmt.Fprintf(table, "  (%d did not fit and were dropped)", f.Withheld)
			}
			fmt.Fprintln(table)
		}
		_ = table.Flush()
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printEvent prints what happened to the gateway itself.
func printEvent(w io.Writer, b *strings.Builder, r audit.Record) error {
	fmt.Fprintf(b, "%s  gateway %s, version %s\n", r.Event, r.Gateway, r.Version)
	if change := r.RulesChange; change != nil {
		fmt.Fprintf(b, "    rules    %s, %s\n    before   %s\n", r.RulesDigest, r.Note,
			cmp.Or(change.RulesBefore, "none, since the start"))
		for _, f := range change.RuleFiles {
			fmt.Fprintf(b, "      %-24s sha256:%s\n", f.Name, f.SHA256)
			fmt.Fprintf(b, "      %-24s owner %s, reviewer %s, because: %s\n", "",
				cmp.Or(f.Owner, "not stated"), cmp.Or(f.Reviewer, "not stated"),
				cmp.Or(f.Justification, "not stated"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
