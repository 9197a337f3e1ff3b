package masking_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMap shows that the map in the package comment has all files of the package, and no others.
func TestMap(t *testing.T) {
	text, err := os.ReadFile("masking.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(text), "\npackage masking\n")
	mapped := map[string]bool{"masking.go": true}
	for _, name := range regexp.MustCompile(`\b[a-z]+\.go\b`).FindAllString(comment, -1) {
		mapped[name] = true
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the package comment names %s: %v", name, err)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") && !mapped[name] {
			t.Errorf("the package comment does not name %s", name)
		}
	}
}
