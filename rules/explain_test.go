package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// An explanation says which entry decided, and of every other entry why it did not.
func TestExplain(t *testing.T) {
	set := load(t,
		[]string{ // lines 5 to 11
			"treat: {person_name: clear, bank_card: mask}, limit: {records: 9/response, " +
				"subjects: 7/1d}",
			"treat: {C2: hash}, grantable: {bank_card: {approver: boss, ttl: 1h}}",
			"require: {amr: [mfa]}, treat: {C2: clear}",
			"when: record.x == 1, treat: {C2: clear}",
			`when: "caller.id == 'u2'", treat: {C2: clear}`,
			"purposes: [loan], treat: {C2: clear}",
			"treat: {C2: clear}",
		},
		[]string{ // lines 13 to 17
			"type: person_name, at_most: hash",
			"type: bank_card, at_most: clear",
			`when: "caller.region == 'US'", at_most: drop`,
			"when: record.x == 2, at_most: drop",
			"class: C2, at_most: mask",
		})
	q := request(all(6), "care")
	x := set.Explain(set.Routes()[0], q, rules.Record{Inputs: inputs(t, `{"x":3}`)[:1]})
	if x.RulesDigest != set.Digest() || x.Route != "GET /v1/a/{id}" || x.Service != "s" ||
		x.Purpose != "care" || x.Basis != "contract" || x.Refused != "" {
		t.Errorf("Explain = %+v, want the request as it was", x)
	}
	wantSkipped := []rules.Entry{
		{Rule: "policy.yaml:10", Role: "r5", Reason: rules.PurposeNotServed},
		{Rule: "policy.yaml:11", Role: "r6", Reason: rules.RoleNotHeld},
		{Rule: "policy.yaml:7", Role: "r2", Reason: rules.AssuranceTooLow},
		{Rule: "policy.yaml:9", Role: "r4", Reason: rules.ConditionNotMet},
		{Rule: "policy.yaml:15", Treatment: "drop", Reason: rules.ConditionNotMet},
	}
	if diff := cmp.Diff(wantSkipped, x.Skipped); diff != "" {
		t.Errorf("skipped in the request (-want +have):\n%s", diff)
	}
	record := x.Records[0]
	wantSkipped = []rules.Entry{
		{Rule: "policy.yaml:8", Role: "r3", Reason: rules.ConditionNotMet},
		{Rule: "policy.yaml:16", Treatment: "drop", Reason: rules.ConditionNotMet},
	}
	if diff := cmp.Diff(wantSkipped, record.Skipped); diff != "" {
		t.Errorf("skipped in the record (-want +have):\n%s", diff)
	}
	for path, want := range map[string]rules.FieldAccount{
		"$.name": {
			Decision: rules.Decision{Path: "$.name", Type: "person_name", Treatment: "hash",
				Reason: rules.Capped, Rule: "policy.yaml:13"},
			Others: []rules.Entry{
				{Rule: "policy.yaml:5", Role: "r0", Treatment: "clear", Reason: rules.Overruled},
				{Rule: "policy.yaml:6", Role: "r1", Treatment: "hash", Reason: rules.LessOpen},
				{Rule: "policy.yaml:14", Treatment: "clear", Reason: rules.SaysNothing},
				{Rule: "policy.yaml:17", Treatment: "mask", Reason: rules.LessStrict},
			},
		},
		"$.card": {
			Decision: rules.Decision{Path: "$.card", Type: "bank_card", Treatment: "bank_card",
				Reason: rules.Permitted, Rule: "policy.yaml:5"},
			Others: []rules.Entry{
				{Rule: "policy.yaml:6", Role: "r1", Treatment: "hash", Reason: rules.LessOpen},
				{Rule: "policy.yaml:6", Role: "r1", Treatment: "clear", Reason: rules.NoGrant},
				{Rule: "policy.yaml:13", Treatment: "hash", Reason: rules.SaysNothing},
				{Rule: "policy.yaml:14", Treatment: "clear", Reason: rules.LessStrict},
				{Rule: "policy.yaml:17", Treatment: "mask", Reason: rules.LessStrict},
			},
		},
	} {
		for _, f := range record.Fields {
			if f.Path == path {
				if diff := cmp.Diff(want, f); diff != "" {
					t.Errorf("%s (-want +have):\n%s", path, diff)
				}
			}
		}
	}
	if record.Denied || record.Kind != "$.items[*]" {
		t.Errorf("record = %+v, want it shown", record)
	}

	// Without records: the envelope and each kind, of which nothing is known.
	x = set.Explain(set.Routes()[0], q)
	if len(x.Records) != 2 || x.Records[0].Kind != "envelope" ||
		x.Records[1].Skipped[0].Reason != rules.ConditionUnknown {
		t.Errorf("Explain without records = %+v, want the envelope and a record with an unknown "+
			"condition", x.Records)
	}
	if got, want := set.Explain(set.Routes()[0], request(all(6), "cure")).Refused,
		rules.PurposeUnknown; got != want {
		t.Errorf("Explain for an unknown purpose: refused for %q, want %q", got, want)
	}
	// A role that limits subjects takes no part in the envelope, which names no subject.
	x = set.Explain(set.Routes()[0], request(all(1), "care"), rules.Record{Kind: masking.Envelope})
	if diff := cmp.Diff([]rules.Entry{{Rule: "policy.yaml:5", Role: "r0",
		Reason: rules.SubjectUnnamed}}, x.Records[0].Skipped); diff != "" {
		t.Errorf("skipped in the envelope (-want +have):\n%s", diff)
	}
	// A consent that is missing overrules whatever roles permit.
	x = set.Explain(set.Routes()[0], request(all(2), "loan"), rules.Record{Kind: masking.Envelope})
	for _, f := range x.Records[0].Fields {
		if f.Path == "$.who" && (f.Reason != rules.ConsentMissing ||
			f.Others[0].Reason != rules.Overruled) {
			t.Errorf("$.who without consent = %+v, want the role overruled", f)
		}
	}
	public := mustLoad(t, rules.File{Name: "s.yaml", Data: []byte("kind: service\nname: s\n" +
		"owner: o\nroutes: [{match: GET /a, public: published by law}]\n")})
	if x := public.Explain(public.Routes()[0], q); x.Public != "published by law" ||
		x.Refused != "" || len(x.Records) != 0 {
		t.Errorf("Explain of a public route = %+v, want why it is public", x)
	}
}

