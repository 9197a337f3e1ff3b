package rules_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// consent returns a consent that holds at noon, after a change.
func consent(change func(*rules.Consent)) rules.Standing {
	c := rules.Consent{
		ID: "c1", Purposes: []string{"loan"}, Covers: []string{"C2", "sensitive", "L2"},
		Notice: "2026-1", Granted: noon.Add(-time.Hour),
	}
	if change != nil {
		change(&c)
	}
	return rules.Standing{Consents: []rules.Consent{c}}
}

// Under a purpose that rests on consent, a consent that holds opens what it covers, and nothing
// else does.
func TestConsent(t *testing.T) {
	const loan, care = "loan", "care"
	none, narrow := string(rules.ConsentMissing), string(rules.ConsentTooNarrow)
	set := load(t, []string{"treat: {C1: clear, C2: clear, L2: clear}"},
		[]string{"type: amount, at_most: hash"})
	for _, test := range []struct {
		name, purpose, path string
		standing            rules.Standing
		treatment, by       string
	}{
		{"none", loan, "$.name", rules.Standing{}, "drop", none},
		{"none, public", loan, "$.id", rules.Standing{}, "clear", "public_field"},
		{"one that holds", loan, "$.name", consent(nil), "clear", "policy.yaml:5"},
		{"sensitive", loan, "$.card", consent(nil), "clear", "policy.yaml:5"},
		{"a level", loan, "$.device", consent(nil), "clear", "policy.yaml:5"},
		{"capped", loan, "$.amount", consent(nil), "hash", "policy.yaml:7"},
		{"not covered", loan, "$.job", consent(nil), "drop", narrow},
		{"nothing covered", loan, "$.name", consent(func(c *rules.Consent) {
			c.Covers = nil
		}), "drop", narrow},
		{"a class does not cover what is sensitive", loan, "$.card",
			consent(func(c *rules.Consent) { c.Covers = []string{"C2"} }), "drop", narrow},
		{"its type does", loan, "$.card", consent(func(c *rules.Consent) {
			c.Covers = []string{"bank_card"}
		}), "clear", "policy.yaml:5"},
		{"to another purpose", loan, "$.name", consent(func(c *rules.Consent) {
			c.Purposes = []string{"care"}
		}), "drop", none},
		{"not yet", loan, "$.name", consent(func(c *rules.Consent) {
			c.Granted = noon.Add(time.Second)
		}), "drop", none},
		{"from now", loan, "$.name", consent(func(c *rules.Consent) {
			c.Granted = noon
		}), "clear", "policy.yaml:5"},
		{"never granted", loan, "$.name", consent(func(c *rules.Consent) {
			c.Granted = time.Time{}
		}), "drop", none},
		{"expires later", loan, "$.name", consent(func(c *rules.Consent) {
			c.Expires = noon.Add(time.Second)
		}), "clear", "policy.yaml:5"},
		{"expired", loan, "$.name", consent(func(c *rules.Consent) {
			c.Expires = noon
		}), "drop", none},
		{"withdrawn", loan, "$.name", consent(func(c *rules.Consent) {
			c.Withdrawn = noon
		}), "drop", none},
		{"to this recipient", loan, "$.name", consent(func(c *rules.Consent) {
			c.Recipients = []string{"hz"}
		}), "clear", "policy.yaml:5"},
		{"to another recipient", loan, "$.name", consent(func(c *rules.Consent) {
			c.Recipients = []string{"sz"}
		}), "drop", none},
		{"the purpose needs none", care, "$.job", rules.Standing{}, "clear", "policy.yaml:5"},
	} {
		c := all(1)
		c.Organisation = "hz"
		a, err := set.Admit(set.Routes()[0], request(c, test.purpose))
		if err != nil {
			t.Fatal(err)
		}
		got := fieldOf(t, a.ProfileOf(0, nil, test.standing), test.path)
		if got.Treatment != test.treatment || by(got) != test.by {
			t.Errorf("%s: %s = %s by %s, want %s by %s", test.name, test.path, got.Treatment,
				by(got), test.treatment, test.by)
		}
		a, err = set.Admit(set.Routes()[0], rules.Request{Caller: c, Purpose: test.purpose})
		if err != nil {
			t.Fatal(err)
		}
		got = fieldOf(t, a.ProfileOf(0, nil, test.standing), test.path)
		if test.purpose == loan && got.Type != "public" && got.Treatment != "drop" {
			t.Errorf("%s: %s = %s without a time, want drop", test.name, test.path, got.Treatment)
		}
	}
}

