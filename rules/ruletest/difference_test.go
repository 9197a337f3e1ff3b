package ruletest

import (
	"fmt"
	"testing"
)

func TestDifferences(t *testing.T) {
	for _, test := range []struct{ name, want, have, differ string }{
		{"a value", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `[{$.a.b 1 2}]`},
		{"number text", `{"a":1.0}`, `{"a":1.00}`, `[{$.a 1.0 1.00}]`},
		{"a member too many", `{"a":1}`, `{"a":1,"姓名":"张"}`, `[{$.姓名  "张"}]`},
		{"names in brackets", `{"a b":{"it's":1}}`, `{"a b":{"it's":2}}`,
			`[{$['a b']['it\'s'] 1 2}]`},
		{"null is a value", `{"a":null}`, `{}`, `[{$.a null }]`},
		{"an element is gone", `[1,2,3,4]`, `[1,3,4]`, `[{$[1] 2 }]`},
		{"another element", `[1,2,3]`, `[1,5,3]`, `[{$[1] 2 5}]`},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", `[{text 2: $.a 2 3}]`},
		{"white space", `{"a":1}`, `{"a": 1}`, `[{byte 5 "{\"a\":1}" "{\"a\": 1}"}]`},
		{"no JSON", `{"a":1}`, `data: x`, `[{byte 0 "{\"a\":1}" "data: x"}]`},
		{"nothing", `{}`, ``, `[{$ {} }]`},
	} {
		if got := fmt.Sprint(differences([]byte(test.want),
			[]byte(test.have))); got != test.differ {
			t.Errorf("%s: differences(%q, %q) = %s, want %s", test.name, test.want, test.have, got,
				test.differ)
		}
	}
}
