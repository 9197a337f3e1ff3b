package rules_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/treatment"
)

var (
	randomTypes = []string{"person_name", "bank_card", "amount", "address", "device_id", "branch",
		"occupation", "pin", "public"}
	randomKeys = append([]string{"C1", "C2", "C3", "L1", "L2", "L3", "L4", "sensitive", "s $.name",
		"s GET /v1/a/{id} $.card"}, randomTypes...)
)

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func randomTreatment(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return "clear"
	case 1, 2:
		return "mask"
	case 3:
		return fmt.Sprintf(`"mask(keep_first=%d, keep_last=%d%s)"`, rng.IntN(4), rng.IntN(3),
			pick(rng, "", ", stars=same", ", stars=2", ", min=9"))
	case 4:
		return fmt.Sprintf("bucket(size=%d)", 10*(1+rng.IntN(2)))
	case 5:
		return "hash"
	case 6:
		return pick(rng, "constant(a)", "constant(b)")
	}
	return "drop"
}

// randomRole is a role in flow style. It may read the record (record.x is 1, or it is missing) and
// allow grants.
func randomRole(rng *rand.Rand) string {
	var entries []string
	for _, i := range rng.Perm(len(randomKeys))[:rng.IntN(4)] {
		entries = append(entries, fmt.Sprintf("%q: %s", randomKeys[i], randomTreatment(rng)))
	}
	role := "treat: {" + strings.Join(entries, ", ") + "}"
	switch rng.IntN(6) {
	case 0:
		role = "when: record.x == 1, " + role
	case 1:
		role = "grantable: {" + pick(rng, "person_name", "bank_card") +
			": {approver: boss, ttl: 1h}}, " + role
	case 2:
		role = "require: {time: {hours: [08:00-" + pick(rng, "12:00", "18:00") + "]}}, " + role
	}
	return role
}

// randomCap is a cap that applies to callers whose authentication methods have its name, so that
// one set of rules holds many policies: one for each choice of its roles and caps.
func randomCap(rng *rand.Rand, name string) string {
	covers := pick(rng, "", "type: "+pick(rng, randomTypes...)+", ", "class: "+
		pick(rng, "C1", "C2")+", ", "level: "+pick(rng, "L2", "L3")+", ",
		"sensitive: "+pick(rng, "true", "false")+", ", "field: "+
			pick(rng, `"s $.name"`, `"s GET /v1/a/{id} $.card"`)+", ")
	return fmt.Sprintf(`%swhen: "'%s' in caller.amr%s", at_most: %s`, covers, name,
		pick(rng, "", "", "", " && record.x == 1"), randomTreatment(rng))
}

// shown is what a treatment lets through of a value.
func shown(t *testing.T, d rules.Decision) (treatment.Expression, masking.Rank) {
	t.Helper()
	e, err := treatment.ParseExpression(d.Treatment)
	if err != nil {
		t.Fatal(err)
	}
	return e, e.Rank()
}

func rankOf(t *testing.T, d rules.Decision) masking.Rank {
	t.Helper()
	_, rank := shown(t, d)
	return rank
}

// number is an argument of a mask; 0 stands for stars=same.
func number(e treatment.Expression, name string, missing int) int {
	for _, a := range e.Args {
		if a.Name == name {
			n, _ := strconv.Atoi(a.Value)
			return n
		}
	}
	return missing
}

// ends says what a mask shows that keeps characters at the ends: the first and last so many, of
// values of at least min characters. forms is 0 if the mask takes card numbers without spaces only,
// 1 if it takes any card number, 2 if it takes any value.
type ends struct {
	first, last, min, stars, forms int
}

func endsOf(e treatment.Expression) (ends, bool) {
	first, last, least, stars, forms := 0, 0, 0, 4, 2
	switch e.Name {
	case "mask":
	case "bank_card":
		first, last, least, stars, forms = 6, 4, 13, 0, 1
		if slices.Contains(e.Args, treatment.Argument{Name: "plain", Value: "yes"}) {
			forms = 0
		}
	default:
		return ends{}, false
	}
	first, last = number(e, "keep_first", first), number(e, "keep_last", last)
	return ends{first, last, max(least, number(e, "min", first+last+1)), number(e, "stars", stars),
		forms}, true
}

// opener reports whether a shows something that b does not.
func opener(t *testing.T, a, b rules.Decision) bool {
	t.Helper()
	ea, ra := shown(t, a)
	eb, rb := shown(t, b)
	if ra != rb || a.Treatment == b.Treatment {
		return ra < rb
	}
	x, ok := endsOf(ea)
	y, ok2 := endsOf(eb)
	if ok && ok2 {
		// A card number with spaces is shown as one without, so form 1 shows what form 2 does not.
		return x.first > y.first || x.last > y.last || x.min < y.min ||
			x.stars == 0 && y.stars > 0 || x.forms > y.forms || x.forms == 1 && y.forms == 2
	}
	// Two buckets, or a bucket and a mask: each shows what the other does not.
	return ea.Name != "constant"
}

