package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// told is a change in one line.
func told(c rules.Change) string {
	who := strings.Join(append(slices.Clone(c.Roles), c.Purpose), " ")
	what := strings.TrimSpace(c.What + " " + c.Kind + " " + c.Field)
	text := fmt.Sprintf("%s [%s] %s %s: %s -> %s", c.Effect, strings.TrimSpace(who), c.Route, what,
		c.Old, c.New)
	if c.If != nil {
		text += " if " + strings.Join(c.If, ", ")
	}
	return text
}

func TestDiff(t *testing.T) {
	const (
		svc = "kind: service\nname: s\nowner: o\nroutes:\n"
		pol = "kind: policy\nname: p\npurposes: {care: {basis: contract}, loan: {basis: " +
			"consent}}\nroles:\n"
		a = "  - {match: 'GET /a/{id}', fields: {$.name: person_name, $.card: bank_card}}\n"
		// A role that limits subjects permits nothing of a record without a subject.
		named = "  - {match: 'GET /a/{id}', subject: $.id, fields: {$.name: person_name, $.card: " +
			"bank_card}}\n"
		r = "  r: {purposes: [care], treat: {C2: mask}}\n"
	)
	for _, test := range []struct {
		name                           string
		oldSvc, newSvc, oldPol, newPol string // "": those above
		want                           []string
	}{
		{"nothing, though files are written otherwise", a, "  - match: GET /a/{other}\n" +
			"    fields: {$.card: bank_card, $.name: person_name}\n", r,
			"  r: {treat: {C2: mask}, purposes: [care]}\n", nil},
		{"a treatment opens, another closes", a, a, r,
			"  r: {purposes: [care], treat: {person_name: clear, bank_card: drop}}\n",
			[]string{"opens [r care] GET /a/{id} treatment $ $.name: person_name -> clear",
				"closes [r care] GET /a/{id} treatment $ $.card: bank_card -> drop"}},
		{"another mask of which neither shows all", a, a, "  r: {purposes: [care], treat: " +
			"{person_name: mask(keep_first=1)}}\n",
			"  r: {purposes: [care], treat: {person_name: mask(keep_last=1)}}\n",
			[]string{"opens [r care] GET /a/{id} treatment $ $.name: mask(keep_first=1) -> " +
				"mask(keep_last=1)"}},
		{"another constant", a, a, "  r: {purposes: [care], treat: {person_name: constant(x)}}\n",
			"  r: {purposes: [care], treat: {person_name: type}}\n",
			[]string{"changes [r care] GET /a/{id} treatment $ $.name: constant(x) -> type"}},
		{"a cap with a condition", a, a, r + "caps: [{type: bank_card, when: \"caller.region != " +
			"'CN'\", at_most: drop}]\n", r + "caps: [{type: bank_card, when: \"caller.region == " +
			"'US'\", at_most: drop}]\n",
			[]string{
				"closes [r care] GET /a/{id} treatment $ $.card: bank_card -> drop if not " +
					"(caller.region != 'CN'), caller.region == 'US'",
				"opens [r care] GET /a/{id} treatment $ $.card: drop -> bank_card if " +
					"caller.region != 'CN', not (caller.region == 'US')",
			}},
		{"a role serves a purpose", a, a, r, "  r: {purposes: [care, loan], treat: {C2: mask}}\n",
			[]string{
				"opens [r loan]  serves: no -> yes",
				"opens [r loan] GET /a/{id} treatment $ $.name: refused -> person_name if a " +
					"consent covers person_name or C2 or L3",
				"opens [r loan] GET /a/{id} treatment $ $.card: refused -> bank_card if a " +
					"consent covers bank_card or sensitive",
			}},
		{"conditions and requirements of a role", a, a, "  r: {purposes: [care], require: {amr: " +
			"[mfa], acr: [loa2], network: [10.0.0.0/8], time: {hours: [08:00-18:00]}}, treat: " +
			"{}}\n",
			"  r: {purposes: [care], when: caller.id == 'u', require: {amr: [pwd], acr: [loa2, " +
				"loa3], network: [10.0.0.0/9], time: {hours: [09:00-18:30]}}, treat: {}}\n",
			[]string{
				"closes [r]  when: none -> caller.id == 'u'", "opens [r]  require amr: mfa -> pwd",
				"opens [r]  require acr: loa2 -> loa2 loa3",
				"closes [r]  require network: 10.0.0.0/8 -> 10.0.0.0/9",
				"opens [r]  require time: mon tue wed thu fri sat sun 08:00-18:00 Asia/Shanghai " +
					"-> mon tue wed thu fri sat sun 09:00-18:30 Asia/Shanghai",
			}},
		{"the same hours in another zone of the same time", a, a,
			"  r: {purposes: [care], require: {time: {hours: [08:00-18:00]}}, treat: {}}\n",
			"  r: {purposes: [care], require: {time: {hours: [08:00-18:00], zone: " +
				"Asia/Singapore}}, treat: {}}\n", nil},
		{"limits and grants", named, named, "  r: {purposes: [care], limit: {records: " +
			"5/response, subjects: 5/1d}, treat: {}, grantable: {bank_card: {approver: x, ttl: " +
			"30m, uses: 1}}}\n",
			"  r: {purposes: [care], limit: {subjects: 5/2d}, treat: {}, grantable: {bank_card: " +
				"{approver: x, ttl: 20m}, person_name: {approver: x, ttl: 1m}}}\n",
			[]string{
				"opens [r]  limit records: 5/response -> none",
				"closes [r]  limit subjects: 5 in 1d -> 5 in 2d",
				"opens [r]  grantable bank_card: by x, 30m, 1 use -> by x, 20m, any number of uses",
				"opens [r care] GET /a/{id} treatment $ $.name: drop -> clear if a grant holds",
			}},
		{"routes", a + "  - {match: GET /b, public: law}\n", a +
			"  - {match: GET /c, public: law}\n", r, r,
			[]string{"closes [] GET /b route: answered -> none",
				"opens [] GET /c route: none -> answered", "opens [] GET /c public: no -> yes"}},
		{"a route of another name, which a condition reads", a,
			"  - {match: 'GET /a/{other}', fields: {$.name: person_name, $.card: bank_card}}\n",
			r + "caps: [{when: \"request.route == 'GET /a/{id}'\", at_most: hash}]\n", r +
				"caps: [{when: \"request.route == 'GET /a/{id}'\", at_most: hash}]\n",
			[]string{"opens [] GET /a/{other} request.route: GET /a/{id} -> GET /a/{other}"}},
		{"another route answers, which a condition tells apart", "  - {match: GET /a/vip, " +
			"fields: {$.name: person_name}}\n" +
			"  - {match: 'GET /a/{id}', fields: {$.name: person_name}}\n",
			"  - {match: 'GET /a/{id}', fields: {$.name: person_name}}\n",
			r + "  q: {purposes: [care], when: request.route != 'GET /a/vip', treat: {C2: " +
				"clear}}\n", r + "  q: {purposes: [care], when: request.route != 'GET /a/vip', " +
				"treat: {C2: clear}}\n",
			[]string{"opens [] GET /a/vip request.route: GET /a/vip -> GET /a/{id}"}},
		{"a literal route that hid fields is gone", a + "  - {match: GET /a/vip, fields: {$.x: " +
			"secret}}\n", a, r, r,
			[]string{
				"opens [r care] GET /a/vip treatment $ $.name: unlisted: drop -> person_name",
				"opens [r care] GET /a/vip treatment $ $.card: unlisted: drop -> bank_card",
			}},
		{"a host", "  - {match: GET /a, fields: {$.name: person_name}}\nhosts: [x]\n",
			"  - {match: GET /a, fields: {$.name: person_name}}\nhosts: [x, y]\n", r, r,
			[]string{"opens [] GET //y/a route: none -> answered",
				"opens [r care] GET //y/a treatment $ $.name: no route -> person_name"}},
		{"what else a route lets through", "  - {match: GET /a, fields: {$.name: person_name}, " +
			"query: [a, b], headers: [X-A]}\n",
			"  - {match: GET /a, fields: {$.name: person_name}, query: [b], headers: [X-B, X-A], " +
				"media_types: [application/x-ndjson], unlisted: mask, keep_positions: true, " +
				"purpose: care, subject: $.id}\n", r, r,
			[]string{
				"closes [] GET /a query: a b -> b", "opens [] GET /a headers: X-A -> X-A X-B",
				"opens [] GET /a media_types: application/json -> application/x-ndjson",
				"opens [] GET /a unlisted: drop -> constant(****)",
				"opens [] GET /a keep_positions: no -> yes",
				"closes [] GET /a purpose: none -> care",
				"opens [] GET /a subject $: none -> $.id",
			}},
		{"a field that another selector selects", "  - {match: GET /a, fields: {$.name: " +
			"person_name, '$.*': public}}\n", "  - {match: GET /a, fields: {'$.*': public}}\n", r,
			r,
			[]string{"opens [r care] GET /a treatment $ $.name: person_name -> perhaps clear, by " +
				"$.*"}},
		{"a field in an object that was named", "  - {match: GET /a, fields: {$.a: public}}\n",
			"  - {match: GET /a, fields: {$.a: public, $.a.b: public}}\n", r, r,
			[]string{"opens [r care] GET /a treatment $ $.a.b: unlisted: drop -> clear"}},
		{"an element of an array that was named", "  - {match: GET /a, fields: {$.a: public}}\n",
			"  - {match: GET /a, fields: {$.a: public, '$.a[0]': public}}\n", r, r,
			[]string{"changes [r care] GET /a treatment $ $.a[0]: perhaps clear, by $.a -> clear"}},
		{"a field that is gone", "  - {match: GET /a, fields: {$.name: person_name, $.code: " +
			"public}}\n", "  - {match: GET /a, fields: {$.code: public}}\n", r, r,
			[]string{"closes [r care] GET /a treatment $ $.name: person_name -> unlisted: drop"}},
		{"JSON in a string", "  - {match: GET /a, fields: {$.p: person_name}}\n", "  - {match: " +
			"GET /a, fields: {$.p: {embedded_json: {$.name: person_name, $.card: bank_card}}}}\n",
			r, "  r: {purposes: [care], treat: {bank_card: clear, C2: mask}}\n",
			[]string{"closes [r care] GET /a treatment $ $.p: person_name -> embedded_json",
				"opens [r care] GET /a treatment $ $.p | $.card: person_name -> clear"}},
		{"a record elsewhere", "  - {match: GET /a, record: '$.x[*]', fields: {$.name: " +
			"person_name}}\n", "  - {match: GET /a, record: '$.y[*]', fields: {$.name: " +
			"person_name}}\n", r, r,
			[]string{
				"opens [] GET /a record $.x[*]: a record -> none",
				"opens [] GET /a record $.y[*]: none -> a record",
				"closes [r care] GET /a treatment $.x[*] $.name: person_name -> unlisted: drop",
				"opens [r care] GET /a treatment $.y[*] $.name: unlisted: drop -> person_name",
			}},
		{"two roles, of which one hid what the other shows", a, a, "  q: {purposes: [care], " +
			"treat: {person_name: mask(keep_first=1)}}\n" +
			"  r: {purposes: [care], treat: {person_name: mask(keep_last=1)}}\n",
			"  q: {purposes: [care], when: caller.id == 'u', treat: {person_name: " +
				"mask(keep_first=1)}}\n" +
				"  r: {purposes: [care], treat: {person_name: mask(keep_last=1)}}\n",
			[]string{"closes [q]  when: none -> caller.id == 'u'", "opens [q r care] GET /a/{id} " +
				"treatment $ $.name: mask(keep_first=1) -> mask(keep_last=1)"}},
		{"two roles in another order", a, a, "  q: {purposes: [care], treat: {person_name: " +
			"mask(keep_first=1)}}\n" +
			"  r: {purposes: [care], treat: {person_name: mask(keep_last=1)}}\n",
			"  r: {purposes: [care], treat: {person_name: mask(keep_last=1)}}\n" +
				"  q: {purposes: [care], treat: {person_name: mask(keep_first=1)}}\n",
			[]string{"opens [q r care] GET /a/{id} treatment $ $.name: mask(keep_first=1) -> " +
				"mask(keep_last=1)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			load := func(service, policy string) *rules.Set {
				return mustLoad(t, rules.File{Name: "s.yaml", Data: []byte(svc + service)},
					rules.File{Name: "p.yaml", Data: []byte(pol + policy)})
			}
			var got []string
			for _, c := range rules.Diff(load(test.oldSvc, test.oldPol),
				load(test.newSvc, test.newPol)) {
				got = append(got, told(c))
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("Diff =\n  %s\nwant\n  %s", strings.Join(got, "\n  "),
					strings.Join(test.want, "\n  "))
			}
		})
	}
}

