package gatewaytest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/rules"
)

// inMemory is a store of standings by identifier.
type inMemory struct {
	have          map[string]rules.Standing
	broken, hangs atomic.Bool
}

func (m *inMemory) Standings(
	ctx context.Context, _ rules.Request, subjects []gateway.Subject,
) ([]rules.Standing, error) {
	switch {
	case m.broken.Load():
		return nil, errors.New("the store is away")
	case m.hangs.Load():
		<-ctx.Done()
		return nil, ctx.Err()
	}
	list := make([]rules.Standing, len(subjects))
	for i, s := range subjects {
		list[i] = m.have[s.ID]
	}
	return list, nil
}

// TestStandings: a small store in memory keeps to the contract.
func TestStandings(t *testing.T) {
	t.Parallel()
	open := func(_ testing.TB, subjects []gatewaytest.Subject) gatewaytest.StandingsStore {
		m := &inMemory{have: map[string]rules.Standing{}}
		for _, s := range subjects {
			m.have[s.ID] = s.Standing
		}
		return gatewaytest.StandingsStore{
			Store: m,
			Fail:  func() { m.broken.Store(true) },
			Hang:  func() { m.hangs.Store(true) },
		}
	}
	gatewaytest.Standings(t, open)
}
