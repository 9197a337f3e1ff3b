package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

const service = `kind: service
name: customer
owner: crm-team
routes:
  - match: GET /v1/customers/{id}
    envelope: {$.code: public}
    record: $.data
    subject: $.id
    fields: {$.id: customer_number, $.name: person_name, $.mobile: cn_mobile}
  - match: GET /v1/shops
    public: shops are no persons
  - match: GET /v1/me
    fields: {$.name: person_name}
  - match: GET /v1/families/{id}
    records:
      - {record: $.parents, fields: {$.name: person_name}}
      - {record: $.children, fields: {$.name: person_name}}
`

const policy = `kind: policy
name: customer-data
purposes: {care: {basis: contract}}
roles:
  agent: {purposes: [care], treat: {C2: mask, person_name: clear}}
  auditor: {purposes: [care], treat: {C2: hash}}
`

// tree writes files below a new directory, by path, and returns the directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// withRules adds the rules above to files of tests.
func withRules(files map[string]string) map[string]string {
	files["service.yaml"], files["policy.yaml"] = service, policy
	return files
}

// outcome answers a test for the fake gateways: with the test's route, a record of each of its
// kinds, the envelope, and the body of the data service as it is.
func outcome(set *rules.Set, t *rules.Test) Outcome {
	path, _, _ := strings.Cut(t.Target, "?")
	r := set.Route(t.Method, t.Host, path)
	if r == nil {
		return Outcome{Refused: "no_route"}
	}
	o := Outcome{Route: r}
	if t.Response != nil {
		o.Body = t.Response.Body
	}
	if r.Public != "" {
		return o
	}
	access, err := set.Admit(r, t.Request)
	if denial, ok := errors.AsType[*rules.Denial](err); ok {
		return Outcome{Route: r, Refused: string(denial.Reason)}
	}
	for kind := range r.Kinds()[1:] {
		p := access.Profile(kind, nil)
		var occurred []string
		for _, f := range p.Fields {
			if bytes.Contains(o.Body, []byte(strings.TrimPrefix(f.Path, "$."))) {
				occurred = append(occurred, f.Path)
			}
		}
		o.Shown = append(o.Shown, Shown{Profile: p, Records: 1, Occurred: occurred})
		o.Released++
	}
	envelope := access.Profile(masking.Envelope, nil)
	o.Shown = append(o.Shown, Shown{Profile: envelope, Records: 1, Occurred: []string{"$.code"}})
	return o
}

// gatewayOf makes the fake gateway for a set.
func gatewayOf(set *rules.Set) Gateway {
	return func(t *rules.Test) Outcome { return outcome(set, t) }
}

// agentTest is a test in YAML whose caller is an agent. rest has its further keys.
func agentTest(name, request, rest string) string {
	return "  - name: " + name + "\n    caller: {id: a1, roles: [agent], purposes: [care]}\n" +
		"    purpose: care\n    request: " + request + "\n" + rest
}

const answer = `    response: {body: '{"code":0,"data":{"id":"C1","name":"张三",` +
	`"mobile":"13812345678"}}'}` + "\n"

func TestRun(t *testing.T) {
	t.Parallel()
	dir := tree(t, withRules(map[string]string{
		"a_test.yaml": "kind: test\ntests:\n" +
			agentTest("passes", "GET /v1/customers/C1", answer+
				"    expect: {records: {released: 1, denied: 0}}\n") +
			agentTest("fails", "GET /v1/customers/C1", answer+
				"    expect: {records: {released: 2}}\n"),
		"b_test.yml": "kind: test\ntests:\n" + agentTest("is refused", "GET /v1/nothing",
			"    expect: {refused: no_route}\n"),
		"below/c_test.yaml": "kind: test\nrules: [../service.yaml, ../policy.yaml]\ntests:\n" +
			agentTest("lies deeper", "GET /v1/me", "    response: {body: '{}'}\n"+
				"    expect: {body: '{}'}\n"),
		".hidden/d_test.yaml": "kind: nothing that is read\n",
	}))
	made := 0
	report, err := Run([]string{dir}, func(set *rules.Set) Gateway {
		made++
		return gatewayOf(set)
	})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if report.Passed != 3 || report.Failed != 1 {
		t.Errorf("passed %d, failed %d; want 3 and 1", report.Passed, report.Failed)
	}
	var have []string
	for _, r := range report.Results {
		file, _ := filepath.Rel(dir, r.File)
		at, _ := filepath.Rel(dir, r.At)
		line := file + " " + r.Name + " " + at
		for _, f := range r.Failures {
			line += ": " + f.Message
		}
		have = append(have, line)
	}
	want := []string{
		"a_test.yaml passes a_test.yaml:3",
		"a_test.yaml fails a_test.yaml:9: want 2 records released; have 1",
		"b_test.yml is refused b_test.yml:3",
		"below/c_test.yaml lies deeper below/c_test.yaml:4",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("results (-want +have):\n%s", diff)
	}
	// Files that name the same rules share a set; those that name them otherwise have their own.
	if made != 2 || len(report.Coverage) != 2 {
		t.Errorf("%d gateways, %d coverages; want 2 of each", made, len(report.Coverage))
	}
}