// A purpose that no longer rests on consent shows more to callers without one.
func TestDiffOfABasis(t *testing.T) {
	load := func(basis string) *rules.Set {
		return mustLoad(t, rules.File{Name: "s.yaml", Data: []byte(service)},
			rules.File{Name: "p.yaml", Data: []byte("kind: policy\nname: p\n" +
				"purposes: {care: {basis: " + basis + "}}\nroles: {r: {purposes: [care], treat: " +
				"{C2: mask}}}\n")})
	}
	var got []string
	for _, c := range rules.Diff(load("consent"), load("contract")) {
		got = append(got, told(c))
	}
	want := []string{"opens [care]  basis: consent -> contract",
		"opens [r care] GET /v1/a/{id} treatment $ $.name: drop -> person_name if no consent " +
			"holds, or none that covers person_name or C2 or L3"}
	if !slices.Equal(got, want) {
		t.Errorf("Diff =\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// A service by another name is another to a condition that reads the name, and to no caller else.
func TestDiffOfAServiceRenamed(t *testing.T) {
	const opens = "opens [] GET /v1/a/{id} request.service: s -> t"
	for _, test := range []struct {
		name, roles string
		want        []string
	}{
		{"nothing reads it", "{r: {purposes: [care], when: \"request.method == 'GET' && " +
			"caller.id == 's'\", treat: {C2: clear}}}", nil},
		{"a role does", "{r: {purposes: [care], when: request.service != 's', treat: {C2: clear}}}",
			[]string{opens}},
		{"a cap does", "{r: {purposes: [care], treat: {C2: clear}}}\n" +
			"caps: [{when: request.service == 's', at_most: drop}]", []string{opens}},
	} {
		t.Run(test.name, func(t *testing.T) {
			load := func(name string) *rules.Set {
				return mustLoad(t, rules.File{Name: "s.yaml",
					Data: []byte(strings.Replace(service, "name: s\n", "name: "+name+"\n", 1))},
					rules.File{Name: "p.yaml", Data: []byte(policy + "roles: " + test.roles +
						"\n")})
			}
			var got []string
			for _, c := range rules.Diff(load("s"), load("t")) {
				got = append(got, told(c))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("Diff =\n  %s\nwant\n  %s", strings.Join(got, "\n  "),
					strings.Join(test.want, "\n  "))
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "1d", 36 * time.Hour: "36h", 90 * time.Minute: "90m",
		45 * time.Second: "45s", 1500 * time.Millisecond: "1.5s", 0: "0s",
	} {
		if got := rules.Span(d); got != want {
			t.Errorf("Span(%v) = %s, want %s", d, got, want)
		}
	}
}
