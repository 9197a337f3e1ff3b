package treatment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
)

// Expression names a treatment and its arguments, as rule files write them: clear,
// mask(keep_first=1, stars=2), constant(已隐藏), regex('(\d{3})\d+', '$1****').
type Expression struct {
	Name string
	Args []Argument
}

// Argument is one argument of an [Expression]. Name is empty for one given without a name.
type Argument struct{ Name, Value string }

// String writes e so that [ParseExpression] reads the same. A value is in quotes only where it must
// be.
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
	if strings.ContainsAny(value, ",()") || strings.TrimSpace(value) != value || isQuote(value) ||
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

// ParseExpression parses a treatment and checks its name, not its arguments: [Expression.Treatment]
// does.
//
//	expression = name [ "(" [ argument *( "," argument ) ] ")" ]
//	argument   = [ name "=" ] ( value / quoted )
//	value      = anything but "," "(" and ")", without the white space around it; its first
//	             character is no quote
//	quoted     = "'" anything "'" / DQUOTE anything DQUOTE
//	             ; a quote inside is written twice; nothing else is an escape
func ParseExpression(text string) (Expression, error) {
	name, rest, call := strings.Cut(strings.TrimSpace(text), "(")
	e := Expression{Name: strings.TrimSpace(name)}
	if _, ok := treatments[e.Name]; !ok {
		names := strings.Join(Names(), ", ")
		return e, fmt.Errorf("unknown treatment %q; want one of %s", e.Name, names)
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

// parseArguments parses what stands behind an opening parenthesis, and returns what stands behind
// the closing one.
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

// isQuote reports whether text begins with a quote.
func isQuote(text string) bool { return text != "" && (text[0] == '\'' || text[0] == '"') }

// cutQuoted takes the quoted value that text begins with, and returns what stands behind it.
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

// Rank returns the rank of the treatment that e names.
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
