package rules

import (
	"cmp"
	"slices"

	"github.com/maskgate/maskgate/treatment"
)

// circumstances are the parts of a policy that take part in the decision about a record, as indexes
// of the set's, and the consent of the record's subject.
type circumstances struct {
	roles   []int    // that permit
	grants  []int    // grantables of these roles for which a grant holds
	caps    []int    // that forbid
	consent *Consent // to the purpose; nil: none
}

// verdict is what a field gets, and which entry decided.
type verdict struct {
	expression treatment.Expression
	at         place // of the entry; zero: no entry decided
	reason     Reason
}

// rule is the entry as access records cite it, "" if there is none.
func (v verdict) rule() string {
	if v.at == (place{}) {
		return ""
	}
	return v.at.String()
}

var (
	clearExpression = treatment.Expression{Name: "clear"}
	dropExpression  = treatment.Expression{Name: "drop"}
)

// decide composes permits and caps for one field. It returns what is permitted, and what the
// field's type and the caps leave of that.
func (a *Access) decide(f *field, c *circumstances) (permitted, left verdict) {
	permitted = a.permitted(f, c)
	return permitted, a.capped(f, c, permitted)
}

// permitted returns the most open permit for a field.
func (a *Access) permitted(f *field, c *circumstances) verdict {
	best := verdict{dropExpression, place{}, NotPermitted}
	switch {
	case f.typ.Name == public:
		return verdict{clearExpression, place{}, PublicField}
	case a.purpose.basis == consentBasis && c.consent == nil:
		best.reason = ConsentMissing
		return best
	case a.purpose.basis == consentBasis && !c.consent.coversField(f):
		best.reason = ConsentTooNarrow
		return best
	}
	for _, i := range c.roles {
		if p, ok := a.set.roles[i].permit(f); ok {
			e := f.typ.resolve(p.expression)
			if best.reason == NotPermitted || moreOpen(e, best.expression) {
				best = verdict{e, p.at, Permitted}
			}
		}
	}
	for _, i := range c.grants {
		g := &a.set.grantables[i]
		if g.Type == f.typ.Name &&
			(best.reason == NotPermitted || moreOpen(clearExpression, best.expression)) {
			best = verdict{clearExpression, g.at, Granted}
		}
	}
	return best
}

// capped returns what the field's type and the caps leave of what is permitted.
func (a *Access) capped(f *field, c *circumstances, best verdict) verdict {
	if always := f.typ.Always; always != nil && always.Rank() > best.expression.Rank() {
		best = verdict{*always, place{}, NeverShown}
	}
	var ceilings []permit
	for _, i := range c.caps {
		if rule := a.set.caps[i]; rule.covers(f) {
			if e, ok := rule.ceiling(f.typ, best.expression); ok {
				ceilings = append(ceilings, permit{e, rule.at})
			}
		}
	}
	// Stricter ceilings come last: a strict ceiling that came first would hide that two of the
	// others have nothing in common.
	slices.SortStableFunc(ceilings, func(a, b permit) int {
		return cmp.Compare(a.expression.Rank(), b.expression.Rank())
	})
	for _, ceiling := range ceilings {
		left := under(best.expression, ceiling.expression)
		if left.String() != best.expression.String() {
			best = verdict{left, ceiling.at, Capped}
		}
	}
	return best
}

// moreOpen reports whether e shows all that other does, and more.
func moreOpen(e, other treatment.Expression) bool {
	if e.Rank() != other.Rank() {
		return e.Rank() < other.Rank()
	}
	return e.Shows(other) && !other.Shows(e)
}

// ceiling returns the most open expression that the cap leaves of what roles permit; false if the
// cap leaves that as it is. A cap at mask without arguments leaves any mask that a role spells out.
func (c *capRule) ceiling(
	t *fieldType, permitted treatment.Expression,
) (treatment.Expression, bool) {
	if c.expression.Name != "mask" || len(c.expression.Args) > 0 {
		return c.expression, true
	}
	e := t.resolve(c.expression)
	if e.Rank() < c.expression.Rank() {
		e = treatment.Redact // the type's own mask is more open than the cap
	}
	return e, permitted.Rank() < c.expression.Rank()
}

// under returns what is left of an expression under a ceiling: never anything more open.
func under(e, ceiling treatment.Expression) treatment.Expression {
	switch cmp.Compare(e.Rank(), ceiling.Rank()) {
	case -1:
		return ceiling
	case 0:
		return e.Meet(ceiling)
	}
	return e
}
