package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/rules"
	"github.com/rogpeppe/go-internal/txtar"
)

// Each testdata/lint/*.txtar has rule files, and what is found in them.
func TestCheck(t *testing.T) {
	paths, _ := filepath.Glob("testdata/lint/*.txtar")
	found := map[string]bool{}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var files []rules.File
			for _, f := range archive.Files[:len(archive.Files)-1] {
				files = append(files, rules.File{Name: f.Name, Data: f.Data})
			}
			set, findings := rules.Check(files)
			if set == nil {
				t.Errorf("Check: no set, want one")
			}
			var have strings.Builder
			for _, f := range findings {
				found[f.Code] = true
				fmt.Fprintln(&have, f)
				if f.Accepted != "" {
					fmt.Fprintf(&have, "\taccepted: %s\n", f.Accepted)
				}
				if !strings.Contains(f.Message, "; ") {
					t.Errorf("%s: the message does not say what to do", f)
				}
			}
			want := &archive.Files[len(archive.Files)-1]
			if *update {
				want.Data = []byte(have.String())
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), have.String()); diff != "" {
				t.Errorf("Check: findings (-want +have):\n%s", diff)
			}
		})
	}
	docs, err := os.ReadFile("../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, meaning := range rules.Codes() {
		if !strings.Contains(string(docs), "| `"+code+"` | "+meaning) {
			t.Errorf("docs/lint.md has no row that begins with | `%s` | %s", code, meaning)
		}
		if !found[code] && code != rules.Invalid { // TestFaults has those
			t.Errorf("no testdata/lint/*.txtar has the finding %s", code)
		}
	}
}
