// Package gatewaytest has what tests of several packages ask of a gateway: contract tests for those
// of its interfaces that have more than one implementation, and the corpora that are sent at each
// way of asking a data service.
//
// A contract test checks what the interface's comment says. [Upstream] is called with what makes an
// implementation, [Authenticator] with one and with requests for it:
//
//	func TestUpstream(t *testing.T) {
//		gatewaytest.Upstream(t, func(t testing.TB, service http.Handler) gateway.Upstream { … })
//	}
//
// A corpus is a table: [Answers] is what a data service may answer, with canaries where nothing may
// pass; [Targets] is what a caller may ask for. [Holds] finds a canary in whatever encoding.
//
// What every test of a gateway needs stands beside them: a data service and the rules for it
// ([Serve], [Script], [ServiceFile], [PolicyFile]), callers ([Request], [Ask], [Raw]), and a [Log].
// None of it knows how the gateway is run.
package gatewaytest
