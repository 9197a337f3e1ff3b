package gateway

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
)

// This file is what package gateway_test has of this package's tests. Tests that use package
// gatewaytest stand there, since gatewaytest imports this package.

// A World is a gateway that runs behind an HTTP server, in front of one upstream.
type World = world

var (
	Start      = start
	Script     = scriptThen
	UpstreamOf = upstreamOf
	StatusOf   = statusOf
	Ways       = ways
	TargetPath = targetPath
)

const (
	TestService = testService
	TestPolicy  = testPolicy
)

// Debug has the gateway log all it may.
func Debug(w *World) { w.level = slog.LevelDebug }

// Through has the gateway ask an upstream.
func Through(up Upstream) func(*World) { return func(w *World) { w.upstream = up } }

// Buffering bounds the responses of the data service.
func Buffering(bytes int64) func(*World) { return func(w *World) { w.handler.MaxResponse = bytes } }

// Ruled sets rules.
func Ruled(service, policy string) func(*World) {
	return func(w *World) { w.rules(service, policy) }
}

// Proxied asks the data service at an address by a reverse proxy behind the guard.
func Proxied(t testing.TB, address string) Upstream {
	up, _ := proxied(t, address)
	return up
}

// Canned is the upstream of rehearsals, with a response for each request.
func Canned(respond func(*http.Request) *http.Response) Upstream { return cannedFor(respond) }

type cannedFor func(*http.Request) *http.Response

func (respond cannedFor) Ask(r *http.Request, buf *bytes.Buffer, limit int64) (Answer, error) {
	resp := respond(r)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	headers := map[string]string{}
	for name := range resp.Header {
		headers[name] = resp.Header.Get(name)
	}
	return canned{&rules.TestResponse{
		Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"), Headers: headers,
		Body: body,
	}}.Ask(r, buf, limit)
}

// Rehearsed is what a test of rules says: who asks, and what is on record about subjects.
func Rehearsed(t *rules.Test) interface {
	Authenticator
	Standings
} {
	return &rehearsal{test: t}
}

// Verifier verifies the tokens of the tests' issuer.
func Verifier() *auth.Verifier { return verifier }

// AgentToken is a token of the agent.
func AgentToken(t testing.TB) string { return token(t, agent) }

// For is the world with another test to report to.
func (w *world) For(t testing.TB) *World {
	w.t = t
	return w
}

func (w *world) Raw(text string) []byte { return w.raw(text) }

func (w *world) Head(line string, more ...string) string { return w.head(line, more...) }

// Get returns the body of an answer to the agent.
func (w *world) Get(path string) []byte { return w.get(path).body }

func (w *world) Log() string { return w.log.String() }

// Places are all that leaves the gateway beside its answers: logs, what its observer is told,
// files.
func (w *world) Places() map[string][]byte {
	w.t.Helper()
	places := map[string][]byte{
		"log": []byte(w.log.String()), "standard log": []byte(standardLog.String()),
		"metrics": []byte(w.observed.String()),
	}
	err := filepath.WalkDir(w.data(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[filepath.Base(path)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	return places
}
