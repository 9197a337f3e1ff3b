package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	service = `kind: service
name: people
owner: people-team
accept:
  - finding: route_shadowed
    about: GET /v1/people/search before GET /v1/people/{id}
    reason: numbers begin with C
routes:
  - match: GET /v1/people/{id}
    subject: $.id
    fields: {$.id: public, $.name: person_name, $.agentId: public}
  - match: GET /v1/people/search
    query: [page]
    record: $.items[*]
    subject: $.id
    fields: {$.id: public, $.name: person_name, $.agentId: public}
  - match: GET /v1/branches
    public: a list of places
`
	policy = `kind: policy
name: people-data
purposes:
  care: {basis: contract}
  loan: {basis: consent}
roles:
  agent:
    purposes: [care]
    when: record.agentId == caller.id
    limit: {subjects: 200/1d, records: 50/response}
    treat: {C2: mask}
  officer:
    purposes: [loan]
    treat: {C2: hash}
caps:
  - {class: C3, at_most: drop}
`
)

// rule files that load, without a finding; with a warning; with an error; that do not load.
var ruleFiles = map[string]string{
	"good/s.yaml":   service,
	"good/p.yaml":   policy,
	"warned/s.yaml": service,
	"warned/p.yaml": strings.Replace(policy, "  loan:", "  audit: {basis: legal_duty}\n  loan:",
		1),
	"faulty/s.yaml": service,
	"faulty/p.yaml": strings.Replace(policy, "record.agentId == caller.id",
		`request.service == "crm"`, 1),
	"opened/s.yaml": strings.Replace(service, "[page]", "[page, name]", 1),
	"opened/p.yaml": strings.Replace(strings.Replace(policy, "C2: hash", "C2: clear", 1),
		"loan]", "loan]\n    require: {network: [10.0.0.0/8]}", 1),
	"closed/s.yaml":    strings.Replace(service, "    query: [page]\n", "", 1),
	"closed/p.yaml":    policy,
	"broken/s.yaml":    service,
	"broken/p.yaml":    "kind: policy\nname: x\nrolls: {}\npurposes: {care: {basis: because}}\n",
	"mixed/s.yaml":     service,
	"mixed/p.yaml":     policy,
	"mixed/caps.YML":   "",
	"elsewhere/x.yaml": "kind: other\n",
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const fault = "DIR/broken/p.yaml:3:1: error: policy: unknown key \"rolls\""
	all(t, ruleFiles, []call{
		{"in order", "rules check DIR/good", "", 0,
			[]string{"2 files, 3 routes, 2 roles: in order, 1 accepted\nsha256:"}, nil},
		{"a warning", "rules check DIR/warned", "", 0,
			[]string{"DIR/warned/p.yaml:5:3: warning: purpose audit: ",
				"[purpose_unserved]\n",
				"2 files, 3 routes, 2 roles: 0 errors, 1 warning, 1 accepted\n"}, nil},
		{"a warning, strictly", "rules check --strict DIR/warned", "", 1, []string{"1 warning"},
			nil},
		{"strictly in order", "rules check --strict DIR/good", "", 0, []string{"in order"}, nil},
		{"an error", "rules check DIR/faulty", "", 1,
			[]string{"error: role agent: ", "[role_unreachable]", "1 error, "}, nil},
		{"broken", "rules check DIR/broken", "", 2,
			[]string{fault,
				"2 files: not in order, 2 errors; a gateway would not start with them\n"}, nil},
		{"for machines", "rules check --json DIR/warned", "", 0, []string{
			`"files": 2,`, `"routes": 3,`, `"roles": 2,`, `"digest": "sha256:`,
			`"errors": 0,`, `"warnings": 1,`, `"accepted": 1,`,
			`"code": "purpose_unserved"`,
			`"code": "route_shadowed"`, `"accepted": "numbers begin with C"`}, nil},
		{"nothing, for machines", "rules check --json ../examples/credit", "", 0,
			[]string{`"findings": []`}, nil},
		{"broken, for machines", "rules check --json DIR/broken", "", 2,
			[]string{`"errors": 2,`, `"code": "invalid"`}, nil},
		{"not there", "rules check DIR/none", "", 2, nil,
			[]string{"maskgate: reading rules: ", "no such file"}},
		{"not there, for machines", "rules check --json DIR/none", "", 2,
			[]string{`"files": 0,`, `"file": "DIR/none",`, `"line": 0,`, `"column": 0,`,
				"no such file"}, nil},
		{"passed over", "rules check DIR/mixed", "", 0, []string{"2 files, "},
			[]string{"maskgate: not read: DIR/mixed/caps.YML: its name must end"}},
		{"passed over, for machines", "rules check --json DIR/mixed", "", 0,
			[]string{`"file": "DIR/mixed/caps.YML"`}, nil},
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	all(t, ruleFiles, []call{
		{"nothing", "rules diff DIR/good DIR/good", "", 0,
			[]string{"nothing changes for anybody\n"}, nil},
		{"closes", "rules diff DIR/good DIR/closed", "", 0, []string{
			"anyone, people GET /v1/people/search\n" +
				"  closes  page -> none\n" +
				"            query\n\n" +
				"1 change, of which 0 open something\n"}, nil},
		{"opens", "rules diff DIR/good DIR/opened", "", 1, []string{
			"anyone, people GET /v1/people/search\n" +
				"  opens   page -> name page\n" +
				"            query\n",
			"\nrole officer\n" +
				"  closes  none -> 10.0.0.0/8  (p.yaml:12 -> p.yaml:12)\n" +
				"            require network\n",
			"\nrole officer, for loan, people GET /v1/people/search\n  opens   hash -> clear",
			"            $.items[*] $.name\n",
			"\nrole officer, for loan, people GET /v1/people/{id}\n  opens   hash -> clear",
			"            $.name\n",
			"4 changes, of which 3 open something\n"}, nil},
		{"for machines", "rules diff --json DIR/good DIR/opened", "", 1,
			[]string{`"old_rules_digest": "sha256:`, `"new_rules_digest": "sha256:`, `"opens": `,
				`"changes": [`, `"what": "query"`}, nil},
		{"broken", "rules diff DIR/good DIR/broken", "", 2, nil,
			[]string{"DIR/broken/p.yaml:3:1: policy: unknown key"}},
		{"both broken", "rules diff DIR/elsewhere DIR/broken", "", 2, nil,
			[]string{"DIR/elsewhere/x.yaml:1:", "DIR/broken/p.yaml:3:1: policy: unknown key"}},
		{"broken, for machines", "rules diff --json DIR/good DIR/broken", "", 2,
			[]string{`"findings": [`, `"code": "invalid"`, `"file": "DIR/broken/p.yaml"`}, nil},
		{"one of two", "rules diff DIR/good", "", 2, nil,
			[]string{"maskgate: accepts 2 arg(s)", "usage: "}},
	})
}

func TestRulesTest(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"t/s.yaml": service,
		"t/p.yaml": policy,
		"t/s_test.yaml": `kind: test
tests:
  - name: an agent sees their customer
    caller: {id: a, roles: [agent], purposes: [care]}
    purpose: care
    request: GET /v1/people/C1
    response: {body: '{"id":"C1","name":"张三丰","agentId":"a"}'}
    expect: {fields: {$.name: mask}}
  - name: a stranger sees nothing
    request: GET /v1/people/C1
    expect: {refused: purpose_missing}
`,
	}
	files["f/s.yaml"], files["f/p.yaml"] = service, policy
	files["f/s_test.yaml"] = strings.Replace(files["t/s_test.yaml"], "$.name: mask",
		"$.name: clear", 1)
	files["b/s_test.yaml"] = "kind: test\ntests:\n  - {name: a, request: nonsense}\n"
	dir := write(t, files)
	junit := filepath.Join(dir, "report.xml")
	for _, c := range []call{
		{"pass", "rules test DIR/t", "", 0, []string{"ok 2 passed, 0 failed\n"}, nil},
		{"coverage", "rules test --coverage DIR/t", "", 0,
			[]string{"ok 2 passed", "routes  33 %  1 of 3", "roles   50 %  1 of 2"}, nil},
		{"for machines", "rules test --json DIR/t", "", 0, []string{`"passed": 2,`, `"failed": 0,`},
			nil},
		{"fail", "rules test DIR/f", "", 1,
			[]string{"FAIL DIR/f/s_test.yaml:3: an agent sees", "want clear; have ",
				"FAIL 1 passed, 1 failed\n"}, nil},
		{"broken", "rules test DIR/b", "", 2, nil,
			[]string{"DIR/b/s_test.yaml:3:24: request: want a method and a path"}},
		{"broken, for machines", "rules test --json DIR/b", "", 2,
			[]string{`"passed": 0,`, `"tests": [],`, `"findings": [`}, nil},
		{"report", "rules test --junit " + junit + " DIR/f", "", 1, []string{"FAIL"}, nil},
		{"no report", "rules test --junit DIR/none/x DIR/b", "", 2, nil,
			[]string{"DIR/b/s_test.yaml", "none/x: no such file"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, dir) })
	}
	report, err := os.ReadFile(junit)
	if err != nil || !strings.Contains(string(report), `tests="2" failures="1" errors="0"`) {
		t.Errorf("the report: %v\n%s", err, report)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"r/s.yaml":    service,
		"r/p.yaml":    policy,
		"claims.json": `{"sub":"a","realm":{"roles":["agent"]},"purpose":"p:care"}`,
		"answer.json": `{"items":[{"id":"C1","name":"张三丰","agentId":"a"},
  {"id":"C2","agentId":"b"},{"id":"C3","agentId":"a"}]}`,
		"b/p.yaml": "kind: policy\n",
	}
	const (
		agent  = "--caller '{id: a, roles: [agent], purposes: [care]}' --purpose care "
		claims = "--claims DIR/claims.json --claim roles=realm.roles --purpose-prefix p: " +
			"--purpose care "
		officer = "--caller '{id: o, roles: [officer], purposes: [loan]}' --purpose loan " +
			"--time 2026-11-20T10:00:00+08:00 "
		one  = "--request 'GET /v1/people/C1' "
		some = "--request 'GET /v1/people/search?page=1' "
	)
	consent := "--standing '{consents: " +
		"[{purposes: [loan], covers: [C2], granted: 2026-11-01T09:00:00+08:00}]}' "
	all(t, files, []call{
		{"each kind", "rules explain " + agent + one + "DIR/r", "", 0, []string{
			"GET /v1/people/{id} of people\npurpose care, basis contract\nrules sha256:",
			"takes no part in the request:\n  role officer  p.yaml:12  role_not_held: ",
			"\n$, at most 50 in a response, at most 200 subjects in 1d by agent\n",
			"  supposing, for role agent: record.agentId == caller.id (p.yaml:7)\n",
			"  $.name     person_name  person_name  permitted     p.yaml:11\n",
		}, nil},
		{"each record", "rules explain " + claims + some + "--response - DIR/r",
			files["answer.json"], 0, []string{
				"\n$.items[*], record 1, 3, at most 50 in a response, ",
				"\n$.items[*], record 2: denied whole, because no role's condition holds\n",
				"  takes no part in the record:\n    role agent  p.yaml:7  condition_not_met: ",
			}, nil},
		{"for machines", "rules explain --json " + claims + some +
			"--response DIR/answer.json DIR/r", "", 0, []string{
			`"kind": "$.items[*]"`, `"denied": true`}, nil},
		{"without consent", "rules explain " + officer + one + "DIR/r", "", 0,
			[]string{"$.name ", "drop", "consent_missing"}, nil},
		{"with consent", "rules explain " + officer + one + consent + "DIR/r", "", 0,
			[]string{"$.name ", "hash", "permitted"}, nil},
		{"public", "rules explain --caller '{id: x}' --request 'GET /v1/branches' DIR/r", "", 0,
			[]string{"public, so responses pass unread: a list of places\n"}, nil},
		{"refused", "rules explain --caller '{id: x, purposes: [care]}' --purpose care " + one +
			"DIR/r", "", 1,
			[]string{"refused: no_role\n", "takes no part"}, nil},
		{"refused for its query", "rules explain " + agent +
			"--request 'GET /v1/people/search?q=1' DIR/r", "", 1,
			[]string{"refused: query_not_allowed\n",
				"the route does not list \"q\"; it lists page"}, nil},
		{"no route", "rules explain " + agent + "--request 'GET /v2' DIR/r", "", 1,
			[]string{"refused: no_route\n"}, nil},
		{"an address", "rules explain " + claims + "--address 10.1.2.3 " + one + "DIR/r", "", 0,
			[]string{"permitted"}, nil},

		{"no address", "rules explain " + claims + "--address here " + one + "DIR/r", "", 2, nil,
			[]string{"--address:", "want an IP address"}},
		{"no such claim", "rules explain --claims DIR/claims.json --claim role=x " + one + "DIR/r",
			"", 2, nil,
			[]string{"maskgate: --claim: want one of subject, roles, organisation, purposes, " +
				"amr, acr, region; have \"role\"\nusage: "}},
		{"no claims", "rules explain --claims DIR/none " + one + "DIR/r", "", 2, nil,
			[]string{"no such file"}},
		{"claims that are none", "rules explain --claims DIR/answer.json " + one + "DIR/r", "", 2,
			nil, []string{"maskgate: --claims: "}},
		{"nobody asks", "rules explain " + one + "DIR/r", "", 2, nil,
			[]string{"want either --caller or --claims"}},
		{"all that is wrong", "rules explain --caller '{idd: x}' --request /v1 --time noon DIR/r",
			"", 2, nil, []string{
				"--caller:1:2: caller: unknown key \"idd\"", "--request: want a method and a " +
					"path", "--time: want a time", "usage: "}},
		{"no response", "rules explain " + agent + one + "--response DIR/none DIR/r", "", 2, nil,
			[]string{"reading the document: "}},
		{"no standing", "rules explain " + agent + one + "--standing '{x: 1}' DIR/r", "", 2, nil,
			[]string{"--standing:1:2: "}},
		{"broken", "rules explain " + agent + one + "DIR/b", "", 2, nil,
			[]string{"DIR/b/p.yaml:1:1: "}},
		{"broken, for machines", "rules explain --json " + agent + one + "DIR/b", "", 2,
			[]string{`"findings": [`, `"DIR/b/p.yaml"`}, nil},
	})
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	all(t, map[string]string{
		"samples/GET/v1/people/10000001.json": `{"custNo":"10000001","custName":"张三丰",
  "idCard":"11010519491231002X"}`,
		"answer.json":   `{"custNo":"10000001","idCard":"11010519491231002X"}`,
		"broken.json":   `{"mobile":13812345678,"mobile":13812345678}`,
		"none.har":      `{"log":{"version":"1.2","entries":[]}}`,
		"broken.shapes": `{"maskgate":"shapes","version":99}`,
	}, []call{
		{"a directory", "rules discover --service people --owner us DIR/samples", "", 0, []string{
			"kind: service\nname: people\nowner: us\n", "- match: GET " +
				"/v1/people/{id}\n", "$.idCard: cn_id_card"}, nil},
		{"a file, for machines",
			"rules discover --json --route 'GET /v2/people/{no}' DIR/answer.json", "", 0, []string{
				`"match": "GET /v2/people/{no}"`,
				`"path": "$.idCard"`, `"type": "cn_id_card"`}, nil},
		{"nothing", "rules discover DIR/none.har", "", 3, nil,
			[]string{"maskgate: the files have no answer to learn from\n"}},
		{"no route", "rules discover DIR/answer.json", "", 2, nil,
			[]string{"maskgate: reading samples: DIR/answer.json: ", "give --route"}},
		{"half a route", "rules discover --route /v2/x DIR/answer.json", "", 2, nil,
			[]string{"maskgate: --route: want a method and a path", "usage: "}},
		{"broken", "rules discover --route 'GET /v2/x' DIR/broken.json", "", 2, nil,
			[]string{"reading samples: DIR/broken.json: an answer of GET /v2/x: invalid JSON at " +
				"byte "}},
		{"a name that is none", "rules discover --service 'a: b' DIR/samples", "", 2, nil,
			[]string{"the proposal is not in order:\n", "name: want"}},
		{"not there", "rules discover DIR/none", "", 2, nil, []string{"no such file"}},
	})
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	all(t, map[string]string{
		"r/s.yaml": service,
		"api.yaml": `openapi: 3.1.0
paths: {'/v1/people/{id}': {get: {responses: {'200': {content: {application/json: {schema:
  {properties: {id: {type: string}, name: {type: string}, agentId: {type: string}}}}}}}}}}`,
		"more.yaml": `openapi: 3.1.0
paths:
  '/v1/people/{id}': {get: {responses: {'200': {content: {application/json: {schema:
    {properties: {id: {type: string}, pin: {type: string}}}}}}}}}
  /v1/new: {get: {responses: {'200': {content: {application/json: {schema:
    {properties: {x: {type: string}}}}}}}}}`,
		"b/p.yaml": "kind: policy\n",
	}, []call{
		{"all named", "rules coverage --openapi DIR/api.yaml DIR/r", "", 0,
			[]string{"1 operation, 3 fields, 0 of them named by no rule\n"}, nil},
		{"some not", "rules coverage --openapi DIR/more.yaml DIR/r", "", 1, []string{
			"GET /v1/people/{id} (GET /v1/people/{id} of people)\n  $.pin\n", "GET /v1/new (no " +
				"route)\n  $.x\n",
			"2 operations, 3 fields, 2 of them named by no rule\nlook at each of them"}, nil},
		{"for machines", "rules coverage --json --openapi DIR/more.yaml DIR/r", "", 1,
			[]string{`"unnamed": [`, `"$.x"`}, nil},
		{"another base", "rules coverage --base /api --openapi DIR/api.yaml DIR/r", "", 1,
			[]string{"(no route)"}, nil},
		{"no document named", "rules coverage DIR/r", "", 2, nil,
			[]string{"maskgate: want --openapi FILE, ", "usage: "}},
		{"no document", "rules coverage --openapi DIR/none DIR/r", "", 2, nil,
			[]string{"no such file"}},
		{"no document, for machines", "rules coverage --json --openapi DIR/none DIR/r", "", 2,
			[]string{`"findings": [`, "no such file"}, nil},
		{"broken rules", "rules coverage --openapi DIR/api.yaml DIR/b", "", 2, nil,
			[]string{"DIR/b/p.yaml:1:1"}},
	})
}

