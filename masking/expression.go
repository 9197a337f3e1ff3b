package masking

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Expression names a treatment and its arguments, as rule files write them: clear, mask(keep_first=1, stars=2),
// constant(已隐藏).
type Expression struct {
	Name string
	Args []Argument
}

// Argument is one argument of an [Expression]. Name is empty for one given without a name.
type Argument struct{ Name, Value string }

func (e Expression) String() string {
	if len(e.Args) == 0 {
		return e.Name
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = a.Value
		if a.Name != "" {
			args[i] = a.Name + "=" + a.Value
		}
	}
	return e.Name + "(" + strings.Join(args, ", ") + ")"
}

// Environment is what a treatment may need beyond its arguments.
type Environment struct {
	// Type is the type of the field. Pseudonyms of the same value differ between types.
	Type string
	// PseudonymKey returns the key for pseudonyms under the purpose at hand, and its version.
	// The key has at least [MinKey] bytes.
	PseudonymKey func() (key []byte, version int)
}

// treatments are the treatments that rule files can name.
var treatments = map[string]struct {
	rank  Rank
	build func(*arguments, Environment) Transform // nil: no transform, no arguments
}{
	"clear":    {rank: RankClear},
	"mask":     {RankMask, buildMask},
	"bucket":   {RankMask, buildBucket},
	"hash":     {RankPseudo, buildHash},
	"constant": {RankRedact, buildConstant},
	"drop":     {rank: RankDrop},
}

// ParseExpression parses a treatment and checks its name, not its arguments: [Expression.Treatment] does.
//
//	expression = name [ "(" [ argument *( "," argument ) ] ")" ]
//	argument   = [ name "=" ] value      ; value: anything but "," and ")", without the white space around it
func ParseExpression(text string) (Expression, error) {
	name, rest, call := strings.Cut(strings.TrimSpace(text), "(")
	e := Expression{Name: strings.TrimSpace(name)}
	if _, ok := treatments[e.Name]; !ok {
		return e, fmt.Errorf("unknown treatment %q; want one of %s", e.Name, strings.Join(slices.Sorted(maps.Keys(treatments)), ", "))
	}
	if !call {
		return e, nil
	}
	inside, ok := strings.CutSuffix(rest, ")")
	if !ok || strings.ContainsAny(inside, "()") {
		return e, fmt.Errorf("treatment %q: want its arguments in one pair of parentheses", text)
	}
	if strings.TrimSpace(inside) == "" {
		return e, nil
	}
	for arg := range strings.SplitSeq(inside, ",") {
		var a Argument
		if name, value, named := strings.Cut(arg, "="); named {
			a = Argument{strings.TrimSpace(name), strings.TrimSpace(value)}
		} else {
			a = Argument{"", strings.TrimSpace(arg)}
		}
		if a.Name == "" && (a.Value == "" || strings.Contains(arg, "=")) {
			return e, fmt.Errorf("treatment %q: want each argument as a value, or as name=value", text)
		}
		e.Args = append(e.Args, a)
	}
	return e, nil
}

// Rank is the rank of the treatment that e names.
func (e Expression) Rank() Rank { return treatments[e.Name].rank }

// Treatment builds the treatment that e names. It reports all faults of the arguments at once.
func (e Expression) Treatment(env Environment) (Treatment, error) {
	known, ok := treatments[e.Name]
	if !ok {
		return Treatment{}, fmt.Errorf("unknown treatment %q", e.Name)
	}
	t := Treatment{Rank: known.rank}
	args := arguments{left: slices.Clone(e.Args)}
	if known.build != nil {
		t.Transform = known.build(&args, env)
	}
	if err := args.done(); err != nil {
		return Treatment{}, fmt.Errorf("treatment %s: %w", e, err)
	}
	return t, nil
}

// Redact is the expression that shows nothing of a value but that there is one.
var Redact = Expression{Name: "constant", Args: []Argument{{Value: "****"}}}

// Meet returns an expression that shows no more than e and no more than other, which must be of e's rank: for two masks,
// what both of them show; for two different treatments of any other kind, [Redact].
func (e Expression) Meet(other Expression) Expression {
	if e.String() == other.String() {
		return e
	}
	if e.Name != "mask" || other.Name != "mask" {
		return Redact
	}
	a, b := e.mask(), other.mask()
	met := Expression{Name: "mask", Args: []Argument{
		{"keep_first", strconv.Itoa(min(a.first, b.first))},
		{"keep_last", strconv.Itoa(min(a.last, b.last))},
		{"min", strconv.Itoa(max(a.min, b.min))},
	}}
	if stars := max(a.stars, b.stars); stars > 0 {
		met.Args = append(met.Args, Argument{"stars", strconv.Itoa(stars)})
	} else {
		met.Args = append(met.Args, Argument{"stars", "same"})
	}
	return met
}

// Shows reports whether e shows, of a value that is long enough for both, at least what other shows; both must be masks.
func (e Expression) Shows(other Expression) bool {
	a, b := e.mask(), other.mask()
	if a.first == b.first && a.last == b.last {
		return a.min <= b.min && (a.stars == 0 || b.stars > 0)
	}
	return a.first >= b.first && a.last >= b.last
}

func (e Expression) mask() *mask {
	return buildMask(&arguments{left: slices.Clone(e.Args)}, Environment{}).(*mask)
}

// arguments hands out an expression's arguments and collects what is wrong with them.
type arguments struct {
	left   []Argument
	faults []error
}

func (a *arguments) take(name string) (string, bool) {
	i := slices.IndexFunc(a.left, func(arg Argument) bool { return arg.Name == name })
	if i < 0 {
		return "", false
	}
	value := a.left[i].Value
	a.left = slices.Delete(a.left, i, i+1)
	return value, true
}

// count takes a whole number from least to most.
func (a *arguments) count(name string, missing, least, most int) int {
	text, ok := a.take(name)
	if !ok {
		return missing
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		a.fault("%s=%s: want a whole number from %d to %d", name, text, least, most)
		return missing
	}
	return n
}

func (a *arguments) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

func (a *arguments) done() error {
	for _, arg := range a.left {
		if arg.Name == "" {
			a.fault("unexpected argument %q", arg.Value)
		} else {
			a.fault("unknown or repeated argument %q", arg.Name)
		}
	}
	return errors.Join(a.faults...)
}
