package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/maskgate/maskgate/treatment"
)

// loader gathers the files of a set. It reads types first, since a file may use a type of any
// other, and checks last what takes all files to check.
type loader struct {
	set          *Set
	faults       []*Fault
	policies     []object
	serviceFiles []object
	services     map[string]place
	types        map[string]*fieldType
	typeDeclared map[string]place
	purposeUses  []use
	fieldUses    []use
	untyped      []string // fields, as policies name them, whose type is at fault
	unread       bool     // whether a file cannot be read: it may declare what other files name
}

// use is a place where a file names something that another file may declare.
type use struct {
	*source
	node *yaml.Node
	name string
}

// Load compiles rule files to a set. Its error joins all faults, each a [*Fault]. The order of
// files does not matter. keys may be nil if nothing is to be rewritten: values whose treatment
// needs a key are dropped then.
func Load(files []File, keys Keys) (*Set, error) {
	l := loader{
		set: &Set{
			digest:   digest(files),
			routes:   routeTables{},
			purposes: map[string]*purpose{},
			keys:     keys,
			profiles: map[string]*Profile{},
		},
		services:     map[string]place{},
		types:        maps.Clone(catalogue),
		typeDeclared: map[string]place{},
	}
	// The digest is the same for any order of files, so no decision may depend on their order.
	files = slices.SortedStableFunc(slices.Values(files), func(a, b File) int {
		return cmp.Or(strings.Compare(filepath.Base(a.Name), filepath.Base(b.Name)),
			strings.Compare(a.Name, b.Name))
	})
	bases := map[string]string{}
	for _, f := range files {
		base := filepath.Base(f.Name)
		if other, ok := bases[base]; ok {
			l.faults = append(l.faults,
				&Fault{f.Name, 1, 1, fmt.Sprintf("%s has the same name, by which access records "+
					"cite rules; rename one", other)})
		}
		bases[base] = f.Name
		l.file(f)
	}
	l.compile()
	if err := joined(l.faults); err != nil {
		return nil, err
	}
	return l.set, nil
}

