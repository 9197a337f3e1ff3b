package treatment_test

import (
	"testing"

	"github.com/maskgate/maskgate/treatment"
)

func TestCovers(t *testing.T) {
	parse := func(text string) treatment.Expression {
		e, err := treatment.ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, test := range []struct {
		e, other string
		want     bool
	}{
		{"clear", "mask", true},
		{"mask", "clear", false},
		{"mask(keep_first=3)", "hash", true},
		{"hash", "mask", false},
		{"drop", "constant(x)", false},
		{"constant(x)", "type", true}, // neither shows anything of the value
		{"hash", "token", false},
		{"hash", "hash", true},
		{"bucket(size=10)", "bucket(size=20)", false},
		{"mask(keep_first=3)", "mask(keep_first=1, min=4)", true},
		// Of three characters, the first shows none and the second one.
		{"mask(keep_first=3)", "mask(keep_first=1)", false},
		{"mask(keep_first=1)", "mask(keep_last=1)", false},
		{"mask(keep_first=1, stars=2)", "mask(keep_first=1, stars=7)", true},
		// The second shows how long a value is.
		{"mask(keep_first=1, stars=2)", "mask(keep_first=1, stars=same)", false},
		{"mask(keep_first=1, stars=same)", "mask(keep_first=1, stars=2)", true},
		// The second takes card numbers with spaces in them too.
		{"mask(keep_first=6, keep_last=4)", "bank_card", false},
		{"bank_card", "bank_card(keep_first=4)", true},
		{"bank_card(keep_first=4)", "bank_card", false},
		{"mask(hide=4-7)", "mask(hide=4-8)", false},
	} {
		if got := parse(test.e).Covers(parse(test.other)); got != test.want {
			t.Errorf("%s covers %s: %v, want %v", test.e, test.other, got, test.want)
		}
	}
}