// An envelope has no subject, so no consent and no grant opens it.
func TestEnvelopeHasNoStanding(t *testing.T) {
	set := load(t, []string{"treat: {C2: clear}, grantable: {person_name: {approver: boss, ttl: " +
		"1h}}"}, nil)
	s := consent(nil)
	s.Grants = grant(nil).Grants
	for _, purpose := range []string{"loan", "care"} {
		c := all(1)
		a, err := set.Admit(set.Routes()[0], request(c, purpose))
		if err != nil {
			t.Fatal(err)
		}
		got := fieldOf(t, a.ProfileOf(masking.Envelope, nil, s), "$.who")
		if want := map[string]string{"loan": "drop",
			"care": "clear"}[purpose]; got.Treatment != want || got.Reason == rules.Granted {
			t.Errorf("%s: $.who = %+v, want %s, not by a grant", purpose, got, want)
		}
	}
}

// grant returns a grant that holds at noon, after a change.
func grant(change func(*rules.Grant)) rules.Standing {
	g := rules.Grant{
		ID: "g1", Caller: "u1", Purpose: "care", Types: []string{"person_name"}, Approver: "u9",
		ApproverRoles: []string{"boss"},
		Approved:      noon.Add(-time.Minute),
	}
	if change != nil {
		change(&g)
	}
	return rules.Standing{Grants: []rules.Grant{g}}
}

func TestGrant(t *testing.T) {
	const able = "treat: {C2: mask}, grantable: {person_name: {approver: boss, ttl: 30m, uses: 2}}"
	const opened, closed = "clear", "person_name"
	for _, test := range []struct {
		name      string
		roles     []string
		caps      []string
		standing  rules.Standing
		treatment string
		reason    rules.Reason
	}{
		{"none", []string{able}, nil, rules.Standing{}, closed, rules.Permitted},
		{"one that holds", []string{able}, nil, grant(nil), opened, rules.Granted},
		{"where nothing is permitted", []string{"treat: {}, grantable: {person_name: {approver: " +
			"boss, ttl: 30m}}"}, nil, grant(nil), opened, rules.Granted},
		{"where it is in clear anyway",
			[]string{"treat: {C2: clear}, grantable: {person_name: {approver: boss, ttl: 30m}}"},
			nil, grant(nil), opened, rules.Permitted},
		{"a cap wins", []string{able}, []string{"class: C2, at_most: hash"}, grant(nil), "hash",
			rules.Capped},
		{"not grantable", []string{"treat: {C2: mask}"}, nil, grant(nil), closed, rules.Permitted},
		{"the role permits nothing here", []string{"when: record.x == 2, " + able,
			"treat: {C2: mask}"}, nil, grant(nil), closed, rules.Permitted},
		{"of another type", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Types = []string{"bank_card"}
		}), closed, rules.Permitted},
		{"to another caller", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Caller = "u2"
		}), closed, rules.Permitted},
		{"to nobody", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Caller = ""
		}), closed, rules.Permitted},
		{"for another purpose", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Purpose = "loan"
		}), closed, rules.Permitted},
		{"approved by the caller", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Approver = "u1"
		}), closed, rules.Permitted},
		{"approved by nobody", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Approver = ""
		}), closed, rules.Permitted},
		{"approved by another role", []string{able}, nil, grant(func(g *rules.Grant) {
			g.ApproverRoles = []string{"clerk"}
		}), closed, rules.Permitted},
		{"approved later", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Approved = noon.Add(time.Second)
		}), closed, rules.Permitted},
		{"past the policy's time", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Approved = noon.Add(-30 * time.Minute)
		}), closed, rules.Permitted},
		{"past its own time", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Expires = noon
		}), closed, rules.Permitted},
		{"before its time is over", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Expires = noon.Add(time.Second)
		}), opened, rules.Granted},
		{"used once", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Used = 1
		}), opened, rules.Granted},
		{"used up", []string{able}, nil, grant(func(g *rules.Grant) {
			g.Used = 2
		}), closed, rules.Permitted},
		{"one of two", []string{able}, nil,
			rules.Standing{Grants: append(grant(func(g *rules.Grant) {
				g.Used = 2
			}).Grants, grant(nil).Grants...)}, opened, rules.Granted},
		{"as a condition", []string{`when: "grant.id == 'g1' && grant.approver == 'u9' && ` +
			`'person_name' in grant.types && grant.approved < time.now", ` + able}, nil, grant(nil),
			opened, rules.Granted},
	} {
		set := load(t, test.roles,
			append(test.caps, `when: "record.x == 1 && false", at_most: drop`))
		got := fieldOf(t, admit(t, set, all(len(test.roles))).ProfileOf(0, inputs(t, `{"x":1}`)[:1],
			test.standing), "$.name")
		if got.Treatment != test.treatment || got.Reason != test.reason {
			t.Errorf("%s: %s for %s, want %s for %s", test.name, got.Treatment, got.Reason,
				test.treatment, test.reason)
		}
	}
}

