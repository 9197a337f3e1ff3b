package coverage

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is an OpenAPI document and the files that it refers to.
type document struct {
	read  func(name string) ([]byte, error)
	files map[string]*yaml.Node // roots, by name
}

// element is a value in one of the files.
type element struct {
	node *yaml.Node
	file string
}

// open reads a file, once.
func (d *document) open(name string) (element, error) {
	if root := d.files[name]; root != nil {
		return element{root, name}, nil
	}
	data, err := d.read(name)
	if err != nil {
		return element{}, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data)) // which reads JSON too: it is YAML
	var doc yaml.Node
	if err == nil {
		err = loader.Load(&doc)
	}
	if err != nil || len(doc.Content) == 0 {
		return element{}, fmt.Errorf("%s: this is neither YAML nor JSON: %w", name, err)
	}
	d.files[name] = doc.Content[0]
	return element{doc.Content[0], name}, nil
}

func (e element) fault(format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", e.file, e.node.Line, e.node.Column,
		fmt.Sprintf(format, args...))
}

func (e element) with(n *yaml.Node) element {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return element{n, e.file}
}

// members returns the members of a mapping.
func (e element) members() (list []member, err error) {
	if e.node == nil || e.node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(e.node.Content); i += 2 {
		key := e.node.Content[i]
		if key.Tag == "!!merge" {
			return nil, e.with(key).fault("merge keys (<<) are not read; write the entries out")
		}
		list = append(list, member{key.Value, e.with(e.node.Content[i+1])})
	}
	return list, nil
}

type member struct {
	name  string
	value element
}

// get returns the member of that name; its node is nil if there is none.
func (e element) get(name string) (element, error) {
	list, err := e.members()
	for _, m := range list {
		if m.name == name {
			return m.value, nil
		}
	}
	return element{nil, e.file}, err
}

func (e element) text() string {
	if e.node == nil || e.node.Kind != yaml.ScalarNode {
		return ""
	}
	return e.node.Value
}

// items returns the elements of a sequence.
func (e element) items() (list []element) {
	if e.node != nil && e.node.Kind == yaml.SequenceNode {
		for _, n := range e.node.Content {
			list = append(list, e.with(n))
		}
	}
	return list
}

// maxRefs is how many references may lead from one to the next.
const maxRefs = 64

// chase follows references to the element at their end, which is no reference.
func (d *document) chase(e element) (element, error) {
	for range maxRefs {
		ref, err := e.get("$ref")
		if err != nil || ref.node == nil {
			return e, err
		}
		if e, err = d.resolve(ref); err != nil {
			return e, err
		}
	}
	return e, e.fault("the references go round in a circle")
}

// resolve returns what a reference refers to: a JSON Pointer (RFC 6901) into the same file or into
// a file beside it.
func (d *document) resolve(ref element) (element, error) {
	name, pointer, _ := strings.Cut(ref.text(), "#")
	target := element{d.files[ref.file], ref.file}
	if name != "" {
		u, err := url.Parse(name)
		if err != nil || u.Scheme != "" || u.Host != "" || path.IsAbs(u.Path) {
			return ref, ref.fault("reference %q: only files beside this one are read; save it "+
				"there and refer to it by its name", ref.text())
		}
		if target, err = d.open(path.Join(path.Dir(ref.file), u.Path)); err != nil {
			return ref, ref.fault("reference %q: %v", ref.text(), err)
		}
	}
	if pointer == "" {
		return target, nil
	}
	if !strings.HasPrefix(pointer, "/") {
		return ref,
			ref.fault("reference %q: want a JSON Pointer, as in #/components/schemas/Customer",
				ref.text())
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		plain, err := url.PathUnescape(token)
		if err != nil {
			return ref, ref.fault("reference %q: its escapes cannot be read", ref.text())
		}
		plain = strings.NewReplacer("~1", "/", "~0", "~").Replace(plain)
		next, err := target.get(plain)
		if err != nil {
			return ref, err
		}
		if list := target.items(); list != nil {
			if i, err := strconv.Atoi(plain); err == nil && i >= 0 && i < len(list) {
				next = list[i]
			}
		}
		if next.node == nil {
			return ref, ref.fault("reference %q: there is no %q", ref.text(), plain)
		}
		target = next
	}
	return target, nil
}