func TestRunFaults(t *testing.T) {
	t.Parallel()
	const good = "kind: test\ntests:\n" +
		"  - {name: t, request: GET /v1/me, expect: {refused: no_role}}\n"
	tests := []struct {
		name  string
		files map[string]string
		path  string   // below the directory
		want  []string // in the error, all of them
	}{
		{"nothing there", nil, "none", []string{"reading tests", "no such file"}},
		{"no tests", map[string]string{"service.yaml": service}, "",
			[]string{"ends in _test.yaml; name one"}},
		{"a hidden test alone", map[string]string{".x/a_test.yaml": good}, "",
			[]string{"ends in _test.yaml; name one"}},
		{"broken tests, all of them",
			withRules(map[string]string{
				"a_test.yaml": "kind: test\n", "b_test.yaml": "kind: tests\n",
			}), "",
			[]string{
				"a_test.yaml:1:1: ", "want the key tests", "b_test.yaml:1:1: ", "want kind: test",
			}},
		{"broken rules",
			map[string]string{"a_test.yaml": good, "service.yaml": "kind: service\n"}, "",
			[]string{
				"a_test.yaml: its rules are broken:\n", "service.yaml:1:1: ", "want the key name",
			}},
		{"no rules", map[string]string{"a_test.yaml": good}, "",
			[]string{"a_test.yaml:1:1: its rules cannot be read: ", "no .yaml or .yml file"}},
		{"no rules where it says", map[string]string{"a_test.yaml": "rules: [else]\n" + good}, "",
			[]string{"its rules cannot be read: ", "no such file"}},
		{"a consent to a purpose that the rules do not know",
			withRules(map[string]string{"a_test.yaml": "kind: test\ntests:\n" +
				agentTest("t", "GET /v1/me", "    consents: [{purposes: [cure], "+
					"granted: 2026-11-01T09:00:00+08:00}]\n    expect: {refused: no_role}\n")}), "",
			[]string{"a_test.yaml:7:28: purposes: the rules have no \"cure\""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, tt.files)
			report, err := Run([]string{filepath.Join(dir, tt.path)}, func(*rules.Set) Gateway {
				return func(*rules.Test) Outcome {
					t.Error("a test ran although files are broken")
					return Outcome{}
				}
			})
			if err == nil || report != nil {
				t.Fatalf("Run = %v, %v, want an error", report, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Run = %v, want %q in it", err, want)
				}
			}
		})
	}
}

