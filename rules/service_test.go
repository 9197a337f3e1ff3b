package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/rules"
)

func mustLoad(t *testing.T, files ...rules.File) *rules.Set {
	t.Helper()
	set, err := rules.Load(files, fixedKeys{})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return set
}

// Several services stand behind one gateway: by host, by prefix, and for any host.
func TestRouteOfHost(t *testing.T) {
	file := func(name, rest string) rules.File {
		return rules.File{Name: name + ".yaml", Data: []byte("kind: service\nname: " + name +
			"\nowner: o\n" + rest)}
	}
	const routes = "routes: [{match: \"GET /v1/a/{id}\", fields: {}}, {match: GET /, fields: {}}]\n"
	set := mustLoad(t,
		file("crm", "hosts: [crm.bank.example, 10.0.0.1, \"::1\"]\n"+routes),
		file("claims", "hosts: [claims.bank.example]\nprefix: /claims\n"+routes),
		file("any", "routes: [{match: GET /v1/a/b, fields: {}}, {match: GET /v1/c, fields: {}}]\n"),
		file("loans", "prefix: /loans/v2\n"+routes),
	)
	for _, test := range []struct{ host, path, want string }{
		{"crm.bank.example", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"crm.bank.example:8443", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"CRM.Bank.Example", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"crm.bank.example.", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"crm.bank.example.:80", "/", "crm GET /"},
		{"10.0.0.1:80", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"[::1]:80", "/v1/a/7", "crm GET /v1/a/{id}"},
		{"[::1]", "/v1/a/7", "crm GET /v1/a/{id}"},
		// The host's own route goes first, although it has a parameter there.
		{"crm.bank.example", "/v1/a/b", "crm GET /v1/a/{id}"},
		{"other.example", "/v1/a/b", "any GET /v1/a/b"},
		{"", "/v1/a/b", "any GET /v1/a/b"},
		{"", "/v1/a/7", ""},
		{"other.example", "/v1/a/7", ""},
		{"crm.bank.example", "/v1/c", "any GET /v1/c"},
		{"claims.bank.example", "/v1/a/7", ""},
		{"claims.bank.example", "/claims/v1/a/7", "claims GET /claims/v1/a/{id}"},
		{"claims.bank.example", "/claims", "claims GET /claims"},
		{"claims.bank.example", "/claims/", ""},
		{"crm.bank.example", "/claims", ""},
		{"crm.bank.example", "/loans/v2/v1/a/7", "loans GET /loans/v2/v1/a/{id}"},
		{"crm.bank.example,claims.bank.example", "/v1/a/7", ""},
		{"xcrm.bank.example", "/v1/a/7", ""},
	} {
		got := ""
		if r := set.Route("GET", test.host, test.path); r != nil {
			got = r.Service + " " + r.Match
		}
		if got != test.want {
			t.Errorf("Route(GET, %q, %q) = %q, want %q", test.host, test.path, got, test.want)
		}
	}
	// Two services may have the same routes, but not for the same host.
	have := faults(t, file("a", "hosts: [x.example, y.example]\n"+routes),
		file("b", "hosts: [y.example]\n"+routes), file("c", routes))
	want := `b.yaml:5:18: match: the route at a.yaml:5 matches the same requests; remove one
b.yaml:5:57: match: the route at a.yaml:5 matches the same requests; remove one
`
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("Load: faults (-want +have):\n%s", diff)
	}
}

