package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// Shape is what is kept of the values in one place of a route's answers: how many there were, of
// which kinds, and what detectors said of them. It holds no value, and no name of a member that
// looks like data.
type Shape struct {
	Nulls   int `json:"nulls,omitempty"`
	Bools   int `json:"bools,omitempty"`
	Empty   int `json:"empty,omitempty"` // strings without a character
	Strings int `json:"strings,omitempty"`
	Numbers int `json:"numbers,omitempty"`
	Objects int `json:"objects,omitempty"`
	Arrays  int `json:"arrays,omitempty"`

	// Verdicts counts the strings and numbers that have a verdict.
	Verdicts map[verdict]int `json:"verdicts,omitempty"`
	// Distinct is how many different strings and numbers there were at least. Counting ends at
	// maxDistinct.
	Distinct int `json:"distinct,omitempty"`
	// Enclosing counts identifiers of persons inside an array that stand outside the array too.
	Enclosing int `json:"enclosing,omitempty"`

	Members  map[string]*Shape `json:"members,omitempty"`
	Elements *Shape            `json:"elements,omitempty"`
	// Embedded is the shape of the JSON in strings that hold an object or array.
	Embedded *Shape `json:"embedded,omitempty"`
	// Hidden counts members whose names look like data, or that are beyond the limits. Nothing else
	// of them is kept.
	Hidden int `json:"hidden,omitempty"`

	distinct map[uint64]bool // hashes, in memory only, by a key that ends with the process
}

// Limits of a recording.
const (
	maxDistinct = 40
	maxMembers  = 500  // of an object
	maxShapes   = 2000 // of a route
	maxName     = 64   // bytes
)

// scalars counts the numbers, and the strings that are not empty.
func (s *Shape) scalars() int { return s.Strings + s.Numbers }

// values counts the values that are not null.
func (s *Shape) values() int {
	return s.Bools + s.Empty + s.Strings + s.Numbers + s.Objects + s.Arrays
}

// observer reads documents into a shape. It is for one goroutine.
type observer struct {
	seed  maphash.Seed
	shape *Shape
	room  int // how many shapes may still be made
	said  []verdict
	depth int // of JSON in strings
}

// maxEmbedded is how deep JSON may lie in strings of JSON: as deep as responses are rewritten.
const maxEmbedded = 4

func newObserver(seed maphash.Seed) *observer {
	return &observer{seed: seed, shape: &Shape{}, room: maxShapes}
}

// observe reads one JSON text, as strictly as a response is read.
func (o *observer) observe(doc []byte) error {
	root, err := parse(doc)
	if err != nil {
		return err
	}
	sc := &scope{own: map[identity]bool{}}
	o.identities(sc.own, root)
	o.value(o.shape, root, "", sc)
	return nil
}

// parse reads one JSON text into maps and slices.
func parse(doc []byte) (root any, err error) {
	if err := masking.Select("$", doc, func(string, []byte) bool { return true }); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("reading JSON: %T", err) // the error's text may quote the document
	}
	return root, nil
}

// embedded reads a string if it holds JSON.
func (o *observer) embedded(s *Shape, text string, around *scope) {
	if o.depth == maxEmbedded || !strings.ContainsAny(text[:1], "{[ \t\r\n") {
		return
	}
	root, err := parse([]byte(text))
	if err != nil {
		return
	}
	if s.Embedded == nil {
		if s.Embedded = o.grow(); s.Embedded == nil {
			return
		}
	}
	o.depth++
	o.value(s.Embedded, root, "", around)
	o.depth--
}

// scope is a document or an element of an array, with the identifiers of persons in it.
type scope struct {
	outer *scope
	own   map[identity]bool
}

// identity is the value of an identifier of a person.
type identity struct {
	typ  named
	hash uint64
}

// identities adds the identifiers of persons in a value, without those in arrays.
func (o *observer) identities(to map[identity]bool, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, v := range object {
		switch v := v.(type) {
		case string:
			o.identity(to, name, v)
		case json.Number:
			o.identity(to, name, v.String())
		case map[string]any:
			o.identities(to, v)
		}
	}
}

func (o *observer) identity(to map[identity]bool, name, text string) {
	if typ := identifier(name, text); typ != nothing {
		to[identity{typ, o.hash(text)}] = true
	}
}

// identifier returns which type of identifier of a person a value is.
func identifier(name, text string) named {
	if typ := ofName(name); slices.Contains(subjects, typ) {
		return typ
	}
	if isIDCard(text) {
		return "cn_id_card"
	}
	return nothing
}

func (o *observer) hash(text string) uint64 { return maphash.String(o.seed, text) }

func (o *observer) value(s *Shape, v any, name string, around *scope) {
	switch v := v.(type) {
	case nil:
		s.Nulls++
	case bool:
		s.Bools++
	case string:
		if v == "" {
			s.Empty++
			return
		}
		s.Strings++
		o.scalar(s, v, name, around)
		o.embedded(s, v, around)
	case json.Number:
		s.Numbers++
		o.scalar(s, v.String(), name, around)
	case []any:
		s.Arrays++
		if len(v) > 0 && s.Elements == nil {
			if s.Elements = o.grow(); s.Elements == nil {
				return
			}
		}
		for _, e := range v {
			inside := &scope{around, map[identity]bool{}}
			o.identities(inside.own, e)
			o.value(s.Elements, e, name, inside)
		}
	case map[string]any:
		s.Objects++
		if keyed(v) {
			s.Hidden += len(v)
			return
		}
		for name, v := range v {
			if next := o.member(s, name); next != nil {
				o.value(next, v, name, around)
			}
		}
	}
}

