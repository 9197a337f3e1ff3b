package masking_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/maskgate/maskgate/masking"
)

// A complianceTest is one of the tests of the RFC 9535 suite.
type complianceTest struct {
	Name        string          `json:"name"`
	Selector    string          `json:"selector"`
	Invalid     bool            `json:"invalid_selector"`
	Document    json.RawMessage `json:"document"`
	ResultPaths []string        `json:"result_paths"`
	Results     [][]string      `json:"results_paths"`
}

// paths returns the normalised paths of what the selector selects, sorted, each once. Where the
// suite leaves the order open, all its results have the same paths.
func (c complianceTest) paths() []string {
	paths := slices.Clone(c.ResultPaths)
	if c.Results != nil {
		paths = slices.Clone(c.Results[0])
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func complianceSuite(t *testing.T) []complianceTest {
	t.Helper()
	text, err := os.ReadFile(conformance(t, "jsonpath", "cts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests []complianceTest `json:"tests"`
	}
	if err := json.Unmarshal(text, &suite); err != nil {
		t.Fatal(err)
	}
	return suite.Tests
}

// selectPaths returns the paths that Select yields, in its order.
func selectPaths(selector string, doc []byte) ([]string, error) {
	var paths []string
	err := masking.Select(selector, doc, func(path string, _ []byte) bool {
		paths = append(paths, path)
		return true
	})
	return paths, err
}

// TestCompliance runs the RFC 9535 suite, all of it: what is selected, by the outline that
// rewriting walks, and by the reference; and what a rewrite makes of it if what is selected becomes
// stars.
func TestCompliance(t *testing.T) {
	valid, invalid, right, refused := 0, 0, 0, 0
	for _, test := range complianceSuite(t) {
		if test.Invalid {
			invalid++
			if err := masking.CheckSelector(test.Selector); err == nil {
				t.Errorf("%s: CheckSelector(%q) = nil, want an error", test.Name, test.Selector)
				continue
			}
			fieldPair(t, test.Selector)
			refused++
			continue
		}
		valid++
		got, err := selectPaths(test.Selector, test.Document)
		if err != nil {
			t.Errorf("%s: Select(%q): %v", test.Name, test.Selector, err)
			continue
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.paths(), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: Select(%q) on %s (-want +got)\n%s", test.Name, test.Selector,
				test.Document, diff)
			continue
		}

		p := fieldPair(t, test.Selector)
		m := &run{reference: p.reference, src: test.Document}
		root, err := m.parse(0, len(test.Document))
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		var selected []string
		var visit func(n *node, path string)
		visit = func(n *node, path string) {
			if p.reference.kinds[0].fields[0].selects(root, n) {
				selected = append(selected, path)
			}
			for i, c := range n.children {
				step := fmt.Sprint(i)
				if n.kind == masking.Object {
					step = normalName(c.name)
				}
				visit(c, path+"["+step+"]")
			}
		}
		visit(root, "$")
		slices.Sort(selected)
		if diff := cmp.Diff(got, selected, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the reference: %q selects on %s (-want +got)\n%s", test.Name,
				test.Selector, test.Document, diff)
		}
		if root.kind != masking.Null { // no record then
			if _, diff := p.compare(test.Document, masking.Document, starsChooser()); diff != "" {
				t.Errorf("%s: %s", test.Name, diff)
				continue
			}
		}
		right++
	}
	t.Logf("%d of %d valid expressions select what they should, %d of %d invalid ones are refused",
		right, valid, refused, invalid)
	if valid < 456 || invalid < 247 {
		t.Errorf("the suite has %d valid and %d invalid expressions, want 456 and 247", valid,
			invalid)
	}
}

// normalName is a name as RFC 9535 section 2.7 writes it.
func normalName(name string) string {
	pairs := []string{"'", `\'`, `\`, `\\`, "\b", `\b`, "\t", `\t`, "\n", `\n`, "\f", `\f`, "\r",
		`\r`}
	for c := range rune(' ') {
		pairs = append(pairs, string(c), fmt.Sprintf(`\u%04x`, c))
	}
	return "'" + strings.NewReplacer(pairs...).Replace(name) + "'"
}
