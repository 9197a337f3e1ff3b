package masking_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/maskgate/maskgate/masking"
)

// The transforms of the tests.
type (
	constant string   // takes any value
	reverse  struct{} // takes strings
	numeric  struct{} // takes numbers
	refusing struct{} // takes nothing
	witness  struct{} // takes any value and tells what it was given
	owned    struct{} // takes strings of records with a subject
)

func (c constant) Append(dst []byte, v masking.Value) ([]byte, bool) {
	return append(dst, c...), true
}

func (reverse) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	runes := []rune(string(v.Text))
	slices.Reverse(runes)
	return append(dst, quote(string(runes))...), true
}

func (numeric) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.Number {
		return dst, false
	}
	return strconv.AppendInt(dst, int64(len(v.Text)), 10), true
}

func (refusing) Append(dst []byte, v masking.Value) ([]byte, bool) { return dst, false }

func (witness) Append(dst []byte, v masking.Value) ([]byte, bool) {
	return fmt.Appendf(dst, `"%v %x"`, v.Kind, crc32.ChecksumIEEE(v.Text)), true
}

func (owned) Append(dst []byte, v masking.Value) ([]byte, bool) { return dst, false }

func (owned) AppendFor(dst []byte, v, subject masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	return fmt.Appendf(dst, `"%x of %v %x"`, crc32.ChecksumIEEE(v.Text), subject.Kind,
		crc32.ChecksumIEEE(subject.Text)), true
}

// quote returns s as a JSON string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var treatments = []masking.Treatment{
	{},
	{},
	{Rank: masking.RankMask, Transform: reverse{}},
	{Rank: masking.RankMask, Transform: numeric{}},
	{Rank: masking.RankPseudo, Transform: witness{}},
	{Rank: masking.RankPseudo, Transform: refusing{}},
	{Rank: masking.RankPseudo, Transform: owned{}},
	{Rank: masking.RankRedact, Transform: constant(`"***"`)},
	{Rank: masking.RankRedact, Transform: constant(`null`)},
	{Rank: masking.RankDrop},
}

// A chooser is a Decider whose choice is a function of what it learns of a record, so that two
// maskers who tell it the same get the same. It keeps the records it was told of.
type chooser struct {
	profiles map[int][]*masking.Profile // by kind
	fails    bool                       // now and then
	seen     []masking.Record
}

var errChooser = errors.New("chooser: now and then")

func newChooser(rng *rand.Rand, spec masking.Spec) *chooser {
	c := &chooser{profiles: map[int][]*masking.Profile{}, fails: rng.IntN(8) == 0}
	for kind := masking.Envelope; kind < len(spec.Records); kind++ {
		fields, embedded := spec.Envelope, spec.Embedded
		if kind != masking.Envelope {
			fields, embedded = spec.Records[kind].Fields, spec.Records[kind].Embedded
		}
		count := treatmentsOf(fields, embedded)
		for range 1 + rng.IntN(3) {
			p := &masking.Profile{Treatments: []masking.Treatment{}}
			for range count {
				p.Treatments = append(p.Treatments, treatments[rng.IntN(len(treatments))])
			}
			for _, e := range embedded {
				if rng.IntN(3) > 0 {
					p.Treatments[e.Field] = masking.Treatment{}
				}
			}
			c.profiles[kind] = append(c.profiles[kind], p)
		}
		if kind != masking.Envelope && rng.IntN(3) == 0 {
			c.profiles[kind] = append(c.profiles[kind], &masking.Profile{Denied: true})
		}
	}
	return c
}

func (c *chooser) Decide(
	ctx context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	c.seen = nil
	for i, r := range records {
		r.Subject = cloneValue(r.Subject)
		r.Inputs = slices.Clone(r.Inputs)
		h := fnv.New64a()
		h.Write(r.Subject.Text)
		for j, v := range r.Inputs {
			r.Inputs[j] = cloneValue(v)
			h.Write([]byte{byte(v.Kind)})
			h.Write(v.Text)
		}
		c.seen = append(c.seen, r)
		sum := h.Sum64()
		if c.fails && sum%16 == 0 {
			return errChooser
		}
		choice := c.profiles[r.Kind]
		profiles[i] = choice[sum/16%uint64(len(choice))]
	}
	return nil
}

func cloneValue(v masking.Value) masking.Value {
	return masking.Value{Kind: v.Kind, Text: slices.Clone(v.Text)}
}

