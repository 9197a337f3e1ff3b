package rules_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

type fixedKeys struct{}

func (fixedKeys) Pseudonym(purpose string) ([]byte, int) {
	return append(make([]byte, 32), purpose...), 7
}

const policy = "kind: policy\nname: p\npurposes: {care: {basis: contract}, loan: {basis: " +
	"consent}}\n"

const service = `kind: service
name: s
owner: o
routes:
  - match: GET /v1/a/{id}
    subject: $.id
    fields: {$.id: public, $.name: person_name}
`

// noon is a Tuesday, 12:00 in Shanghai.
var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

func request(c rules.Caller, purpose string) rules.Request {
	return rules.Request{Caller: c, Purpose: purpose, Time: noon}
}

// by names the entry that decided; if no entry did, the reason.
func by(d rules.Decision) string {
	if d.Rule != "" {
		return d.Rule
	}
	return string(d.Reason)
}

func admit(t *testing.T, set *rules.Set, c rules.Caller) *rules.Access {
	t.Helper()
	a, err := set.Admit(set.Routes()[0], request(c, "care"))
	if err != nil {
		t.Fatalf("Admit: %v", err)
	}
	return a
}

func fieldOf(t *testing.T, p *rules.Profile, path string) rules.Decision {
	t.Helper()
	for _, f := range p.Fields {
		if f.Path == path {
			return f
		}
	}
	t.Fatalf("profile has no field %s: %+v", path, p)
	return rules.Decision{}
}

// world is a set of rules with a route that has a field of each type that the tests need.
const world = `kind: service
name: s
owner: o
routes:
  - match: GET /v1/a/{id}
    subject: $.id
    envelope: {$.code: public, $.who: person_name}
    record: $.items[*]
    fields:
      $.id: public
      $.name: person_name
      $.card: bank_card
      $.amount: amount
      $.address: address
      $.device: device_id
      $.branch: branch
      $.job: occupation
      $.pin: pin
  - match: GET /v1/b
    fields: {$.name: person_name}
  - match: GET /v1/products
    record: $[*]
    fields: {$.product: public}
`

// load compiles world and a policy of roles and caps. They are in flow style, and stand in the file
// one a line, from line 5 on.
func load(t testing.TB, roles, caps []string) *rules.Set {
	t.Helper()
	var b strings.Builder
	b.WriteString("kind: policy\nname: p\npurposes: {care: {basis: contract}, loan: {basis: " +
		"consent}}\nroles:\n")
	for i, r := range roles {
		if !strings.Contains(r, "purposes:") {
			r = "purposes: [care, loan], " + r
		}
		fmt.Fprintf(&b, "  r%d: {%s}\n", i, r)
	}
	b.WriteString("caps:\n")
	for _, c := range caps {
		fmt.Fprintf(&b, "  - {%s}\n", c)
	}
	text := b.String()
	if len(caps) == 0 {
		text = strings.TrimSuffix(text, "caps:\n")
	}
	if len(roles) == 0 {
		text = strings.Replace(text, "roles:\n", "", 1)
	}
	set, err := rules.Load([]rules.File{{Name: "d/policy.yaml", Data: []byte(text)},
		{Name: "d/service.yaml", Data: []byte(world)}}, fixedKeys{})
	if err != nil {
		t.Fatalf("Load: %v\n%s", err, text)
	}
	return set
}

// all returns a caller with the first n roles.
func all(n int) rules.Caller {
	c := rules.Caller{ID: "u1", Region: "CN", Purposes: []string{"care", "loan"},
		AMR: []string{"pwd"}}
	for i := range n {
		c.Roles = append(c.Roles, fmt.Sprintf("r%d", i))
	}
	return c
}

// with returns a caller with one role, after a change.
func with(change func(*rules.Caller)) rules.Caller {
	c := all(1)
	change(&c)
	return c
}

func from(address string) rules.Caller {
	return with(func(c *rules.Caller) { c.Address = netip.MustParseAddr(address) })
}