// Whoever names a file means that file, whatever it is called; to name it twice is to name it once.
func TestRunOneFile(t *testing.T) {
	t.Parallel()
	dir := tree(t, withRules(map[string]string{
		"cases.yml": "kind: test\nrules: [service.yaml, policy.yaml]\ntests:\n" +
			agentTest("t", "GET /v1/nothing", "    expect: {refused: no_route}\n"),
	}))
	path := filepath.Join(dir, "cases.yml")
	report, err := Run([]string{path, path}, gatewayOf)
	if err != nil || report.Passed != 1 || report.Failed != 0 {
		t.Errorf("Run = %+v, %v, want one test passed", report, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	set, err := rules.Load([]rules.File{{Name: "service.yaml", Data: []byte(service)},
		{Name: "policy.yaml", Data: []byte(policy)}}, Keys{})
	if err != nil {
		t.Fatal(err)
	}
	got := func(change func(*Outcome)) func(*rules.Test) Outcome {
		return func(t *rules.Test) Outcome {
			o := outcome(set, t)
			change(&o)
			return o
		}
	}
	same := got(func(*Outcome) {})
	refused := got(func(o *Outcome) { *o = Outcome{Refused: "no_role"} })
	tests := []struct {
		name    string
		request string
		rest    string
		gateway func(*rules.Test) Outcome
		want    []string // messages
	}{
		{"refused, as expected", "GET /v1/me", "    expect: {refused: no_role}\n", refused, nil},
		{"answered, and should be refused", "GET /v1/me", "    expect: {refused: no_role}\n", same,
			[]string{"want the request refused, no_role; it was answered"}},
		{"refused for another reason", "GET /v1/me", "    expect: {refused: upstream_down}\n",
			refused,
			[]string{"want the request refused, upstream_down; it was for no_role (no role of " +
				"the caller serves the purpose)"}},
		{"refused, and should be answered", "GET /v1/me", answer +
			"    expect: {records: {released: 1}}\n",
			got(func(o *Outcome) {
				*o = Outcome{Refused: "upstream_timeout", Cause: "it is slow"}
			}),
			[]string{"the request was refused: upstream_timeout: it is slow"}},
		{"the body", "GET /v1/me", "    response: {body: '{\"a\":1}'}\n" +
			"    expect: {body: '{\"a\":1}'}\n", same, nil},
		{"another body", "GET /v1/me", "    response: {body: '{\"a\":1}'}\n" +
			"    expect: {body: '{\"a\":2}'}\n", same, []string{"the body is another"}},
		{"an empty body", "GET /v1/me", "    response: {body: '{}'}\n    expect: {file: empty}\n",
			got(func(o *Outcome) { o.Body = nil }), nil},
		{"fields", "GET /v1/customers/C1", answer + "    expect: {fields: {$.name: clear, " +
			"$.mobile: mask, $.id: drop}}\n", same, nil},
		{"a field of the envelope", "GET /v1/customers/C1", answer +
			"    expect: {fields: {envelope: {$.code: clear}}}\n", same, nil},
		{"a field that is treated otherwise", "GET /v1/customers/C1", answer +
			"    expect: {fields: {$.name: mask, $.mobile: clear}}\n", same,
			[]string{"$.name: want person_name; have clear (permitted by policy.yaml:5)",
				"$.mobile: want clear; have cn_mobile (permitted by policy.yaml:5)"}},
		{"a field that nothing permits", "GET /v1/customers/C1", answer +
			"    expect: {fields: {envelope: {$.code: drop}}}\n", same,
			[]string{"$.code: want drop; have clear (public_field)"}},
		{"no such field", "GET /v1/customers/C1", answer + "    expect: {fields: {$.nam: clear}}\n",
			same,
			[]string{"GET /v1/customers/{id} has no field $.nam in $.data (did you mean $.name?)"}},
		{"kinds of record", "GET /v1/families/1", answer + "    expect: {fields: {$.parents: " +
			"{$.name: clear}, $.children: {$.name: clear}}}\n", same, nil},
		{"which kind of record is not said", "GET /v1/families/1", answer +
			"    expect: {fields: {$.name: clear}}\n", same,
			[]string{"GET /v1/families/{id} has several kinds of record; say which: one of " +
				"$.parents, $.children, envelope"}},
		{"a record that is not shown", "GET /v1/families/1", answer +
			"    expect: {fields: {$.children: {$.name: clear}}}\n",
			got(func(o *Outcome) { o.Shown = o.Shown[:1] }),
			[]string{"$.name: the response shows no record $.children that has the field"}},
		{"a record that is denied", "GET /v1/me", answer +
			"    expect: {fields: {$.name: clear}}\n",
			got(func(o *Outcome) {
				denied := *o.Shown[0].Profile
				denied.Denied, denied.Fields = true, nil
				o.Shown[0].Profile = &denied
			}), []string{"$.name: the response shows no record $ that has the field"}},
		{"fields of a public route", "GET /v1/shops", answer +
			"    expect: {fields: {$.name: clear}}\n", same,
			[]string{"GET /v1/shops is public: its fields have no treatment"}},
		{"records", "GET /v1/me", answer + "    expect: {records: {released: 1, denied: 0}}\n",
			same, nil},
		{"other numbers of records", "GET /v1/me", answer + "    expect: {records: {released: 3, " +
			"denied: 2}}\n", same,
			[]string{"want 3 records released; have 1", "want 2 records denied; have 0"}},
		{"all that is wrong", "GET /v1/me", answer + "    expect: {body: x, fields: {$.name: " +
			"mask}, records: {denied: 1}}\n", same,
			[]string{"the body is another", "$.name: want person_name; have clear (permitted by " +
				"policy.yaml:5)", "want 1 records denied; have 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "kind: test\ntests:\n" + agentTest("t", tt.request, tt.rest)
			empty := func(string) ([]byte, error) { return nil, nil }
			file, err := rules.ParseTests(rules.File{Name: "a_test.yaml", Data: []byte(text)},
				empty)
			if err != nil {
				t.Fatal(err)
			}
			o := tt.gateway(&file.Tests[0])
			var have []string
			for _, f := range check(&file.Tests[0], &o) {
				have = append(have, f.Message)
				if !strings.HasPrefix(f.At, "a_test.yaml:") {
					t.Errorf("At = %q, want a line of the file", f.At)
				}
				if (f.Message == "the body is another") != (f.Differences != nil) {
					t.Errorf("%s: differences %v", f.Message, f.Differences)
				}
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("failures (-want +have):\n%s", diff)
			}
		})
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, tests ...string) Coverage {
		t.Helper()
		dir := tree(t,
			withRules(map[string]string{"a_test.yaml": "kind: test\n" +
				"rules: [service.yaml, policy.yaml]\ntests:\n" + strings.Join(tests, "")}))
		report, err := Run([]string{dir}, gatewayOf)
		if err != nil {
			t.Fatal(err)
		}
		c := report.Coverage[0]
		if !slices.IsSorted(c.Rules) || len(c.Rules) != 2 || c.Digest == "" {
			t.Errorf("rules %q, digest %q; want both files and the set's digest", c.Rules, c.Digest)
		}
		return c
	}
	const expect = "    expect: {records: {denied: 0}}\n"
	fields := []string{
		"customer GET /v1/customers/{id}: envelope $.code",
		"customer GET /v1/customers/{id}: $.data $.id",
		"customer GET /v1/customers/{id}: $.data $.name",
		"customer GET /v1/customers/{id}: $.data $.mobile",
		"customer GET /v1/me: $.name", "customer GET /v1/families/{id}: $.parents $.name",
		"customer GET /v1/families/{id}: $.children $.name",
	}
	routes := []string{"customer GET /v1/customers/{id}", "customer GET /v1/shops",
		"customer GET /v1/me", "customer GET /v1/families/{id}"}
	for _, tt := range []struct {
		name                  string
		tests                 []string
		routes, fields, roles Share
	}{
		{"a request that has no route",
			[]string{agentTest("t", "GET /v1/none", "    expect: {refused: no_route}\n")},
			Share{0, 4, routes}, Share{0, 7, fields}, Share{0, 2, []string{"agent", "auditor"}}},
		{"one record", []string{agentTest("t", "GET /v1/customers/C1", answer+expect)},
			Share{1, 4, routes[1:]}, Share{4, 7, fields[4:]}, Share{1, 2, []string{"auditor"}}},
		{"a public route", []string{agentTest("t", "GET /v1/shops", answer+expect)},
			Share{1, 4, []string{routes[0], routes[2], routes[3]}}, Share{0, 7, fields},
			Share{0, 2, []string{"agent", "auditor"}}},
		{"all", []string{
			agentTest("1", "GET /v1/customers/C1", answer+expect), agentTest("2", "GET /v1/shops",
				answer+expect), agentTest("3", "GET /v1/me", answer+expect),
			agentTest("4", "GET /v1/families/1", answer+expect),
			strings.ReplaceAll(agentTest("5", "GET /v1/me", answer+expect), "agent", "auditor"),
		}, Share{4, 4, nil}, Share{7, 7, nil}, Share{2, 2, nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := run(t, tt.tests...)
			for _, part := range []struct {
				what       string
				want, have Share
			}{{"routes", tt.routes, c.Routes}, {"fields", tt.fields, c.Fields},
				{"roles", tt.roles, c.Roles}} {
				if diff := cmp.Diff(part.want, part.have); diff != "" {
					t.Errorf("%s (-want +have):\n%s", part.what, diff)
				}
			}
		})
	}
}

// A field is not covered by a record that does not leave.
func TestCoverageCountsRecords(t *testing.T) {
	t.Parallel()
	dir := tree(t, withRules(map[string]string{"a_test.yaml": "kind: test\ntests:\n" +
		agentTest("t", "GET /v1/me", answer+"    expect: {records: {released: 0}}\n")}))
	report, err := Run([]string{dir}, func(set *rules.Set) Gateway {
		return func(t *rules.Test) Outcome {
			o := outcome(set, t)
			o.Released = 0
			for i := range o.Shown {
				o.Shown[i].Records = 0
			}
			return o
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := report.Coverage[0]; c.Routes.Covered != 1 || c.Fields.Covered != 0 ||
		c.Roles.Covered != 0 {
		t.Errorf("covered %d routes, %d fields, %d roles; want 1, 0, 0", c.Routes.Covered,
			c.Fields.Covered, c.Roles.Covered)
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ covered, total, want int }{{0, 0, 100}, {0, 3, 0}, {1, 3, 33},
		{2, 3, 66}, {3, 3, 100}, {199, 200, 99}} {
		if got := (Share{Covered: tt.covered, Total: tt.total}).Percent(); got != tt.want {
			t.Errorf("Percent of %d of %d = %d, want %d", tt.covered, tt.total, got, tt.want)
		}
	}
}

// The keys of tests are published, so that who writes a test can say what a pseudonym comes to.
func TestKeys(t *testing.T) {
	t.Parallel()
	key, version := Keys{}.Pseudonym("care")
	if version != 1 || len(key) != 32 {
		t.Errorf("Pseudonym = %d bytes of version %d, want 32 of version 1", len(key), version)
	}
	again, _ := Keys{}.Pseudonym("care")
	other, _ := Keys{}.Pseudonym("loan")
	if !bytes.Equal(key, again) || bytes.Equal(key, other) {
		t.Error("keys differ from one call to the next, or do not from purpose to purpose")
	}
}

// report returns a report that has everything.
func report() *Report {
	return &Report{
		Passed: 1, Failed: 2,
		Results: []Result{
			{File: "a_test.yaml", Name: "passes", At: "a_test.yaml:3"},
			{File: "a_test.yaml", Name: "fails", At: "a_test.yaml:9", Failures: []Failure{
				{At: "a_test.yaml:12", Message: "the body is another",
					Differences: []Difference{{"$.name", `"张**"`, `"<张三>"`}, {"$.id", "1", ""}}},
				{At: "a_test.yaml:13", Message: "want 2 records released; have 1"},
			}},
			{File: "b_test.yaml", Name: "is refused", At: "b_test.yaml:3",
				Failures: []Failure{{At: "b_test.yaml:3",
					Message: "the request was refused: no_role"}}},
		},
		Coverage: []Coverage{{
			Rules: []string{"policy.yaml", "service.yaml"}, Digest: "sha256:0",
			Routes: Share{1, 2, []string{"customer GET /v1/me"}}, Fields: Share{3, 3, nil},
			Roles: Share{0, 0, nil},
		}},
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	const failures = `FAIL a_test.yaml:9: fails
  a_test.yaml:12: the body is another
    $.name
      want "张**"
      have "<张三>"
    $.id
      want 1
      have nothing
  a_test.yaml:13: want 2 records released; have 1
FAIL b_test.yaml:3: is refused
  b_test.yaml:3: the request was refused: no_role
FAIL 1 passed, 2 failed
`
	const coverage = `
coverage of policy.yaml, service.yaml
  routes  50 %  1 of 2
    no test: customer GET /v1/me
  fields 100 %  3 of 3
  roles  100 %  0 of 0
`
	passed := &Report{Passed: 2, Results: report().Results[:1], Coverage: report().Coverage}
	style := Style{Good: func(s string) string {
		return "+" + s + "+"
	}, Bad: func(s string) string { return "-" + s + "-" }}
	for _, tt := range []struct {
		name     string
		report   *Report
		style    Style
		coverage bool
		want     string
	}{
		{"failures", report(), Style{}, false, failures},
		{"with coverage", report(), Style{}, true, failures + coverage},
		{"all passed", passed, Style{}, false, "ok 2 passed, 0 failed\n"},
		{"painted", passed, style, false, "+ok+ 2 passed, 0 failed\n"},
		{"failures painted", &Report{Failed: 1, Results: report().Results[1:2]}, style, false,
			`-FAIL- a_test.yaml:9: fails
  a_test.yaml:12: the body is another
    $.name
      +want "张**"+
      -have "<张三>"-
    $.id
      +want 1+
      -have nothing-
  a_test.yaml:13: want 2 records released; have 1
-FAIL- 0 passed, 1 failed
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := tt.report.Text(&out, tt.style, tt.coverage); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("Text (-want +have):\n%s", diff)
			}
		})
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	broken := &Report{Findings: []rules.Finding{{
		Code: rules.Invalid, Severity: rules.Error, File: "service.yaml", Line: 2, Column: 1,
		Message: "want the key name",
	}}}
	for _, tt := range []struct {
		name   string
		report *Report
		want   string
	}{
		{"results", report(), `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="maskgate rules test" tests="3" failures="2" errors="0">
  <testsuite name="a_test.yaml" tests="2" failures="1" errors="0">
    <testcase name="passes" classname="a_test.yaml" file="a_test.yaml" line="3"></testcase>
    <testcase name="fails" classname="a_test.yaml" file="a_test.yaml" line="9">
      <failure message="the body is another">a_test.yaml:12: the body is another&#xA;` +
			`$.name&#xA;  want &#34;张**&#34;&#xA;  have &#34;&lt;张三&gt;&#34;&#xA;` +
			`$.id&#xA;  want 1&#xA;  have nothing&#xA;</failure>
      <failure message="want 2 records released; have 1">a_test.yaml:13: ` +
			`want 2 records released; have 1&#xA;</failure>
    </testcase>
  </testsuite>
  <testsuite name="b_test.yaml" tests="1" failures="1" errors="0">
    <testcase name="is refused" classname="b_test.yaml" file="b_test.yaml" line="3">
      <failure message="the request was refused: no_role">b_test.yaml:3: ` +
			`the request was refused: no_role&#xA;</failure>
    </testcase>
  </testsuite>
</testsuites>
`},
		{"rules that are broken", broken, `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="maskgate rules test" tests="1" failures="0" errors="1">
  <testsuite name="service.yaml" tests="1" failures="0" errors="1">
    <testcase name="service.yaml:2:1" classname="service.yaml" file="service.yaml" line="2">
      <error message="want the key name">service.yaml:2:1: want the key name&#xA;</error>
    </testcase>
  </testsuite>
</testsuites>
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := tt.report.JUnit(&out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("JUnit (-want +have):\n%s", diff)
			}
		})
	}
}

// brokenWriter is a disk that is full.
type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestReportsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	if err := report().Text(brokenWriter{full}, Style{}, true); !errors.Is(err, full) {
		t.Errorf("Text = %v, want %v", err, full)
	}
	if err := report().JUnit(brokenWriter{full}); !errors.Is(err, full) {
		t.Errorf("JUnit = %v, want %v", err, full)
	}
}

// Programs read the report as JSON: its members are stable.
func TestReportJSON(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(&Report{Passed: 1, Failed: 1, Results: report().Results[2:],
		Coverage: report().Coverage})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"passed":1,"failed":1,"tests":[{"file":"b_test.yaml","name":"is refused",` +
		`"at":"b_test.yaml:3",` +
		`"failures":[{"at":"b_test.yaml:3","message":"the request was refused: no_role"}]}],` +
		`"coverage":[{"rules":["policy.yaml","service.yaml"],"rules_digest":"sha256:0",` +
		`"routes":{"covered":1,"total":2,"missing":["customer GET /v1/me"]},` +
		`"fields":{"covered":3,"total":3},"roles":{"covered":0,"total":0}}]}`
	if string(data) != want {
		t.Errorf("JSON = %s\nwant %s", data, want)
	}
}
