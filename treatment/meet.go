package treatment

import (
	"slices"
	"strconv"

	"github.com/maskgate/maskgate/masking"
)

// Redact is the expression that shows nothing of a value but that there is one.
var Redact = Expression{Name: "constant", Args: []Argument{{Value: "****"}}}

// Meet returns an expression that shows no more than e and no more than other, which must be of e's
// rank. Of two masks that keep characters at the ends, be it mask or the mask of a type such as
// bank_card, the expression shows what both show. Of two different treatments of any other kind it
// is [Redact].
func (e Expression) Meet(other Expression) Expression {
	if e.String() == other.String() {
		return e
	}
	a, ok := e.ends()
	b, ok2 := other.ends()
	if !ok || !ok2 || !a.comparable(b) {
		return Redact
	}
	met := Expression{Name: a.name, Args: []Argument{
		{"keep_first", strconv.Itoa(min(a.first, b.first))},
		{"keep_last", strconv.Itoa(min(a.last, b.last))},
		{"min", strconv.Itoa(max(a.min, b.min))},
	}}
	if stars := max(a.stars, b.stars); stars > 0 {
		met.Args = append(met.Args, Argument{"stars", strconv.Itoa(stars)})
	} else {
		met.Args = append(met.Args, Argument{"stars", "same"})
	}
	if a.with == b.with && a.with != star {
		met.Args = append(met.Args, Argument{"with", a.with})
	}
	if a.name != b.name && a.name == "mask" {
		met.Name = b.name
	}
	// mask counts the characters as they stand, a type's mask those of the plain form: the two
	// agree only on values in the plain form.
	if a.plain || b.plain || a.name != b.name {
		met.Args = append(met.Args, Argument{"plain", "yes"})
	}
	return met
}

// Shows reports whether e shows at least what other shows, of a value that is long enough for both
// and has the shape of either. It is false if the two are not masks that can be compared.
func (e Expression) Shows(other Expression) bool {
	if e.String() == other.String() {
		return true
	}
	a, ok := e.ends()
	b, ok2 := other.ends()
	if !ok || !ok2 || !a.comparable(b) {
		return false
	}
	if a.first == b.first && a.last == b.last {
		return a.min <= b.min &&
			(a.stars == 0 || b.stars > 0) &&
			(a.name == b.name || a.name == "mask") &&
			(!a.plain || b.plain)
	}
	return a.first >= b.first && a.last >= b.last
}

// Covers reports whether e shows all that other shows, of any value. It is false where that cannot
// be told.
func (e Expression) Covers(other Expression) bool {
	if e.Rank() != other.Rank() || e.String() == other.String() || e.Rank() == masking.RankRedact {
		return e.Rank() <= other.Rank()
	}
	met, ok := e.Meet(other).ends()
	o, ok2 := other.ends()
	if met.stars > 0 && o.stars > 0 {
		met.stars = o.stars // a fixed number of stars shows nothing, whatever the number
	}
	return ok && ok2 && met == o
}

// ends is what a mask shows that keeps characters at the ends and nothing else.
type ends struct {
	name                    string // mask, or the type whose shape a value must have
	first, last, min, stars int    // as in mask
	with                    string
	plain                   bool // of values that are not in the plain form nothing is shown
}

// comparable reports whether it can be told which of two masks shows more.
func (a ends) comparable(b ends) bool {
	return a.name == b.name || (a.name == "mask" || b.name == "mask") && a.with == b.with
}

// ends returns what e shows, if it keeps characters at the ends and nothing else.
func (e Expression) ends() (ends, bool) {
	args := arguments{left: slices.Clone(e.Args)}
	if _, ok := idForms[e.Name]; ok {
		m := newIdentifier(e.Name, &args)
		return ends{e.Name, m.first, m.last, m.min, m.stars, star, m.plain}, true
	}
	if e.Name != "mask" {
		return ends{}, false
	}
	m := newMask(&args)
	return ends{"mask", m.first, m.last, m.min, m.stars, m.with, false}, !m.places
}
