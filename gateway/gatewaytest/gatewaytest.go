// Package gatewaytest has what tests of several packages ask of a gateway: contract tests for those
// of its interfaces that have more than one implementation, and the corpora that are sent at each
// way of asking a data service.
//
// A contract test has the interface's words as its subtests. It is called with what makes an
// implementation:
//
//	func TestService(t *testing.T) {
//		gatewaytest.Upstream(t, func(t testing.TB, address string) gateway.Upstream { … })
//	}
//
// A corpus is a table: [Answers] is what a data service may answer, with canaries where nothing may
// pass; [Targets] is what a caller may ask for. [Holds] finds a canary in whatever encoding.
package gatewaytest
