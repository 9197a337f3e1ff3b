package gateway_test

import (
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/rules"
)

// TestRehearsalStandings: what a test of rules has on record keeps to the contract.
func TestRehearsalStandings(t *testing.T) {
	t.Parallel()
	open := func(_ testing.TB, subjects []gatewaytest.Subject) gatewaytest.StandingsStore {
		test := &rules.Test{}
		for _, s := range subjects {
			test.Standings = append(test.Standings,
				rules.SubjectStanding{Subject: s.ID, Standing: s.Standing})
		}
		return gatewaytest.StandingsStore{Store: gateway.RehearsalStandings(test)}
	}
	gatewaytest.Standings(t, open)
}
