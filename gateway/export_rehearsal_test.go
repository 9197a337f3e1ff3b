package gateway

import "github.com/maskgate/maskgate/rules"

// RehearsalStandings are the standings that a test of rules puts on record.
func RehearsalStandings(t *rules.Test) Standings { return &rehearsal{test: t} }