// grow returns a new shape; nil if the route has too many.
func (o *observer) grow() *Shape {
	if o.room == 0 {
		return nil
	}
	o.room--
	return &Shape{}
}

// member returns the shape of a member; nil if nothing of the member is kept.
func (o *observer) member(s *Shape, name string) *Shape {
	if next := s.Members[name]; next != nil {
		return next
	}
	if len(s.Members) < maxMembers && presentable(name) {
		if next := o.grow(); next != nil {
			if s.Members == nil {
				s.Members = map[string]*Shape{}
			}
			s.Members[name] = next
			return next
		}
	}
	s.Hidden++
	return nil
}

func (o *observer) scalar(s *Shape, text, name string, around *scope) {
	o.said = judge(o.said[:0], text)
	if s.Verdicts == nil && len(o.said) > 0 {
		s.Verdicts = map[verdict]int{}
	}
	for _, v := range o.said {
		s.Verdicts[v]++
	}
	hash := o.hash(text)
	if s.Distinct < maxDistinct && !s.distinct[hash] {
		if s.distinct == nil {
			s.distinct = map[uint64]bool{}
		}
		s.distinct[hash] = true
		s.Distinct++
	}
	if typ := identifier(name, text); typ != nothing {
		for outer := around.outer; outer != nil; outer = outer.outer {
			if outer.own[identity{typ, hash}] {
				s.Enclosing++
				break
			}
		}
	}
}

var memberName = regexp.MustCompile(`^[\pL_$@][\pL\pN_$.:-]*$`)

// presentable reports whether the name of a member may be kept: it is a word, and no data.
func presentable(name string) bool {
	if len(name) > maxName || !memberName.MatchString(name) {
		return false
	}
	if ofName(name) != nothing {
		return !isPersonName(name) || dictionary[name] != nothing
	}
	// Codes and hashes often turn from letters to digits and back.
	digits, run, turns := 0, 0, 0
	digit := false
	for i, r := range name {
		if unicode.IsDigit(r) != digit && i > 0 {
			turns++
		}
		if digit = unicode.IsDigit(r); digit {
			digits++
			run++
		} else {
			run = 0
		}
		if run > 3 {
			return false
		}
	}
	if digits > 4 || turns > 3 || isPersonName(name) && !isColumn(name) || isAddress(name) ||
		isCompany(name) {
		return false
	}
	for _, w := range splitName(name) {
		if len(w) > 20 && isASCII(w) {
			return false
		}
	}
	return true
}

// isColumn reports whether a Chinese word ends as names of columns do. No given name ends so.
func isColumn(name string) bool {
	last, _ := utf8.DecodeLastRuneInString(name)
	return strings.ContainsRune(
		"号码名额数量率期间型类别态度式址点称值价费位项息果级历币种区域用细目单表录据况件证", last)
}

// keyed reports whether an object is a map, so that the names of its members are data: it has three
// members or more, and all are objects of the same members.
func keyed(object map[string]any) bool {
	if len(object) < 3 {
		return false
	}
	var first []string
	for _, v := range object {
		inner, ok := v.(map[string]any)
		if !ok || len(inner) == 0 {
			return false
		}
		names := slices.Sorted(maps.Keys(inner))
		if first == nil {
			first = names
		}
		if !slices.Equal(first, names) {
			return false
		}
	}
	return true
}

// add adds what another shape counted. s grows by at most room shapes; add lowers room by each.
func (s *Shape) add(other *Shape, room *int) {
	s.Nulls += other.Nulls
	s.Bools += other.Bools
	s.Empty += other.Empty
	s.Strings += other.Strings
	s.Numbers += other.Numbers
	s.Objects += other.Objects
	s.Arrays += other.Arrays
	s.Hidden += other.Hidden
	s.Enclosing += other.Enclosing
	for v, n := range other.Verdicts {
		if s.Verdicts == nil {
			s.Verdicts = map[verdict]int{}
		}
		s.Verdicts[v] += n
	}
	if s.Distinct = max(s.Distinct, other.Distinct); s.Distinct < maxDistinct &&
		len(other.distinct) > 0 {
		if s.distinct == nil {
			s.distinct = map[uint64]bool{}
		}
		for hash := range other.distinct {
			if len(s.distinct) < maxDistinct {
				s.distinct[hash] = true
			}
		}
		s.Distinct = max(s.Distinct, len(s.distinct))
	}
	if other.Elements != nil {
		if s.Elements == nil && *room > 0 {
			*room--
			s.Elements = &Shape{}
		}
		if s.Elements != nil {
			s.Elements.add(other.Elements, room)
		}
	}
	if other.Embedded != nil {
		if s.Embedded == nil && *room > 0 {
			*room--
			s.Embedded = &Shape{}
		}
		if s.Embedded != nil {
			s.Embedded.add(other.Embedded, room)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(other.Members)) {
		next := s.Members[name]
		if next == nil {
			if len(s.Members) >= maxMembers || *room == 0 {
				s.Hidden++
				continue
			}
			*room--
			if next = (&Shape{}); s.Members == nil {
				s.Members = map[string]*Shape{}
			}
			s.Members[name] = next
		}
		next.add(other.Members[name], room)
	}
}

// size counts the shapes.
func (s *Shape) size() int {
	if s == nil {
		return 0
	}
	n := 1 + s.Elements.size() + s.Embedded.size()
	for _, m := range s.Members {
		n += m.size()
	}
	return n
}
