package rules

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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
			t.Errorf("%s: %s: doc %q, like %q; want a sentence and an example", s.name, k.name,
				k.doc, k.like)
		}
		if !bytes.Contains(docs, []byte("`"+k.name+"`")) && !bytes.Contains(docs,
			[]byte("`"+k.name+":")) && !bytes.Contains(docs, []byte(k.name+": ")) {
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

// keysIn maps the positions of a file's nodes, line and column, to the keys that they belong to. A
// node within a key's value belongs to that key, unless it belongs to a key further in.
func keysIn(t *testing.T, path string) map[[2]int]*key {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	at := map[[2]int]*key{}
	var note func(n *yaml.Node, f *form, k *key)
	note = func(n *yaml.Node, f *form, k *key) {
		if at[[2]int{n.Line, n.Column}] == nil || n.Kind == yaml.ScalarNode {
			at[[2]int{n.Line, n.Column}] = k
		}
		inner := func(c *yaml.Node, f *form) {
			if f == nil {
				f = &form{}
			}
			note(c, f, k)
		}
		switch n.Kind {
		case yaml.SequenceNode:
			for _, item := range n.Content {
				inner(item, f.list)
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				name, value := n.Content[i], n.Content[i+1]
				if f.object == nil {
					inner(name, nil)
					inner(value, f.mapping)
				} else if j := slices.Index(f.object.names(), name.Value); j >= 0 {
					k := &f.object.keys[j]
					at[[2]int{name.Line, name.Column}] = k
					note(value, &k.form, k)
				}
			}
		}
	}
	for _, s := range []*shape{serviceShape, policyShape} {
		if strings.Contains(string(data), "kind: "+s.name) {
			note(doc.Content[0], &form{object: s}, nil)
			break
		}
	}
	return at
}

// Every key is in a good file of testdata, and in an example, all of which load.
func TestKeysHaveGoodFiles(t *testing.T) {
	for _, pattern := range []string{"testdata/*.good.yaml", "../examples/*/*.yaml"} {
		used := map[*key]bool{}
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			for _, k := range keysIn(t, path) {
				used[k] = true
			}
		}
		eachKey(func(s *shape, k *key) {
			if !used[k] {
				t.Errorf("no %s uses %s of a %s", pattern, k.name, s.name)
			}
		})
	}
}

// Every key has a fault of its own in a bad file of testdata; and every fault there says what to
// do.
func TestKeysHaveBadFiles(t *testing.T) {
	byName := map[string][]*key{}
	eachKey(func(_ *shape, k *key) { byName[k.name] = append(byName[k.name], k) })
	faulty := map[*key]bool{}
	paths, _ := filepath.Glob("testdata/*.bad.yaml")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := keysIn(t, path)
		_, err = Load([]File{{filepath.Base(path), data}}, nil)
		for _, f := range faultsOf(err) {
			if _, name, ok := strings.Cut(f.Message, ": want the key "); ok {
				name, _, _ = strings.Cut(name, ",")
				for _, k := range byName[name] {
					faulty[k] = faulty[k] || k.required && len(byName[name]) == 1
				}
			} else if k := at[[2]int{f.Line, f.Column}]; k != nil {
				faulty[k] = true
			}
			if !remedy.MatchString(f.Message) {
				t.Errorf("%v: the message does not say what to do", f)
			}
		}
	}
	eachKey(func(s *shape, k *key) {
		if !faulty[k] {
			t.Errorf("no fault of a *.bad.yaml is about %s of a %s", k.name, s.name)
		}
	})
}

// remedy is how messages say what to do.
var remedy = regexp.MustCompile(`\bwants? |; `)

// Every key is in the schema, with what it is and an example.
func TestKeysAreInSchema(t *testing.T) {
	var schema struct {
		Definitions map[string]struct {
			Properties map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	eachKey(func(s *shape, k *key) {
		want := k.doc + " As in " + k.name + ": " + k.like
		if got := schema.Definitions[s.name].Properties[k.name].Description; got != want {
			t.Errorf("the schema says of %s of a %s %q, want %q", k.name, s.name, got, want)
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
