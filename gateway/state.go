package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
	"github.com/maskgate/maskgate/quota"
)

// A State is a data directory in use: keys, access log, and what was counted. Nothing else writes
// to the directory's log. A State outlives a change of the configuration; many goroutines may use
// it at once.
type State struct {
	keys     *keys.Set
	log      Log
	subjects []audit.SubjectKey // of every version, newest first
	quotas   Quotas
	gateway  string // its name in the log
	rules    succession

	recovered int64        // bytes that a crash had left half written
	close     func() error // of the log
}

// OpenState opens a data directory for a gateway of a name, and records the start. It makes the
// directory if that is missing. Its error is or wraps [audit.ErrLocked] if another process has the
// log in use, and an [audit.OriginError] if the log is another gateway's.
func OpenState(dir, name string) (*State, error) {
	data, err := keys.OpenDirectory(dir)
	if err != nil {
		return nil, err
	}
	set, origin := data.Keys(), keys.Origin(name)
	signer, err := set.Signer(origin)
	if err != nil {
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	log, err := audit.Open(audit.Options{
		Dir: data.AuditDir(), Origin: origin, Signer: signer, Verifiers: set,
	})
	if other, ok := errors.AsType[*audit.OriginError](err); ok {
		if was, ok := keys.Gateway(other.Have); ok {
			err = fmt.Errorf("%w: set gateway to %q, or data to a new directory", err, was)
		}
	}
	if err != nil {
		return nil, err
	}
	var subjects []audit.SubjectKey
	for _, k := range set.Subjects() {
		subjects = append(subjects, audit.SubjectKey(k))
	}
	s := newState(name, log, subjects)
	s.keys, s.recovered, s.close = set, log.Recovered(), log.Close
	_, err = log.Append(context.Background(), audit.Record{
		Event: audit.EventStart, Gateway: name, Version: Version(),
		Start: &audit.Start{RecoveredBytes: s.recovered},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recording the start: %w", err), log.Close())
	}
	return s, nil
}

// newState makes a state around a log. There is one subject key at least, and the newest is the
// first.
func newState(name string, log Log, subjects []audit.SubjectKey) *State {
	return &State{log: log, gateway: name, subjects: subjects, quotas: new(quota.Memory)}
}

// Recovered returns how many bytes a crash had left at the log's end, half written, when it was
// opened.
func (s *State) Recovered() int64 { return s.recovered }

// Close records the stop and closes the log. No gateway may use the state any more.
func (s *State) Close() error {
	_, err := s.log.Append(context.Background(), audit.Record{
		Event: audit.EventStop, Gateway: s.gateway, Version: Version(),
	})
	return errors.Join(err, s.close())
}

// pseudonym is what a subject is called in the log now.
func (s *State) pseudonym(id string) string { return s.subjects[0].Subject(id) }

// pseudonyms are what a subject may be called in the log, newest first.
func (s *State) pseudonyms(id string) []string {
	list := make([]string, len(s.subjects))
	for i, key := range s.subjects {
		list[i] = key.Subject(id)
	}
	return list
}
