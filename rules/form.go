package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// shape declares an object of the language: its keys, each once. Files are checked by it, and the
// JSON Schema is made from it.
type shape struct {
	name string // as messages call it
	keys []key
}

// key declares a key of an object.
type key struct {
	name     string
	doc      string // for editors: one or two sentences
	like     string // a value in YAML, for messages and editors
	form     form
	required bool
}

// form says what a value may be: whatever of these is not nil.
type form struct {
	text    *text
	list    *form  // a list of values of this form
	mapping *form  // a mapping of any keys to values of this form
	object  *shape // an object of this shape

	keys vocabulary // what the keys of a mapping may be
}

// text says what a scalar may be. The zero value is any text that is not blank.
type text struct {
	words   []string       // a word of this list
	known   vocabulary     // a word of this vocabulary; reading all files checks it
	pattern *regexp.Regexp // a text that matches
	// prose wants a reason in words. true and false are none: who writes them takes the key for a
	// switch.
	prose bool
	flag  bool // true or false
	count bool // a whole number from 1
	tally bool // a whole number from 0
}

// vocabulary names the words that a text may be, where no declaration can list them: words that
// rules add to, or a language of its own.
type vocabulary uint8

const (
	noWords        vocabulary = iota
	typeWords                 // types
	choiceWords               // fields, types, classes, levels, sensitive
	treatmentWords            // treatments
	selectorTexts             // JSONPath (RFC 9535)
	matchTexts                // methods and paths
)

var (
	anyText      = form{text: &text{}}
	someTexts    = form{list: &anyText}
	reasonText   = form{text: &text{prose: true}}
	selectorText = form{text: &text{known: selectorTexts}}
	matchText    = form{text: &text{known: matchTexts}}
	trueFalse    = form{text: &text{flag: true}}
	number       = form{text: &text{count: true}}
	tally        = form{text: &text{tally: true}}
)

func oneOf(words ...string) form { return form{text: &text{words: words}} }

func patterned(pattern string) form {
	return form{text: &text{pattern: regexp.MustCompile(pattern)}}
}

func listOf(f form) form { return form{list: &f} }

func mappingOf(f form) form { return form{mapping: &f} }

func objectOf(s *shape) form { return form{object: s} }

func (s *shape) names() []string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	return names
}

// check reports whatever in a value, at any depth, is not of the form. Code that reads the value
// afterwards need not report it again.
func (s *source) check(n *yaml.Node, f *form, what, like string) {
	switch {
	case n.Kind == yaml.ScalarNode && f.text != nil:
		s.checkText(n, f, what, like)
	case n.Kind == yaml.SequenceNode && f.list != nil:
		s.checkList(n, f.list, what, like)
	case n.Kind == yaml.MappingNode && f.mapping != nil:
		for _, e := range s.checkPairs(n, what) {
			inner := what + ": " + e.key.Value
			if f.mapping.object != nil { // each entry is named by its key: role agent
				inner = f.mapping.object.name + " " + e.key.Value
			}
			s.check(e.value, f.mapping, inner, "")
		}
	case n.Kind == yaml.MappingNode && f.object != nil:
		s.checkObject(n, f.object, what)
	default:
		s.fault(n, "%s: want %s%s", what, f, example(like))
	}
}

func (s *source) checkText(n *yaml.Node, f *form, what, like string) {
	t, words := f.text, oneOfList(f.text.words)
	hint := meant(n.Value, t.words)
	if f.object != nil && like != "" { // like has the words and the object
		words, hint = like, ""
	}
	switch {
	case n.Tag == "!!null" && t.known == treatmentWords && strings.EqualFold(n.Value, "null"):
		s.fault(n, "%s: without quotes, null is YAML's word for no value; write 'null' for the "+
			"treatment, or drop to remove the value", what)
	case n.Tag == "!!null" || strings.TrimSpace(n.Value) == "":
		s.fault(n, "%s: want a text%s", what, example(like))
	case len(t.words) > 0 && !slices.Contains(t.words, n.Value):
		s.fault(n, "%s: want %s; have %q%s", what, words, n.Value, hint)
	case t.prose && (n.Tag != "!!str" || slices.Contains(truths, strings.ToLower(n.Value))):
		s.fault(n, "%s: want the reason, in words%s; have %q; leave the key out if that is meant",
			what, example(like), n.Value)
	case t.flag && n.Value != "true" && n.Value != "false":
		s.fault(n, "%s: want true or false; have %q", what, n.Value)
	case t.count && !wholeNumber.MatchString(n.Value):
		s.fault(n, "%s: want a whole number from 1 to 999999999; have %q", what, n.Value)
	case t.tally && n.Value != "0" && !wholeNumber.MatchString(n.Value):
		s.fault(n, "%s: want a whole number from 0 to 999999999; have %q", what, n.Value)
	case t.pattern != nil && !t.pattern.MatchString(n.Value):
		s.fault(n, "%s: want a value as in %s; have %q", what, like, n.Value)
	}
}

