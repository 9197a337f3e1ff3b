package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// ordered compiles the policies with their roles in another order. A role keeps its name.
func (p policies) ordered(t *testing.T, order []int) policies {
	var b strings.Builder
	b.WriteString("kind: policy\nname: p\npurposes: {care: {basis: contract}, loan: {basis: " +
		"consent}}\nroles:\n")
	for _, i := range order {
		r := p.roles[i]
		if !strings.Contains(r, "purposes:") {
			r = "purposes: [care, loan], " + r
		}
		fmt.Fprintf(&b, "  r%d: {%s}\n", i, r)
	}
	b.WriteString("caps:\n")
	for _, c := range append(slices.Clone(p.caps),
		`when: "record.x == 1 && false", at_most: drop`) {
		fmt.Fprintf(&b, "  - {%s}\n", c)
	}
	p.set = mustLoad(t, rules.File{Name: "service.yaml", Data: []byte(world)},
		rules.File{Name: "policy.yaml", Data: []byte(b.String())})
	return p
}

// tweaked returns the policies with one or two roles or caps changed, or their order.
func (p policies) tweaked(t *testing.T, rng *rand.Rand) policies {
	p.roles, p.caps = slices.Clone(p.roles), slices.Clone(p.caps)
	order := make([]int, randomRoles)
	for i := range order {
		order[i] = i
	}
	for range 1 + rng.IntN(2) {
		switch i := rng.IntN(randomRoles); rng.IntN(8) {
		case 0, 1, 2:
			p.roles[i] = randomRole(rng)
		case 3:
			p.roles[i] = "purposes: [" + pick(rng, "care", "loan") + "], " + randomRole(rng)
		case 4, 5:
			c := rng.IntN(randomCaps)
			p.caps[c] = randomCap(rng, fmt.Sprintf("k%d", c))
		case 6:
			if !strings.Contains(p.roles[i], "limit:") {
				p.roles[i] = strings.Replace(p.roles[i], "treat:",
					pick(rng, "limit: {records: 5/response}", "limit: {subjects: 5/1d}")+", treat:",
					1)
			}
		case 7:
			j := rng.IntN(randomRoles)
			order[i], order[j] = order[j], order[i]
		}
	}
	return p.ordered(t, order)
}

// about reports whether a change may be the reason why callers with these roles see more of a
// field.
func about(c rules.Change, held []string, purpose, kind, field string) bool {
	for _, r := range c.Roles {
		if !slices.Contains(held, r) {
			return false
		}
	}
	return c.Effect == rules.Opens && (c.Purpose == "" || c.Purpose == purpose) &&
		(c.Field == "" || c.Field == field && c.Kind == kind)
}

// Over random pairs of policies: if a caller sees more of a field than before, Diff has a change
// that opens, for that caller and field.
func TestDiffMissesNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	sets, each := repeats(200, 40, 40), 50
	one := inputs(t, `{"x":1}`)[:1]
	opened := 0
	for range sets {
		before := randomPolicies(t, rng)
		after := before.tweaked(t, rng)
		changes := rules.Diff(before.set, after.set)
		for range each {
			c := randomChoice(rng, one)
			old, _, _ := before.decide(c)
			now, _, _ := after.decide(c)
			for i, f := range now {
				was := rules.Decision{Treatment: "drop"}
				if old != nil {
					was = old[i]
				}
				if !opener(t, f, was) {
					continue
				}
				opened++
				kind := "$.items[*]"
				if c.record.Kind == masking.Envelope {
					kind = "envelope"
				}
				q := c.request()
				if !slices.ContainsFunc(changes, func(d rules.Change) bool {
					return about(d, q.Caller.Roles, c.purpose, kind, f.Path)
				}) {
					t.Fatalf("roles before %q\nafter %q\ncaps before %q\nafter %q\nchoice %+v\n"+
						"%s was %s, is %s, but Diff = %+v",
						before.roles, after.roles, before.caps, after.caps, c, f.Path,
						was.Treatment, f.Treatment, changes)
				}
			}
		}
	}
	if opened < sets {
		t.Errorf("%d fields opened in %d pairs of policies; want more, to show anything", opened,
			sets)
	}
}

// Over random pairs of policies: each change of a treatment that Diff reports is true of some
// decision.
func TestDiffMakesNothingUp(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	sets := repeats(20, 8, 4)
	one := inputs(t, `{"x":1}`)[:1]
	for range sets {
		before := randomPolicies(t, rng)
		for i, c := range before.caps { // conditions that hold independently of each other
			before.caps[i] = strings.Replace(c, " && record.x == 1", "", 1)
		}
		after := before.tweaked(t, rng)
		for i, c := range after.caps {
			after.caps[i] = strings.Replace(c, " && record.x == 1", "", 1)
		}
		order := make([]int, randomRoles)
		for i := range order {
			order[i] = i
		}
		before, after = before.ordered(t, order), after.ordered(t, order)
		for _, c := range rules.Diff(before.set, after.set) {
			if c.Field != "" && c.Route == "GET /v1/a/{id}" && len(c.Roles) == 1 &&
				!shows(before, after, c, one) {
				t.Fatalf("roles before %q\nafter %q\ncaps before %q\nafter %q\nnobody sees %+v",
					before.roles, after.roles, before.caps, after.caps, c)
			}
		}
	}
}

// shows looks for a decision that a change is about.
func shows(before, after policies, c rules.Change, one []masking.Value) bool {
	role := int(c.Roles[0][1] - '0')
	morning := noon.Add(-3 * time.Hour) // within all hours that are required
	get := func(p policies, x choice) string {
		q := x.request()
		q.Time = morning
		a, err := p.set.Admit(p.set.Routes()[0], q)
		if err != nil {
			return "refused"
		}
		for _, f := range a.ProfileOf(x.record.Kind, x.record.Inputs, x.record.Standing).Fields {
			if f.Path == c.Field {
				return f.Treatment
			}
		}
		return ""
	}
	for mask := range 1 << randomCaps {
		x := choice{roles: []int{role}, purpose: c.Purpose}
		for i := range randomCaps {
			if mask>>i&1 == 1 {
				x.caps = append(x.caps, i)
			}
		}
		for _, word := range []string{"", "C1", "C2", "L1", "L2", "L3", "L4", "sensitive",
			"bank_card", "person_name"} {
			for _, granted := range []string{"", "bank_card", "person_name"} {
				x.record = rules.Record{Inputs: one}
				if c.Kind == "envelope" {
					x.record.Kind = masking.Envelope
				}
				if word != "" {
					x.record.Standing.Consents = []rules.Consent{{Purposes: []string{"loan"},
						Covers: []string{word}, Granted: morning.Add(-time.Hour)}}
				}
				if granted != "" {
					x.record.Standing.Grants = []rules.Grant{{Caller: "u1", Purpose: c.Purpose,
						Types: []string{granted}, Approver: "u9", ApproverRoles: []string{"boss"},
						Approved: morning.Add(-time.Minute)}}
				}
				if get(before, x) == c.Old && get(after, x) == c.New {
					return true
				}
			}
		}
	}
	return false
}

// Between a set and itself there is no change.
func TestDiffOfTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		p := randomPolicies(t, rng)
		if changes := rules.Diff(p.set, p.set); len(changes) > 0 {
			t.Fatalf("roles %q caps %q: Diff with itself = %+v, want none", p.roles, p.caps,
				changes)
		}
	}
}
