package masking_test

import (
	"testing"

	"github.com/maskgate/maskgate/masking"
)

func TestCovers(t *testing.T) {
	parse := func(text string) masking.Expression {
		e, err := masking.ParseExpression(text)
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
		{"mask(keep_first=3)", "mask(keep_first=1)", false}, // of three characters, the one shows none and the other the first
		{"mask(keep_first=1)", "mask(keep_last=1)", false},
		{"mask(keep_first=1, stars=2)", "mask(keep_first=1, stars=7)", true},
		{"mask(keep_first=1, stars=2)", "mask(keep_first=1, stars=same)", false}, // which shows how long it is
		{"mask(keep_first=1, stars=same)", "mask(keep_first=1, stars=2)", true},
		{"mask(keep_first=6, keep_last=4)", "bank_card", false}, // which takes a card number with spaces in it too
		{"bank_card", "bank_card(keep_first=4)", true},
		{"bank_card(keep_first=4)", "bank_card", false},
		{"mask(hide=4-7)", "mask(hide=4-8)", false},
	} {
		if got := parse(test.e).Covers(parse(test.other)); got != test.want {
			t.Errorf("%s covers %s: %v, want %v", test.e, test.other, got, test.want)
		}
	}
}

func TestConcerns(t *testing.T) {
	for _, test := range []struct {
		field, text string
		want        bool
	}{
		{"$.a", "$.a", true},
		{"$.a", "$.b", false},
		{"$.a.b", "$.a", true}, // a part of it
		{"$.a", "$.a.b", false},
		{"$.a", "$.a..b", false},
		{"$.a", "$.a[*]", true},
		{"$.a", "$.a[0][1:]", true},
		{"$.a", "$.a[*].b", false},
		{"$.a", "$.a.b[0]", false},
		{"$.a", "$.a.*", true}, // of an array
		{"$.a", "$.a..*", true},
		{"$.a", "$.a['b',0]", true},
		{"$.*", "$.a.b", false},
		{"$..a", "$.a.b", true},
		{"$.a", "$..b", true},
		{"$", "$.a", false},
		{"no selector", "$.a", true},
	} {
		if got := masking.Concerns(test.field, test.text); got != test.want {
			t.Errorf("Concerns(%s, %s) = %v, want %v", test.field, test.text, got, test.want)
		}
	}
}

func TestApart(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"$.a", "$.b", true},
		{"$.a", "$['a']", false},
		{"$.a", "$.a.b", false},
		{"$.a.b", "$.a", false},
		{"$.a.b", "$.a.c", true},
		{"$.a[0]", "$.a.b", true},
		{"$.a[0]", "$.a[-1]", false},
		{"$", "$.a", false},
		{"$.*", "$.a", false},
		{"$.*.x", "$.a.y", true},
		{"$.a[?@.x].b", "$.a[0].c", true},
		{"$..b", "$.a.c", false},
		{"$.a", "no selector", false},
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			if got := masking.Apart(pair[0], pair[1]); got != test.want {
				t.Errorf("Apart(%s, %s) = %v, want %v", pair[0], pair[1], got, test.want)
			}
		}
	}
}
