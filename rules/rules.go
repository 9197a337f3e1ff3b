// Package rules reads rule files, checks them, and decides from them what a caller may see.
//
// There are two kinds of file, both strict YAML: an unknown key, a duplicate key, an anchor or a
// second document is an error, and all errors of all files are reported at once, each as
// file:line:column. A service file, the app team's, says what fields are:
//
//	kind: service
//	name: customer
//	owner: crm-team
//	routes:
//	  - match: GET /v1/customers/{id}
//	    subject: $.customerId
//	    fields:
//	      $.customerId: public
//	      $.name: person_name
//
// A policy file, security's, says who may see them:
//
//	kind: policy
//	name: customer-data
//	purposes:
//	  customer-service: {basis: contract}
//	roles:
//	  customer-service:
//	    purposes: [customer-service]
//	    when: record.agentId == caller.id
//	    treat: {C2: mask}
//	caps:
//	  - {class: C3, at_most: drop}
//
// # How a decision comes about
//
// A request is admitted if its route exists, if a policy knows its purpose and the caller's token
// carries it, and if a role of the caller serves that purpose and has its requirements met.
//
// Each record then gets a profile. Every field starts as drop. Roles whose condition (when) holds
// for the record permit, and so do grants that these roles allow; the most open permit wins. Caps
// that apply forbid; the strictest cap wins over any permit. Where the purpose rests on consent,
// nothing is permitted that a consent of the record's subject does not cover. If two permits are
// equally open, a permit that shows all that the other does wins, else the first in the order of
// files (by base name) and lines. A record for which no role's condition holds is denied whole.
// Fields of type public are clear to whoever is admitted, unless a cap says more.
//
// A condition cannot be evaluated if a value that it reads is missing, is an object or array, or
// has another type than what it is compared with. Then a role does not permit, and a cap does
// forbid.
//
// Why a decision came about is a [Reason], and [Set.Explain] gives a reason for every entry.
// Consents and grants are values that a decision is given ([Standing]), and so is the time: without
// them, what rests on them is not permitted.
//
// # The keys
//
// Each key of the language is declared once, in language.go: what a file may hold is checked by
// that declaration before anything reads it, and [Schema] is made from it. docs/rules.md is the
// reference.
//
// A [Set] is immutable; a request is decided under the one set it began with, named by its
// [Set.Digest].
package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Set is a compiled set of rule files. It is safe for concurrent use.
type Set struct {
	digest     string
	files      []FileInfo
	reviewers  []string
	routes     routeTables
	list       []*Route
	purposes   map[string]*purpose
	roles      []*role // in the order of files (by base name) and lines
	grantables []grantable
	caps       []*capRule
	keys       Keys
	inputs     inputs       // values of records that conditions read
	policies   []place      // of the caps of each policy; of the policy, if it has no caps
	accepted   []acceptance // findings that files accept
	types      []string     // names, sorted

	mu       sync.RWMutex
	profiles map[string]*Profile // guarded by mu
}

// Keys gives the keys that treatments need.
type Keys interface {
	// Pseudonym returns the key for pseudonyms under a purpose, at least [treatment.MinKey] bytes,
	// and its version. A set keeps a key that it was given: a new version takes effect with the
	// next set.
	Pseudonym(purpose string) (key []byte, version int)
}

// File is a rule file.
type File struct {
	Name string // as errors show it
	Data []byte
}

// ReadFiles reads the rule files at the paths. If a path is a directory, its rule files are the
// files whose names end in .yaml or .yml, but not in _test.yaml or _test.yml; files in directories
// within it are not read. It is an error if a directory has no rule file, or if a file is given
// twice, by itself or by its directory.
func ReadFiles(paths ...string) ([]File, error) {
	var files []File
	given := map[string]bool{}
	for _, path := range paths {
		names := []string{path}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		if info.IsDir() {
			if names, err = ruleFilesIn(path); err != nil {
				return nil, fmt.Errorf("reading rules: %w", err)
			}
			// A directory whose mount failed must not pass for rules that forbid nothing.
			if len(names) == 0 {
				return nil, fmt.Errorf("reading rules: no .yaml or .yml file in %s%s", path,
					passedOverIn(path))
			}
		}
		for _, name := range names {
			if whole, err := filepath.Abs(name); err == nil {
				if given[whole] {
					return nil, fmt.Errorf("reading rules: %s is given twice; name it once", path)
				}
				given[whole] = true
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("reading rules: %w", err)
			}
			files = append(files, File{Name: name, Data: data})
		}
	}
	if len(files) == 0 {
		return nil, errors.New("reading rules: no path is given; name the rule files, or their " +
			"directories")
	}
	return files, nil
}

func ruleFilesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		ext := filepath.Ext(name)
		// A ConfigMap's files are symlinks, and its directory holds a hidden one.
		hidden := strings.HasPrefix(name, ".") || e.Type()&fs.ModeDir != 0
		if !hidden && (ext == ".yaml" || ext == ".yml") && !strings.HasSuffix(name, "_test"+ext) {
			names = append(names, filepath.Join(dir, name))
		}
	}
	return names, nil
}

// Digest names the set by the content of its files, and of the built-in catalogue of types:
// "sha256:" and 64 hexadecimal digits.
func (s *Set) Digest() string { return s.digest }

// FileInfo says what a rule file of a set is, and who answers for it.
type FileInfo struct {
	Name          string // base name
	Kind          string // service or policy
	SHA256        string // of its content, hexadecimal
	Owner         string
	Reviewer      string
	Justification string
}

// Files are the set's files, by base name.
func (s *Set) Files() []FileInfo { return slices.Clone(s.files) }

// Reviewers are the people who reviewed the set's files, each once, sorted. The slice must not be
// changed.
func (s *Set) Reviewers() []string { return s.reviewers }

// Routes are the set's routes, in the order of files (by base name) and lines.
func (s *Set) Routes() []*Route { return slices.Clone(s.list) }

// Roles are the names of the roles that the policies know, in the order of files (by base name) and
// lines.
func (s *Set) Roles() []string {
	names := make([]string, len(s.roles))
	for i, r := range s.roles {
		names[i] = r.name
	}
	return names
}

func (s *Set) names(roles []int) []string {
	var names []string
	for _, i := range roles {
		names = append(names, s.roles[i].name)
	}
	return names
}

// Purpose is a business reason for access.
type Purpose struct {
	Name     string
	Basis    string // legal basis: consent, contract …
	Item     int    // number of the basis in PIPL Art. 13(1), from 1
	Document string // where the basis is documented
}

// Purpose returns what the policies say of a purpose; false if they do not know it.
func (s *Set) Purpose(name string) (Purpose, bool) {
	p := s.purposes[name]
	if p == nil {
		return Purpose{}, false
	}
	return Purpose{p.name, p.basis, slices.Index(bases, p.basis) + 1, p.document}, true
}

// Basis returns the legal basis of a purpose, "" if no policy knows the purpose.
func (s *Set) Basis(purpose string) string {
	p, _ := s.Purpose(purpose)
	return p.Basis
}

// Grantables are the exceptions that the policies allow, in the order of files (by base name) and
// lines.
func (s *Set) Grantables() []Grantable {
	list := make([]Grantable, len(s.grantables))
	for i, g := range s.grantables {
		list[i] = g.Grantable
	}
	return list
}
