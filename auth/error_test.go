package auth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestChallenge(t *testing.T) {
	tests := []struct {
		name  string
		err   *Error
		realm string
		want  string
	}{
		{"no credentials", &Error{Reason: ReasonMissing}, "maskgate", `Bearer realm="maskgate"`},
		{"keys unavailable", &Error{Reason: ReasonKeysUnavailable}, "maskgate",
			`Bearer realm="maskgate"`},
		{
			"expired", refuse(ReasonExpired), "maskgate",
			`Bearer realm="maskgate", error="invalid_token", error_description="the token has ` +
				`expired; get a new one"`,
		},
		{"realm is escaped", &Error{Reason: ReasonMissing}, `a"b\c`, `Bearer realm="a\"b\\c"`},
		{"realm cannot split the header", &Error{Reason: ReasonMissing}, "a\r\nSet-Cookie: x\u00e9",
			`Bearer realm="aSet-Cookie: x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Challenge(tt.realm); got != tt.want {
				t.Errorf("Challenge(%q) = %s, want %s", tt.realm, got, tt.want)
			}
		})
	}
}

// Every reason is lower snake case, listed, and described in the characters of RFC 6750 section 3.
func TestReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			declared = append(declared, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	slices.Sort(declared)
	if !slices.Equal(declared, Reasons()) {
		t.Errorf("Reasons() = %v, want the declared %v", Reasons(), declared)
	}
	for _, reason := range Reasons() {
		if strings.Trim(reason, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("reason %q is not lower snake case", reason)
		}
		for _, c := range descriptions[reason] {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("description of %s has %q, which RFC 6750 section 3 does not permit",
					reason, c)
			}
		}
	}
}
