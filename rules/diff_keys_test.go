package rules

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// uncompared has the keys that Diff does not compare, and why: a caller gets the same whatever they
// say.
var uncompared = map[string]string{
	"service.kind":  "has one value; a file of another kind has other keys",
	"service.owner": "names who answers for the file",
	"service.reviewer": "names who reviewed the file; access records have it, decisions do " +
		"not read it",
	"service.justification": "is for auditors",
	"service.accept":        "silences warnings of rules check",
	"policy.kind":           "has one value; a file of another kind has other keys",
	"policy.name":           "is for people: rules are cited by file and line",
	"policy.owner":          "names who answers for the file",
	"policy.reviewer": "names who reviewed the file; access records have it, decisions do " +
		"not read it",
	"policy.justification": "is for auditors",
	"policy.accept":        "silences warnings of rules check",
	"accept.finding":       "is a part of accept",
	"accept.about":         "is a part of accept",
	"accept.reason":        "is a part of accept",
	"field.reason":         "says why a field is less protected; what makes it so is compared",
	"unlisted.pass":        "says why values pass; that they do is compared, as unlisted",
	"type.description":     "is for people",
	"purpose.document":     "says where the basis is documented; the basis is compared",
}

// comparedKeys has a pair of rule sets for every other key. The sets differ in that key only: where
// @@ is, one has old and the other has new. If the key can open anything, new opens something.
var comparedKeys = []struct {
	key             string
	want            Effect // of one of the changes
	service, policy string // one of the two has @@; "": the usual
	old, new        string
}{
	{"service.name", Opens, "name: @@\nroutes: [{match: GET /a, fields: {$.name: person_name}}]",
		"roles: {r: {purposes: [care], when: request.service == 't', treat: {C2: clear}}}", "s",
		"t"},
	{"service.hosts", Opens, "name: s\nhosts: @@\nroutes: [{match: GET /a, fields: {$.name: " +
		"person_name}}]", "", "[x]", "[x, y]"},
	{"service.prefix", Opens, "name: s\n@@routes: [{match: GET /a, fields: {$.name: person_name}}]",
		"", "", "prefix: /x\n"},
	{"service.routes", Opens, "name: s\nroutes: [{match: GET /a, fields: {$.name: person_name}}@@]",
		"", "", ", {match: GET /b, fields: {}}"},

	{"route.match", Opens, route("match: @@, fields: {$.name: person_name}"), "", "GET /a",
		"POST /a"},
	{"route.public", Opens, route("match: GET /a@@"), "", ", fields: {$.name: person_name}",
		", public: by law"},
	{"route.purpose", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "",
		", purpose: care", ""},
	{"route.media_types", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "", "",
		", media_types: [application/x-ndjson]"},
	{"route.headers", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "", "",
		", headers: [X-A]"},
	{"route.query", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "", "",
		", query: [page]"},
	{"route.envelope", Opens, route("match: GET /a, record: '$.x[*]', fields: {$.name: " +
		"person_name}@@"), "", "", ", envelope: {$.code: public}"},
	{"route.record", Opens, route("match: GET /a, record: @@, fields: {$.name: person_name}"), "",
		"'$.x[*]'", "'$.y[*]'"},
	{"route.subject", Opens, route("match: GET /a, subject: @@, fields: {$.name: person_name}"), "",
		"$.id", "$.agentId"},
	{"route.fields", Opens, route("match: GET /a, fields: {$.name: person_name@@}"), "", "",
		", $.code: public"},
	{"route.records", Opens, route("match: GET /a, records: [{record: '$.x[*]', fields: {$.name: " +
		"person_name}}@@]"), "",
		"", ", {record: '$.y[*]', fields: {$.name: person_name}}"},
	{"route.unlisted", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "", "",
		", unlisted: mask"},
	{"route.keep_positions", Opens, route("match: GET /a, fields: {$.name: person_name}@@"), "", "",
		", keep_positions: true"},

	{"record.record", Opens, route("match: GET /a, records: [{record: @@, fields: {$.name: " +
		"person_name}}]"), "", "'$.x[*]'", "'$.y[*]'"},
	{"record.subject", Opens, route("match: GET /a, records: [{subject: @@, fields: {$.name: " +
		"person_name}}]"), "", "$.id", "$.agentId"},
	{"record.fields", Opens, route("match: GET /a, records: [{fields: {$.name: person_name@@}}]"),
		"", "", ", $.code: public"},

	{"field.type", Opens, route("match: GET /a, fields: {$.x: {type: @@}}"), "", "occupation",
		"person_name"},
	{"field.class", Opens, route("match: GET /a, fields: {$.x: {type: occupation, class: @@}}"), "",
		"C3", "C2"},
	{"field.level", Opens, route("match: GET /a, fields: {$.x: {type: occupation, level: @@}}"),
		"roles: {r: {purposes: [care], treat: {L5: hash, L4: clear}}}", "L5", "L4"},
	{"field.sensitive", Opens, route("match: GET /a, fields: {$.x: {type: occupation@@}}"),
		"roles: {r: {purposes: [care], treat: {sensitive: mask}}}", "", ", sensitive: true"},
	{"field.mask", Opens, route("match: GET /a, fields: {$.x: {type: bank_card, mask: @@}}"),
		"roles: {r: {purposes: [care], treat: {C2: mask}}}", "mask(keep_last=2)",
		"mask(keep_last=4)"},
	{"field.embedded_json", Opens, route("match: GET /a, fields: {$.x: {embedded_json: {$.name: " +
		"person_name@@}}}"), "", "", ", $.code: public"},

	{"policy.time_zone", Opens, "", "time_zone: @@\nroles: {r: {purposes: [care], when: " +
		"time.hour < 18, treat: {C2: clear}}}",
		"Asia/Shanghai", "Etc/UTC"},
	{"policy.types", Opens, route("match: GET /a, fields: {$.x: occupation}"),
		"@@roles: {r: {purposes: [care], treat: {C2: clear}}}", "",
		"types: {occupation: {class: C2}}\n"},
	// No role serves a purpose that was not there, so adding one opens nothing.
	{"policy.purposes", Changes, "", "purposes: {care: {basis: contract}@@}\n" +
		"roles: {r: {purposes: [care], treat: {C2: clear}}}",
		"", ", loan: {basis: consent}"},
	{"policy.roles", Opens, "", "roles: {r: {purposes: [care], treat: {C2: mask}}@@}", "",
		", q: {purposes: [care], treat: {C2: clear}}"},
	{"policy.caps", Opens, "", "roles: {r: {purposes: [care], treat: {C2: clear}}}\n@@",
		"caps: [{class: C2, at_most: hash}]\n", ""},

	{"type.class", Opens, route("match: GET /a, fields: {$.x: t}"),
		"types: {t: {level: L3@@}}\nroles: {r: {purposes: [care], treat: {C2: clear}}}", "",
		", class: C2"},
	{"type.level", Opens, route("match: GET /a, fields: {$.x: t}"),
		"types: {t: {level: @@}}\nroles: {r: {purposes: [care], treat: {L3: clear}}}", "L4", "L3"},
	{"type.sensitive", Opens, route("match: GET /a, fields: {$.x: t}"),
		"types: {t: {level: L3, sensitive: @@}}\n" +
			"roles: {r: {purposes: [care], treat: {sensitive: drop, L3: clear}}}", "true", "false"},
	{"type.mask", Opens, route("match: GET /a, fields: {$.x: t}"),
		"types: {t: {level: L3@@}}\nroles: {r: {purposes: [care], treat: {L3: mask}}}", "",
		", mask: mask(keep_last=3)"},
	{"type.always", Opens, route("match: GET /a, fields: {$.x: t}"),
		"types: {t: {level: L3@@}}\nroles: {r: {purposes: [care], treat: {L3: clear}}}",
		", always: drop", ""},

	{"purpose.basis", Opens, "", "purposes: {care: {basis: @@}}\n" +
		"roles: {r: {purposes: [care], treat: {C2: clear}}}", "consent", "contract"},

	{"role.purposes", Opens, "", "roles: {r: {purposes: [care@@], treat: {C2: clear}}}", "",
		", loan"},
	{"role.when", Opens, "", "roles: {r: {purposes: [care]@@, treat: {C2: clear}}}",
		", when: caller.id == 'u'", ""},
	{"role.require", Opens, "", "roles: {r: {purposes: [care]@@, treat: {C2: clear}}}",
		", require: {amr: [mfa]}", ""},
	{"role.treat", Opens, "", "roles: {r: {purposes: [care], treat: {C2: @@}}}", "hash", "mask"},
	{"role.grantable", Opens, "", "roles: {r: {purposes: [care], treat: {C2: hash}@@}}", "",
		", grantable: {person_name: {approver: a, ttl: 1h}}"},
	{"role.limit", Opens, "", "roles: {r: {purposes: [care], treat: {C2: clear}@@}}",
		", limit: {records: 5/response}", ""},

	{"require.amr", Opens, "", "roles: {r: {purposes: [care], require: {amr: [pwd@@]}, treat: " +
		"{C2: clear}}}", ", mfa", ""},
	{"require.acr", Opens, "", "roles: {r: {purposes: [care], require: {acr: [loa3@@]}, treat: " +
		"{C2: clear}}}", "", ", loa2"},
	{"require.network", Opens, "", "roles: {r: {purposes: [care], require: {network: [@@]}, " +
		"treat: {C2: clear}}}", "10.8.0.0/16", "10.0.0.0/8"},
	{"require.time", Opens, "", "roles: {r: {purposes: [care], require: {amr: [mfa]@@}, treat: " +
		"{C2: clear}}}", ", time: {hours: [08:00-18:00]}", ""},

	{"time.weekdays", Opens, "", "roles: {r: {purposes: [care], require: {time: {weekdays: " +
		"[mon@@]}}, treat: {C2: clear}}}", "", ", tue"},
	{"time.hours", Opens, "", "roles: {r: {purposes: [care], require: {time: {hours: [@@]}}, " +
		"treat: {C2: clear}}}", "08:00-18:00", "08:00-18:30"},
	{"time.zone", Opens, "", "roles: {r: {purposes: [care], require: {time: {hours: " +
		"[08:00-18:00], zone: @@}}, treat: {C2: clear}}}",
		"Asia/Shanghai", "Etc/UTC"},

	{"grantable.approver", Opens, "", excepting("approver: @@, ttl: 1h"), "compliance", "agent"},
	{"grantable.ttl", Opens, "", excepting("approver: compliance, ttl: @@"), "1h", "2h"},
	{"grantable.uses", Opens, "", excepting("approver: compliance, ttl: 1h@@"), ", uses: 1", ""},

	{"limit.records", Opens, "", "roles: {r: {purposes: [care], treat: {C2: clear}, limit: " +
		"{records: @@}}}", "5/response", "6/response"},
	{"limit.subjects", Opens, route("match: GET /a, subject: $.id, fields: {$.name: person_name}"),
		"roles: {r: {purposes: [care], treat: {C2: clear}, limit: {subjects: @@}}}", "5/1d",
		"6/1d"},
	{"limit.subjects", Opens, route("match: GET /a, subject: $.id, fields: {$.name: person_name}"),
		"roles: {r: {purposes: [care], treat: {C2: clear}, limit: {subjects: @@}}}", "5/2d",
		"5/1d"},

	{"cap.field", Opens, "", capOf("at_most: hash, field: @@"), "s $.name", "s $.city"},
	{"cap.type", Opens, "", capOf("at_most: hash, type: @@"), "person_name", "occupation"},
	{"cap.class", Opens, "", capOf("at_most: hash, class: @@"), "C2", "C3"},
	{"cap.level", Opens, "", capOf("at_most: hash, level: @@"), "L3", "L4"},
	{"cap.sensitive", Opens, "", capOf("at_most: hash, sensitive: @@"), "false", "true"},
	{"cap.when", Opens, "", capOf("at_most: hash@@"), "", ", when: caller.region != 'CN'"},
	{"cap.at_most", Opens, "", capOf("class: C2, at_most: @@"), "hash", "mask"},
}