// Conditions see a consent and a grant that hold, and no other.
func TestConditionsOfStanding(t *testing.T) {
	able := ", treat: {C2: clear}, grantable: {person_name: {approver: boss, ttl: 1h}}"
	withdrawn := consent(func(c *rules.Consent) { c.Withdrawn = noon })
	for _, test := range []struct {
		name, when string
		standing   rules.Standing
		want       bool
	}{
		{"a consent", "has(consent.id) && consent.notice == '2026-1' && 'loan' in " +
			"consent.purposes && 'C2' in consent.covers", consent(nil), true},
		{"its time", "consent.granted < time.now", consent(nil), true},
		{"no time of expiry", "!has(consent.expires)", consent(nil), true},
		{"no consent", "has(consent.id)", rules.Standing{}, false},
		{"no consent, read", "consent.notice != '2025-1'", rules.Standing{}, false},
		{"a consent withdrawn", "has(consent.id)", withdrawn, false},
		{"no grant", "has(grant.id)", consent(nil), false},
		{"a grant for another purpose", "has(grant.id)", grant(nil), false},
	} {
		set := load(t, []string{"when: \"" + test.when + "\"" + able}, nil)
		a, err := set.Admit(set.Routes()[0], request(all(1), "loan"))
		if err != nil {
			t.Fatal(err)
		}
		if got := !a.ProfileOf(0, nil, test.standing).Denied; got != test.want {
			t.Errorf("%s: %s = %v, want %v", test.name, test.when, got, test.want)
		}
	}
}