func TestAdmit(t *testing.T) {
	treat := "treat: {C2: mask}"
	for _, test := range []struct {
		name    string
		roles   []string
		caller  rules.Caller
		purpose string
		want    rules.Reason // "" for admitted
	}{
		{"admitted", []string{treat}, all(1), "care", ""},
		{"no purpose", []string{treat}, all(1), "", rules.PurposeMissing},
		{"unknown purpose", []string{treat}, all(1), "cure", rules.PurposeUnknown},
		{"purpose in other case", []string{treat}, all(1), "Care", rules.PurposeUnknown},
		{"purpose not in the token", []string{treat}, rules.Caller{Roles: []string{"r0"},
			Purposes: []string{"loan"}}, "care", rules.PurposeNotGranted},
		{"no role", []string{treat}, all(0), "care", rules.NoRole},
		{"unknown role", []string{treat}, rules.Caller{Roles: []string{"r9"},
			Purposes: []string{"care"}}, "care", rules.NoRole},
		{"role for another purpose", []string{"purposes: [loan], " + treat}, all(1), "care",
			rules.NoRole},
		{"one factor", []string{"require: {amr: [mfa]}, " + treat}, all(1), "care",
			rules.AssuranceTooLow},
		{"one of two factors", []string{"require: {amr: [pwd, mfa]}, " + treat}, all(1), "care",
			rules.AssuranceTooLow},
		{"the factor", []string{"require: {amr: [pwd]}, " + treat}, all(1), "care", ""},
		{"what the caller can mend goes first", []string{"require: {amr: [mfa]}, " + treat,
			`when: "false", ` + treat}, all(2), "care", rules.AssuranceTooLow},
		{"region that the token does not say", []string{`when: "caller.region != 'US'", ` + treat},
			rules.Caller{Roles: []string{"r0"}, Purposes: []string{"care"}}, "care",
			rules.ConditionUnknown},
		{"another role will do", []string{"require: {amr: [mfa]}, " + treat, treat}, all(2), "care",
			""},
		{"condition of the caller false", []string{`when: "caller.id == 'u2'", ` + treat}, all(1),
			"care", rules.ConditionNotMet},
		{"condition of the caller true", []string{`when: "caller.id == 'u1'", ` + treat}, all(1),
			"care", ""},
		{"condition of the request", []string{`when: "request.method == 'GET' && request.route ` +
			`== 'GET /v1/a/{id}' && request.purpose == 'care'", ` + treat}, all(1), "care", ""},
		{"condition of lists", []string{`when: "'r0' in caller.roles && 'pwd' in caller.amr && ` +
			`'care' in caller.purposes && !('x' in caller.amr)", ` + treat}, all(1), "care", ""},
		{"no amr", []string{`when: "!('x' in caller.amr)", ` + treat},
			rules.Caller{Roles: []string{"r0"}, Purposes: []string{"care"}}, "care",
			rules.ConditionUnknown},
		{"condition that fails", []string{`when: "caller.roles[7] != 'x'", ` + treat}, all(1),
			"care", rules.ConditionUnknown},
		{"condition that costs too much", []string{`when: "` + costly + `", ` + treat}, all(1),
			"care", rules.ConditionUnknown},
		{"context class", []string{"require: {acr: [loa3, loa2]}, " + treat},
			with(func(c *rules.Caller) { c.ACR = "loa2" }), "care", ""},
		{"no context class", []string{"require: {acr: [loa2]}, " + treat}, all(1), "care",
			rules.AssuranceTooLow},
		{"network", []string{"require: {network: [10.8.0.0/16]}, " + treat}, from("10.8.3.4"),
			"care", ""},
		{"another network", []string{"require: {network: [10.8.0.0/16, fd00::/8]}, " + treat},
			from("10.9.3.4"), "care", rules.NetworkNotAllowed},
		{"network of version 6", []string{"require: {network: [10.8.0.0/16, fd00::/8]}, " + treat},
			from("fd00::1"), "care", ""},
		{"version 4 in 6", []string{"require: {network: [10.8.0.0/16]}, " + treat},
			from("::ffff:10.8.3.4"), "care", ""},
		{"no address", []string{"require: {network: [0.0.0.0/0, \"::/0\"]}, " + treat}, all(1),
			"care", rules.NetworkNotAllowed},
		{"hours", []string{"require: {time: {hours: [08:00-11:30, 12:00-12:01]}}, " + treat},
			all(1), "care", ""},
		{"the end is excluded", []string{"require: {time: {hours: [08:00-12:00]}}, " + treat},
			all(1), "care", rules.OutsideHours},
		{"hours of another zone",
			[]string{"require: {time: {hours: [04:00-04:01], zone: Etc/UTC}}, " + treat}, all(1),
			"care", ""},
		{"weekdays", []string{"require: {time: {weekdays: [mon, tue]}}, " + treat}, all(1), "care",
			""},
		{"other weekdays", []string{"require: {time: {weekdays: [mon, wed, thu, fri, sat, sun], " +
			"hours: [00:00-24:00]}}, " + treat}, all(1), "care", rules.OutsideHours},
		{"weekday of the zone",
			[]string{"require: {time: {weekdays: [mon], zone: Pacific/Honolulu}}, " + treat},
			all(1), "care", ""},
		{"the network goes before the hour", []string{"require: {network: [10.8.0.0/16]}, " + treat,
			"require: {time: {weekdays: [sun]}}, " + treat}, all(2), "care",
			rules.NetworkNotAllowed},
		{"condition of the address", []string{`when: "caller.address.startsWith('10.8.')", ` +
			treat}, from("10.8.3.4"), "care", ""},
		{"condition of the time", []string{`when: "time.hour == 12 && time.minute == 0 && ` +
			`time.weekday == 2 && time.date == '2026-03-10' && time.now < ` +
			`timestamp('2026-03-10T04:00:01Z')", ` + treat}, all(1), "care", ""},
		{"condition of the service", []string{`when: "request.service == 's'", ` + treat}, all(1),
			"care", ""},
		{"condition of the record waits", []string{`when: record.x == 1, ` + treat}, all(1), "care",
			""},
		{"consent", []string{treat}, all(1), "loan", ""},
	} {
		set := load(t, test.roles, nil)
		access, err := set.Admit(set.Routes()[0], request(test.caller, test.purpose))
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: Admit: %v, want access", test.name, err)
			} else if basis := set.Basis(test.purpose); access.Role() == "" || basis == "" {
				t.Errorf("%s: Role() = %q, Basis(%q) = %q, want both", test.name, access.Role(),
					test.purpose, basis)
			}
			continue
		}
		var denial *rules.Denial
		if !errors.As(err, &denial) || denial.Reason != test.want {
			t.Errorf("%s: Admit: %v, want reason %s", test.name, err, test.want)
		}
	}
}