// What a service says of a field, and a policy of a type, decides what classes, levels and masks
// mean.
func TestTypes(t *testing.T) {
	declared := rules.File{Name: "service.yaml", Data: []byte(`kind: service
name: s
owner: o
routes:
  - match: GET /v1/a
    fields:
      $.name: person_name
      $.card: bank_card
      $.credential: {type: bank_card, class: C3}
      $.branch: {type: address, class: C1, level: L1, reason: the branch's own}
      $.tail: {type: bank_card, mask: mask(keep_last=4)}
      $.job: {type: occupation, sensitive: true}
      $.badge: employee_number
      $.desk: {type: employee_number, level: L1, reason: on the door}
      $.key: api_key
`)}
	const types = `types:
  employee_number: {description: 工号, class: C1, level: L2, mask: mask(keep_last=3)}
  api_key: {level: L4, always: drop}
  person_name: {level: L4}
`
	for _, test := range []struct{ treat, path, want string }{
		{"C2: clear", "$.card", "clear"},
		{"C2: clear", "$.credential", "drop"},
		{"C3: hash", "$.credential", "hash"},
		{"C2: clear", "$.branch", "drop"},
		{"C1: clear", "$.branch", "clear"},
		{"address: mask", "$.branch", "address"},
		{"C2: mask", "$.card", "bank_card"},
		{"C2: mask", "$.tail", "mask(keep_last=4)"},
		{"sensitive: mask", "$.job", "constant(****)"},
		{"C1: mask", "$.badge", "mask(keep_last=3)"},
		{"employee_number: clear", "$.badge", "clear"},
		{"L1: clear", "$.badge", "drop"},
		{"L1: clear", "$.desk", "clear"},
		{"api_key: clear", "$.key", "drop"},
		{"L3: clear", "$.name", "drop"},
		{"L4: clear", "$.name", "clear"},
		{"C2: mask", "$.name", "person_name"},
	} {
		set := mustLoad(t, declared, rules.File{Name: "policy.yaml", Data: []byte(policy + types +
			"roles: {r0: {purposes: [care], treat: {" + test.treat + "}}}\n")})
		if got := fieldOf(t, admit(t, set, all(1)).Profile(0, nil),
			test.path); got.Treatment != test.want {
			t.Errorf("treat %s: %s = %s, want %s", test.treat, test.path, got.Treatment, test.want)
		}
	}
	// The catalogue is as it was for the next set.
	set := mustLoad(t, rules.File{Name: "policy.yaml",
		Data: []byte(policy + "roles: {r0: {purposes: [care], treat: {L3: clear}}}\n")},
		rules.File{Name: "s.yaml", Data: []byte(service)})
	if got := fieldOf(t, admit(t, set, all(1)).Profile(0, nil),
		"$.name"); got.Treatment != "clear" {
		t.Errorf("the next set: $.name = %s, want clear", got.Treatment)
	}
	have := faults(t, declared, rules.File{Name: "a.yaml", Data: []byte("kind: policy\nname: a\n" +
		types)}, rules.File{Name: "b.yaml",
		Data: []byte("kind: policy\nname: b\ntypes: {api_key: {level: L2}}\n")})
	if want := "b.yaml:3:9: type api_key: declared at a.yaml:5 too; remove one\n"; have != want {
		t.Errorf("Load: faults %q, want %q", have, want)
	}
}

// What files, routes, purposes and grantables say of themselves reaches whoever records or lists
// it.
func TestSetTellsOfItself(t *testing.T) {
	files, err := rules.ReadFiles("testdata/service.good.yaml", "testdata/policy.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := mustLoad(t, files...)
	infos := set.Files()
	for i := range infos {
		if len(infos[i].SHA256) != 64 {
			t.Errorf("Files()[%d].SHA256 = %q, want 64 digits", i, infos[i].SHA256)
		}
		infos[i].SHA256 = ""
	}
	wantFiles := []rules.FileInfo{
		{Name: "policy.good.yaml", Kind: "policy", Owner: "security", Reviewer: "chen.jing",
			Justification: "decision 2025-31 of the data protection committee"},
		{Name: "service.good.yaml", Kind: "service", Owner: "a-team", Reviewer: "wang.fang",
			Justification: "PIA-2025-014"},
	}
	if diff := cmp.Diff(wantFiles, infos); diff != "" {
		t.Errorf("Files (-want +have):\n%s", diff)
	}
	if got, want := set.Reviewers(), []string{"chen.jing", "wang.fang"}; !slices.Equal(got, want) {
		t.Errorf("Reviewers() = %v, want %v", got, want)
	}
	if got, want := purposeOf(set, "care"), (rules.Purpose{Name: "care", Basis: "contract", Item: 2,
		Document: "service contract § 7"}); got != want {
		t.Errorf("Purpose(care) = %+v, want %+v", got, want)
	}
	wantGrantables := []rules.Grantable{
		{Role: "agent", Type: "cn_id_card", Approver: "compliance", TTL: 30 * time.Minute, Uses: 1},
		{Role: "agent", Type: "person_name", Approver: "compliance", TTL: 7 * 24 * time.Hour},
	}
	if diff := cmp.Diff(wantGrantables, set.Grantables()); diff != "" {
		t.Errorf("Grantables (-want +have):\n%s", diff)
	}
	r := set.Route("GET", "crm.bank.example", "/crm/v2/v1/customers/7")
	if r == nil || !slices.Equal(r.Headers, []string{"X-Total-Count", "Link"}) ||
		r.Unlisted != "" || len(r.Hosts) != 3 {
		t.Errorf("Route = %+v, want its headers and hosts", r)
	}
	if r := set.Route("POST", "10.0.0.1", "/crm/v2/v1/customers/7"); r == nil ||
		r.Unlisted != "codes of products only" {
		t.Errorf("Route = %+v, want the reason for unlisted: pass", r)
	}
}

func purposeOf(set *rules.Set, name string) rules.Purpose {
	p, _ := set.Purpose(name)
	return p
}