// To suppose that conditions of records hold is to suppose it of records: an envelope is none.
func TestExplainSupposes(t *testing.T) {
	set := load(t, []string{"when: record.x == 1, treat: {C2: clear}"}, nil)
	for _, test := range []struct {
		name      string
		record    rules.Record
		path      string
		treatment string // "" for a record that is denied
		suppose   []rules.Supposition
	}{
		{"a record", rules.Record{Supposing: true}, "$.name", "clear",
			[]rules.Supposition{{Rule: "policy.yaml:5", Role: "r0", When: "record.x == 1"}}},
		{"a record, supposing nothing", rules.Record{}, "$.name", "", nil},
		{"the envelope", rules.Record{Kind: masking.Envelope, Supposing: true}, "$.who", "drop",
			nil},
		{"the envelope, supposing nothing", rules.Record{Kind: masking.Envelope}, "$.who", "drop",
			nil},
	} {
		account := set.Explain(set.Routes()[0], request(all(1), "care"), test.record).Records[0]
		if diff := cmp.Diff(test.suppose, account.Suppose); diff != "" {
			t.Errorf("%s: supposed (-want +have):\n%s", test.name, diff)
		}
		treatment := ""
		for _, f := range account.Fields {
			if f.Path == test.path {
				treatment = f.Treatment
			}
		}
		if treatment != test.treatment || account.Denied != (test.treatment == "") {
			t.Errorf("%s: %s = %q, denied = %v; want %q", test.name, test.path, treatment,
				account.Denied, test.treatment)
		}
	}
}
