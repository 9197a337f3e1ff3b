package maskgate

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/maskgate/maskgate"

// allowed says what each package may import: of the project's packages, and of the guarded ones. An
// import that is not listed is forbidden, and so is a package that is not listed. docs/design.md
// says why.
var allowed = map[string][]string{
	"":               {},
	"masking":        {},
	"treatment":      {"masking"},
	"rules":          {"masking", "treatment"},
	"rules/ruletest": {"rules"},
	"coverage":       {"masking", "rules"},
	"discover":       {"masking", "treatment"},
	"auth":           {"net/http"},
	"quota":          {},
	"audit":          {},
	"keys":           {},
	"watch":          {"fsnotify"},

	"gateway": {
		"masking", "rules", "rules/ruletest", "auth", "quota", "audit", "keys", "discover", "watch",
		"net/http",
	},
	"gateway/gatewaytest": {"gateway", "rules", "auth", "quota", "net/http"},
	"command": {
		"gateway", "masking", "treatment", "rules", "rules/ruletest", "coverage", "discover",
		"auth", "audit", "keys",
	},
	"caddymodule": {
		"gateway", "command", "auth", "audit", "net/http", "caddy", "prometheus",
	},

	"examples":        {},
	"examples/demo":   {"net/http"},
	"cmd/auditverify": {},
	"cmd/maskgate": {
		"", "caddymodule", "command", "gateway", "audit", "examples/demo", "net/http", "caddy",
	},
}

// guarded are the packages outside the project that only some may import, by prefix.
var guarded = map[string]string{
	"net/http":                             "net/http",
	"net/http/":                            "net/http",
	"github.com/caddyserver/":              "caddy",
	"go.uber.org/zap":                      "zap",
	"github.com/prometheus/client_golang/": "prometheus",
	"github.com/fsnotify/":                 "fsnotify",
	"github.com/tidwall/":                  "tidwall",
	"go.opentelemetry.io/":                 "opentelemetry",
}

// TestImports enforces the table of imports.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := relative(p.ImportPath)
		may, ok := allowed[name]
		if !ok {
			t.Errorf("package %s is not in the table of imports; add it, and to docs/design.md",
				p.ImportPath)
		}
		for _, imported := range p.Imports {
			if subject := ruled(imported); subject != nil && !slices.Contains(may, *subject) {
				t.Errorf("%s imports %s, which it may not: see docs/design.md",
					p.ImportPath, imported)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d packages, but the table of imports has %d; remove what is gone",
			seen, len(allowed))
	}
}

// TestDesignNamesEachFolder checks that docs/design.md tells the one job of each package of the
// table.
func TestDesignNamesEachFolder(t *testing.T) {
	design, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range allowed {
		if name != "" && !strings.Contains(string(design), "\n| `"+name+"` | ") {
			t.Errorf("docs/design.md does not say what %s is for", name)
		}
	}
	files := regexp.MustCompile("`([a-z/_]+/[a-z_]+[.]go)`")
	for _, file := range files.FindAllSubmatch(design, -1) {
		if _, err := os.Stat(string(file[1])); err != nil {
			t.Errorf("docs/design.md names %s: %v", file[1], err)
		}
	}
}

func relative(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

// ruled returns what the table calls an import; nil if the table does not rule it.
func ruled(imported string) *string {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		name := relative(imported)
		return &name
	}
	for prefix, name := range guarded {
		if imported == path.Clean(prefix) || strings.HasPrefix(imported, prefix+"/") ||
			strings.HasSuffix(prefix, "/") && strings.HasPrefix(imported, prefix) {
			return &name
		}
	}
	return nil
}

// mostFiles is how many files, without tests, a folder holds before nobody finds their way in it.
const mostFiles = 35

// TestPackages checks that each package has a comment, and not too many files for one folder.
func TestPackages(t *testing.T) {
	const format = "{{.ImportPath}}\t{{len .GoFiles}}\t{{.Doc}}"
	out, err := exec.Command("go", "list", "-f", format, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(part) != 3 || part[2] == "" {
			t.Errorf("package %s has no comment", part[0])
		}
		if files, err := strconv.Atoi(part[1]); err != nil || files > mostFiles {
			t.Errorf("package %s has %d files, more than %d: redraw it", part[0], files, mostFiles)
		}
	}
}
