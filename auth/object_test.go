package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestParseObject(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want error
	}{
		{"empty", `{}`, nil},
		{"white space around", " {} \n", nil},
		{"escapes", `{"a":"\\u\"\/\b\u0041\ud83d\ude00","\\":1}`, nil},
		{"escaped backslash before u", `{"a":"\\ud800"}`, nil},
		{"same name at two depths", `{"a":{"a":[{"a":1},{"a":2}]}}`, nil},
		{"sixteen levels", strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), nil},
		{"seventeen levels", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17),
			errTooDeep},
		{"a million levels", strings.Repeat("[", 1e6), errNotJSON},
		{"nothing", "", errNotJSON},
		{"string", `"a"`, errNotJSON},
		{"null", `null`, errNotJSON},
		{"array", `[{}]`, errNotJSON},
		{"two values", `{}{}`, errNotJSON},
		{"BOM", "\ufeff{}", errNotJSON},
		{"trailing comma", `{"a":1,}`, errNotJSON},
		{"missing colon", `{"a" 1}`, errNotJSON},
		{"comment", `{/**/}`, errNotJSON},
		{"bad UTF-8", "{\"a\":\"\xc3\"}", errNotJSON},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", errNotJSON},
		{"raw surrogate", "{\"a\":\"\xed\xa0\x80\"}", errNotJSON},
		{"high surrogate alone", `{"a":"\ud800"}`, errNotJSON},
		{"high surrogate before text", `{"a":"\ud800abcdefgh"}`, errNotJSON},
		{"low surrogate alone", `{"a":"\udc00"}`, errNotJSON},
		{"surrogates reversed", `{"a":"\udc00\ud800"}`, errNotJSON},
		{"two high surrogates", `{"a":"\ud800\ud800"}`, errNotJSON},
		{"high surrogate before an escape", `{"a":"\ud800\n\udc00"}`, errNotJSON},
		{"high surrogate behind another escape", `{"a":"\n\ud800"}`, errNotJSON},
		{"high surrogate behind a pair", `{"a":"\ud83d\ude00\ud800"}`, errNotJSON},
		{"lone surrogate in a name", `{"\ud800":1}`, errNotJSON},
		{"duplicate", `{"a":1,"a":1}`, errDuplicate},
		{"duplicate, escaped", `{"a":1,"\u0061":1}`, errDuplicate},
		{"duplicate by surrogate pair", `{"😀":1,"\ud83d\ude00":1}`, errDuplicate},
		{"duplicate in an array", `{"x":[[{"a":1,"a":1}]]}`, errDuplicate},
		{"duplicate empty name", `{"":1,"":2}`, errDuplicate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if object, err := parseObject([]byte(tt.in)); !errors.Is(err, tt.want) || err == nil &&
				object == nil {
				t.Errorf("parseObject = %v, %v, want error %v", object, err, tt.want)
			}
		})
	}
}
