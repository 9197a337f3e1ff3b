package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/examples/demo"
)

const hostsService = `
kind: service
name: people
owner: people-team
reviewer: wang.fang
justification: PIA-2025-014
hosts: [people.bank.example]
prefix: /people
routes:
  - match: GET /v1/people/{id}
    headers: [X-Total-Count]
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.pin: pin, $.agentId: public}
`

const hostsPolicy = `
kind: policy
name: test
owner: security
reviewer: chen.jing
purposes:
  customer-service: {basis: contract, document: service contract § 7}
  loan-review: {basis: consent}
roles:
  customer-service:
    purposes: [customer-service]
    treat: {people $.name: clear}
  credit-officer:
    purposes: [loan-review]
    require: {network: [203.0.113.0/24]}
    treat: {C2: clear}
`

// TestServicesOfHandler: a handler that is for some services knows no route of another.
func TestServicesOfHandler(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	for services, want := range map[string]int{"people": 200, "claims people": 200, "claims": 404} {
		w := start(t, up, func(w *world) { w.handler.Services = strings.Fields(services) })
		got := w.get("/v1/people/C1")
		if record := w.records(got.header.Get(correlationHeader))[0]; got.status != want ||
			want == 404 && (record.Reason != "no_route" || record.Route != "") {
			t.Errorf("services %s: status %d, record %+v, want %d",
				services, got.status, record, want)
		}
	}
}

// TestLanguage: what rule files say of hosts, prefixes, headers, networks and who answers for them
// reaches the wire and the records.
func TestLanguage(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Total-Count", "1")
		w.Header().Set("X-Customer", "张三丰")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	w := start(t, up, func(w *world) { w.rules(hostsService, hostsPolicy) })
	host := func(r *http.Request) { r.Host = "People.Bank.Example:8080" }
	officer := func(r *http.Request) {
		p, _ := demo.Find("credit-officer")
		r.Header.Set("Authorization", "Bearer "+token(t, p))
		r.Header.Set("Maskgate-Purpose", "loan-review")
	}
	got := w.get("/people/v1/people/C1", host)
	wantBody := `{"name":"张三丰","agentId":"` + agent.ID + `"}`
	if got.status != 200 || string(got.body) != wantBody {
		t.Fatalf("status %d, %s, want %s", got.status, got.body, wantBody)
	}
	if got.header.Get("X-Total-Count") != "1" || got.header.Get("X-Customer") != "" {
		t.Errorf("header = %v, want X-Total-Count, not X-Customer", got.header)
	}
	record := w.records(got.header.Get(correlationHeader))[0]
	if record.BasisDocument != "service contract § 7" || record.ServiceOwner != "people-team" ||
		record.Route != "GET /people/v1/people/{id}" ||
		!slices.Equal(record.RulesReviewers, []string{"chen.jing", "wang.fang"}) {
		t.Errorf("record = %+v, want what the files say of themselves", record)
	}
	want := []audit.Field{
		{Path: "$.id", Type: "customer_number", Treatment: "drop",
			Reason: "not_permitted", Count: 1},
		{Path: "$.name", Type: "person_name", Treatment: "clear",
			Reason: "permitted", Rule: "policy.yaml:12", Count: 1},
		{Path: "$.pin", Type: "pin", Treatment: "drop",
			Reason: "not_permitted", Count: 1},
		{Path: "$.agentId", Type: "public", Treatment: "clear",
			Reason: "public_field", Count: 1},
	}
	if diff := cmp.Diff(want, record.Profiles[0].Fields); diff != "" {
		t.Errorf("fields on record (-want +have):\n%s", diff)
	}
	for _, test := range []struct {
		name, path string
		status     int
		reason     string
		edits      []func(*http.Request)
	}{
		{"another host", "/people/v1/people/C1", 404, "no_route", nil},
		{"no prefix", "/v1/people/C1", 404, "no_route", []func(*http.Request){host}},
		{"another network", "/people/v1/people/C1", 403, "network_not_allowed",
			[]func(*http.Request){host, officer}},
	} {
		got := w.get(test.path, test.edits...)
		record := w.records(got.header.Get(correlationHeader))[0]
		if got.status != test.status || record.Reason != test.reason {
			t.Errorf("%s: status %d for %s, want %d for %s",
				test.name, got.status, record.Reason, test.status, test.reason)
		}
	}
	// The rules in force are a record too, with who answers for each file.
	changes := w.search(audit.Query{Event: audit.EventRules})
	files := changes[len(changes)-1].RuleFiles
	for i := range files {
		files[i].SHA256 = ""
	}
	wantFiles := []audit.RuleFile{
		{Name: "policy.yaml", Kind: "policy", Owner: "security", Reviewer: "chen.jing"},
		{Name: "service.yaml", Kind: "service", Owner: "people-team", Reviewer: "wang.fang",
			Justification: "PIA-2025-014"},
	}
	if diff := cmp.Diff(wantFiles, files); diff != "" {
		t.Errorf("rule files on record (-want +have):\n%s", diff)
	}
}
