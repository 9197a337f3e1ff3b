package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/rules"
)

// accounts are what an explanation says of records: kind, whether it is denied, what the roles'
// conditions are supposed to be, and the treatments of its fields.
func accounts(x *rules.Explanation) (list []string) {
	for _, a := range x.Records {
		text := a.Kind
		if a.Denied {
			text += " denied"
		}
		for _, s := range a.Suppose {
			text += " supposing " + s.When
		}
		for _, f := range a.Fields {
			text += " " + f.Path + "=" + f.Treatment
		}
		list = append(list, text)
	}
	return list
}

// TestExplain: an explanation has the records of an answer in their order, or each kind of record;
// and why a request is refused.
func TestExplain(t *testing.T) {
	t.Parallel()
	const (
		all      = " $.id=clear $.name=person_name $.agentId=clear"
		noName   = " $.id=drop $.name=drop $.agentId=clear"
		envelope = rules.Envelope
		when     = " supposing record.agentId == caller.id"
	)
	list := func(response *rules.TestResponse) func(*rules.Test) {
		return func(t *rules.Test) { t.Target, t.Response = "/v1/people", response }
	}
	ofFirst := []rules.SubjectStanding{{Subject: "C1", Standing: consents()}}
	for _, tt := range []struct {
		name           string
		policy         string // "": that of all tests
		change         func(*rules.Test)
		route          string
		records        []string
		refused, cause string
	}{
		{name: "kinds of records", change: list(nil), route: "GET /v1/people",
			records: []string{envelope, "$.items[*]" + when + all}},
		{name: "records", change: list(answered(twoPeople)), route: "GET /v1/people",
			records: []string{envelope, "$.items[*]" + all, "$.items[*] denied"}},
		{name: "no record", change: list(answered(`{"items":[]}`)), route: "GET /v1/people",
			records: []string{envelope}},
		{name: "standing of everybody", policy: consentPolicy, change: func(t *rules.Test) {
			list(nil)(t)
			t.Standings = []rules.SubjectStanding{{Standing: consents()}}
		}, route: "GET /v1/people", records: []string{envelope, "$.items[*]" + when + all}},
		{name: "standing of one, without records", policy: consentPolicy,
			change: func(t *rules.Test) {
				list(nil)(t)
				t.Standings = ofFirst
			}, route: "GET /v1/people", records: []string{envelope, "$.items[*]" + when + noName}},
		{name: "standing of each", policy: consentPolicy, change: func(t *rules.Test) {
			list(answered(`{"items":[` + person("C1", "张三丰") + "," + person("C2", "李四") + `]}`))(t)
			t.Standings = ofFirst
		}, route: "GET /v1/people",
			records: []string{envelope, "$.items[*]" + all, "$.items[*]" + noName}},
		{name: "one that is denied", change: func(t *rules.Test) {
			t.Response = answered(strings.Replace(person("C1", "张三丰"), agent.ID, "agent-99", 1))
		}, route: "GET /v1/people/{id}", records: []string{envelope, "$ denied"},
			refused: "condition_not_met"},
		{name: "a public route", change: func(t *rules.Test) {
			t.Target, t.Response = "/v1/public", answered(`["CN"]`)
		}, route: "GET /v1/public"},
		{name: "a public route, without an answer", change: func(t *rules.Test) {
			t.Target, t.Response = "/v1/public", nil
		}, route: "GET /v1/public"},
		{name: "an answer of a public route that is refused", change: func(t *rules.Test) {
			t.Target = "/v1/public"
			t.Response.Type = "text/html"
		}, route: "GET /v1/public", refused: "media_type"},
		{name: "no JSON", change: list(answered(`{"items":[` + rewritten + `,{]}`)),
			route:   "GET /v1/people",
			records: []string{envelope, "$.items[*]" + when + all}, refused: "invalid_json",
			cause: "at byte"},
		{name: "too large an answer", change: list(answered(strings.Repeat(" ", 1<<20+1))),
			route: "GET /v1/people", records: []string{envelope, "$.items[*]" + when + all},
			refused: "response_too_large"},
		{name: "no role", change: func(t *rules.Test) { t.Request.Caller.Roles = nil },
			route: "GET /v1/people/{id}", refused: "no_role"},
		{name: "no purpose", change: func(t *rules.Test) { t.Request.Purpose = "" },
			route: "GET /v1/people/{id}", refused: "purpose_missing"},
		{name: "no target", change: func(t *rules.Test) { t.Target = "people" },
			refused: "ambiguous_path"},
		{name: "two ways to read it", change: func(t *rules.Test) { t.Target = "/v1//x" },
			refused: "ambiguous_path"},
		{name: "no route", change: func(t *rules.Test) { t.Target = "/v1/nothing" },
			refused: "no_route"},
		{name: "a query", change: func(t *rules.Test) { t.Target = "/v1/people/C1?x=1" },
			route: "GET /v1/people/{id}", refused: "query_not_allowed", cause: `does not list "x"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.policy == "" {
				tt.policy = testPolicy
			}
			set := setOf(t, testService, tt.policy)
			test := ruleTest(answered(person("C1", "张三丰")))
			tt.change(test)
			x := Explain(set, test)
			if x.RulesDigest != set.Digest() || x.Route != tt.route ||
				(x.Service != "") != (tt.route != "") {
				t.Errorf("of %s: route %q, service %q; want %q",
					x.RulesDigest, x.Route, x.Service, tt.route)
			}
			if string(x.Refused) != tt.refused || !strings.Contains(x.Cause, tt.cause) ||
				tt.cause == "" && x.Cause != "" {
				t.Errorf("refused for %q, %q; want %q, %q",
					x.Refused, x.Cause, tt.refused, tt.cause)
			}
			if diff := cmp.Diff(tt.records, accounts(x)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExplainPublic: an explanation of a public route says why it is public.
func TestExplainPublic(t *testing.T) {
	t.Parallel()
	test := ruleTest(nil)
	test.Target = "/v1/public"
	x := Explain(setOf(t, testService, testPolicy), test)
	if x.Public != "a list of countries" {
		t.Errorf("Explain() = %+v, want why the route is public", x)
	}
}

// TestExplainNamesRoles: an explanation of a refusal says of each role why it did not let the
// caller in.
func TestExplainNamesRoles(t *testing.T) {
	t.Parallel()
	test := ruleTest(nil)
	test.Request.Caller.Roles = []string{"credit-officer"}
	x := Explain(setOf(t, testService, testPolicy), test)
	if x.Refused != rules.NoRole {
		t.Fatalf("Explain() = %+v, want it refused for %s", x, rules.NoRole)
	}
	var got []string
	for _, e := range x.Skipped {
		got = append(got, fmt.Sprint(e.Role, " ", e.Reason))
	}
	slices.Sort(got)
	want := []string{"credit-officer purpose_not_served", "customer-service role_not_held"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

// TestExplainIsTheRehearsal: what is explained of records is what a test of rules gets.
func TestExplainIsTheRehearsal(t *testing.T) {
	t.Parallel()
	set := setOf(t, consentService, consentPolicy)
	test := ruleTest(answered(`{"total":3,"items":[` + person("C1", "张三丰") + "," +
		strings.Replace(person("C2", "李四"), agent.ID, "agent-99", 1) + "," +
		person("C3", "王五") + `]}`))
	test.Target = "/v1/people"
	test.Standings = []rules.SubjectStanding{{Subject: "C3", Standing: consents()}}
	x := Explain(set, test)
	explained := map[string]int{}
	for _, a := range x.Records {
		explained[shownAs(a.Kind, a.Denied, decisionsOf(a))]++
	}
	shown := map[string]int{}
	o := Rehearse(set)(test)
	for _, s := range o.Shown {
		decisions := s.Profile.Fields
		if s.Profile.Denied {
			decisions = nil
		}
		shown[shownAs(s.Profile.Kind, s.Profile.Denied, decisions)] += s.Records
	}
	if diff := cmp.Diff(shown, explained); diff != "" || len(shown) != 4 {
		t.Errorf("explained otherwise than shown (-shown +explained):\n%s", diff)
	}
}

func decisionsOf(a rules.Account) (list []rules.Decision) {
	if a.Denied {
		return nil
	}
	for _, f := range a.Fields {
		list = append(list, f.Decision)
	}
	return list
}

func shownAs(kind string, denied bool, fields []rules.Decision) string {
	return fmt.Sprint(kind, " ", denied, " ", fields)
}