func TestReadsStandings(t *testing.T) {
	const able = "treat: {C2: mask}, grantable: {person_name: {approver: boss, ttl: 1h}}"
	for _, test := range []struct {
		name        string
		roles, caps []string
		purpose     string
		want        bool
	}{
		{"a purpose that needs no consent", []string{"treat: {C2: mask}"},
			[]string{"class: C2, at_most: hash"}, "care", false},
		{"a purpose that rests on consent", []string{"treat: {C2: mask}"}, nil, "loan", true},
		{"a role that allows grants", []string{"treat: {C2: mask}", able}, nil, "care", true},
		{"a role that allows grants, and is not admitted", []string{"treat: {C2: mask}",
			"require: {amr: [mfa]}, " + able}, nil, "care", false},
		{"a role that allows grants, for another purpose", []string{"treat: {C2: mask}",
			"purposes: [loan], " + able}, nil, "care", false},
		{"a role that allows grants, if the record is one", []string{"when: record.x == 1, " +
			able}, nil, "care", true},
		{"a condition of the record", []string{"when: record.x == 1, treat: {C2: mask}"}, nil,
			"care", false},
		{"a condition of the consent", []string{"when: has(consent.id), treat: {C2: mask}"}, nil,
			"care", true},
		{"a condition of the consent, and then of the caller",
			[]string{"when: has(consent.id) || caller.id == 'u1', treat: {C2: mask}"}, nil, "care",
			true},
		{"a condition of the grant",
			[]string{"when: \"record.x == 1 || grant.id == 'g1'\", treat: {C2: mask}"}, nil, "care",
			true},
		{"a cap that reads the consent", []string{"treat: {C2: mask}"},
			[]string{`when: "!has(consent.id)", at_most: drop`}, "care", true},
		{"a cap that reads the grant", []string{"treat: {C2: mask}"},
			[]string{`when: "!has(grant.id)", at_most: drop`}, "care", true},
	} {
		set := load(t, test.roles, test.caps)
		a, err := set.Admit(set.Routes()[0], request(all(len(test.roles)), test.purpose))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.ReadsStandings(); got != test.want {
			t.Errorf("%s: ReadsStandings() = %v, want %v", test.name, got, test.want)
		}
	}
}

// Over random policies: where ReadsStandings reports false, no standing alters a decision.
func TestReadsStandingsMissesNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	one := inputs(t, `{"x":1}`)[:1]
	unread, differing := 0, 0
	for range repeats(1_000, 100, 40) {
		p := randomPolicies(t, rng)
		for range 20 {
			c := randomChoice(rng, one)
			a, err := p.set.Admit(p.set.Routes()[0], c.request())
			if err != nil {
				continue
			}
			alike := a.ProfileOf(c.record.Kind, c.record.Inputs, c.record.Standing) == a.Profile(
				c.record.Kind, c.record.Inputs)
			switch {
			case !alike:
				differing++
				if !a.ReadsStandings() {
					t.Fatalf("roles %q\ncaps %q\nchoice %+v: no standing is read, but this one "+
						"decides otherwise than none", p.roles, p.caps, c)
				}
			case !a.ReadsStandings():
				unread++
			}
		}
	}
	if unread == 0 || differing == 0 {
		t.Errorf("%d decisions read no standing, %d are others by theirs; want some of each, to "+
			"show anything", unread, differing)
	}
}

// Without a time, roles that depend on the time do not permit, and caps that do forbid.
func TestNoTime(t *testing.T) {
	for _, role := range []string{"require: {time: {hours: [00:00-24:00]}}, treat: {}",
		`when: "time.hour < 24", treat: {}`,
		`when: "time.now != timestamp('2020-01-01T00:00:00Z')", treat: {}`} {
		set := load(t, []string{role}, nil)
		_, err := set.Admit(set.Routes()[0], rules.Request{Caller: all(1), Purpose: "care"})
		var denial *rules.Denial
		if !errors.As(err, &denial) {
			t.Errorf("Admit by %s without a time: %v, want a denial", role, err)
		}
	}
	set := load(t, []string{"treat: {C2: clear}"},
		[]string{`when: "time.hour > 24", at_most: drop`})
	a, err := set.Admit(set.Routes()[0], rules.Request{Caller: all(1), Purpose: "care"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fieldOf(t, a.Profile(0, nil), "$.name"); got.Treatment != "drop" {
		t.Errorf("a cap that reads the time, without one: %s, want drop", got.Treatment)
	}
}