// diffRecords compares what two deciders learnt.
func diffRecords(want, got []masking.Record) string {
	plain := func(list []masking.Record) (out []string) {
		value := func(v masking.Value) string { return fmt.Sprintf("(%v %q)", v.Kind, v.Text) }
		for i, r := range list {
			s := fmt.Sprintf("%d: kind %d parent %d subject %s inputs", i, r.Kind, r.Parent,
				value(r.Subject))
			for _, v := range r.Inputs {
				s += " " + value(v)
			}
			out = append(out, s)
		}
		return out
	}
	return cmp.Diff(plain(want), plain(got))
}

// Names of members. Objects and arrays of objects under the last two are likely records.
var randomNames = []string{"a", "b", "c", "d", "id", "é x", "r", "q"}

const recordNames = 6 // randomNames[recordNames:]

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// randomSpec returns a spec of 0 to 3 kinds of record. It may be one that Compile refuses.
func randomSpec(rng *rand.Rand) masking.Spec {
	spec := masking.Spec{Unlisted: masking.Unlisted(pick(rng, 0, 0, 0, 1, 2)),
		KeepPositions: rng.IntN(4) == 0}
	if rng.IntN(5) == 0 {
		spec.Limits = masking.Limits{Depth: pick(rng, 0, 3, 5), Name: pick(rng, 0, 4, 8),
			Record: pick(rng, 0, 40, 200)}
	}
	segments := func() int { return pick(rng, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4) }
	for range rng.IntN(6) {
		spec.Envelope = append(spec.Envelope, randomSelector(rng, segments()))
	}
	spec.Embedded = randomEmbedded(rng, spec.Envelope, 2)
	kinds := pick(rng, 0, 1, 1, 1, 1, 2, 2, 2, 3)
	names := rng.Perm(len(randomNames) - recordNames)
	for i := range kinds {
		name := randomNames[recordNames+names[i%len(names)]]
		rec := masking.RecordSpec{Select: pick(rng,
			"$."+name, "$."+name, "$."+name+"[*]", "$."+name+"[*]", "$.."+name, "$.."+name,
			"$.."+name, "$.."+name+"[*]", "$.r."+name, "$.r[*]."+name, "$..r.q", "$[*]."+name,
			"$.a."+name,
			"$..a[*]."+name, pick(rng, "$."+name+"[?@.id]", "$."+name+"[-1]", "$."+name+"[::-1]",
				"$.."+name+"[?@.id=='x']", "$.."+name+"[?@.id==$.id]", "$."+name+"[:2]",
				"$."+name+"["+randomFilter(rng, 1)+"]"),
			pick(rng, "$", "$[*]", randomSelector(rng, 1+rng.IntN(3))))}
		if rng.IntN(2) == 0 {
			rec.Subject = pick(rng, "$.id", "$.id", "$['id']", "$", `$["i\u0064"]`, "$..id", "$.*",
				"$.a.id", "$[0]", "$[*].id")
		}
		for range rng.IntN(3) {
			rec.Inputs = append(rec.Inputs, randomSelector(rng, rng.IntN(3)))
		}
		for range rng.IntN(9) {
			rec.Fields = append(rec.Fields, randomSelector(rng, segments()))
		}
		rec.Embedded = randomEmbedded(rng, rec.Fields, 2)
		spec.Records = append(spec.Records, rec)
	}
	return spec
}

