package treatment

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/maskgate/maskgate/masking"
)

// Expression names a treatment and its arguments, as rule files write them: clear, mask(keep_first=1, stars=2),
// constant(已隐藏), regex('(\d{3})\d+', '$1****').
type Expression struct {
	Name string
	Args []Argument
}

// Argument is one argument of an [Expression]. Name is empty for one given without a name.
type Argument struct{ Name, Value string }

// String writes e so that [ParseExpression] reads the same; a value is in quotes only where it must be.
func (e Expression) String() string {
	if len(e.Args) == 0 {
		return e.Name
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = a.String()
	}
	return e.Name + "(" + strings.Join(args, ", ") + ")"
}

func (a Argument) String() string {
	value := a.Value
	if strings.ContainsAny(value, ",()") || strings.TrimSpace(value) != value || strings.HasPrefix(value, "'") || strings.HasPrefix(value, `"`) ||
		a.Name == "" && (value == "" || strings.Contains(value, "=")) {
		quote := "'"
		if strings.Contains(value, quote) && !strings.Contains(value, `"`) {
			quote = `"`
		}
		value = quote + strings.ReplaceAll(value, quote, quote+quote) + quote
	}
	if a.Name == "" {
		return value
	}
	return a.Name + "=" + value
}

// ParseExpression parses a treatment and checks its name, not its arguments: [Expression.Treatment] does.
//
//	expression = name [ "(" [ argument *( "," argument ) ] ")" ]
//	argument   = [ name "=" ] ( value / quoted )
//	value      = anything but "," "(" and ")", without the white space around it, and not beginning with a quote
//	quoted     = "'" anything "'" / DQUOTE anything DQUOTE    ; a quote inside is written twice; nothing else is an escape
func ParseExpression(text string) (Expression, error) {
	name, rest, call := strings.Cut(strings.TrimSpace(text), "(")
	e := Expression{Name: strings.TrimSpace(name)}
	if _, ok := treatments[e.Name]; !ok {
		return e, fmt.Errorf("unknown treatment %q; want one of %s", e.Name, strings.Join(Names(), ", "))
	}
	if !call {
		return e, nil
	}
	args, rest, fault := parseArguments(rest)
	if fault == "" && rest != "" {
		fault = "want its arguments in one pair of parentheses"
	}
	if fault != "" {
		return e, fmt.Errorf("treatment %q: %s", text, fault)
	}
	e.Args = args
	return e, nil
}

// parseArguments parses what stands behind an opening parenthesis, and returns what stands behind the closing one.
func parseArguments(text string) (args []Argument, rest, fault string) {
	const unclosed = "want its arguments in one pair of parentheses"
	for {
		var a Argument
		text = strings.TrimSpace(text)
		if i := strings.IndexAny(text, "=,()"); i >= 0 && text[i] == '=' && !isQuote(text) {
			a.Name, text = strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
		} else if strings.HasPrefix(text, ")") && len(args) == 0 {
			return nil, text[1:], ""
		}
		if isQuote(text) {
			var ok bool
			if a.Value, text, ok = cutQuoted(text); !ok {
				return nil, "", "a quote is not closed; inside quotes, a quote is written twice"
			}
			if text = strings.TrimSpace(text); text != "" && text[0] != ',' && text[0] != ')' {
				return nil, "", "want a comma or the closing parenthesis behind a quoted value"
			}
		} else {
			i := strings.IndexAny(text, ",()")
			if i < 0 {
				return nil, "", unclosed
			}
			a.Value, text = strings.TrimSpace(text[:i]), text[i:]
		}
		args = append(args, a)
		switch {
		case strings.HasPrefix(text, ","):
			text = text[1:]
		case strings.HasPrefix(text, ")"):
			return args, text[1:], ""
		default:
			return nil, "", unclosed
		}
	}
}

func isQuote(text string) bool { return text != "" && (text[0] == '\'' || text[0] == '"') }