// route is a service with one route.
func route(keys string) string { return "name: s\nroutes: [{" + keys + "}]" }

// excepting is a policy with a role that allows one exception.
func excepting(keys string) string {
	return "roles: {r: {purposes: [care], treat: {C2: hash}, grantable: {person_name: {" + keys +
		"}}}}"
}

// capOf is a policy with one cap.
func capOf(keys string) string {
	return "roles: {r: {purposes: [care], treat: {C2: clear}}}\ncaps: [{" + keys + "}]"
}

// comparedSide returns the rule files of one side of a pair.
func comparedSide(service, policy, at string) []File {
	if service == "" {
		service = route("match: GET /a, fields: {$.name: person_name, $.city: occupation}")
	}
	if policy == "" {
		policy = "roles: {r: {purposes: [care], treat: {C2: clear}}}"
	}
	if !strings.Contains(policy, "purposes: {") {
		policy = "purposes: {care: {basis: contract}, loan: {basis: contract}}\n" + policy
	}
	return []File{
		{"s.yaml", []byte(strings.Replace("kind: service\nowner: o\n"+service, "@@", at, 1))},
		{"p.yaml", []byte(strings.Replace("kind: policy\nname: p\n"+policy, "@@", at, 1))},
	}
}

// Every key that can change what a caller gets is one that Diff compares: its exit status decides
// whether security reviews a change.
func TestKeysAreCompared(t *testing.T) {
	rows := map[string]bool{}
	for _, row := range comparedKeys {
		rows[row.key] = true
		t.Run(row.key, func(t *testing.T) {
			old, now := comparedSide(row.service, row.policy, row.old),
				comparedSide(row.service, row.policy, row.new)
			var differing []string
			for i, s := range []*shape{serviceShape, policyShape} {
				x, y := documentOf(t, old[i]), documentOf(t, now[i])
				differing = append(differing, differingKeys(x, y, &form{object: s}, "")...)
			}
			want := []string{row.key}
			if row.key == "route.public" {
				want = []string{"route.fields", "route.public"} // a route has one of the two
			}
			if differing = slices.Compact(slices.Sorted(slices.Values(differing))); !slices.Equal(
				differing, want) {
				t.Fatalf("the pair differs in %q, want %q", differing, want)
			}
			before, err := Load(old, nil)
			if err != nil {
				t.Fatalf("Load of the old set: %v", err)
			}
			after, err := Load(now, nil)
			if err != nil {
				t.Fatalf("Load of the new set: %v", err)
			}
			changes := Diff(before, after)
			if !slices.ContainsFunc(changes, func(c Change) bool { return c.Effect == row.want }) {
				t.Errorf("Diff = %+v, want a change that %s", changes, row.want)
			}
			if changes = Diff(after, before); len(changes) == 0 {
				t.Error("Diff the other way round finds nothing, want a change")
			}
		})
	}
	keys := map[string]bool{}
	eachKey(func(s *shape, k *key) {
		name := s.name + "." + k.name
		keys[name] = true
		switch _, excepted := uncompared[name]; {
		case excepted && rows[name]:
			t.Errorf("%s has a pair and is excepted from comparison; remove one", name)
		case !excepted && !rows[name]:
			t.Errorf("no pair shows that Diff compares %s; add one to comparedKeys, or say in "+
				"uncompared why "+
				"a caller gets the same whatever it says", name)
		}
	})
	for _, name := range union(slices.Sorted(maps.Keys(uncompared)),
		slices.Sorted(maps.Keys(rows))) {
		if !keys[name] {
			t.Errorf("%s is no key of the language; remove it", name)
		}
	}
}