// randomEmbedded makes some of the fields embedded ones, and of these some likely to select what is
// there.
func randomEmbedded(rng *rand.Rand, fields []string, depth int) (list []masking.Embedded) {
	for i := range fields {
		if depth == 0 || rng.IntN(4) > 0 {
			continue
		}
		e := masking.Embedded{Field: i}
		for range 1 + rng.IntN(4) {
			e.Fields = append(e.Fields, randomSelector(rng, pick(rng, 0, 1, 1, 1, 2)))
		}
		if rng.IntN(2) == 0 {
			fields[i] = pick(rng, "$.a", "$.b", "$.c", "$..d", "$.*")
			e.Fields[0] = pick(rng, "$.*", "$..*", "$..a", "$['b','c','id']")
		}
		e.Embedded = randomEmbedded(rng, e.Fields, depth-1)
		list = append(list, e)
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func randomSelector(rng *rand.Rand, segments int) string {
	s := "$"
	for range segments {
		if rng.IntN(20) == 0 {
			s += pick(rng, " ", "\n", "\t ")
		}
		switch rng.IntN(15) {
		case 0, 1, 2, 3, 4:
			if name := pick(rng, randomNames...); strings.Contains(name, " ") {
				s += "[" + randomQuoted(rng, name) + "]"
			} else {
				s += "." + name
			}
		case 5, 6:
			s += pick(rng, ".*", "[*]", "[ * ]")
		case 7:
			s += fmt.Sprintf("[%d]", rng.IntN(3))
		case 8:
			s += ".." + pick(rng, "a", "b", "id", "r", "*", "[0]", "[*]", "['é x', 1]")
		case 9:
			s += pick(rng, "", "..") + "[" +
				pick(rng, strconv.Itoa(-1-rng.IntN(3)), randomSlice(rng)) + "]"
		case 10:
			s += pick(rng, "", "", "..") + "[" + randomFilter(rng, 2) + "]"
		case 11:
			s += "[" + pick(rng, "-1", randomSlice(rng), randomFilter(rng, 1)) + ", " +
				pick(rng, "*", "0", "'a'", "-2", randomSlice(rng), randomFilter(rng, 1)) + "]"
		default:
			list := []string{}
			for range 1 + rng.IntN(3) {
				list = append(list, pick(rng, strconv.Itoa(rng.IntN(3)),
					randomQuoted(rng, pick(rng, randomNames...)),
					randomQuoted(rng, pick(rng, randomNames...))))
			}
			s += "[" + strings.Join(list, pick(rng, ",", ", ", " ,")) + "]"
		}
	}
	return s
}

func randomSlice(rng *rand.Rand) string {
	part := func() string {
		if rng.IntN(3) == 0 {
			return ""
		}
		return strconv.Itoa(rng.IntN(8) - 4)
	}
	s := part() + pick(rng, ":", ":", " : ") + part()
	if rng.IntN(2) == 0 {
		s += ":" + part()
	}
	return s
}

func randomFilter(rng *rand.Rand, depth int) string {
	return "?" + pick(rng, "", "", " ") + randomTest(rng, depth)
}

// randomTest returns a logical expression.
func randomTest(rng *rand.Rand, depth int) string {
	if depth > 0 && rng.IntN(3) == 0 {
		a, b := randomTest(rng, depth-1), randomTest(rng, depth-1)
		return pick(rng, a+"||"+b, a+" && "+b, "("+a+" || "+b+")", "!("+a+")", "!("+a+"&&"+b+")")
	}
	switch rng.IntN(6) {
	case 0:
		return pick(rng, "", "!") + randomFilterQuery(rng, depth)
	case 1:
		return pick(rng, "", "!") + pick(rng, "match", "search") + "(" +
			randomComparable(rng, depth) + ", " +
			pick(rng, "'x'", "'[a-z]'", "'.*'", "'张.*'", `'\\P{Lu}+|.{2,3}'`, `'(a|x|q){0,2}'`,
				"'*'", "''", "'^.'", "$.id", randomComparable(rng, depth)) + ")"
	}
	return randomComparable(rng, depth) +
		pick(rng, "==", "==", " == ", "!=", "<", "<=", " > ", ">=") + randomComparable(rng, depth)
}

func randomComparable(rng *rand.Rand, depth int) string {
	switch rng.IntN(8) {
	case 0, 1:
		return pick(rng, "0", "-0", "1", "1.0", "-1.5", "100", "1e400", "2", "'x'", `"y"`, "'a'",
			`"\uD83D\uDE00!"`, "''", "true", "false", "null", "7")
	case 2:
		return pick(rng, "length", "length", "value", "count") + "(" + randomSingular(rng) + ")"
	case 3:
		return pick(rng, "value", "count") + "(" + randomFilterQuery(rng, depth) + ")"
	}
	return randomSingular(rng)
}

func randomSingular(rng *rand.Rand) string {
	return pick(rng, "@", "@", "@", "$") +
		pick(rng, "", "", ".id", ".id", ".a", ".a", ".b", "[0]", "[-1]", "['é x']", ".r", ".q.id",
			".a.b", " .a [0]")
}

func randomFilterQuery(rng *rand.Rand, depth int) string {
	s := randomSingular(rng) + pick(rng, "", "", ".*", "..id", "..*", "..a", "[0,'a']",
		"["+randomSlice(rng)+"]")
	if depth > 0 && rng.IntN(4) == 0 {
		s += "[" + randomFilter(rng, depth-1) + "]"
	}
	return s
}

// randomQuoted returns a quoted name selector for name.
func randomQuoted(rng *rand.Rand, name string) string {
	q := pick(rng, "'", `"`)
	for _, r := range name {
		if rng.IntN(10) == 0 {
			q += fmt.Sprintf(pick(rng, `\u%04x`, `\u%04X`), r)
		} else {
			q += string(r)
		}
	}
	return q + q[:1]
}

// A writer of random documents.
type documentWriter struct {
	*rand.Rand
	b       strings.Builder
	newline bool // white space may have newlines
	odd     bool // white space and escapes at all
	texts   int  // how deep strings may hold JSON in strings
	budget  int  // of values
}

// randomDocument returns a response body in the framing, once in a while a faulty one.
func randomDocument(rng *rand.Rand, framing masking.Framing) []byte {
	w := &documentWriter{Rand: rng, newline: framing == masking.Document, odd: rng.IntN(2) == 0,
		texts: pick(rng, 0, 0, 1, 2)}
	texts := 1
	if framing == masking.Lines {
		texts = rng.IntN(4)
	}
	for i := range texts {
		if i > 0 || rng.IntN(16) == 0 && framing == masking.Lines {
			w.b.WriteString(pick(rng, "\n", "\n", "\r\n", "\n\n", "\n \t\r\n"))
		}
		w.budget = 50
		w.space()
		if rng.IntN(6) == 0 {
			w.value(pick(rng, 0, 2, 4, 6), true, true)
		} else {
			w.root(pick(rng, 2, 3, 4, 5, 6, 6))
		}
		w.space()
	}
	if framing == masking.Lines && rng.IntN(2) == 0 {
		w.b.WriteString("\n")
	}
	doc := []byte(w.b.String())
	if rng.IntN(8) == 0 {
		if bad := corrupt(rng, doc); !hugeExponent.Match(bad) {
			doc = bad
		}
	}
	return doc
}

// corrupt changes a byte or a few.
func corrupt(rng *rand.Rand, doc []byte) []byte {
	at := rng.IntN(len(doc) + 1)
	to := min(at+rng.IntN(3), len(doc))
	junk := pick(rng, "", " ", "\n", ",", ":", `"`, `\`, "{", "}", "[", "]", "0", "-", ".", "e",
		"1", "\x00", "\x7f", "\x80", "\xff",
		"\xef\xbb\xbf", "\xed\xa0\x80", "\xc0\x80", "\xe2\x80\xa8", `\ud800`, `\udc00`, `\u00`,
		`\x`, "null", "nul", "true", "NaN", "+1", "'",
		"/**/", "\t", "\v", "\r", "\u00a0", "\U0010ffff", `,"a":1`, `,"\u0061":1`, `{"a":1,"a":2}`,
		"{}", "[]", "[[[[", "1 2", `\uD83D\uDE00`,
		string(doc[at:to]), string(doc))
	switch rng.IntN(4) {
	case 0:
		return doc[:at]
	case 1:
		to = at
	}
	return slices.Concat(doc[:at], []byte(junk), doc[to:])
}

func (w *documentWriter) space() {
	for w.odd && w.IntN(4) == 0 {
		if s := pick(w.Rand, " ", "\t", "\r", "\n"); w.newline || s != "\n" {
			w.b.WriteString(s)
		}
	}
}

func (w *documentWriter) list(open, end string, n int, member func(i int)) {
	w.b.WriteString(open)
	w.space()
	for i := range n {
		if i > 0 {
			w.b.WriteString(",")
			w.space()
		}
		member(i)
		w.space()
	}
	w.b.WriteString(end)
}

// value writes a value nested at most depth deep. A container is one if depth allows it; a record
// is an object with an id.
func (w *documentWriter) value(depth int, container, record bool) {
	w.budget--
	switch {
	case depth == 0 || w.budget < 0 || !container && !record && w.IntN(5) > 1:
		w.scalar()
	case !record && w.IntN(3) == 0:
		records := w.IntN(3) == 0
		w.list("[", "]", w.IntN(4), func(int) { w.value(depth-1, false, records) })
	default:
		names := w.Perm(len(randomNames))[:w.IntN(5)]
		if id := slices.Index(randomNames, "id"); record && !slices.Contains(names, id) {
			names = append(names, id)
		}
		w.object(names, depth)
	}
}

// root writes an object that likely has records.
func (w *documentWriter) root(depth int) {
	names := w.Perm(len(randomNames))[:w.IntN(5)]
	for i := recordNames; i < len(randomNames); i++ {
		if w.IntN(4) > 0 && !slices.Contains(names, i) {
			names = append(names, i)
		}
	}
	w.object(names, depth)
}

func (w *documentWriter) object(names []int, depth int) {
	duplicate := w.IntN(200) == 0
	if w.IntN(60) == 0 {
		for i := range 5 + w.IntN(30) {
			names = append(names, len(randomNames)+i)
		}
		duplicate = w.IntN(3) == 0
	}
	w.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if duplicate && len(names) > 0 {
		names = append(names, pick(w.Rand, names...))
	}
	w.list("{", "}", len(names), func(i int) {
		name := fmt.Sprint("n", names[i])
		if names[i] < len(randomNames) {
			name = randomNames[names[i]]
		}
		w.string(name)
		w.space()
		w.b.WriteString(":")
		w.space()
		switch {
		case name == "id" && w.IntN(16) > 0:
			w.b.WriteString(pick(w.Rand, `"x"`, `"y"`, `"\u007a"`, "7", "1e2"))
		case names[i] < recordNames:
			w.value(depth-1, false, false)
		case names[i] >= len(randomNames):
			w.scalar()
		case depth > 1 && w.IntN(3) == 0:
			w.list("[", "]", w.IntN(4), func(int) { w.value(depth-2, true, w.IntN(8) > 0) })
		case w.IntN(16) == 0:
			w.b.WriteString("null")
		default:
			w.value(depth-1, true, w.IntN(8) > 0)
		}
	})
}

func (w *documentWriter) scalar() {
	if w.texts > 0 && w.IntN(2) == 0 { // a string that holds JSON
		inner := &documentWriter{Rand: w.Rand, newline: true, odd: w.IntN(2) == 0, budget: 10,
			texts: w.texts - 1}
		inner.space()
		if w.IntN(4) == 0 {
			inner.value(w.IntN(3), true, true)
		} else {
			inner.root(2)
		}
		inner.space()
		text := inner.b.String()
		if w.IntN(16) == 0 {
			text = string(corrupt(w.Rand, []byte(text)))
		}
		if utf8.ValidString(text) && !hugeExponent.MatchString(text) {
			w.string(text)
			return
		}
	}
	switch w.IntN(10) {
	case 0:
		w.b.WriteString(pick(w.Rand, "true", "false"))
	case 1:
		w.b.WriteString("null")
	case 2, 3, 4:
		w.b.WriteString(pick(w.Rand, "0", "-0", "1", "-1.50", "1E400", "0.1e-7", "1e+2",
			"13812345678", "11010519491231002000000000000"))
	default:
		w.string(pick(w.Rand, "", "x", "a", "张三丰", "é x", "\U0001f600!", `quo"te`, `back\slash`,
			"line\nfeed", "nul\x00", "</script>", "\u2028", "e\u0301"))
	}
}

// string writes s, some of its characters escaped.
func (w *documentWriter) string(s string) {
	if !w.odd || w.IntN(3) > 0 {
		w.b.WriteString(quote(s))
		return
	}
	w.b.WriteByte('"')
	for _, r := range s {
		hex := pick(w.Rand, `\u%04x`, `\u%04X`)
		short := strings.IndexRune("\"\\/\b\f\n\r\t", r)
		switch {
		case short >= 0 && w.IntN(2) == 0:
			w.b.WriteByte('\\')
			w.b.WriteByte(`"\/bfnrt`[short])
		case r > 0xffff && w.IntN(2) == 0:
			r -= 0x10000
			fmt.Fprintf(&w.b, hex+hex, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r <= 0xffff && (w.IntN(2) == 0 || r < ' ' || r == '"' || r == '\\'):
			fmt.Fprintf(&w.b, hex, r)
		default:
			w.b.WriteRune(r)
		}
	}
	if w.IntN(400) == 0 {
		w.b.WriteString(pick(w.Rand, `\ud800`, `\uDFFF`, `\ude00\ud83d`))
	}
	w.b.WriteByte('"')
}