func TestRulesCheck(t *testing.T) {
	t.Parallel()
	out, _, err := run(t, "", "rules", "check", "../examples/customer")
	if err != nil || !strings.HasPrefix(out, "3 files, ") || !strings.Contains(out, "\nsha256:") {
		t.Errorf("%s, %v", out, err)
	}
	dir := t.TempDir()
	bad := "kind: policy\nname: x\nrolls: {}\n"
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, "", "rules", "check", dir); err == nil ||
		!strings.Contains(err.Error(), "status 2") ||
		!strings.Contains(out, "p.yaml:3:1: error: ") {
		t.Errorf("rules check of a broken file: %s, %v, want its fault and status 2", out, err)
	}
	for want, args := range map[string][]string{
		"no such file":            {"rules", "check", filepath.Join(dir, "none")},
		"no .yaml":                {"rules", "check", t.TempDir()},
		"requires at least 1 arg": {"rules", "check"},
		"unknown flag: --quiet":   {"rules", "check", "--quiet", dir},
	} {
		if _, _, err := run(t, "", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

func TestRulesSchema(t *testing.T) {
	t.Parallel()
	out, _, err := run(t, "", "rules", "schema")
	if err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, `"justification"`) {
		t.Errorf("rules schema: %v, %.100s, want a JSON Schema", err, out)
	}
}
