package masking_test

import (
	"testing"

	"github.com/maskgate/maskgate/masking"
)

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
