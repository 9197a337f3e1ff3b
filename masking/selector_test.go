package masking_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// TestSelectorErrors checks where the fault of a selector is, and what was expected.
func TestSelectorErrors(t *testing.T) {
	tests := []struct {
		selector string
		column   int
		reason   string
	}{
		{"", 1, "begins with $"},
		{"name", 1, "begins with $"},
		{"$ ", 2, "remove the white space"},
		{"$.a ", 4, "remove the white space"},
		{"$.a b", 5, "want . or .. or ["},
		{"$.姓名 b", 6, "want . or .. or ["},
		{"$.", 3, "want a name or *"},
		{"$.1", 3, "want a name or *"},
		{"$[", 3, "want a selector and ]"},
		{"$[a]", 3, "want 'name', *, an index, a slice or a filter"},
		{"$[0", 4, "want , or ]"},
		{"$['姓'", 6, "want , or ]"},
		{"$['a", 5, "want a closing '"},
		{`$['\q']`, 4, `want one of \b`},
		{`$["\'"]`, 4, `want one of \b`},
		{"$[01]", 3, "without leading zeros"},
		{"$[-0]", 3, "no -0"},
		{"$[1:-01]", 5, "without leading zeros"},
		{"$[-]", 4, "want a digit"},
		{"$[1:2:-]", 8, "want a digit"},
		{"$[9007199254740992]", 3, "from -(2^53-1) to 2^53-1"},
		{"$[0:1:99999999999999999999]", 7, "from -(2^53-1) to 2^53-1"},
		{"$[1:2:3:4]", 8, "want , or ]"},
		{"$[?]", 4, "want a query that begins with @ or $"},
		{"$[?a]", 4, "want a query that begins with @ or $"},
		{"$[?@.a=1]", 7, "want =="},
		{"$[?@.a|@.b]", 7, "want ||"},
		{"$[?@.a===1]", 9, "want a literal, a query"},
		{"$[?@.a==]", 9, "want a literal, a query"},
		{"$[?@.a==True]", 9, "want a literal, a query"},
		{"$[?@.a==nil]", 9, "want a literal, a query"},
		{"$[?@.a&&]", 9, "want a query that begins with @ or $"},
		{"$[?@.a & @.b]", 8, "want &&"},
		{"$[?(@.a]", 8, "want ), && or ||"},
		{"$[?!@.a==1]", 8, "write !(… == …)"},
		{"$[?1]", 5, "want a comparison behind a literal"},
		{"$[?true && @.a]", 8, "want a comparison behind a literal"},
		{"$[?length(@)]", 13, "want a comparison behind length()"},
		{"$[?@.*==1]", 4, "names and indexes only"},
		{"$[?1==@..a]", 7, "names and indexes only"},
		{"$[?@[ 'a' ]==1]", 4, "no white space within the brackets"},
		{"$[?match(@.a,'x')==true]", 4, "match() is true or false"},
		{"$[?foo(@)]", 4, "one of the functions length, count, match, search and value"},
		{"$[?length (@)==1]", 10, "want ( right behind length"},
		{"$[?length()==1]", 11, "want an argument of length"},
		{"$[?length(@.*)==1]", 11, "names and indexes only"},
		{"$[?length(@,1)==1]", 12, "want ) behind the last argument"},
		{"$[?count('a')==1]", 10, "want a query that begins with @ or $"},
		{"$[?count(@=)==1]", 11, "want ) behind the last argument"},
		{"$[?match(@)]", 11, "want , and a second argument"},
		{"$[?match(@, search(@,'a'))]", 13, "search() is true or false"},
		{"$[?match(@.a,'a{1001}')]", 14, "too large to match"},
		{"$[?@.a==01]", 9, "without leading zeros"},
		{"$[?@.a==1.]", 11, "behind the decimal point"},
		{"$[?@.a==1e]", 11, "in the exponent"},
		{"$[?@.a==-]", 10, "want a digit"},
		{"$[?" + strings.Repeat("(", 201) + "@", 203, "at most 200 levels"},
		{"$\xff", 1, "want UTF-8"},
	}
	for _, test := range tests {
		err := masking.CheckSelector(test.selector)
		var fault *masking.SelectorError
		if !errors.As(err, &fault) {
			t.Errorf("CheckSelector(%q) = %v, want a SelectorError", test.selector, err)
			continue
		}
		if fault.Column != test.column || !strings.Contains(fault.Reason, test.reason) ||
			fault.Selector != test.selector {
			t.Errorf("CheckSelector(%q) = %v, want column %d: %s", test.selector, err, test.column,
				test.reason)
		}
		if masking.Singular(test.selector) {
			t.Errorf("Singular(%q) = true, want false", test.selector)
		}
	}
}