// costly is true, after 27,000 steps.
const costly = "[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9].all(a, " +
	"[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9].all(b, " +
	"[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9].all(c, a+b+c >= 0)))"

// A cap whose condition costs too much forbids: nobody can tell whether it holds.
func TestCostLimit(t *testing.T) {
	set := load(t, []string{"treat: {C2: clear}"}, []string{`when: "!(` + costly +
		`)", at_most: drop`})
	if got := fieldOf(t, admit(t, set, all(1)).Profile(0, nil), "$.name"); got.Treatment != "drop" {
		t.Errorf("a cap whose condition costs too much: treatment = %s, want drop", got.Treatment)
	}
}

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		name        string
		roles, caps []string
		path        string
		treatment   string
		rule        string
	}{
		{"default deny", []string{"treat: {}"}, nil, "$.name", "drop", "not_permitted"},
		{"another class", []string{"treat: {C1: clear}"}, nil, "$.name", "drop", "not_permitted"},
		{"class", []string{"treat: {C2: clear}"}, nil, "$.name", "clear", "policy.yaml:5"},
		{"level", []string{"treat: {L3: clear}"}, nil, "$.name", "clear", "policy.yaml:5"},
		{"class before level", []string{"treat: {L3: clear, C2: hash}"}, nil, "$.name", "hash",
			"policy.yaml:5"},
		{"type before class", []string{"treat: {C2: clear, person_name: drop, L3: clear}"}, nil,
			"$.name", "drop", "policy.yaml:5"},
		{"no class", []string{"treat: {C1: clear, C2: clear, C3: clear}"}, nil, "$.device", "drop",
			"not_permitted"},
		{"the type's mask", []string{"treat: {C2: mask}"}, nil, "$.name", "person_name",
			"policy.yaml:5"},
		{"a bucket as mask", []string{"treat: {C2: mask}"}, nil, "$.amount", "bucket(size=10000)",
			"policy.yaml:5"},
		{"no mask is a constant", []string{"treat: {C1: mask}"}, nil, "$.job", "constant(****)",
			"policy.yaml:5"},
		{"hash as mask", []string{"treat: {L2: mask}"}, nil, "$.device", "hash", "policy.yaml:5"},
		{"clear as mask", []string{"treat: {L2: mask}"}, nil, "$.branch", "clear", "policy.yaml:5"},
		{"the most open role", []string{"treat: {C2: hash}", "treat: {C2: clear}",
			"treat: {C2: drop}"}, nil, "$.name", "clear", "policy.yaml:6"},
		{"the first of equals", []string{"treat: {C2: hash}", "treat: {C2: hash}"}, nil, "$.name",
			"hash", "policy.yaml:5"},
		{"the first of incomparable masks", []string{`treat: {C2: "mask(keep_first=1)"}`,
			`treat: {C2: "mask(keep_last=2)"}`}, nil, "$.name", "mask(keep_first=1)",
			"policy.yaml:5"},
		{"the mask that shows more", []string{`treat: {C2: "mask(keep_last=1)"}`,
			`treat: {C2: "mask(keep_last=2)"}`}, nil, "$.card", "mask(keep_last=2)",
			"policy.yaml:6"},
		{"drop is a decision", []string{"treat: {C2: drop}", "treat: {}"}, nil, "$.name", "drop",
			"policy.yaml:5"},
		{"class before level, sensitive before class",
			[]string{"treat: {C2: clear, sensitive: hash}"}, nil, "$.card", "hash",
			"policy.yaml:5"},
		{"sensitive, not this", []string{"treat: {C2: clear, sensitive: hash}"}, nil, "$.name",
			"clear", "policy.yaml:5"},
		{"type before sensitive", []string{"treat: {sensitive: clear, bank_card: hash}"}, nil,
			"$.card", "hash", "policy.yaml:5"},
		{"a service's field before its type",
			[]string{`treat: {"s $.name": hash, person_name: clear}`}, nil, "$.name", "hash",
			"policy.yaml:5"},
		{"a route's field before the service's",
			[]string{`treat: {"s GET /v1/a/{id} $.name": hash, "s $.name": clear}`}, nil, "$.name",
			"hash", "policy.yaml:5"},
		{"another route's field", []string{`treat: {"s GET /v1/b $.name": clear, C2: hash}`}, nil,
			"$.name", "hash", "policy.yaml:5"},
		{"cap of a service's field", []string{"treat: {C2: clear}"},
			[]string{`field: "s $.name", at_most: drop`}, "$.name", "drop", "policy.yaml:7"},
		{"cap of another field", []string{"treat: {C2: clear}"},
			[]string{`field: "s $.card", at_most: drop`}, "$.name", "clear", "policy.yaml:5"},
		{"cap of another route's field", []string{"treat: {C2: clear}"},
			[]string{`field: "s GET /v1/b $.name", at_most: drop`}, "$.name", "clear",
			"policy.yaml:5"},
		{"cap of a route's field", []string{"treat: {C2: clear}"},
			[]string{`field: "s GET /v1/a/{id} $.name", type: person_name, at_most: drop`},
			"$.name", "drop", "policy.yaml:7"},
		{"public", []string{"treat: {}"}, nil, "$.id", "clear", "public_field"},
		{"public, treated", []string{"treat: {public: drop, L1: drop}"}, nil, "$.id", "clear",
			"public_field"},
		{"public, capped", []string{"treat: {}"}, []string{"type: public, at_most: mask"}, "$.id",
			"constant(****)", "policy.yaml:7"},
		{"never", []string{"treat: {pin: clear}"}, nil, "$.pin", "drop", "never_shown"},
		{"never, whatever the caps", []string{"treat: {pin: clear}"}, []string{"at_most: clear"},
			"$.pin", "drop", "never_shown"},
		{"cap", []string{"treat: {C2: clear}"}, []string{"class: C2, at_most: drop"}, "$.name",
			"drop", "policy.yaml:7"},
		{"cap of another class", []string{"treat: {C2: clear}"},
			[]string{"class: C1, at_most: drop"}, "$.name", "clear", "policy.yaml:5"},
		{"cap of another type", []string{"treat: {C2: clear}"},
			[]string{"type: email, at_most: drop"}, "$.name", "clear", "policy.yaml:5"},
		{"cap of a level", []string{"treat: {C2: clear}"}, []string{"level: L3, at_most: drop"},
			"$.name", "drop", "policy.yaml:7"},
		{"cap of all", []string{"treat: {C2: clear}"}, []string{"at_most: drop"}, "$.name", "drop",
			"policy.yaml:7"},
		{"cap of the sensitive", []string{"treat: {C2: clear}"},
			[]string{"sensitive: true, at_most: drop"}, "$.card", "drop", "policy.yaml:7"},
		{"cap of the sensitive, not this", []string{"treat: {C2: clear}"},
			[]string{"sensitive: true, at_most: drop"}, "$.name", "clear", "policy.yaml:5"},
		{"cap of what is not sensitive", []string{"treat: {C2: clear}"},
			[]string{"sensitive: false, at_most: drop"}, "$.name", "drop", "policy.yaml:7"},
		{"cap does not open", []string{"treat: {C2: drop}"}, []string{"class: C2, at_most: clear"},
			"$.name", "drop", "policy.yaml:5"},
		{"cap that changes nothing", []string{"treat: {C2: hash}"},
			[]string{"class: C2, at_most: hash"}, "$.name", "hash", "policy.yaml:5"},
		{"the strictest cap", []string{"treat: {C2: clear}"}, []string{"at_most: hash",
			"at_most: drop", "at_most: mask"}, "$.name", "drop", "policy.yaml:8"},
		{"masks meet", []string{`treat: {C2: "mask(keep_first=3)"}`},
			[]string{`at_most: "mask(keep_first=1, keep_last=2)"`}, "$.card",
			"mask(keep_first=1, keep_last=0, min=4, stars=4)", "policy.yaml:7"},
		{"mask and bucket meet", []string{"treat: {C2: mask}"},
			[]string{`at_most: "mask(keep_first=1)"`}, "$.amount", "constant(****)",
			"policy.yaml:7"},
		{"bare mask over clear", []string{"treat: {C2: clear}"}, []string{"at_most: mask"},
			"$.name", "person_name", "policy.yaml:7"},
		{"bare mask leaves a mask", []string{`treat: {C2: "mask(keep_first=2)"}`},
			[]string{"at_most: mask"}, "$.name", "mask(keep_first=2)", "policy.yaml:5"},
		{"bare mask leaves a hash", []string{"treat: {C2: hash}"}, []string{"at_most: mask"},
			"$.name", "hash", "policy.yaml:5"},
		{"bare mask of a type in clear", []string{"treat: {L2: clear}"}, []string{"at_most: mask"},
			"$.branch", "constant(****)", "policy.yaml:7"},
		{"bare mask of a hashed type", []string{"treat: {L2: clear}"}, []string{"at_most: mask"},
			"$.device", "hash", "policy.yaml:7"},
		{"a mask does not open a bare mask", []string{"treat: {C2: clear}"},
			[]string{`type: address, at_most: "mask(keep_first=6)"`, "class: C2, at_most: mask"},
			"$.address", "constant(****)", "policy.yaml:8"},
		{"a hash does not open two buckets", []string{"treat: {C2: clear}"},
			[]string{"at_most: hash", "at_most: bucket(size=10)", "at_most: bucket(size=20)"},
			"$.amount", "constant(****)", "policy.yaml:9"},
		{"bare mask leaves a shift", []string{"treat: {C2: shift(days=30)}"},
			[]string{"at_most: mask"}, "$.name", "shift(days=30)", "policy.yaml:5"},
		{"hash over a shift", []string{"treat: {C2: shift(days=30)}"}, []string{"at_most: hash"},
			"$.name", "hash", "policy.yaml:7"},
		{"two shifts meet", []string{"treat: {C2: shift(days=30)}"},
			[]string{"at_most: shift(days=60)"}, "$.name", "constant(****)", "policy.yaml:7"},
		{"shift and year meet", []string{"treat: {C2: date(to=year)}"},
			[]string{"at_most: shift(days=30)"}, "$.name", "constant(****)", "policy.yaml:7"},
		{"constants meet", []string{"treat: {C2: constant(a)}"}, []string{"at_most: constant(b)"},
			"$.name", "constant(****)", "policy.yaml:7"},
	} {
		set := load(t, test.roles, test.caps)
		got := fieldOf(t, admit(t, set, all(len(test.roles))).Profile(0, nil), test.path)
		// The line before the first cap has the word caps.
		if got.Treatment != test.treatment || by(got) != test.rule {
			t.Errorf("%s: %s = %s by %s, want %s by %s", test.name, test.path, got.Treatment,
				by(got), test.treatment, test.rule)
		}
	}
}