// joined returns all faults as one error, in the order of files and places; nil if there are none.
func joined(faults []*Fault) error {
	slices.SortStableFunc(faults, func(a, b *Fault) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	all := make([]error, len(faults))
	for i, f := range faults {
		all[i] = f
	}
	return errors.Join(all...)
}

// file parses a file and checks it against its shape.
func (l *loader) file(f File) {
	s := &source{f.Name, &l.faults}
	root := s.parse(f.Data)
	if root == nil {
		l.unread = true
		return
	}
	o := s.object(root)
	kind := o.text("kind")
	switch kind {
	case "service":
		s.check(root, &form{object: serviceShape}, kind, "")
		l.serviceFiles = append(l.serviceFiles, o)
	case "policy":
		s.check(root, &form{object: policyShape}, kind, "")
		l.policies = append(l.policies, o)
	default:
		l.unread = true
		s.fault(root, "want kind: service or kind: policy; have %q", kind)
		return
	}
	if kind == "policy" {
		l.set.policies = append(l.set.policies, o.capsPlace())
	}
	for _, n := range o.items("accept") {
		if n.Kind == yaml.MappingNode {
			l.set.accepted = append(l.set.accepted, o.object(n).acceptance())
		}
	}
	l.set.files = append(l.set.files, FileInfo{
		Name: filepath.Base(f.Name), Kind: kind, SHA256: hexDigest(f.Data),
		Owner: o.text("owner"), Reviewer: o.text("reviewer"),
		Justification: o.text("justification"),
	})
}

func (l *loader) compile() {
	for _, o := range l.policies {
		l.declare(o)
	}
	for _, o := range l.serviceFiles {
		l.service(o)
	}
	for _, o := range l.policies {
		l.policy(o)
	}
	l.checkPurposes()
	l.checkFields()
	if len(l.faults) > 0 {
		return
	}
	for _, r := range l.set.list {
		if r.Public == "" {
			l.compileRoute(r)
		}
	}
	if len(l.set.list) == 0 {
		at := place{"rules", 1, 1} // where there is no file to name
		if all := slices.Concat(l.policies, l.serviceFiles); len(all) > 0 {
			at = all[0].place(all[0].node)
		}
		l.faults = append(l.faults, &Fault{at.file, at.line, at.column,
			"no file declares a route; want at least one of kind: service"})
	}
	if len(l.faults) == 0 {
		l.set.types = l.typeNames()
		l.set.index()
	}
}

// index works out, once, which roles serve each purpose, and who reviewed the set.
func (s *Set) index() {
	for i, r := range s.roles {
		for _, name := range r.purposes {
			s.purposes[name].roles = append(s.purposes[name].roles, i)
		}
	}
	for _, f := range s.files {
		if f.Reviewer != "" {
			s.reviewers = append(s.reviewers, f.Reviewer)
		}
	}
	slices.Sort(s.reviewers)
	s.reviewers = slices.Compact(s.reviewers)
}

func (l *loader) checkPurposes() {
	if l.unread {
		return
	}
	known := slices.Sorted(maps.Keys(l.set.purposes))
	for _, u := range l.purposeUses {
		if l.set.purposes[u.name] == nil {
			u.fault(u.node, "unknown purpose %q; declare it under purposes of a policy%s", u.name,
				meant(u.name, known))
		}
	}
}

// checkFields checks that services declare the fields that policies choose by name.
func (l *loader) checkFields() {
	if len(l.fieldUses) == 0 || l.unread {
		return
	}
	known := map[string]bool{}
	for _, r := range l.set.list {
		for _, f := range r.fields() {
			known[f.inService], known[f.inRoute] = true, true
		}
	}
	for _, name := range l.untyped {
		known[name] = true
	}
	for _, u := range l.fieldUses {
		if !known[u.name] {
			u.fault(u.node, "no service declares the field %q; want SERVICE SELECTOR or SERVICE "+
				"METHOD PATH SELECTOR as a service file has them, as in customer $.idCard%s",
				u.name, meant(u.name, slices.Sorted(maps.Keys(known))))
		}
	}
}

// typeOf returns the type that a node names; nil, and a fault, if there is none.
func (l *loader) typeOf(s *source, n *yaml.Node, what string) *fieldType {
	name := scalar(n)
	if t := l.types[name]; t != nil || name == "" {
		return t
	}
	if name == embeddedJSON {
		s.fault(n, "%s: embedded_json wants the fields of the JSON in the string, as in "+
			"{embedded_json: {$.name: person_name}}", what)
		return nil
	}
	if l.unread {
		return nil
	}
	known := l.typeNames()
	s.fault(n, "%s: unknown type %q; want one of the catalogue's, or declare it under types of a "+
		"policy%s", what, name, meant(name, known))
	return nil
}

func (l *loader) typeNames() []string { return slices.Sorted(maps.Keys(l.types)) }

// noKeys is the environment of treatments whose arguments are only checked.
var noKeys = treatment.Environment{PseudonymKey: func() ([]byte, int) {
	return make([]byte, treatment.MinKey), 0
}}

// expression reads the treatment at a key.
func (l *loader) expression(o object, key, what string) (treatment.Expression, bool) {
	return l.treatment(o.source, o.values[key], what+": "+key)
}

func (l *loader) treatment(s *source, n *yaml.Node, what string) (treatment.Expression, bool) {
	text := scalar(n)
	if text == "" {
		return treatment.Expression{}, false
	}
	e, err := treatment.ParseExpression(text)
	if err == nil {
		_, err = e.Treatment(noKeys)
	}
	if err != nil {
		hint := ""
		if known := treatment.Names(); !slices.Contains(known, e.Name) {
			hint = meant(e.Name, known)
		}
		s.fault(n, "%s: %v%s", what, err, hint)
		return e, false
	}
	return e, true
}

// digest is a hash of the base name and content of each file, sorted, so that the order and the
// directories of files do not matter, and of the built-in catalogue, which decides too.
func digest(files []File) string {
	files = append(slices.Clone(files), File{Name: "built-in/catalogue", Data: catalogueFile})
	lines := make([]string, len(files))
	for i, f := range files {
		lines[i] = filepath.Base(f.Name) + "\x00" + hexDigest(f.Data) + "\n"
	}
	slices.Sort(lines)
	return "sha256:" + hexDigest([]byte(strings.Join(lines, "")))
}

func hexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
