package rules

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// eachKey calls f for each key of the language, once, with the shape that it belongs to.
func eachKey(f func(*shape, *key)) {
	seen := map[*shape]bool{}
	var ofForm func(*form)
	ofShape := func(s *shape) {
		if seen[s] {
			return
		}
		seen[s] = true
		for i := range s.keys {
			f(s, &s.keys[i])
			ofForm(&s.keys[i].form)
		}
	}
	ofForm = func(f *form) {
		for _, inner := range []*form{f.list, f.mapping} {
			if inner != nil {
				ofForm(inner)
			}
		}
		if f.object != nil {
			ofShape(f.object)
		}
	}
	ofShape(serviceShape)
	ofShape(policyShape)
}

// Every key says what it is, has an example that is of its form, and is in docs/rules.md.
func TestKeysAreExplained(t *testing.T) {
	docs, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	eachKey(func(s *shape, k *key) {
		if !strings.HasSuffix(k.doc, ".") || k.like == "" {
			t.Errorf("%s: %s: doc %q, like %q; want a sentence and an example", s.name, k.name, k.doc, k.like)
		}
		if !bytes.Contains(docs, []byte("`"+k.name+"`")) && !bytes.Contains(docs, []byte("`"+k.name+":")) && !bytes.Contains(docs, []byte(k.name+": ")) {
			t.Errorf("docs/rules.md does not say what %s of a %s is", k.name, s.name)
		}
		if strings.Contains(k.like, "…") || k.form.text != nil && k.form.object != nil {
			return
		}
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(k.like), &node); err != nil {
			t.Errorf("%s: %s: the example %q: %v", s.name, k.name, k.like, err)
			return
		}
		var faults []*Fault
		(&source{"example", &faults}).check(node.Content[0], &k.form, k.name, k.like)
		for _, f := range faults {
			t.Errorf("%s: %s: the example %q: %v", s.name, k.name, k.like, f)
		}
	})
}

// Every key is in a good file of testdata.
func TestKeysHaveGoodFiles(t *testing.T) {
	used := map[*key]bool{}
	var use func(n *yaml.Node, f *form)
	use = func(n *yaml.Node, f *form) {
		switch {
		case n.Kind == yaml.SequenceNode && f.list != nil:
			for _, item := range n.Content {
				use(item, f.list)
			}
		case n.Kind == yaml.MappingNode && f.mapping != nil:
			for _, e := range pairs(n) {
				use(e.value, f.mapping)
			}
		case n.Kind == yaml.MappingNode && f.object != nil:
			for _, e := range pairs(n) {
				if i := slices.Index(f.object.names(), e.key.Value); i >= 0 {
					used[&f.object.keys[i]] = true
					use(e.value, &f.object.keys[i].form)
				}
			}
		}
	}
	paths, _ := filepath.Glob("testdata/*.good.yaml")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var faults []*Fault
		root := (&source{path, &faults}).parse(data)
		for _, s := range []*shape{serviceShape, policyShape} {
			if strings.Contains(string(data), "kind: "+s.name) {
				use(root, &form{object: s})
			}
		}
	}
	eachKey(func(s *shape, k *key) {
		if !used[k] {
			t.Errorf("no *.good.yaml uses %s of a %s", k.name, s.name)
		}
	})
}

// The published schema is the one that the declaration of keys makes.
func TestSchemaIsPublished(t *testing.T) {
	const path = "../rules.schema.json"
	if flag.Lookup("update").Value.String() == "true" { // load_test.go has it
		if err := os.WriteFile(path, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, Schema()) {
		t.Errorf("%s is not up to date; run go test ./rules -run SchemaIsPublished -update", path)
	}
}

// The list of reasons is closed: it has all constants, each once, and docs have all of the list.
func TestReasonsAreClosed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Reason" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared[text] = true
			}
		}
		return true
	})
	var docs []byte
	for _, path := range []string{"../docs/rules.md", "../docs/problems.md"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, data...)
	}
	for r, meaning := range Reasons() {
		if !declared[string(r)] || meaning == "" {
			t.Errorf("reason %s: declared %v, meaning %q", r, declared[string(r)], meaning)
		}
		delete(declared, string(r))
		if !bytes.Contains(docs, []byte("| `"+string(r)+"` |")) {
			t.Errorf("reason %s is in none of docs/rules.md and docs/problems.md", r)
		}
	}
	if len(declared) > 0 {
		t.Errorf("not in the list of reasons, or twice: %v", slices.Sorted(maps.Keys(declared)))
	}
}
