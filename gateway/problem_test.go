package gateway

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestProblemsAreDocumented: each type of problem has a heading in docs/problems.md, and each
// reason stands there.
func TestProblemsAreDocumented(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(data)
	file, err := parser.ParseFile(gotoken.NewFileSet(), "problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := func(e ast.Expr) string {
		s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	reasons, problems := 0, 0
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if id, ok := n.Type.(*ast.Ident); ok && id.Name == "reason" {
				reasons++
				reason := text(n.Values[0])
				ofToken, _ := strings.CutPrefix(reason, "token_")
				if !strings.Contains(docs, "`"+reason+"`") &&
					!strings.Contains(docs, "`"+ofToken+"`") {
					t.Errorf("reason %s is not in docs/problems.md", reason)
				}
			}
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); ok && id.Name == "problem" {
				problems++
				if slug := text(n.Elts[0]); !strings.Contains(docs, "\n## "+slug+"\n") {
					t.Errorf("problem %s has no heading in docs/problems.md", slug)
				}
			}
		}
		return true
	})
	if reasons < 20 || problems < 10 {
		t.Errorf("read %d reasons and %d problems: look at how problem.go has them",
			reasons, problems)
	}
}
