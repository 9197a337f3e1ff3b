// Package ruletest runs tests of rules and says what they cover.
//
// A test is a request, what the data service answers to it, and what the caller must get; see
// [rules.TestFile]. The package knows no gateway: whoever runs tests brings one, as a function from
// a test to its [Outcome].
//
//	report, err := ruletest.Run([]string{"examples"}, gateway)
//	err = report.Text(os.Stdout, ruletest.Style{}, true)
//
// Where treatments need a key, tests run under [Keys], so that pseudonyms, tokens and ciphertexts
// are the same every time.
package ruletest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/rules"
)

// Keys are the keys of tests: for each purpose SHA-256 of "maskgate rules test " and its name, as
// version 1. They are no secret.
type Keys struct{}

// Pseudonym implements [rules.Keys].
func (Keys) Pseudonym(purpose string) (key []byte, version int) {
	sum := sha256.Sum256([]byte("maskgate rules test " + purpose))
	return sum[:], 1
}

// Outcome is what the caller of a test got.
type Outcome struct {
	Route            *rules.Route // nil if the request has none
	Refused          string       // the reason; "" if the request was answered
	Cause            string       // of the refusal, for whoever looks after it; may be ""
	Body             []byte
	Released, Denied int // records
	Shown            []Shown
}

// Shown are the records of a response that got one profile.
type Shown struct {
	Profile  *rules.Profile
	Records  int
	Occurred []string // paths of fields of which there was a value
}

// Gateway runs a test.
type Gateway func(*rules.Test) Outcome

// Report is what became of tests.
type Report struct {
	Passed   int        `json:"passed"`
	Failed   int        `json:"failed"`
	Results  []Result   `json:"tests"`
	Coverage []Coverage `json:"coverage,omitempty"` // of each set of rules

	Findings []rules.Finding `json:"findings,omitempty"` // faults that kept the tests from running
}

// Result is what became of one test.
type Result struct {
	File     string    `json:"file"`
	Name     string    `json:"name"`
	At       string    `json:"at"` // file:line
	Failures []Failure `json:"failures,omitempty"`
}

// Failure is one thing that is not as expected.
type Failure struct {
	At          string       `json:"at"` // file:line
	Message     string       `json:"message"`
	Differences []Difference `json:"differences,omitempty"` // of the body
}

// Run runs the tests in the files at the paths, or anywhere below the directories at the paths.
// gateway makes a Gateway for a set of rules. If files are broken, Run runs no test, and its error
// joins the faults of all files.
func Run(paths []string, gateway func(*rules.Set) Gateway) (*Report, error) {
	names, err := find(paths)
	if err != nil {
		return nil, err
	}
	var faults []error
	sets := map[string]*suite{}
	var order []*suite
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading tests: %w", err)
		}
		file, err := rules.ParseTests(rules.File{Name: name, Data: data}, os.ReadFile)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		key := strings.Join(file.Rules, "\x00")
		s := sets[key]
		if s == nil {
			s = &suite{rules: file.Rules}
			if s.set, err = Load(file.Rules); err != nil {
				faults = append(faults, brokenRules(name, err))
			} else {
				s.gateway = gateway(s.set)
			}
			sets[key] = s
			order = append(order, s)
		}
		if s.set != nil {
			if err := file.CheckNames(s.set); err != nil {
				faults = append(faults, err)
			}
		}
		s.files = append(s.files, file)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	r := &Report{}
	for _, s := range order {
		r.run(s)
	}
	return r, nil
}

// brokenRules is the error for a file of tests whose rules do not load.
func brokenRules(name string, err error) error {
	if _, ok := errors.AsType[*rules.Fault](err); ok {
		return fmt.Errorf("%s: its rules are broken:\n%w", name, err)
	}
	return &rules.Fault{File: name, Line: 1, Column: 1,
		Message: fmt.Sprintf("its rules cannot be read: %v", err)}
}

// suite is the tests of one set of rules.
type suite struct {
	rules   []string
	set     *rules.Set
	gateway Gateway
	files   []*rules.TestFile
}

// Load loads the rule files at the paths, as [rules.ReadFiles] takes them, under [Keys].
func Load(paths []string) (*rules.Set, error) {
	files, err := rules.ReadFiles(paths...)
	if err != nil {
		return nil, err
	}
	return rules.Load(files, Keys{})
}

func (r *Report) run(s *suite) {
	c := newCounter(s)
	for _, f := range s.files {
		for i := range f.Tests {
			t := &f.Tests[i]
			o := s.gateway(t)
			c.count(&o)
			result := Result{File: f.Name, Name: t.Name, At: t.At, Failures: check(t, &o)}
			if result.Failures == nil {
				r.Passed++
			} else {
				r.Failed++
			}
			r.Results = append(r.Results, result)
		}
	}
	r.Coverage = append(r.Coverage, c.coverage())
}

// find returns the files of tests at the paths. If a path is a directory, these are the files
// anywhere below it whose names end in _test.yaml or _test.yml.
func find(paths []string) ([]string, error) {
	var names []string
	for _, path := range paths {
		found := false
		err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && name != path && strings.HasPrefix(e.Name(), "."):
				return fs.SkipDir
			case !e.IsDir() && (name == path || strings.HasSuffix(name, "_test.yaml") ||
				strings.HasSuffix(name, "_test.yml")):
				found = true
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading tests: %w", err)
		}
		// A run without a test must not pass for a run in which all tests passed.
		if !found {
			return nil, fmt.Errorf("reading tests: no file in %s ends in _test.yaml; name one, "+
				"or its directory", path)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
