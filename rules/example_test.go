package rules_test

import (
	"fmt"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

func ExampleLoad() {
	files := []rules.File{{Name: "customer.yaml", Data: []byte(`
kind: service
name: customer
ower: crm-team
routes:
  - match: GET /v1/customers/{id}
    fields: {$.name: person_nam}
`)}}
	_, err := rules.Load(files, nil)
	fmt.Println(err)
	// Output:
	// customer.yaml:2:1: service: want the key owner, as in owner: crm-team
	// customer.yaml:4:1: service: unknown key "ower"; want one of kind, name, hosts, prefix, routes, owner, reviewer, justification, accept (did you mean owner?)
	// customer.yaml:7:22: fields: unknown type "person_nam"; want one of the catalogue's, or declare it under types of a policy (did you mean person_name?)
}

func ExampleSet_Admit() {
	files := []rules.File{
		{Name: "customer.yaml", Data: []byte(`kind: service
name: customer
owner: crm-team
routes:
  - match: GET /v1/customers/{id}
    subject: $.customerId
    fields:
      $.customerId: public
      $.name: person_name
      $.cardNo: bank_card
`)},
		{Name: "policy.yaml", Data: []byte(`kind: policy
name: customer-data
purposes:
  customer-service: {basis: contract}
roles:
  agent:
    purposes: [customer-service]
    treat:
      C2: mask
caps:
  - {type: bank_card, at_most: drop}
`)},
	}
	set, err := rules.Load(files, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	route := set.Route("GET", "crm.bank.example", "/v1/customers/C00000001")
	caller := rules.Caller{
		ID: "agent-07", Roles: []string{"agent"}, Purposes: []string{"customer-service"},
	}

	_, err = set.Admit(route, rules.Request{Caller: caller, Purpose: "marketing", Time: time.Now()})
	fmt.Println(err)

	request := rules.Request{Caller: caller, Purpose: "customer-service", Time: time.Now()}
	access, err := set.Admit(route, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range access.Profile(0, []masking.Value{}).Fields {
		fmt.Printf("%s: %s (%s %s)\n", f.Path, f.Treatment, f.Reason, f.Rule)
	}
	// Output:
	// not permitted: purpose_unknown
	// $.customerId: clear (public_field )
	// $.name: person_name (permitted policy.yaml:9)
	// $.cardNo: drop (capped policy.yaml:11)
}
