package rules_test

import (
	"context"
	"slices"
	"testing"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// profiler decides as an admitted request does.
type profiler struct{ *rules.Access }

func (p profiler) Decide(_ context.Context, records []masking.Record,
	profiles []*masking.Profile) error {
	for i, r := range records {
		profiles[i] = &p.Profile(r.Kind, r.Inputs).Profile
	}
	return nil
}

// rewritten is what a caller with the role r gets of a document, by the route and the role's body,
// both as they stand in rule files, in flow style.
func rewritten(t *testing.T, route, role, in string) (string, *masking.Report) {
	t.Helper()
	set, err := rules.Load([]rules.File{
		{Name: "service.yaml", Data: []byte("kind: service\nname: s\nowner: o\n" +
			"routes: [{match: GET /a, " + route + "}]\n")},
		{Name: "policy.yaml", Data: []byte(policy + "roles: {r: {purposes: [care], " + role +
			"}}\n")},
	}, fixedKeys{})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	access := admit(t, set, rules.Caller{Roles: []string{"r"}, Purposes: []string{"care"}})
	var report masking.Report
	out, err := set.Routes()[0].Layout.Append(context.Background(), nil, []byte(in),
		masking.Document, profiler{access}, &report)
	if err != nil {
		t.Fatalf("Append(%s): %v", in, err)
	}
	return string(out), &report
}

// What rule files say is what leaves.
func TestRewritten(t *testing.T) {
	for _, test := range []struct{ name, route, role, in, want string }{
		{"null in quotes is a treatment", "fields: {$.name: person_name, $.card: bank_card}",
			`treat: {person_name: 'null', bank_card: "null"}`,
			`{"name":"张三丰","card":"6222021234567890128"}`, `{"name":null,"card":null}`},
		{"shift of the dates of a subject", "subject: $.id, fields: {$.id: public, $.born: " +
			"birth_date, $.opened: opening_date}", "treat: {C1: shift(days=30)}",
			`{"id":"C00000001","born":"1949-12-31","opened":"2024年02月29日"}`,
			`{"id":"C00000001","born":"1950-01-05","opened":"2024年03月05日"}`},
		{"shift without a subject", "fields: {$.born: birth_date}", "treat: {C1: shift(days=30)}",
			`{"born":"1949-12-31"}`, `{}`},
		{"positions kept", "keep_positions: true, fields: {'$.names[*]': person_name, " +
			"'$.cards[1:]': bank_card}", "treat: {C2: mask}",
			`{"names":["张三丰",7],"cards":["6222021234567890128","6222021234567890128"]}`,
			`{"names":["张**",null],"cards":[null,"622202*********0128"]}`},
		{"positions not kept", "keep_positions: false, fields: {'$.names[*]': person_name, " +
			"'$.cards[1:]': bank_card}", "treat: {C2: mask}",
			`{"names":["张三丰",7],"cards":["6222021234567890128","6222021234567890128"]}`,
			`{"names":["张**"],"cards":["622202*********0128"]}`},
		{"JSON in a string", "subject: $.id, fields: {$.id: public, $.payload: {embedded_json: " +
			"{$.name: person_name, $.card: bank_card, $.note: {embedded_json: {$.born: " +
			"birth_date}}}}, $.card: bank_card}",
			"treat: {person_name: mask, C1: shift(days=30)}",
			`{"id":"C00000001","card":"6222021234567890128","payload":"{\"name\":\"张三丰\", ` +
				`\"card\":\"6222021234567890128\",\"other\":1,` +
				`\"note\":\"{\\\"born\\\":\\\"1949-12-31\\\"}\"}"}`,
			`{"id":"C00000001","payload":"{\"name\":\"张**\",` +
				`\"note\":\"{\\\"born\\\":\\\"1950-01-05\\\"}\"}"}`},
		{"JSON in a string outside of records", "envelope: {'$.log[*]': {embedded_json: " +
			"{$.level: public, $.user: person_name}}}, record: $.r, fields: {$: public}",
			"treat: {C2: mask}",
			`{"log":["{\"level\":1,\"user\":\"张三丰\"}","plain"]}`,
			`{"log":["{\"level\":1,\"user\":\"张**\"}"]}`},
		{"JSON in a string, unlisted masked", "unlisted: mask, fields: {$.p: {embedded_json: {}}}",
			"treat: {}", `{"p":"{\"a\":1,\"b\":[2]}"}`, `{"p":"{\"a\":\"****\",\"b\":\"****\"}"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := rewritten(t, test.route, test.role, test.in); got != test.want {
				t.Errorf("Append(%s)\n got %s\nwant %s", test.in, got, test.want)
			}
		})
	}
}

// The access record names each field within a string by the string's path and its own, and counts
// it.
func TestEmbeddedFieldsAreOnRecord(t *testing.T) {
	set, err := rules.Load([]rules.File{
		{Name: "service.yaml", Data: []byte("kind: service\nname: s\nowner: o\n" +
			"routes: [{match: GET /a, fields: {$.p: {embedded_json: {$.q: {embedded_json: " +
			"{$.card: bank_card}}, $.name: person_name}}, $.x: public}}]\n")},
		{Name: "policy.yaml", Data: []byte(policy + "roles: {r: {purposes: [care], treat: {C2: " +
			"mask}}}\ncaps: [{at_most: hash}]\n")},
	}, fixedKeys{})
	if err != nil {
		t.Fatal(err)
	}
	access := admit(t, set, rules.Caller{Roles: []string{"r"}, Purposes: []string{"care"}})
	p := access.Profile(0, nil)
	want := []string{
		"$.p embedded_json structure", "$.x hash policy.yaml:5",
		"$.p | $.q embedded_json structure", "$.p | $.name hash policy.yaml:5",
		"$.p | $.q | $.card hash policy.yaml:5",
	}
	var got []string
	for _, f := range p.Fields {
		got = append(got, f.Path+" "+f.Treatment+" "+by(f))
	}
	if !slices.Equal(got, want) || len(p.Treatments) != len(want) {
		t.Errorf("fields of the profile\n got %q\nwant %q", got, want)
	}
	var report masking.Report
	const in = `{"p":"{\"name\":\"张三丰\",\"q\":\"{\\\"card\\\":\\\"6222021234567890128\\\"}\"}"}`
	if _, err := set.Routes()[0].Layout.Append(context.Background(), nil, []byte(in),
		masking.Document, profiler{access}, &report); err != nil {
		t.Fatal(err)
	}
	if treated, want := report.Tallies[1].Treated, []int{1, 0, 1, 1, 1}; !slices.Equal(treated,
		want) {
		t.Errorf("treated by field: %v, want %v", treated, want)
	}
}
