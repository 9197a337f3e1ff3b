package auth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestFromRequest(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		want   string
		err    *Error
	}{
		{"usual", []string{"Bearer abc.def-_~+/=="}, "abc.def-_~+/==", nil},
		{"lower case", []string{"bearer a"}, "a", nil},
		{"mixed case", []string{"bEaReR a"}, "a", nil},
		{"several spaces", []string{"Bearer   a"}, "a", nil},
		{"missing", nil, "", &Error{Code: "", Reason: ReasonMissing}},
		{"empty", []string{""}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"basic", []string{"Basic dTpw"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"DPoP", []string{"DPoP abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"longer scheme", []string{"BearerX abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"tab", []string{"Bearer\tabc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"control in scheme", []string{"B\x05arer abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"leading space", []string{" Bearer abc"}, "", &Error{Code: "", Reason: ReasonScheme}},
		{"no token", []string{"Bearer"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"no token but a space", []string{"Bearer "}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"padding alone", []string{"Bearer =="}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"padding inside", []string{"Bearer a=b"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"two headers", []string{"Bearer a", "Bearer a"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"two headers, one empty", []string{"", "Bearer a"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"two in one", []string{"Bearer a, Bearer b"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"quoted", []string{`Bearer "a"`}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"trailing space", []string{"Bearer a "}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"newline", []string{"Bearer a\nb"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"not ASCII", []string{"Bearer \uff41"}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
		{"JSON", []string{`Bearer {"payload":"a"}`}, "", &Error{Code: CodeInvalidRequest, Reason: ReasonMalformed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"X-Access-Token": {"other"}, "Proxy-Authorization": {"Bearer other"}}
			if tt.values != nil {
				h["Authorization"] = tt.values
			}
			got, err := FromRequest(h)
			if got != tt.want {
				t.Errorf("FromRequest(%q) = %q, want %q", tt.values, got, tt.want)
			}
			var e *Error
			switch {
			case tt.err == nil && err != nil:
				t.Errorf("FromRequest(%q) = %v, want no error", tt.values, err)
			case tt.err != nil && (!errors.As(err, &e) || *e != *tt.err):
				t.Errorf("FromRequest(%q) = %#v, want %#v", tt.values, err, tt.err)
			}
		})
	}
}

func TestFromRequestErrorHoldsNoToken(t *testing.T) {
	_, err := FromRequest(http.Header{"Authorization": {"Bearer canary canary"}})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("FromRequest = %v, want an error without the token", err)
	}
}