// cutQuoted takes the quoted value at the front of text.
func cutQuoted(text string) (value, rest string, ok bool) {
	quote := text[:1]
	var b strings.Builder
	for text = text[1:]; ; text = text[1:] {
		before, after, found := strings.Cut(text, quote)
		if !found {
			return "", "", false
		}
		b.WriteString(before)
		if !strings.HasPrefix(after, quote) {
			return b.String(), after, true
		}
		b.WriteString(quote)
		text = after
	}
}

// Rank is the rank of the treatment that e names.
func (e Expression) Rank() masking.Rank { return treatments[e.Name].rank }

// Treatment builds the treatment that e names. It reports all faults of the arguments at once.
func (e Expression) Treatment(env Environment) (masking.Treatment, error) {
	known, ok := treatments[e.Name]
	if !ok {
		return masking.Treatment{}, fmt.Errorf("unknown treatment %q", e.Name)
	}
	t := masking.Treatment{Rank: known.rank}
	args := arguments{left: slices.Clone(e.Args)}
	if known.build != nil {
		t.Transform = known.build(&args, env)
	}
	if err := args.done(); err != nil {
		return masking.Treatment{}, fmt.Errorf("treatment %s: %w", e, err)
	}
	return t, nil
}

// Redact is the expression that shows nothing of a value but that there is one.
var Redact = Expression{Name: "constant", Args: []Argument{{Value: "****"}}}

// Meet returns an expression that shows no more than e and no more than other, which must be of e's rank: for two masks
// that keep characters at the ends, mask and those of types such as bank_card, what both of them show; for two different
// treatments of any other kind, [Redact].
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
	// mask counts the characters as they stand, a type's mask those of the plain form: only there do they agree.
	if a.plain || b.plain || a.name != b.name {
		met.Args = append(met.Args, Argument{"plain", "yes"})
	}
	return met
}

// Shows reports whether e shows, of a value that is long enough for both and in the shape of either, at least what other
// shows. It is false if the two are not masks that can be compared.
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
		return a.min <= b.min && (a.stars == 0 || b.stars > 0) && (a.name == b.name || a.name == "mask") && (!a.plain || b.plain)
	}
	return a.first >= b.first && a.last >= b.last
}

// Covers reports whether other shows nothing that e does not show too, of any value. It is false where that cannot be told.
func (e Expression) Covers(other Expression) bool {
	if e.Rank() != other.Rank() || e.String() == other.String() || e.Rank() == masking.RankRedact {
		return e.Rank() <= other.Rank()
	}
	met, ok := e.Meet(other).ends()
	o, ok2 := other.ends()
	if met.stars > 0 && o.stars > 0 {
		met.stars = o.stars // a fixed number shows nothing, whatever it is
	}
	return ok && ok2 && met == o
}

// ends is what a mask shows that keeps nothing but characters at the ends.
type ends struct {
	name                    string // mask, or the type whose shape is asked for
	first, last, min, stars int    // as in mask
	with                    string
	plain                   bool // only values in the plain form of the shape are shown
}

func (a ends) comparable(b ends) bool {
	return a.name == b.name || (a.name == "mask" || b.name == "mask") && a.with == b.with
}

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

// arguments hands out an expression's arguments and collects what is wrong with them.
type arguments struct {
	left   []Argument
	names  []string // that were asked for
	faults []error
}

func (a *arguments) take(name string) (string, bool) {
	if name != "" && !slices.Contains(a.names, name) {
		a.names = append(a.names, name)
	}
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

// word takes one of the words.
func (a *arguments) word(name, missing string, words ...string) string {
	text, ok := a.take(name)
	if !ok {
		return missing
	}
	if !slices.Contains(words, text) {
		a.fault("%s=%s: want one of %s", name, text, strings.Join(words, ", "))
		return missing
	}
	return text
}

func (a *arguments) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

func (a *arguments) done() error {
	want := "remove it"
	if len(a.names) > 0 {
		want = "want " + strings.Join(a.names, ", ") + ", each at most once"
	}
	for _, arg := range a.left {
		if arg.Name == "" {
			a.fault("unexpected argument %q; %s", arg.Value, want)
		} else {
			a.fault("unknown or repeated argument %q; %s", arg.Name, want)
		}
	}
	return errors.Join(a.faults...)
}