// inputs parses a JSON object's members x and y as the engine hands them to a decider.
func inputs(t testing.TB, object string) []masking.Value {
	t.Helper()
	layout, err := masking.Compile(
		masking.Spec{Records: []masking.RecordSpec{{Select: "$", Inputs: []string{"$.x", "$.y"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var found []masking.Value
	decide := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) {
		for i, r := range records {
			profiles[i] = &masking.Profile{}
			for _, in := range r.Inputs {
				found = append(found, masking.Value{Kind: in.Kind, Text: bytes.Clone(in.Text)})
			}
		}
	})
	if _, err := layout.Append(t.Context(), nil, []byte(object), masking.Document, decide,
		nil); err != nil {
		t.Fatal(err)
	}
	return found
}

type deciderFunc func([]masking.Record, []*masking.Profile)

func (f deciderFunc) Decide(_ context.Context, records []masking.Record,
	profiles []*masking.Profile) error {
	f(records, profiles)
	return nil
}

// What cannot be told does not permit, and does forbid.
func TestConditionsOfRecords(t *testing.T) {
	const yes, no, unknown = "yes", "no", "unknown"
	for _, test := range []struct{ when, record, want string }{
		{"record.x == 'a'", `{"x":"a"}`, yes},
		{"record.x == 'a'", `{"x":"b"}`, no},
		{"record.x == 'a'", `{}`, unknown},
		{"record.x == 'a'", `{"x":1}`, unknown},
		{"record.x == 'a'", `{"x":null}`, unknown},
		{"record.x == 'a'", `{"x":true}`, unknown},
		{"record.x == 'a'", `{"x":{}}`, unknown},
		{"record.x == 'a'", `{"x":["a"]}`, unknown},
		{"record.x == 'a'", `{"x":"\u0061"}`, yes},
		{"record.x != 'a'", `{"x":"b"}`, yes},
		{"record.x != 'a'", `{"x":1}`, unknown},
		{"record.x != 'a'", `{"x":null}`, unknown},
		{"record.x != 'a'", `{"x":[]}`, unknown},
		{"record.x != 'a'", `{}`, unknown},
		{"'a' != record.x", `{"x":1}`, unknown},
		{"!(record.x == 'a')", `{"x":1}`, unknown},
		{"record.x in ['a', 'b']", `{"x":"b"}`, yes},
		{"!(record.x in ['a', 'b'])", `{"x":"c"}`, yes},
		{"!(record.x in ['a', 'b'])", `{"x":7}`, unknown},
		{"!(record.x in caller.roles)", `{"x":7}`, unknown},
		{"record.x in caller.roles", `{"x":"r0"}`, yes},
		{"!(caller.id in [record.x, record.y])", `{"x":"u2","y":1}`, unknown},
		{"record.x == caller.id", `{"x":"u1"}`, yes},
		{"record.x != caller.id", `{"x":1}`, unknown},
		{"record.x != record.y", `{"x":"1","y":1}`, unknown},
		{"record.x != record.y", `{"x":2,"y":1}`, yes},
		{"record.x == null", `{"x":null}`, yes},
		{"record.x == null", `{"x":"a"}`, no},
		{"record.x == null", `{}`, unknown},
		{"record.x == 1", `{"x":1}`, yes},
		{"record.x == 1", `{"x":1.0}`, yes},
		{"record.x == 1.5", `{"x":15e-1}`, yes},
		{"record.x > 3", `{"x":3.5}`, yes},
		{"record.x > 3", `{"x":"4"}`, unknown},
		{"record.x < 3", `{"x":1e400}`, unknown},
		{"record.x < 3", `{"x":-0}`, yes},
		{"record.x > 3", `{"x":12345678901234567890}`, yes},
		{"record.x == true", `{"x":true}`, yes},
		{"record.x == true", `{"x":false}`, no},
		{"record.x == true", `{"x":"true"}`, unknown},
		{"record.x || false", `{"x":true}`, yes},
		{"record.x || false", `{"x":"true"}`, unknown},
		{"(caller.id == 'u1' ? record.x : false) || false", `{"x":"a"}`, unknown},
		{"(record.y == 1 ? record.x : false) || false", `{"x":"a","y":1}`, unknown},
		{"has(record.x)", `{"x":0}`, yes},
		{"has(record.x)", `{"x":null}`, yes},
		{"has(record.x)", `{"x":{"since":"2020"}}`, yes},
		{"has(record.x)", `{"x":[]}`, yes},
		{"has(record.x)", `{"x":1e400}`, yes},
		{"!has(record.x)", `{}`, yes},
		{"!has(record.x)", `{"x":{"since":"2020"}}`, no},
		{"!has(record.x) || record.x == 'a'", `{}`, yes},
		{"record.x == 'a' || caller.id == 'u1'", `{}`, yes},
		{"record.x == 'a' && caller.id == 'u2'", `{}`, no},
		{"record.x.startsWith('SH-')", `{"x":"SH-1"}`, yes},
		{"record.x.startsWith('SH-')", `{"x":1}`, unknown},
		{"record.x.matches('^S.-[0-9]+$')", `{"x":"SH-1"}`, yes},
		{"record.x.matches('(')", `{"x":"SH-1"}`, unknown},
		{"record.x[0] > 1", `{"x":[2]}`, unknown},
		{"size(record.x) == 2", `{"x":"张三"}`, yes},
		{"caller.id == 'u1' ? record.x == 'a' : true", `{"x":"a"}`, yes},
	} {
		// y is read by a cap that never applies, so that inputs are always x and y.
		always := []string{`when: "record.x == record.y && false", at_most: drop`}
		role := load(t, []string{fmt.Sprintf("when: %q, treat: {C2: clear}", test.when)}, always)
		capped := load(t, []string{"treat: {C2: clear}"},
			append(always, fmt.Sprintf("when: %q, at_most: drop", test.when)))
		values := inputs(t, test.record)
		if strings.Contains(test.when, "record.y") &&
			strings.Index(test.when, "record.y") < strings.Index(test.when, "record.x") {
			// Inputs are in the order in which rules first read them.
			values[0], values[1] = values[1], values[0]
		}
		permits := !admit(t, role, all(1)).Profile(0, values).Denied
		if want := test.want == yes; permits != want {
			t.Errorf("%s of %s: role permits = %v, want %v", test.when, test.record, permits, want)
		}
		forbids := fieldOf(t, admit(t, capped, all(1)).Profile(0, inputs(t, test.record)),
			"$.name").Treatment == "drop"
		if want := test.want != no; forbids != want {
			t.Errorf("%s of %s: capped forbids = %v, want %v", test.when, test.record, forbids,
				want)
		}
	}
}

// decided is what a caller with the role r0 gets of a record as a data service sends it, from the
// record's bytes to its profile.
func decided(t *testing.T, set *rules.Set, record string) *rules.Profile {
	t.Helper()
	a := admit(t, set, all(1))
	var profile *rules.Profile
	decide := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) {
		for i, r := range records {
			p := a.Profile(r.Kind, r.Inputs)
			if profiles[i] = &p.Profile; r.Kind != masking.Envelope {
				profile = p
			}
		}
	})
	body := []byte(`{"items":[` + record + `]}`)
	layout := set.Routes()[0].Layout
	if _, err := layout.Append(t.Context(), nil, body, masking.Document, decide, nil); err != nil {
		t.Fatalf("Append(%s): %v", body, err)
	}
	return profile
}

// Conditions read values within objects of the record, and several of one object. What cannot be
// told does not permit, and does forbid.
func TestConditionsOnNestedValues(t *testing.T) {
	const yes, no, unknown = "yes", "no", "unknown"
	const (
		status = "record.account.status == 'open'"
		two    = "record.account.status == 'open' && record.account.owner == caller.id"
		deep   = "record.account.branch.city == 'SH' && record.account.status == 'open' && " +
			"record.x == 1"
	)
	for _, test := range []struct{ when, record, want string }{
		{status, `{"account":{"status":"open"}}`, yes},
		{status, `{"account":{"status":"frozen"}}`, no},
		{status, `{"account":{"status":1}}`, unknown},
		{status, `{"account":{"status":null}}`, unknown},
		{status, `{"account":{"status":{}}}`, unknown},
		{status, `{"account":{"other":"open"}}`, unknown},
		{status, `{"account":{}}`, unknown},
		{status, `{"account":"open"}`, unknown},
		{status, `{"account":null}`, unknown},
		{status, `{"account":[{"status":"open"}]}`, unknown},
		{status, `{"account.status":"open"}`, unknown},
		{status, `{"status":"open"}`, unknown},
		{status, `{}`, unknown},
		{two, `{"account":{"status":"open","owner":"u1"}}`, yes},
		{two, `{"account":{"owner":"u1","status":"open"}}`, yes},
		{two, `{"account":{"status":"open","owner":"u2"}}`, no},
		{two, `{"account":{"status":"frozen","owner":"u1"}}`, no},
		{two, `{"account":{"status":"open"}}`, unknown},
		{two, `{"account":{"owner":"u1"}}`, unknown},
		{two, `{"account":{"status":"frozen"}}`, no},
		{deep, `{"x":1,"account":{"status":"open","branch":{"city":"SH"}}}`, yes},
		{deep, `{"x":1,"account":{"status":"open","branch":{"city":"BJ"}}}`, no},
		{deep, `{"x":1,"account":{"status":"open","branch":"SH"}}`, unknown},
		{"record.account.status != 'frozen'", `{"account":{"status":"open"}}`, yes},
		{"record.account.status != 'frozen'", `{"account":{"status":1}}`, unknown},
		{"record.account.status != record.account.before",
			`{"account":{"status":"a","before":"b"}}`, yes},
		{"record.account.status != record.account.before", `{"account":{"status":"a","before":1}}`,
			unknown},
		{"has(record.account.status)", `{"account":{"status":"open"}}`, yes},
		{"has(record.account.status)", `{"account":{"status":{}}}`, yes},
		{"!has(record.account.status)", `{}`, unknown},
	} {
		role := load(t, []string{fmt.Sprintf("when: %q, treat: {C2: clear}", test.when)}, nil)
		capped := load(t, []string{"treat: {C2: clear}"},
			[]string{fmt.Sprintf("when: %q, at_most: drop", test.when)})
		record := strings.Replace(test.record, "{", `{"id":"C1","name":"张三",`, 1)
		record = strings.Replace(record, ",}", "}", 1)
		if got, want := !decided(t, role, record).Denied, test.want == yes; got != want {
			t.Errorf("%s of %s: role permits = %v, want %v", test.when, test.record, got, want)
		}
		forbids := fieldOf(t, decided(t, capped, record), "$.name").Treatment == "drop"
		if want := test.want != no; forbids != want {
			t.Errorf("%s of %s: cap forbids = %v, want %v", test.when, test.record, forbids, want)
		}
	}
}

// A name that needs backticks in CEL is found all the same.
func TestConditionOnQuotedName(t *testing.T) {
	set := load(t, []string{"when: record.`agent-id.v2` == caller.id, treat: {C2: clear}"}, nil)
	body := `{"code":0,"items":[{"id":"1","agent-id.v2":"u1","name":"张三"},{"id":"2",` +
		`"agent-id.v2":"u2","name":"李四"}]}`
	a := admit(t, set, all(1))
	out, err := set.Routes()[0].Layout.Append(t.Context(), nil, []byte(body), masking.Document,
		deciderFunc(func(records []masking.Record, profiles []*masking.Profile) {
			for i, r := range records {
				profiles[i] = &a.Profile(r.Kind, r.Inputs).Profile
			}
		}), nil)
	if want := `{"code":0,"items":[{"id":"1","name":"张三"}]}`; err != nil || string(out) != want {
		t.Errorf("Append = %s, %v, want %s", out, err, want)
	}
}

func TestEnvelope(t *testing.T) {
	set := load(t, []string{"when: record.x == 1, treat: {C2: clear}", "treat: {C2: mask}"},
		[]string{"when: record.x == 2, type: person_name, at_most: hash"})
	one := all(1)
	p := admit(t, set, one).Profile(masking.Envelope, nil)
	if p.Denied || p.Kind != "envelope" {
		t.Errorf("envelope: %+v, want it not denied", p)
	}
	if got := fieldOf(t, p, "$.code"); got.Treatment != "clear" {
		t.Errorf("envelope: public field = %+v, want clear", got)
	}
	// Of an envelope nothing can be told: the role does not permit, and the cap forbids.
	if got := fieldOf(t, p, "$.who"); got.Treatment != "drop" || got.Reason != rules.NotPermitted {
		t.Errorf("envelope: field of a role with a condition = %+v, want drop by default", got)
	}
	if got := fieldOf(t, admit(t, set, all(2)).Profile(masking.Envelope, nil),
		"$.who"); got.Treatment != "hash" {
		t.Errorf("envelope: capped field = %+v, want hash", got)
	}
	values := inputs(t, `{"x":3}`)[:1]
	if p := admit(t, set, one).Profile(0, values); !p.Denied || len(p.Treatments) != 0 {
		t.Errorf("record for which no role's condition holds: %+v, want it denied", p)
	}
	if p := admit(t, set, all(2)).Profile(0, values); p.Denied ||
		fieldOf(t, p, "$.name").Treatment != "person_name" {
		t.Errorf("record for which one role's condition holds: %+v, want its mask", p)
	}
}

// The roles that permit a record limit it, and the most generous of them counts.
func TestRecordLimit(t *testing.T) {
	limited := func(n int) string {
		return fmt.Sprintf("limit: {records: %d/response}, treat: {}", n)
	}
	for _, test := range []struct {
		roles []string
		want  int
	}{
		{[]string{"treat: {}"}, 0},
		{[]string{limited(5)}, 5},
		{[]string{limited(5), limited(9), limited(7)}, 9},
		{[]string{limited(5), "treat: {}"}, 0},
		{[]string{"treat: {}", limited(5)}, 0},
		{[]string{limited(5), "require: {amr: [mfa]}, treat: {}"}, 5},
		{[]string{limited(5), "when: record.x == 1, " + limited(1000)}, 1000},
		{[]string{limited(5), "when: record.x == 2, " + limited(1000)}, 5},
	} {
		set := load(t, test.roles, nil)
		var values []masking.Value
		if strings.Contains(test.roles[len(test.roles)-1], "record.x") {
			values = inputs(t, `{"x":1}`)[:1]
		}
		if got := admit(t, set, all(len(test.roles))).Profile(0, values).Limit; got != test.want {
			t.Errorf("Limit of %q = %d, want %d", test.roles, got, test.want)
		}
	}
}

// The roles that permit a record count its subject, unless one of them need not.
func TestQuotasOfRoles(t *testing.T) {
	limited := func(limit string) string { return "limit: {subjects: " + limit + "}, treat: {}" }
	for _, test := range []struct {
		roles []string
		want  []rules.Quota
	}{
		{[]string{"treat: {}"}, nil},
		{[]string{limited("200/1d")},
			[]rules.Quota{{Role: "r0", Subjects: 200, Window: 24 * time.Hour}}},
		{[]string{limited("5/30m"), limited("9/2h")},
			[]rules.Quota{{Role: "r0", Subjects: 5, Window: 30 * time.Minute},
				{Role: "r1", Subjects: 9, Window: 2 * time.Hour}}},
		{[]string{limited("5/30m"), "treat: {}"}, nil},
		{[]string{"limit: {records: 3/response}, treat: {}", limited("5/30m")}, nil},
	} {
		set := load(t, test.roles, nil)
		if got := admit(t, set, all(len(test.roles))).Profile(0, nil).Quotas; !slices.Equal(got,
			test.want) {
			t.Errorf("Quotas of %q = %v, want %v", test.roles, got, test.want)
		}
	}
}

// Nobody can count the subjects of records that name none: a role that limits subjects takes no
// part in such records, unless all their fields are public.
func TestNoSubjectNoQuota(t *testing.T) {
	const limited, free = "limit: {subjects: 5/1d}, treat: {C2: clear}", "treat: {C2: mask}"
	for _, test := range []struct {
		route int
		kind  int
		roles []string
		path  string
		want  string // "" for a record that is denied
	}{
		{0, masking.Envelope, []string{limited}, "$.who", "drop"},
		{0, masking.Envelope, []string{limited}, "$.code", "clear"},
		{0, masking.Envelope, []string{limited, free}, "$.who", "person_name"},
		{0, 0, []string{limited}, "$.name", "clear"},
		{1, 0, []string{limited}, "", ""},
		{1, 0, []string{limited, free}, "$.name", "person_name"},
		{2, 0, []string{limited}, "$.product", "clear"},
	} {
		set := load(t, test.roles, nil)
		a, err := set.Admit(set.Routes()[test.route], request(all(len(test.roles)), "care"))
		if err != nil {
			t.Fatal(err)
		}
		p := a.Profile(test.kind, nil)
		if p.Denied != (test.want == "") {
			t.Errorf("route %d, kind %d of %q: denied = %v", test.route, test.kind, test.roles,
				p.Denied)
		} else if test.want != "" {
			if got := fieldOf(t, p, test.path).Treatment; got != test.want {
				t.Errorf("%s of route %d, kind %d of %q = %s, want %s", test.path, test.route,
					test.kind, test.roles, got, test.want)
			}
		}
	}
}

// Equal decisions are one profile, and different ones are not; many goroutines may ask at once.
func TestProfilesAreShared(t *testing.T) {
	set := load(t, []string{"when: record.x == 1, treat: {C2: clear}", "treat: {C2: mask}"},
		[]string{"when: record.x == 2, at_most: hash"})
	want := map[string]*rules.Profile{}
	a := admit(t, set, all(2))
	for _, record := range []string{`{"x":1}`, `{"x":2}`, `{"x":3}`, `{}`} {
		want[record] = a.Profile(0, inputs(t, record)[:1])
	}
	if want[`{"x":2}`] != want[`{}`] {
		t.Error("profiles of equal decisions differ")
	}
	if len(slices.Compact([]*rules.Profile{want[`{"x":1}`], want[`{"x":2}`], want[`{"x":3}`],
		a.Profile(masking.Envelope, nil)})) != 4 {
		t.Error("profiles of different decisions are one")
	}
	values := map[string][]masking.Value{}
	for record := range want {
		values[record] = inputs(t, record)[:1]
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				for record, p := range want {
					if got := admit(t, set, all(2)).Profile(0, values[record]); got != p {
						t.Errorf("Profile of %s is another one the next time", record)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestPurposesHaveProfilesOfTheirOwn(t *testing.T) {
	set := load(t, []string{"treat: {C2: clear}"}, nil)
	care, err := set.Admit(set.Routes()[0], request(all(1), "care"))
	if err != nil {
		t.Fatal(err)
	}
	loan, err := set.Admit(set.Routes()[0], request(all(1), "loan"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := set.Admit(set.Routes()[1], request(all(1), "care"))
	if err != nil {
		t.Fatal(err)
	}
	if care.Profile(0, nil) == loan.Profile(0, nil) || care.Profile(0, nil) == other.Profile(0,
		nil) {
		t.Error("profiles of different purposes or routes are one")
	}
}

type shortKey struct{}

func (shortKey) Pseudonym(string) ([]byte, int) { return []byte("short"), 1 }

// Without a key, or with one that could be guessed, nothing is hashed.
func TestNoKey(t *testing.T) {
	files := []rules.File{
		{Name: "p.yaml", Data: []byte(policy + "roles: {r0: {purposes: [care], treat: {C2: " +
			"hash}}}\n")},
		{Name: "s.yaml", Data: []byte(service)},
	}
	for name, keys := range map[string]rules.Keys{"none": nil, "short": shortKey{}} {
		set, err := rules.Load(files, keys)
		if err != nil {
			t.Fatal(err)
		}
		p := admit(t, set, all(1)).Profile(0, nil)
		if got := fieldOf(t, p, "$.name"); got.Treatment != "drop" ||
			got.Reason != rules.KeyMissing || got.Rule != "" ||
			p.Treatments[1].Rank != masking.RankDrop {
			t.Errorf("key %s: %+v, want drop by key_missing", name, got)
		}
	}
}
