package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
)

// defaultDataDir is where the shipped Caddyfile keeps its data.
const defaultDataDir = "maskgate-data"

// verifyCommand is audit verify.
func verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verifies every record of the access log and names the first bad one",
		Long: `Verifies every record and checkpoint of the access log, from its first byte to its
last.

What it prints has the newest checkpoint. Keep that elsewhere, as it is printed, and give it to
--checkpoint later: the log must still contain all that it covers. Without one, a log whose end
was cut off is sound.

Exit status: 0 if all of it is sound; 1 if not: it was altered, it is signed by a key that is not
known, or it is not the log that the checkpoint is of; 2 if it cannot be read, or the command was
called wrongly; 3 if it is sound, but ends in bytes that no checkpoint covers: a gateway is
writing, or was cut short. A gateway that starts sets such bytes aside; nothing in them had been
released.`,
		Example: "  maskgate audit verify --data maskgate-data\n" +
			"  maskgate audit verify > kept-elsewhere.txt\n" +
			"  maskgate audit verify --checkpoint kept-elsewhere.txt",
		Args: cobra.NoArgs,
	}
	cmd.Flags().String("data", defaultDataDir, "the gateway's data directory")
	cmd.Flags().StringArray("key", nil,
		"public key to trust instead of the data directory's own (may be repeated)")
	cmd.Flags().String("checkpoint", "",
		"file with a checkpoint kept elsewhere, as audit verify printed it, which the log must "+
			"still contain")
	prunedFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		summary, err := verifyLog(cmd)
		if err != nil {
			return unsound(err)
		}
		err = PrintSummary(cmd.OutOrStdout(), summary)
		if err == nil && summary.TailFile != "" {
			err = &ending{exitNothing, nil}
		}
		return err
	}
	return cmd
}

// unsound makes an error the answer no if it says that the log is not what it should be: altered,
// another gateway's, or signed by nobody who is trusted. Whoever rewrote a log under a key of their
// own must not get away with "there is no answer".
func unsound(err error) error {
	_, corrupt := errors.AsType[*audit.CorruptError](err)
	_, foreign := errors.AsType[*audit.KeyError](err)
	_, other := errors.AsType[*audit.OriginError](err)
	if corrupt || foreign || other {
		return No(err)
	}
	return err
}

// prunedFlag adds the flag for logs whose oldest segments were removed after a retention period.
func prunedFlag(cmd *cobra.Command) {
	cmd.Flags().Int64("pruned-before", 0,
		"segment files whose records all come before record `N` may have been removed")
}

func verifyLog(cmd *cobra.Command) (audit.Summary, error) {
	pruned, err := cmd.Flags().GetInt64("pruned-before")
	if err != nil {
		return audit.Summary{}, err
	}
	checks := []audit.Check{audit.PrunedBefore(pruned)}
	if file := flag(cmd, "checkpoint"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return audit.Summary{}, fmt.Errorf("reading the checkpoint: %w", err)
		}
		checkpoint, err := audit.FindCheckpoint(string(text))
		if err != nil {
			return audit.Summary{}, fmt.Errorf("reading the checkpoint in %s: %w", file, err)
		}
		checks = append(checks, audit.Contains(checkpoint))
	}
	publicKeys, err := cmd.Flags().GetStringArray("key")
	if err != nil {
		return audit.Summary{}, err
	}
	if len(publicKeys) == 0 {
		log, err := OpenAccessLog(flag(cmd, "data"))
		if err != nil {
			return audit.Summary{}, err
		}
		return log.Verify(checks...)
	}
	var trusted []note.Verifier
	for _, k := range publicKeys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return audit.Summary{}, Misuse(fmt.Errorf("reading --key: %w", err))
		}
		trusted = append(trusted, v)
	}
	return audit.Verify(keys.AuditDir(flag(cmd, "data")), note.VerifierList(trusted...), checks...)
}