// closes reports whether a shows less than b, and nothing that b does not.
func closes(t *testing.T, a, b rules.Decision) bool { return opener(t, b, a) && !opener(t, a, b) }

// policies is a set of rules that has as many policies in it as there are choices of its roles and
// caps.
type policies struct {
	set         *rules.Set
	roles, caps []string
}

const randomRoles, randomCaps = 6, 5

func randomPolicies(t *testing.T, rng *rand.Rand) policies {
	var p policies
	for range randomRoles {
		p.roles = append(p.roles, randomRole(rng))
	}
	for i := range randomCaps {
		p.caps = append(p.caps, randomCap(rng, fmt.Sprintf("k%d", i)))
	}
	// The last cap never applies. It reads record.x, so that x is an input of every set.
	p.set = load(t, p.roles, append(p.caps, `when: "record.x == 1 && false", at_most: drop`))
	return p
}

// choice is a policy of these, and a record that it decides.
type choice struct {
	roles, caps []int
	purpose     string
	record      rules.Record
}

func subset(rng *rand.Rand, n int) []int {
	list := rng.Perm(n)[:rng.IntN(n+1)]
	slices.Sort(list)
	return list
}

func randomChoice(rng *rand.Rand, one []masking.Value) choice {
	c := choice{roles: subset(rng, randomRoles), caps: subset(rng, randomCaps),
		purpose: pick(rng, "care", "care", "loan")}
	c.record = rules.Record{Kind: pick(rng, 0, 0, 0, masking.Envelope),
		Inputs: pick(rng, one, make([]masking.Value, 1))}
	if rng.IntN(2) == 0 {
		c.record.Standing.Consents = []rules.Consent{{
			ID: "c1", Purposes: []string{pick(rng, "loan", "care")},
			Covers: pick(rng, []string{"C1", "C2"}, []string{"C2", "sensitive"},
				[]string{"bank_card"}),
			Granted: noon.Add(-time.Hour),
		}}
	}
	if rng.IntN(2) == 0 {
		c.record.Standing.Grants = []rules.Grant{{
			ID: "g1", Caller: "u1", Purpose: c.purpose,
			Types: []string{pick(rng, "person_name", "bank_card")}, Approver: "u9",
			ApproverRoles: []string{"boss"}, Approved: noon.Add(-time.Minute),
		}}
	}
	return c
}

// request has the choice's roles, and the authentication methods that switch its caps on.
func (c choice) request() rules.Request {
	caller := rules.Caller{ID: "u1", Region: "CN", AMR: []string{"pwd"}, Purposes: []string{"care",
		"loan"}}
	q := rules.Request{Caller: caller, Purpose: c.purpose, Time: noon}
	for _, i := range c.roles {
		q.Caller.Roles = append(q.Caller.Roles, fmt.Sprintf("r%d", i))
	}
	for _, i := range c.caps {
		q.Caller.AMR = append(q.Caller.AMR, fmt.Sprintf("k%d", i))
	}
	return q
}

// decide returns what the fields get. If the request or record is refused there are none: each is
// dropped then.
func (p policies) decide(
	c choice,
) (fields []rules.Decision, refused rules.Reason, profile *rules.Profile) {
	a, err := p.set.Admit(p.set.Routes()[0], c.request())
	var denial *rules.Denial
	if errors.As(err, &denial) {
		return nil, denial.Reason, nil
	}
	profile = a.ProfileOf(c.record.Kind, c.record.Inputs, c.record.Standing)
	return profile.Fields, "", profile
}

// oneMore returns the list with another number below n, if it lacks any.
func oneMore(rng *rand.Rand, list []int, n int) []int {
	if len(list) == n {
		return list
	}
	for {
		if i := rng.IntN(n); !slices.Contains(list, i) {
			return slices.Sorted(slices.Values(append(slices.Clone(list), i)))
		}
	}
}

// repeats is how often a test goes through random cases: in full where MASKGATE_LONG is 1, seldom
// with -short.
func repeats(full, usual, short int) int {
	switch {
	case testing.Short():
		return short
	case os.Getenv("MASKGATE_LONG") == "1":
		return full
	}
	return usual
}

