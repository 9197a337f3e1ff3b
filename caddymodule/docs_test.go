package caddymodule

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMetricsAreDocumented: docs/operations.md tells of each metric, and of no other.
func TestMetricsAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	// A registry knows the names of all that is registered.
	described := make(chan *prometheus.Desc, 100)
	m := newMetrics()
	for _, c := range append(m.collectors(), inForce{new(gateway.Gateway)}) {
		c.Describe(described)
	}
	close(described)
	name := regexp.MustCompile(`fqName: "(\w+)"`)
	var names []string
	for d := range described {
		names = append(names, name.FindStringSubmatch(d.String())[1])
	}
	if len(names) < 12 {
		t.Fatalf("there are %d metrics: %q", len(names), names)
	}
	for _, n := range names {
		if !strings.Contains(string(docs), "`"+n+"`") &&
			!strings.Contains(string(docs), "`"+n+"{") {
			t.Errorf("docs/operations.md does not tell of %s", n)
		}
	}
	for _, n := range regexp.MustCompile(`maskgate_\w+`).FindAllString(string(docs), -1) {
		n = strings.TrimSuffix(strings.TrimSuffix(n, "_bucket"), "_count")
		if !slices.Contains(names, n) && n != "maskgate_status" {
			t.Errorf("docs/operations.md tells of %s, which is no metric", n)
		}
	}
}

// TestOptionsAreDocumented: the README tells of each option that the Caddyfile's parsers take. They
// take options by the strings of a switch.
func TestOptionsAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(gotoken.NewFileSet(), "caddyfile.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var options []string
	ast.Inspect(file, func(n ast.Node) bool {
		clause, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		for _, e := range clause.List {
			if equal, ok := e.(*ast.BinaryExpr); ok { // case option == "settle"
				e = equal.Y
			}
			if text, ok := e.(*ast.BasicLit); ok && text.Kind == gotoken.STRING {
				option, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				options = append(options, option)
			}
		}
		return true
	})
	if len(options) < 25 || !slices.Contains(options, "settle") ||
		!slices.Contains(options, "record_shapes") {
		t.Fatalf("the parsers take %q: are these all?", options)
	}
	text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(readme), "")
	code := strings.Join(regexp.MustCompile("`[^`\n]+`").FindAllString(text, -1), " ")
	for _, option := range append(options, "route") {
		if !regexp.MustCompile(`\b` + option + `\b`).MatchString(code) {
			t.Errorf("the README does not tell of the option %s", option)
		}
	}
}