// keyCommand is audit key.
func keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Prints the public keys that verify the access log",
		Long: `Prints the public keys that verify the access log of a gateway, newest first. They
are no secret: an auditor who keeps them elsewhere can verify the log (auditverify, or audit
verify --key) without trusting the gateway's machine.

A key bears the log's name, which is the gateway's. Before a gateway has written to the log,
--gateway says it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := OpenAccessLog(flag(cmd, "data"))
			if err != nil {
				return err
			}
			origin, err := log.origin(flag(cmd, "gateway"))
			if err != nil {
				return err
			}
			for _, k := range log.keys.VerifierKeys(origin) {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), k); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().String("data", defaultDataDir, "the gateway's data directory")
	cmd.Flags().String("gateway", "", "the gateway's name, if its log does not say it yet")
	return cmd
}

// searchCommand is audit search.
func searchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "search",
		Short: "Finds access records: who saw whom, when, why, and under which rule",
		Long: `Verifies the access log, then prints the records that match all that is given. The
subject is given as services know it, and never stands in the log: only its keyed pseudonym does.
With --event rules it prints which rules came into force, and when.

Exit status: 0, also if nothing is found; 1 if the log is not sound; 2 if it cannot be read, or the
command was called wrongly.`,
		Example: "  maskgate audit search --subject C00000052 --since 24h\n" +
			"  maskgate audit search --caller officer-03 --json\n" +
			"  maskgate audit search --event rules",
		Args: cobra.NoArgs,
		RunE: searchLog,
	}
	cmd.Flags().String("data", defaultDataDir, "the gateway's data directory")
	cmd.Flags().String("subject", "", "whom records are about, e.g. a customer's number")
	cmd.Flags().String("caller", "", "who asked")
	cmd.Flags().String("purpose", "", "why")
	cmd.Flags().String("event", string(audit.EventAccess),
		"what happened: access, rules, start or stop")
	cmd.Flags().String("id", "", "correlation identifier, as callers were given it")
	cmd.Flags().String("since", "",
		"not before: how long ago (24h, 30d), a date in this machine's zone, or a time (RFC 3339)")
	cmd.Flags().String("until", "", "before: how long ago, a date or a time, as for --since")
	cmd.Flags().Bool("json", false, "print records as JSON lines, as the log has them")
	prunedFlag(cmd)
	return cmd
}

func searchLog(cmd *cobra.Command, _ []string) error {
	q := audit.Query{
		Caller: flag(cmd, "caller"), Purpose: flag(cmd, "purpose"), ID: flag(cmd, "id"),
		Event: audit.Event(flag(cmd, "event")),
	}
	switch q.Event {
	case audit.EventAccess, audit.EventRules, audit.EventStart, audit.EventStop:
	default:
		return Misuse(fmt.Errorf("--event: want access, rules, start or stop; have %q", q.Event))
	}
	pruned, err := cmd.Flags().GetInt64("pruned-before")
	if err != nil {
		return err
	}
	if q.Since, err = moment(flag(cmd, "since"), time.Now()); err != nil {
		return Misuse(fmt.Errorf("--since: %w", err))
	}
	if q.Until, err = moment(flag(cmd, "until"), time.Now()); err != nil {
		return Misuse(fmt.Errorf("--until: %w", err))
	}
	log, err := OpenAccessLog(flag(cmd, "data"))
	if err != nil {
		return err
	}
	if _, err := log.Verify(audit.PrunedBefore(pruned)); err != nil {
		return unsound(err)
	}
	var subjects []string
	if s := flag(cmd, "subject"); s != "" {
		subjects = log.Pseudonyms(s)
	}
	found := 0
	line := json.NewEncoder(cmd.OutOrStdout())
	line.SetEscapeHTML(false)
	for e, err := range log.Search(q, flag(cmd, "subject")) {
		if err != nil {
			return unsound(err)
		}
		found++
		if flag(cmd, "json") == "true" {
			err = line.Encode(e)
		} else {
			err = PrintEntry(cmd.OutOrStdout(), e, subjects)
		}
		if err != nil {
			return err
		}
	}
	if found == 0 { // for people: it is no fault
		fmt.Fprintln(cmd.ErrOrStderr(), "no record matches")
	}
	return nil
}

// moment reads a duration before now, a date in this machine's zone, or a time (RFC 3339). For ""
// it returns the zero time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := age(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("want a duration as in 24h, a date as in 2026-11-21, "+
			"or a time as in 2026-11-21T09:00:00+08:00; have %q", text)
	}
	return t, nil
}

// age reads a duration that may begin with days, as in 90m, 24h, 30d or 1d12h.
func age(text string) (time.Duration, error) {
	if days, rest, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil {
			return 0, err
		}
		text = strconv.FormatFloat(24*n, 'f', -1, 64) + "h" + rest
	}
	return time.ParseDuration(text)
}