// Over random policies, 10⁵ in full: a cap more never opens a field; a role more never closes one,
// unless a cap does; and Explain decides as Admit and ProfileOf do, and accounts for every role and
// cap.
func TestComposition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	sets, each := repeats(2_000, 200, 40), 50
	one := inputs(t, `{"x":1}`)[:1]
	for range sets {
		p := randomPolicies(t, rng)
		for range each {
			c := randomChoice(rng, one)
			story := func() string {
				return fmt.Sprintf("roles %q\ncaps %q\nchoice %+v", p.roles, p.caps, c)
			}
			before, refused, profile := p.decide(c)
			agrees(t, p, c, refused, profile)

			more := c
			more.caps = oneMore(rng, c.caps, randomCaps)
			for i, f := range first(p.decide(more)) {
				if before == nil || opener(t, f, before[i]) {
					t.Fatalf("%s\ncaps %v: %s became %s", story(), more.caps, f.Path, f.Treatment)
				}
			}
			more = c
			more.roles = oneMore(rng, c.roles, randomRoles)
			after := first(p.decide(more))
			for i, f := range before {
				// A role more may put one mask in the place of another where neither shows all
				// that the other does: the first stands.
				if after == nil || closes(t, after[i], f) && after[i].Reason != rules.Capped {
					t.Fatalf("%s\nroles %v: %s was %s", story(), more.roles, f.Path, f.Treatment)
				}
			}
		}
	}
}

func first(fields []rules.Decision, _ rules.Reason, _ *rules.Profile) []rules.Decision {
	return fields
}

// agrees checks an explanation against the decision, and that it leaves no entry out.
func agrees(t *testing.T, p policies, c choice, refused rules.Reason, profile *rules.Profile) {
	t.Helper()
	x := p.set.Explain(p.set.Routes()[0], c.request(), c.record)
	if x.Refused != refused {
		t.Fatalf("%+v: Explain refuses for %q, Admit for %q", c, x.Refused, refused)
	}
	if refused != "" {
		if n := len(x.Skipped); n != randomRoles {
			t.Fatalf("%+v: Explain accounts for %d roles, want %d", c, n, randomRoles)
		}
		return
	}
	account := x.Records[0]
	var fields []rules.Decision
	for _, f := range account.Fields {
		fields = append(fields, f.Decision)
		accountsForAll(t, c, x, account, f)
	}
	if account.Kind != profile.Kind || account.Denied != profile.Denied ||
		account.Limit != profile.Limit || !slices.Equal(fields, profile.Fields) {
		t.Fatalf("%+v: Explain and ProfileOf differ:\n%s", c, cmp.Diff(profile.Fields, fields))
	}
}

// accountsForAll checks that each role and cap either takes no part, or decided, or did not for a
// reason that fits.
func accountsForAll(t *testing.T, c choice, x *rules.Explanation, account rules.Account,
	f rules.FieldAccount) {
	t.Helper()
	seen := map[string]bool{f.Rule: true}
	for _, e := range slices.Concat(x.Skipped, account.Skipped, f.Others) {
		seen[e.Rule] = true
	}
	delete(seen, "")
	for line := 5; line < 5+randomRoles+1+randomCaps+1; line++ {
		if rule := fmt.Sprintf("policy.yaml:%d", line); line != 5+randomRoles && !seen[rule] {
			t.Fatalf("%+v: the explanation of %s says nothing of %s: %+v", c, f.Path, rule, f)
		}
	}
	for _, e := range f.Others {
		if e.Reason.Meaning() == "" {
			t.Fatalf("%+v: the explanation of %s has the unknown reason %q", c, f.Path, e.Reason)
		}
		if e.Reason == rules.LessStrict && e.Treatment != "mask" { // which is the type's own
			if _, rank := shown(t, rules.Decision{Treatment: e.Treatment}); rank > rankOf(t,
				f.Decision) {
				t.Fatalf("%+v: %s is %s, more open than the cap %+v", c, f.Path, f.Treatment, e)
			}
		}
		if e.Reason == rules.LessOpen && f.Reason == rules.Permitted &&
			opener(t, rules.Decision{Treatment: e.Treatment}, f.Decision) &&
			!opener(t, f.Decision, rules.Decision{Treatment: e.Treatment}) {
			t.Fatalf("%+v: %s is %s, but %s is said to be less open: %+v", c, f.Path, f.Treatment,
				e.Treatment, e)
		}
	}
}

// What no role permits is dropped.
func TestDefaultIsDrop(t *testing.T) {
	for _, f := range admit(t, load(t, []string{"treat: {}"}, nil), all(1)).Profile(0, nil).Fields {
		if f.Type != "public" && f.Treatment != "drop" {
			t.Errorf("no permit: %+v, want drop", f)
		}
	}
}
