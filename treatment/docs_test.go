package treatment_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/treatment"
)

var docExample = regexp.MustCompile("`([^`]+)`: `([^`]+)` → `([^`]+)`")

// Every treatment has a row in docs/transforms.md, with its rank, whether it can be reversed, and
// examples that run.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../docs/transforms.md")
	if err != nil {
		t.Fatal(err)
	}
	_, err = treatment.ParseExpression("?")
	_, list, _ := strings.Cut(err.Error(), "want one of ")
	left := map[string]bool{}
	for _, name := range strings.Split(list, ", ") {
		left[name] = name != "clear" && name != "drop"
	}
	examples := 0
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 7 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		name := strings.Trim(cells[0], "| `")
		if !left[name] {
			t.Errorf("%s: a row too many, or of no treatment", name)
		}
		left[name] = false
		matches := docExample.FindAllStringSubmatch(cells[5], -1)
		if len(matches) != 1+strings.Count(cells[5], "<br>") {
			t.Errorf("%s: %d examples can be read of %q", name, len(matches), cells[5])
		}
		for _, m := range matches {
			examples++
			e, err := treatment.ParseExpression(m[1])
			if err != nil {
				t.Fatal(err)
			}
			built, err := e.Treatment(environment("cn_id_card", testKey, 1))
			if err != nil {
				t.Fatal(err)
			}
			_, reversible := built.Transform.(treatment.Reverser)
			if e.Name != name || built.Rank.String() != cells[3] ||
				reversible != (cells[4] == "yes") {
				t.Errorf("%s: %s of rank %s, reversible %v; the row says %s, %s",
					name, e, built.Rank, reversible, cells[3], cells[4])
			}
			got := applied(t, built, m[2])
			if begin, ok := strings.CutSuffix(m[3], "…"); ok && strings.HasPrefix(got, begin) {
				continue
			}
			if got != m[3] {
				t.Errorf("%s of %s = %s, the page says %s", m[1], m[2], got, m[3])
			}
		}
	}
	for name, missing := range left {
		if missing {
			t.Errorf("%s has no row", name)
		}
	}
	if examples < 40 {
		t.Errorf("%d examples, want at least 40", examples)
	}
}
