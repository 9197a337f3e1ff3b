package gatewaytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// Agent is the ID of the caller whom the people of [Person] belong to.
const Agent = "agent-07"

// ServiceFile is the service file of a data service that knows people.
const ServiceFile = `
kind: service
name: people
owner: test
routes:
  - match: GET /v1/people/{id}
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.pin: pin, $.agentId: public}
  - match: POST /v1/people/{id}
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name}
  - match: GET /v1/people
    query: [page, q]
    record: $.items[*]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/lines
    media_types: [application/x-ndjson]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.agentId: public}
  - match: GET /v1/public
    public: a list of countries
    media_types: [application/json, text/plain]
`

// PolicyFile is the policy for [ServiceFile]: for customer service, callers see the people who are
// theirs, with names masked; credit officers see all people in clear.
const PolicyFile = `
kind: policy
name: test
purposes:
  customer-service: {basis: contract}
  loan-review: {basis: contract}
roles:
  customer-service:
    purposes: [customer-service]
    when: record.agentId == caller.id
    treat: {C1: clear, C2: mask}
  credit-officer:
    purposes: [loan-review]
    require: {amr: [mfa]}
    treat: {C1: clear, C2: clear}
`

// WriteRules writes a service file and a policy file into a directory, which it makes.
func WriteRules(t testing.TB, dir, service, policy string) {
	t.Helper()
	err := errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "service.yaml"), []byte(service), 0o600),
		os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// RulesDigest returns the digest of the rules in a directory.
func RulesDigest(t testing.TB, dir string) string {
	t.Helper()
	files, err := rules.ReadFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set.Digest()
}

// Person is a record of [ServiceFile]'s data service, about somebody who belongs to the [Agent].
func Person(id, name string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"pin":"1234","agentId":%q,"other":"unlisted"}`,
		id, name, Agent)
}

// OnePerson answers every request with the [Person] C1, 张三丰.
func OnePerson(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, Person("C1", "张三丰"))
}

// Serve runs a data service over HTTP until the test ends, and returns its address.
func Serve(t testing.TB, h http.HandlerFunc) (address string) {
	s := httptest.NewServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	t.Cleanup(s.Close)
	return s.URL
}

// Script runs a data service until the test ends, and returns its address. On each connection it
// reads a request's head, sends these bytes, calls then, unless that is nil, and hangs up.
func Script(t testing.TB, answer string, then func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
					return
				}
				_, _ = io.WriteString(c, answer)
				if then != nil {
					then(c)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
