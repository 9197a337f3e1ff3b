package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
)

// pool holds what survives a reload: the new configuration starts before the old one is cleaned up, and a log has one
// writer.
var pool = caddy.NewUsagePool()

// shared is a data directory in use.
type shared struct {
	keys     *keys.Set
	log      *audit.Log
	subjects audit.SubjectKey
	quotas   quotas
	gateway  string
	rules    succession
}

func openShared(dir, gateway string) (*shared, error) {
	data, err := keys.OpenDirectory(dir)
	if err != nil {
		return nil, err
	}
	set, name := data.Keys(), keys.Origin(gateway)
	signer, err := set.Signer(name)
	if err != nil {
		return nil, fmt.Errorf("opening access log: %w", err)
	}
	log, err := audit.Open(audit.Options{Dir: data.AuditDir(), Origin: name, Signer: signer, Verifiers: set})
	if other, ok := errors.AsType[*audit.OriginError](err); ok {
		was, _ := keys.Gateway(other.Have)
		return nil, fmt.Errorf("%w: set gateway to %q, or data to a new directory", err, was)
	}
	if err != nil {
		return nil, err
	}
	s := &shared{keys: set, log: log, gateway: gateway, subjects: audit.SubjectKey(set.Subject())}
	_, err = log.Append(context.Background(), audit.Record{
		Event: audit.EventStart, Gateway: gateway, Version: version(), Start: &audit.Start{RecoveredBytes: log.Recovered()},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recording the start: %w", err), log.Close())
	}
	return s, nil
}

// Destruct records the stop and closes the log, once no configuration uses it.
func (s *shared) Destruct() error {
	_, err := s.log.Append(context.Background(), audit.Record{Event: audit.EventStop, Gateway: s.gateway, Version: version()})
	return errors.Join(err, s.log.Close())
}