// FuzzSelector looks for selectors that break the parser, or that parse otherwise than the
// reference does.
func FuzzSelector(f *testing.F) {
	for _, s := range []string{
		"$", "$..[?@.type==\"id\"].value", "$[-1, ::-2, 1:3]", "$[?match(@.a, '[a-z\\\\-]{2,3}')]",
		"$[?count($..*)>length(@.a)]",
		"$[?!(@.a<=1e2 || @['b'] != null) && value(@..x)]", "$['\\u0041\\ud83d\\ude00']",
		"$[ 'a' , 1 : 2 : 3 ]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, selector string) {
		if hugeExponent.MatchString(selector) {
			t.Skip("the reference would take too long")
		}
		err := masking.CheckSelector(selector)
		_, wantErr := parseQuery(selector)
		if (err == nil) != (wantErr == nil) &&
			(err == nil || !strings.Contains(err.Error(), "the pattern is too large")) {
			t.Errorf("CheckSelector(%q) = %v, the reference says %v", selector, err, wantErr)
		}
		var fault *masking.SelectorError
		if errors.As(err, &fault) && (fault.Column < 1 ||
			fault.Column > utf8.RuneCountInString(selector)+1) {
			t.Errorf("CheckSelector(%q): column %d", selector, fault.Column)
		}
	})
}

func TestNeeds(t *testing.T) {
	for selector, want := range map[string]masking.Need{
		"$":                                  masking.NeedNothing,
		"$.a[*]..b[0]['c',1]":                masking.NeedNothing,
		"$.a[0:2]":                           masking.NeedNothing,
		"$.a[1:]":                            masking.NeedNothing,
		"$.a[:5:2]":                          masking.NeedNothing,
		"$.a[::0]":                           masking.NeedNothing,
		"$.a[-1:2:0]":                        masking.NeedNothing,
		"$.a[?@.b]":                          masking.NeedValue,
		"$.a[?@[-1]==1]":                     masking.NeedValue,
		"$.a[-1]":                            masking.NeedContainer,
		"$.a[-1:]":                           masking.NeedContainer,
		"$.a[:-1]":                           masking.NeedContainer,
		"$.a[5:1:-1]":                        masking.NeedContainer,
		"$.a[?@.b][-1]":                      masking.NeedContainer,
		"$.a[?$.b]":                          masking.NeedRoot,
		"$.a[?@.b==1||@[?length($.x)==@.y]]": masking.NeedRoot,
		"$.a[?match(@.b, $.p)]":              masking.NeedRoot,
		"$.a[?count(@.*)>1 && (@.b || !(value($..c)==@.d))]": masking.NeedRoot,
	} {
		layout, err := masking.Compile(masking.Spec{Envelope: []string{selector}})
		if err != nil {
			t.Fatal(err)
		}
		if outside, inside := layout.Needs(); outside != want || inside != masking.NeedNothing {
			t.Errorf("the layout of %s needs %d and %d, want %d and none", selector, outside,
				inside, want)
		}
		layout, err = masking.Compile(masking.Spec{Envelope: []string{"$[0]"},
			Records: []masking.RecordSpec{{Select: "$.r[*]", Fields: []string{"$", selector}}}})
		if err != nil {
			t.Fatal(err)
		}
		if outside, inside := layout.Needs(); outside != masking.NeedNothing || inside != want {
			t.Errorf("the layout of records with %s needs %d and %d, want none and %d", selector,
				outside, inside, want)
		}
	}
}
