package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Fault is what is wrong at one place of a rule file, and what to do about it.
type Fault struct {
	File         string
	Line, Column int // from 1
	Message      string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// place is where something stands in a rule file.
type place struct {
	file         string
	line, column int
}

// String is the base name and the line, as access records cite the entry that decided. The set's
// digest covers base names.
func (p place) String() string { return fmt.Sprintf("%s:%d", filepath.Base(p.file), p.line) }

// source reads the nodes of one rule file and collects its faults.
type source struct {
	file   string
	faults *[]*Fault
}

func (s *source) fault(n *yaml.Node, format string, args ...any) {
	// A fault is one line, even if it quotes a text of several.
	message := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")
	*s.faults = append(*s.faults, &Fault{s.file, n.Line, n.Column, message})
}

func (s *source) place(n *yaml.Node) place { return place{s.file, n.Line, n.Column} }

// parse returns the root of the file's only document. After a fault it returns nil.
func (s *source) parse(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	var doc, second yaml.Node
	if err == nil {
		err = loader.Load(&doc)
	}
	var broken *yaml.LoadError
	switch {
	case errors.As(err, &broken):
		at := &yaml.Node{Line: max(1, broken.Mark.Line), Column: max(1, broken.Mark.Column)}
		s.fault(at, "this is not YAML: %s; look there and in the line before: %s", broken.Message,
			yamlRemedy(broken.Message, data, at.Line))
		return nil
	case err != nil || len(doc.Content) == 0:
		s.fault(&yaml.Node{Line: 1, Column: 1}, "the file is empty; want kind: service or kind: "+
			"policy")
		return nil
	}
	err = loader.Load(&second)
	if errors.As(err, &broken) {
		second.Line, second.Column = broken.Mark.Line, broken.Mark.Column
	}
	if !errors.Is(err, io.EOF) {
		s.fault(&yaml.Node{Line: max(1, second.Line), Column: max(1, second.Column)},
			"want one document in a file; move what is behind --- to a file of its own")
		return nil
	}
	root := doc.Content[0]
	if s.plain(root) {
		return root
	}
	return nil
}

// yamlRemedy says what to look for in a line that is not YAML, and in the line before it.
func yamlRemedy(message string, data []byte, line int) string {
	lines := strings.Split(string(data), "\n")
	near := strings.Join(lines[max(0, min(line-2, len(lines))):min(line, len(lines))], "\n")
	switch {
	case strings.ContainsAny(near, "：，“”‘’【】｛｝"):
		return "write punctuation in half width, as in : , \" ' [ ] { }, or put a text that has " +
			"the full-width ones in quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		return "put a text that has a colon and a space in it in quotes, and indent keys of one " +
			"object alike"
	case strings.Contains(message, "did not find expected key"):
		return "put a text that begins with a quote or bracket in quotes as a whole, as in when: " +
			"\"'mfa' in caller.amr\", and indent keys of one object alike"
	}
	return "indent by spaces, close quotes and brackets, save as UTF-8"
}

// plain reports whether the tree has no anchors, aliases, tags or merge keys, which would let one
// line mean two things.
func (s *source) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		s.fault(n, "anchors and aliases are not allowed; write the value out")
		return false
	}
	if n.Style&yaml.TaggedStyle != 0 {
		s.fault(n, "tags such as %s are not allowed; put a text that begins with ! in quotes",
			n.Tag)
		return false
	}
	if n.Tag == "!!merge" {
		s.fault(n, "merge keys (<<) are not allowed; write the entries out")
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = s.plain(c) && ok
	}
	return ok
}

// pair is a key of a mapping and its value.
type pair struct{ key, value *yaml.Node }

// checkPairs returns the pairs of a mapping. It leaves out, and reports, a pair whose key is no
// text or stands before already.
func (s *source) checkPairs(n *yaml.Node, what string) []pair {
	if n.Kind != yaml.MappingNode {
		s.fault(n, "%s: want a mapping of keys to values", what)
		return nil
	}
	var list []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!null" ||
			strings.TrimSpace(key.Value) == "" {
			s.fault(key, "%s: want a text as the key", what)
			continue
		}
		if line, ok := seen[key.Value]; ok {
			s.fault(key, "%s: the key %q stands twice, first in line %d; remove one", what,
				key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		list = append(list, pair{key, n.Content[i+1]})
	}
	return list
}

// meant suggests the known word nearest to a misspelt one.
func meant(word string, known []string) string {
	best, distance := "", 3
	if len(word) < 4 {
		distance = 1 // only another case counts: C4 is as far from C1 as from C3
	}
	for _, k := range known {
		if strings.EqualFold(word, k) {
			best = k
			break
		}
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is the Levenshtein distance of two texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