func documentOf(t *testing.T, f File) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Data, &doc); err != nil {
		t.Fatalf("%s: %v\n%s", f.Name, err, f.Data)
	}
	return doc.Content[0]
}

// differingKeys names the keys in which two values of a form differ, as in role.when. Each
// difference is named by the innermost key around it that both values have, or that only one object
// has.
func differingKeys(a, b *yaml.Node, f *form, name string) []string {
	var list []string
	switch {
	case a.Kind != b.Kind:
		return []string{name}
	case a.Kind == yaml.ScalarNode:
		if a.Value != b.Value {
			return []string{name}
		}
	case a.Kind == yaml.SequenceNode:
		for i := range max(len(a.Content), len(b.Content)) {
			if i >= len(a.Content) || i >= len(b.Content) {
				return append(list, name)
			}
			list = append(list, differingKeys(a.Content[i], b.Content[i], f.list, name)...)
		}
	default:
		x, y := valuesOf(a), valuesOf(b)
		for _, key := range union(namesOf(a), namesOf(b)) {
			inner, innerName := f.mapping, name
			if f.object != nil {
				innerName = f.object.name + "." + key
				inner = &f.object.keys[slices.Index(f.object.names(), key)].form
			}
			if x[key] == nil || y[key] == nil {
				list = append(list, innerName)
			} else {
				list = append(list, differingKeys(x[key], y[key], inner, innerName)...)
			}
		}
	}
	return list
}

func namesOf(n *yaml.Node) []string {
	var names []string
	for _, e := range pairsOf(n) {
		names = append(names, e.key.Value)
	}
	return names
}

func valuesOf(n *yaml.Node) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	for _, e := range pairsOf(n) {
		values[e.key.Value] = e.value
	}
	return values
}