// truths are what people write who take the key of a reason for a switch. To YAML 1.2, yes, no, on,
// off, y and n are texts.
var truths = []string{"true", "false", "yes", "no", "on", "off", "y", "n"}

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func (s *source) checkList(n *yaml.Node, element *form, what, like string) {
	if len(n.Content) == 0 {
		s.fault(n, "%s: the list is empty; want at least one entry%s", what, example(like))
	}
	var seen []string
	for _, item := range n.Content {
		inner := what
		if element.object != nil {
			inner = element.object.name
		}
		s.check(item, element, inner, like)
		if item.Kind == yaml.ScalarNode && item.Value != "" {
			if slices.Contains(seen, item.Value) {
				s.fault(item, "%s: %q stands twice; remove one", what, item.Value)
			}
			seen = append(seen, item.Value)
		}
	}
}

func (s *source) checkObject(n *yaml.Node, shape *shape, what string) {
	have := map[string]bool{}
	known := shape.names()
	required := func(k key) bool { return k.required }
	if len(n.Content) == 0 && !slices.ContainsFunc(shape.keys, required) {
		s.fault(n, "%s: want at least one of %s, or leave it out", what, oneOfList(known))
	}
	for _, e := range s.checkPairs(n, what) {
		i := slices.Index(known, e.key.Value)
		if i < 0 {
			s.fault(e.key, "%s: unknown key %q; want one of %s%s", what, e.key.Value,
				strings.Join(known, ", "), meant(e.key.Value, known))
			continue
		}
		have[e.key.Value] = true
		k := &shape.keys[i]
		inner := what + ": " + k.name
		if k.form.object != nil {
			inner = k.form.object.name
		}
		s.check(e.value, &k.form, inner, k.like)
	}
	for _, k := range shape.keys {
		if k.required && !have[k.name] {
			s.fault(n, "%s: want the key %s, as in %s: %s", what, k.name, k.name, k.like)
		}
	}
}

func example(like string) string {
	if like == "" {
		return ""
	}
	return ", as in " + like
}

// String says what is wanted.
func (f *form) String() string {
	var kinds []string
	if f.text != nil {
		kinds = append(kinds, "a text")
	}
	if f.list != nil {
		kinds = append(kinds, "a list")
	}
	if f.mapping != nil {
		kinds = append(kinds, "a mapping of keys to values")
	}
	if f.object != nil {
		kinds = append(kinds, "a mapping with "+oneOfList(f.object.names()))
	}
	return strings.Join(kinds, " or ")
}

// oneOfList is "a, b or c".
func oneOfList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return fmt.Sprintf("%s or %s", strings.Join(words[:last], ", "), words[last])
}

// object reads a mapping that was checked by its shape. A value that is not of the declared form
// reads as if it were missing.
type object struct {
	*source
	node   *yaml.Node
	values map[string]*yaml.Node
}

func (s *source) object(n *yaml.Node) object {
	o := object{s, n, map[string]*yaml.Node{}}
	for _, e := range pairsOf(n) {
		o.values[e.key.Value] = e.value
	}
	return o
}

// text returns the text at a key, "" if there is none.
func (o object) text(key string) string { return scalar(o.values[key]) }

// list returns the texts at a key, and the nodes that they stand at.
func (o object) list(key string) (texts []string, at []*yaml.Node) {
	for _, item := range o.items(key) {
		if text := scalar(item); text != "" {
			texts, at = append(texts, text), append(at, item)
		}
	}
	return texts, at
}

// items returns the elements of the list at a key.
func (o object) items(key string) []*yaml.Node {
	if n := o.values[key]; n != nil && n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return nil
}

// pairs returns the pairs of the mapping at a key.
func (o object) pairs(key string) []pair { return pairsOf(o.values[key]) }

// inner returns the object at a key; it is empty if there is none.
func (o object) inner(key string) object {
	if n := o.values[key]; n != nil {
		return o.object(n)
	}
	return object{o.source, o.node, nil}
}

// flag returns the true or false at a key, nil if there is neither.
func (o object) flag(key string) *bool {
	text := o.text(key)
	if text == "" {
		return nil
	}
	b := text == "true"
	return &b
}

// scalar returns a node's text, "" if it has none.
func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" ||
		strings.TrimSpace(n.Value) == "" {
		return ""
	}
	return n.Value
}

// pairsOf returns the pairs of a mapping whose keys are texts. Where a key stands twice, the first
// pair counts.
func pairsOf(n *yaml.Node) []pair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var list []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := scalar(n.Content[i]); key != "" && !seen[key] {
			seen[key] = true
			list = append(list, pair{n.Content[i], n.Content[i+1]})
		}
	}
	return list
}
