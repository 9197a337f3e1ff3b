package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/rules"
)

func TestRoute(t *testing.T) {
	routes := []string{
		"GET /", "GET /v1/customers", "GET /v1/customers/{id}", "GET /v1/customers/me",
		"POST /v1/customers",
		"GET /v1/customers/{id}/cards", "GET /v1/customers/me/loans", "GET /v1/{kind}/{id}/notes",
		"GET /v1/{kind}/all/{id}",
		"GET /v1/customers:search", "GET /{a}/{b}/{c}/{d}/{e}",
	}
	var b strings.Builder
	b.WriteString("kind: service\nname: s\nowner: o\nroutes:\n")
	for _, r := range routes {
		fmt.Fprintf(&b, "  - {match: %q, fields: {}}\n", r)
	}
	set, err := rules.Load([]rules.File{{Name: "s.yaml", Data: []byte(b.String())}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, request, want string }{
		{"root", "GET /", "GET /"},
		{"literals", "GET /v1/customers", "GET /v1/customers"},
		{"method", "POST /v1/customers", "POST /v1/customers"},
		{"other method", "PUT /v1/customers", ""},
		{"no HEAD for a GET", "HEAD /v1/customers", ""},
		{"method in lower case", "get /v1/customers", ""},
		{"path in upper case", "GET /V1/customers", ""},
		{"parameter", "GET /v1/customers/7", "GET /v1/customers/{id}"},
		{"escapes are the parameter's own", "GET /v1/customers/%E5%BC%A0",
			"GET /v1/customers/{id}"},
		{"literal before parameter", "GET /v1/customers/me", "GET /v1/customers/me"},
		{"literal before parameter, longer", "GET /v1/customers/me/loans",
			"GET /v1/customers/me/loans"},
		{"back from a literal", "GET /v1/customers/me/cards", "GET /v1/customers/{id}/cards"},
		{"back from two literals", "GET /v1/customers/me/notes", "GET /v1/{kind}/{id}/notes"},
		{"back from a literal and a parameter", "GET /v1/customers/all/3",
			"GET /v1/{kind}/all/{id}"},
		{"colon", "GET /v1/customers:search", "GET /v1/customers:search"},
		{"all parameters", "GET /v1/customers/me/loans/1", "GET /{a}/{b}/{c}/{d}/{e}"},
		{"trailing slash", "GET /v1/customers/", ""},
		{"trailing slash behind a parameter", "GET /v1/customers/7/", ""},
		{"empty segment", "GET /v1//customers", ""},
		{"empty parameter", "GET /v1/customers//cards", ""},
		{"leading empty segment", "GET //v1/customers", ""},
		{"two slashes", "GET //", ""},
		{"no slash", "GET v1/customers", ""},
		{"nothing", "GET ", ""},
		{"asterisk", "OPTIONS *", ""},
		{"prefix", "GET /v1", ""},
		{"too long", "GET /v1/customers/7/cards/1/2", ""},
		{"the template itself", "GET /v1/customers/{id}", "GET /v1/customers/{id}"},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		got := ""
		if r := set.Route(method, "", path); r != nil {
			got = r.Match
		}
		if got != test.want {
			t.Errorf("%s: Route(%q, %q) = %q, want %q", test.name, method, path, got, test.want)
		}
	}
}

// A path that nearly matches all the way down takes one look at each node.
func TestRouteBacktracks(t *testing.T) {
	var b strings.Builder
	b.WriteString("kind: service\nname: s\nowner: o\nroutes:\n")
	for i := range 64 {
		fmt.Fprintf(&b, "  - {match: \"GET %s%s/end\", fields: {}}\n", strings.Repeat("/a", i),
			strings.Repeat("/{x}", 64-i))
	}
	set, err := rules.Load([]rules.File{{Name: "s.yaml", Data: []byte(b.String())}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := set.Route("GET", "", strings.Repeat("/a", 64)+"/other"); r != nil {
		t.Errorf("Route = %s, want none", r.Match)
	}
	if r := set.Route("GET", "", strings.Repeat("/a", 64)+"/end"); r == nil || r.Match != "GET "+
		strings.Repeat("/a", 63)+"/{x}/end" {
		t.Errorf("Route = %v, want the one with the most literals", r)
	}
}
