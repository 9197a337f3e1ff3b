package rules_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/maskgate/maskgate/rules"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(rules.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler() // it checks the schema by that of its draft
	if err := c.AddResource("rules.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("rules.schema.json")
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return schema
}

// validate returns what the schema has against a file; ok is false if it is no YAML.
func validate(t *testing.T, schema *jsonschema.Schema, path string) (fault error, ok bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, false
	}
	return schema.Validate(doc), true
}

func goodFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*.good.yaml", "../examples/*/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("Glob(%q): %v, %v, want files", pattern, paths, err)
		}
		all = append(all, slices.DeleteFunc(paths, func(path string) bool {
			data, err := os.ReadFile(path)
			// Not openapi.yaml, nor *_test.yaml.
			return err != nil || !bytes.Contains(data, []byte("kind: service")) &&
				!bytes.Contains(data, []byte("kind: policy"))
		})...)
	}
	return all
}

// beyondSchema are the bad files that the schema takes, with what is wrong in them: what a schema
// cannot say.
var beyondSchema = map[string]string{
	"clash.bad.yaml":         "what selectors select",
	"embeddeddepth.bad.yaml": "depth",
	"merge.bad.yaml":         "merge keys are YAML's",
	"noroute.bad.yaml":       "what other files say",
	"prefix.bad.yaml":        "parameters and segments of a path",
	"second.bad.yaml":        "the second document of a file",
	"secondbroken.bad.yaml":  "the second document of a file",
	"tags.bad.yaml":          "tags are YAML's",
}

// The schema takes every good file, and refuses every bad one unless what is wrong is beyond a
// schema.
func TestSchema(t *testing.T) {
	schema := compileSchema(t)
	for _, path := range goodFiles(t) {
		if err, ok := validate(t, schema, path); err != nil || !ok {
			t.Errorf("the schema refuses %s: %v", path, err)
		}
	}
	left := maps.Clone(beyondSchema)
	bad, _ := filepath.Glob("testdata/*.bad.yaml")
	for _, path := range bad {
		name := filepath.Base(path)
		_, beyond := left[name]
		delete(left, name)
		err, ok := validate(t, schema, path)
		switch {
		case !ok:
		case err == nil && !beyond:
			t.Errorf("the schema takes %s", path)
		case err != nil && beyond:
			t.Errorf("the schema refuses %s: remove it from the list of what is beyond one", path)
		}
	}
	for name := range left {
		t.Errorf("there is no testdata/%s", name)
	}
}
