package masking_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/maskgate/maskgate/masking"
)

// A part is the envelope or one kind of record of a row, its fields written as "verb selector".
type part struct {
	records string // selector; "" is the envelope
	subject string
	fields  []string
}

func env(fields ...string) part { return part{fields: fields} }

func rec(records, subject string, fields ...string) part { return part{records, subject, fields} }

var verbs = map[string]masking.Treatment{
	"clear":   {},
	"reverse": {Rank: masking.RankMask, Transform: reverse{}},
	"digits":  {Rank: masking.RankMask, Transform: numeric{}},
	"stand":   {Rank: masking.RankPseudo, Transform: constant(`"stand-in"`)},
	"refuse":  {Rank: masking.RankPseudo, Transform: refusing{}},
	"stars":   {Rank: masking.RankRedact, Transform: constant(`"***"`)},
	"null":    {Rank: masking.RankRedact, Transform: constant(`null`)},
	"drop":    {Rank: masking.RankDrop},
}

// A row says what one body becomes. The verb "read" makes an input of its selector. Records whose
// subject is in deny are denied, those whose subject is in open get all their fields in clear.
type row struct {
	name     string
	parts    []part
	unlisted masking.Unlisted
	limits   masking.Limits
	keep     bool // positions
	framing  masking.Framing
	deny     string
	open     string
	in, want string
	fault    string // what class of error is wanted: syntax, subject, nothing
}

// compiled returns a row's spec and the decider it describes.
func (r row) compiled() (masking.Spec, *rowDecider) {
	spec := masking.Spec{Unlisted: r.unlisted, KeepPositions: r.keep, Limits: r.limits}
	d := &rowDecider{deny: r.deny, open: r.open, plain: map[int]*masking.Profile{},
		clear: map[int]*masking.Profile{}, denied: &masking.Profile{Denied: true}}
	d.plain[masking.Envelope] = &masking.Profile{}
	for _, p := range r.parts {
		kind := masking.Envelope
		var fields, inputs []string
		plain, open := &masking.Profile{}, &masking.Profile{}
		for _, f := range p.fields {
			verb, selector, _ := strings.Cut(f, " ")
			if verb == "read" {
				inputs = append(inputs, selector)
				continue
			}
			treatment, ok := verbs[verb]
			if !ok {
				panic("no verb " + verb)
			}
			fields = append(fields, selector)
			plain.Treatments = append(plain.Treatments, treatment)
			open.Treatments = append(open.Treatments, masking.Treatment{})
		}
		if p.records == "" {
			spec.Envelope = fields
		} else {
			kind = len(spec.Records)
			spec.Records = append(spec.Records,
				masking.RecordSpec{Select: p.records, Subject: p.subject, Inputs: inputs,
					Fields: fields})
		}
		d.plain[kind], d.clear[kind] = plain, open
	}
	return spec, d
}

type rowDecider struct {
	deny, open    string
	plain, clear  map[int]*masking.Profile // by kind
	denied        *masking.Profile
	seen          []masking.Record
	calledWithout error
}

type contextKey struct{}

func (d *rowDecider) Decide(
	ctx context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	if ctx.Value(contextKey{}) == nil {
		d.calledWithout = errors.New("Decide was called without the caller's context")
	}
	d.seen = nil
	for i, r := range records {
		subject := string(r.Subject.Text)
		listed := func(list string) bool { return slices.Contains(strings.Fields(list), subject) }
		switch {
		case subject != "" && listed(d.deny):
			profiles[i] = d.denied
		case subject != "" && listed(d.open):
			profiles[i] = d.clear[r.Kind]
		default:
			profiles[i] = d.plain[r.Kind]
		}
		d.seen = append(d.seen, r)
	}
	return nil
}

// masker is what the engine and the reference have in common.
type masker interface {
	Append(ctx context.Context, dst, src []byte, framing masking.Framing, d masking.Decider,
		report *masking.Report) ([]byte, error)
}

// class says what kind of error err is.
func class(err error) string {
	var syntax *masking.SyntaxError
	var subject *masking.SubjectError
	var selection *masking.SelectionError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &syntax):
		return "syntax"
	case errors.As(err, &subject):
		return "subject"
	case errors.As(err, &selection), errors.Is(err, errOverlap):
		return "selection"
	case errors.Is(err, errChooser):
		return "decider"
	case errors.Is(err, masking.ErrNothing), errors.Is(err, errNothing):
		return "nothing"
	default:
		return "other"
	}
}

func forRows(t *testing.T, compile func(masking.Spec) (masker, error)) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			spec, d := r.compiled()
			m, err := compile(spec)
			if err != nil {
				t.Fatalf("Compile(%+v): %v", spec, err)
			}
			const before = "before:"
			dst := append(make([]byte, 0, 1000), before...)
			src := []byte(r.in)
			out, err := m.Append(context.WithValue(t.Context(), contextKey{}, true), dst, src,
				r.framing, d, nil)
			if class(err) != r.fault {
				t.Fatalf("Append(%.200q) = %.200q, %v; want fault %q", r.in, out, err, r.fault)
			}
			if want := before + r.want; string(out) != want {
				t.Errorf("Append(%.200q)\n got %s\nwant %s", r.in, out, want)
			}
			if string(src) != r.in {
				t.Errorf("Append changed its source to %q", src)
			}
			if d.calledWithout != nil {
				t.Error(d.calledWithout)
			}
		})
	}
}

func compileEngine(spec masking.Spec) (masker, error) { return masking.Compile(spec) }

func compileReference(spec masking.Spec) (masker, error) { return newReference(spec) }

func TestEngine(t *testing.T) { forRows(t, compileEngine) }

func TestReference(t *testing.T) { forRows(t, compileReference) }

const whole = `{"code":0,"data":{"total":2,"items":[{"id":"A","name":"ann","card":{"no":"1234",` +
	`"left":5}},{"id":"B","name":"bob"}]}}`

var (
	items = rec("$.data.items[*]", "$.id", "clear $.id", "stars $.name", "reverse $.card.no")
	one   = func(fields ...string) []part { return []part{rec("$", "", fields...)} }
)

var rows = []row{
	// Envelope, records, fields.
	{name: "the example", parts: []part{env("clear $.code"), items},
		in: whole,
		want: `{"code":0,"data":{"items":[{"id":"A","name":"***","card":{"no":"4321"}},{"id":"B",` +
			`"name":"***"}]}}`},
	{name: "one record in clear, one masked", parts: []part{env("clear $.code"), items}, open: "B",
		in: whole,
		want: `{"code":0,"data":{"items":[{"id":"A","name":"***","card":{"no":"4321"}},{"id":"B",` +
			`"name":"bob"}]}}`},
	{name: "one record denied", parts: []part{env("clear $.code"), items}, deny: "A",
		in: whole, want: `{"code":0,"data":{"items":[{"id":"B","name":"***"}]}}`},
	{name: "all records denied", parts: []part{env("clear $.code"), items}, deny: "A B",
		in: whole, want: `{"code":0,"data":{"items":[]}}`},
	{name: "nothing listed", in: `{"a":1,"b":[1,{"c":2}]}`, want: `{}`},
	{name: "envelope fields stop at records",
		parts: []part{env("clear $..id"), rec("$.r", "", "clear $.x")},
		in:    `{"id":1,"r":{"id":2,"x":3}}`, want: `{"id":1,"r":{"x":3}}`},
	{name: "an envelope in clear does not open records",
		parts: []part{env("clear $..*"), rec("$.r", "", "clear $.x")},
		in:    `{"id":1,"r":{"id":2,"x":3},"z":{"y":[]}}`,
		want:  `{"id":1,"r":{"x":3},"z":{"y":[]}}`},
	{name: "record selectors start at the root, fields at the record",
		parts: []part{rec("$.r", "", "clear $.r")},
		in:    `{"r":{"r":1,"a":2}}`, want: `{"r":{"r":1}}`},
	{name: "scalar records", parts: []part{rec("$.list[*]", "", "reverse $")},
		in: `{"list":["ab","cd"]}`, want: `{"list":["ba","dc"]}`},
	{name: "a scalar record without field is unlisted", parts: []part{rec("$.list[*]", "")},
		in: `{"list":["ab",{},[1]]}`, want: `{"list":[{},[]]}`},
	{name: "no record in the body", parts: []part{env("clear $.code"), items}, in: `{"code":1}`,
		want: `{"code":1}`},

	// Structure.
	{name: "structure loses what is unlisted", parts: one("clear $.a.b"), in: `{"a":{"x":1},"c":2}`,
		want: `{"a":{}}`},
	{name: "an array no name can reach into", parts: one("clear $.a.b"), in: `{"a":[{"b":1}]}`,
		want: `{}`},
	{name: "an object no index can reach into", parts: one("clear $.a[0]"), in: `{"a":{"0":1}}`,
		want: `{}`},
	{name: "empty structure", parts: one("clear $.a.b", "clear $.c[0]"),
		in: `{"a":{ },"c":[ ],"d":{}}`, want: `{"a":{ },"c":[ ]}`},
	{name: "wildcards reach into both", parts: one("clear $.*.*.*"),
		in: `{"a":[1,[2]],"b":{"c":1,"d":{"e":2}}}`, want: `{"a":[[2]],"b":{"d":{"e":2}}}`},
	{name: "descendants reach everywhere", parts: one("clear $..x"),
		in: `{"a":[1,[{"x":2}]],"b":{"c":{"y":3}}}`, want: `{"a":[[{"x":2}]],"b":{"c":{}}}`},
	{name: "the way to a record is structure", parts: []part{rec("$.a.r", "", "clear $.x")},
		in: `{"a":{"b":1},"r":{}}`, want: `{"a":{}}`},
	{name: "a subject is no field", parts: []part{rec("$.r", "$.p.id", "clear $.x")},
		in: `{"r":{"p":{"id":1,"n":2},"x":3}}`, want: `{"r":{"p":{},"x":3}}`},
	{name: "an input is no field",
		parts: []part{rec("$.r", "", "read $.p", "read $.q.id", "clear $.x")},
		in:    `{"r":{"p":{"id":1},"q":{"id":2},"x":3}}`, want: `{"r":{"q":{},"x":3}}`},

	// Coverage.
	{name: "clear covers the elements of an array", parts: one("clear $.a"),
		in: `{"a":[1,[null,"x"],[]],"d":[1]}`, want: `{"a":[1,[null,"x"],[]]}`},
	{name: "and not the members of an object", parts: one("clear $.a"),
		in: `{"a":{"b":1,"c":[2],"d":{}}}`, want: `{"a":{}}`},
	{name: "nor of one in an array", parts: one("clear $.a"),
		in: `{"a":[1,{"b":1},[{"c":2,"d":[3]},4],{ }]}`, want: `{"a":[1,{},[{},4],{ }]}`},
	{name: "an object that was a number", parts: one("clear $.*", "stars $.*.b"),
		in: `{"a":{"b":1,"c":2}}`, want: `{"a":{"b":"***"}}`},
	{name: "all of an object", parts: one("clear $.a..*"), in: `{"a":{"b":[1,{"c":null}]},"d":1}`,
		want: `{"a":{"b":[1,{"c":null}]}}`},
	{name: "an inner field inside clear",
		parts: one("clear $.a", "stars $.a.b", "drop $.a.c", "clear $.a.e"),
		in:    `{"a":{"b":{"x":1},"c":2,"d":3,"e":4}}`, want: `{"a":{"b":"***","e":4}}`},
	{name: "an inner field inside an array in clear",
		parts: one("clear $.a", "stars $.a[1]", "drop $.a[3]"), in: `{"a":[1,2,{"x":1},4,[5]]}`,
		want: `{"a":[1,"***",{},[5]]}`},
	{name: "clear inside clear", parts: one("clear $..*", "clear $.a", "stars $..p"),
		in: `{"a":{"p":1,"q":{"p":2}},"b":3}`, want: `{"a":{"p":"***","q":{"p":"***"}},"b":3}`},
	{name: "clear inside a transform goes with it", parts: one("stars $.a", "clear $.a.b"),
		in: `{"a":{"b":1}}`, want: `{"a":"***"}`},
	{name: "clear inside a drop goes with it", parts: one("drop $.a", "clear $.a.b"),
		in: `{"a":{"b":1},"c":1}`, want: `{}`},
	{name: "coverage ends at an inner record",
		parts: []part{rec("$.r", "", "clear $..*"), rec("$.r.in", "", "clear $.x")},
		in:    `{"r":{"a":1,"in":{"x":1,"y":2,"z":{}}}}`, want: `{"r":{"a":1,"in":{"x":1}}}`},
	{name: "an unlisted field inside clear is masked", parts: one("clear $.a"),
		unlisted: masking.UnlistedMask,
		in:       `{"a":{"b":1,"d":[2]},"c":{}}`, want: `{"a":{"b":"****","d":"****"},"c":"****"}`},
	{name: "an unlisted field inside clear passes", parts: one("clear $.a"),
		unlisted: masking.UnlistedPass,
		in:       `{"a":{"b":1},"c":{}}`, want: `{"a":{"b":1},"c":{}}`},

	// Which treatment.
	{name: "the strictest wins", parts: one("clear $.a", "drop $['a','b']", "stars $.*"),
		in: `{"a":1,"b":2,"c":3}`, want: `{"c":"***"}`},
	{name: "the first among equals wins", parts: one("null $.a", "stars $.*"), in: `{"a":1,"b":2}`,
		want: `{"a":null,"b":"***"}`},
	{name: "a strict transform that refuses drops", parts: one("reverse $.a", "refuse $.a"),
		in: `{"a":"x"}`, want: `{}`},
	{name: "a transform of another type drops", parts: one("reverse $.*"),
		in: `{"a":1,"b":"xy","c":{"d":"e"},"f":["g"],"h":null,"i":true}`, want: `{"b":"yx"}`},
	{name: "numbers", parts: one("digits $.*"), in: `{"a":13812345678,"b":"1","c":-1.5E+3}`,
		want: `{"a":11,"c":7}`},
	{name: "containers replaced whole", parts: one("null $[*]"), in: `[1,{"a":2},[3],"x"]`,
		want: `[null,null,null,null]`},
	{name: "null is a value like any other", parts: one("stars $.a", "clear $.b"),
		in: `{"a":null,"b":null,"c":null}`, want: `{"a":"***","b":null}`},

	// Inner records.
	{name: "a record for its own subject",
		parts: []part{rec("$.r[*]", "$.id", "stars $.n"), rec("$.r[*].g[*]", "$.id", "stars $.n")},
		open:  "g",
		in:    `{"r":[{"id":"r","n":1,"g":[{"id":"g","n":2},{"id":"h","n":3}]}]}`,
		want:  `{"r":[{"n":"***","g":[{"n":2},{"n":"***"}]}]}`},
	{name: "denied takes inner records with it",
		parts: []part{rec("$.r[*]", "$.id", "clear $.n"), rec("$.r[*].g[*]", "$.id", "clear $.n")},
		deny:  "r",
		in:    `{"r":[{"id":"r","n":1,"g":[{"id":"g","n":2}]}],"s":1}`, want: `{"r":[]}`},
	{name: "denied inside an open one", parts: []part{rec("$.r", "$.id", "clear $..*"),
		rec("$..g", "$.id", "clear $..*")}, deny: "g",
		in: `{"r":{"id":"r","x":{"g":{"id":"g"},"h":1}}}`, want: `{"r":{"id":"r","x":{"h":1}}}`},
	{name: "outer fields do not select into inner records",
		parts: []part{rec("$.r", "", "clear $..n"), rec("$.r.in", "", "stars $.m")},
		in:    `{"r":{"n":1,"in":{"n":2,"m":3}}}`, want: `{"r":{"n":1,"in":{"m":"***"}}}`},
	{name: "an outer drop takes an inner record",
		parts: []part{rec("$.r", "", "drop $.box", "clear $.n"), rec("$.r.box.in", "", "clear $")},
		in:    `{"r":{"n":1,"box":{"in":{"a":1}}}}`, want: `{"r":{"n":1}}`},
	{name: "an outer transform takes an inner record",
		parts: []part{rec("$.r", "", "stars $.box"), rec("$.r.box.in", "", "clear $")},
		in:    `{"r":{"box":{"in":{"a":1}}}}`, want: `{"r":{"box":"***"}}`},
	{name: "an outer field is not asked about an inner record itself",
		parts: []part{rec("$.r", "", "drop $.in"), rec("$.r.in", "", "clear $..*")},
		in:    `{"r":{"in":{"a":1}}}`, want: `{"r":{"in":{"a":1}}}`},
	{name: "records in records of their own kind", parts: []part{rec("$..r", "$.id", "clear $.n")},
		deny: "3",
		in:   `{"r":{"id":1,"n":1,"r":{"id":2,"n":2,"x":{"r":{"id":3,"n":3}}}}}`,
		want: `{"r":{"n":1,"r":{"n":2,"x":{}}}}`},

	// Null at the place of a record.
	{name: "null is no record", parts: []part{rec("$.list[*]", "$.id", "clear $.id")},
		in: `{"list":[null,{"id":1},null]}`, want: `{"list":[null,{"id":1},null]}`},
	{name: "null is kept, not masked", parts: []part{rec("$.r", "$.id")},
		unlisted: masking.UnlistedMask, in: `{"r":null,"s":null}`, want: `{"r":null,"s":"****"}`},
	{name: "null belongs to what encloses it",
		parts: []part{env("drop $.r"), rec("$.r", "$.id", "clear $")}, in: `{"r":null,"s":null}`,
		want: `{}`},
	{name: "null for a whole document", parts: []part{rec("$", "$.id")}, in: ` null `,
		want: ` null `},

	// Unlisted.
	{name: "mask the unlisted", parts: []part{env("clear $.a"), items},
		unlisted: masking.UnlistedMask,
		in:       `{"a":1,"b":{"x":2},"data":{"items":[{"id":"A","z":[1]}],"n":null}}`,
		want:     `{"a":1,"b":"****","data":{"items":[{"id":"A","z":"****"}],"n":"****"}}`},
	{name: "pass the unlisted", parts: []part{env("clear $.a"), items},
		unlisted: masking.UnlistedPass,
		in:       `{"a":1, "b":{"x": 2},"data":{"items":[{"id":"A","name":"ann","z":[ 1 ]}]}}`,
		want:     `{"a":1, "b":{"x": 2},"data":{"items":[{"id":"A","name":"***","z":[ 1 ]}]}}`},
	{name: "a scalar document masked", unlisted: masking.UnlistedMask, in: ` 12 `,
		want: ` "****" `},
	{name: "a scalar document passed", unlisted: masking.UnlistedPass, in: `1.0`, want: `1.0`},
	{name: "a scalar document dropped", in: `12`, fault: "nothing"},
	{name: "a document denied", parts: []part{rec("$", "$.id", "clear $.id")}, deny: "x",
		in: `{"id":"x"}`, fault: "nothing"},
	{name: "a document dropped", parts: []part{env("drop $")}, in: `{}`, fault: "nothing"},
	{name: "a document withheld", parts: one("reverse $"), in: `{}`, fault: "nothing"},
	{name: "a document replaced", parts: one("reverse $"), in: "\n\"ab\"\t", want: "\n\"ba\"\t"},

	// White space, and bytes left alone.
	{name: "space with the first dropped", parts: one("drop $.a", "clear $..*"),
		in: "{ \"a\" : 1 ,\n \"b\" : 2 ,\t\"c\" : 3  }", want: "{ \"b\" : 2 ,\t\"c\" : 3  }"},
	{name: "space with the middle dropped", parts: one("drop $.b", "clear $..*"),
		in: "{ \"a\" : 1 ,\n \"b\" : 2 ,\t\"c\" : 3  }", want: "{ \"a\" : 1 ,\t\"c\" : 3  }"},
	{name: "space with the last dropped", parts: one("drop $.c", "clear $..*"),
		in: "{ \"a\" : 1 ,\n \"b\" : 2 ,\t\"c\" : 3  }", want: "{ \"a\" : 1 ,\n \"b\" : 2  }"},
	{name: "space with two dropped", parts: one("drop $['a','b']", "clear $..*"),
		in: "{ \"a\" : 1 ,\n \"b\" : 2 ,\t\"c\" : 3  }", want: "{ \"c\" : 3  }"},
	{name: "space with all dropped", parts: one("drop $.*", "clear $..*"),
		in: " { \"a\" : 1 ,\n \"b\" : 2 } ", want: " {} "},
	{name: "space in arrays", parts: one("drop $[0,2]", "clear $"),
		in: "[\n  1,\n  2,\n  3,\n  4\n]", want: "[\n  2,\n  4\n]"},
	{name: "space around a treated value", parts: one("stars $.a"), in: "{\"a\" :\r\n 1 }",
		want: "{\"a\" :\r\n \"***\" }"},
	{name: "untouched means identical", parts: one("clear $..*"),
		in: `{"n":[1.0,-0,1E400,10e-02,12345678901234567890],"s":["\u0041\/\b\"","張",` +
			`"\ud83d\ude00"],"t":true ,"f":false}`,
		want: `{"n":[1.0,-0,1E400,10e-02,12345678901234567890],"s":["\u0041\/\b\"","張",` +
			`"\ud83d\ude00"],"t":true ,"f":false}`},
	{name: "escaped names stay escaped", parts: one("stars $.id"), in: `{"\u0069d":1}`,
		want: `{"\u0069d":"***"}`},

	// Names (threats A2, A10).
	{name: "escaped names match", parts: one("stars $.idCard", "clear $"),
		in: `{"\u0069dCar\u0064":"secret"}`, want: `{"\u0069dCar\u0064":"***"}`},
	{name: "escaped surrogate pairs match", parts: one("stars $['😀']"),
		in: `{"\ud83d\ude00":1,"\uD83D\uDE01":1}`, want: `{"\ud83d\ude00":"***"}`},
	{name: "variants do not match", parts: one("clear $.idCard", "clear $.é"),
		in: "{\"idcard\":1,\"IDCARD\":2,\"ｉdCard\":3,\"id\u200bCard\":4,\"e\u0301\":5,\"idCard " +
			"\":6,\"\u00e9\":7}", want: "{\"\u00e9\":7}"},
	{name: "personal data in names", parts: one("stars $.phones.*", "clear $.x"),
		in:   `{"phones":{"13812345678":"a"},"13812345678":1}`,
		want: `{"phones":{"13812345678":"***"}}`},
	{name: "quoted names", parts: one(`clear $["a'b"]`, `clear $['a\'b"']`,
		`clear $["\u0061\n\ud83d\ude00"]`, `clear $['']`),
		in: `{"a'b":1,"a'b\"":2,"a\n😀":3,"":4,"a":5}`, want: `{"a'b":1,"a'b\"":2,"a\n😀":3,"":4}`},
	{name: "lists of selectors", parts: one(`clear $[0, 'a' ,2]`, "stars $[*]['b',1]"),
		in: `[{"a":0,"b":1},{"a":1,"b":2},[3,4]]`, want: `[{"b":"***"},{"b":"***"},[3,"***"]]`},
	{name: "descendant lists", parts: one(`clear $..['a',0]`),
		in: `{"a":[1,2],"b":[3,4,{"a":5,"c":6}]}`, want: `{"a":[1,2],"b":[3,{"a":5}]}`},

	// Types and strings (threats A5, A11, A13).
	{name: "a phone as a number", parts: one("digits $.phone", "clear $.big"),
		in:   `{"phone":1.3812345678e10,"big":13812345678901234567}`,
		want: `{"phone":15,"big":13812345678901234567}`},
	{name: "JSON inside a string is a string", parts: one("clear $.a", "stars $.b.c"),
		in: `{"a":"{\"c\":1,\"c\":2}","b":"{\"c\":1}"}`, want: `{"a":"{\"c\":1,\"c\":2}"}`},
	{name: "text is unescaped for transforms", parts: one("reverse $.a"),
		in: `{"a":"\u0061\ud83d\ude00\"\/b"}`, want: `{"a":"b/\u0022😀a"}`},

	// NDJSON.
	{name: "lines without a subject", parts: []part{rec("$", "$.id", "clear $.id")},
		framing: masking.Lines,
		in:      "{\"id\":1,\"n\":2}\n\n  {\"id\":2} \r\n \t\r\n[null]\n", fault: "subject"},
	{name: "lines with blank ones", parts: []part{rec("$", "$.id", "clear $.id")},
		framing: masking.Lines,
		in:      "{\"id\":1,\"n\":2}\n\n  {\"id\":2} \r\n \t\r\nnull\n",
		want:    "{\"id\":1}\n\n  {\"id\":2} \r\n \t\r\nnull\n"},
	{name: "a last line without newline", parts: []part{env("clear $.a")}, framing: masking.Lines,
		in: "{\"a\":1}\n{\"b\":2}", want: "{\"a\":1}\n{}"},
	{name: "no lines", parts: []part{env("clear $.a")}, framing: masking.Lines, in: "", want: ""},
	{name: "blank lines only", parts: []part{env("clear $.a")}, framing: masking.Lines, in: "\n\n",
		want: "\n\n"},
	{name: "a line dropped", framing: masking.Lines, in: "{}\n 1 \r\n\n{}\n2", want: "{}\n\n{}\n"},
	{name: "a text over two lines", parts: one("clear $"), framing: masking.Lines,
		in: "{\"a\":\n1}\n", fault: "syntax"},
	{name: "two texts in a line", parts: one("clear $"), framing: masking.Lines, in: "{} {}\n",
		fault: "syntax"},
	{name: "a bad last line", parts: one("clear $"), framing: masking.Lines, in: "{}\n{",
		fault: "syntax"},
	{name: "a bad line comes before a bad subject", parts: []part{rec("$", "$.id")},
		framing: masking.Lines, in: "{}\n{", fault: "syntax"},
	{name: "lines in a document", parts: one("clear $"), in: "{}\n{}\n", fault: "syntax"},

	// Subjects.
	{name: "no subject", parts: []part{items}, in: `{"data":{"items":[{"id":"A"},{"name":"B"}]}}`,
		fault: "subject"},
	{name: "two subjects", parts: []part{rec("$", "$.*.id")}, in: `{"a":{"id":1},"b":{"id":1}}`,
		fault: "subject"},
	{name: "an empty subject", parts: []part{rec("$", "$.id")}, in: `{"id":""}`, fault: "subject"},
	{name: "a null subject", parts: []part{rec("$", "$.id")}, in: `{"id":null}`, fault: "subject"},
	{name: "a boolean subject", parts: []part{rec("$", "$.id")}, in: `{"id":true}`,
		fault: "subject"},
	{name: "a subject that is an object", parts: []part{rec("$", "$.id")}, in: `{"id":{}}`,
		fault: "subject"},
	{name: "a scalar where a record should be", parts: []part{items},
		in: `{"data":{"items":["A"]}}`, fault: "subject"},
	{name: "a number is a subject", parts: []part{rec("$", "$.id", "clear $.id", "clear $.x")},
		deny: "7", in: `{"id":7.0,"x":1}`, want: `{"id":7.0,"x":1}`},
	{name: "a record that is its subject", parts: []part{rec("$[*]", "$", "clear $")}, deny: "b",
		in: `["a","b","c"]`, want: `["a","c"]`},
	{name: "subjects of inner records are theirs",
		parts: []part{rec("$.r", "$..id", "clear $..id"), rec("$.r.in", "$.id", "clear $.id")},
		deny:  "in",
		in:    `{"r":{"in":{"id":"in"},"x":{"id":"r"}}}`, want: `{"r":{"x":{"id":"r"}}}`},
	{name: "a subject inside an inner record is not found",
		parts: []part{rec("$.r", "$.in.id"), rec("$.r.in", "")}, in: `{"r":{"in":{"id":1}}}`,
		fault: "subject"},
	{name: "an escaped subject", parts: []part{rec("$[*]", "$.id", "clear $..*")}, deny: "a",
		in: `[{"\u0069d":"\u0061"},{"id":"b"}]`, want: `[{"id":"b"}]`},

	// Strictness (threats A1, A3, A6).
	{name: "duplicate names", parts: one("clear $"), in: `{"a":1,"a":1}`, fault: "syntax"},
	{name: "duplicate names by escapes", parts: one("clear $"),
		in: `{"b":[{"\u0061":1,"c":2,"a":3}]}`, fault: "syntax"},
	{name: "duplicate names by two escapes", parts: one("clear $"), in: `{"\u006A":1,"\u006a":2}`,
		fault: "syntax"},
	{name: "duplicate names where all is dropped", in: `{"z":{"y":[{"a":1,"a":2}]}}`,
		fault: "syntax"},
	{name: "duplicate empty names", in: `{"":1,"":2}`, fault: "syntax"},
	{name: "duplicate escaped surrogate pairs", in: `{"😀":1,"\uD83d\uDe00":2}`, fault: "syntax"},
	{name: "a large object", parts: one("clear $..*"), in: large("n", 1000, ""),
		want: large("n", 1000, "")},
	{name: "large objects in a large one", parts: one("clear $..*"),
		in:   large("n", 30, large("n", 40, large("m", 50, ""))),
		want: large("n", 30, large("n", 40, large("m", 50, "")))},
	{name: "a duplicate in a large object", in: `{"n7":0,` + large("n", 100, "")[1:],
		fault: "syntax"},
	{name: "a duplicate by escapes in a large object", in: `{"\u006e99":0,` +
		large("n", 100, "")[1:], fault: "syntax"},
	{name: "a duplicate around a large object", in: `{"a":{"b":` + large("n", 100, "") +
		`,"c":1},"a":1}`, fault: "syntax"},
	{name: "a duplicate behind large objects", in: `[` + large("n", 100, large("n", 20, "")) +
		`,{"a":1,"a":2}]`, fault: "syntax"},
	{name: "a large duplicate around a large object", in: `{"last":0,` +
		large("n", 30, large("m", 30, ""))[1:], fault: "syntax"},
	{name: "one name in two objects", parts: one("clear $..*"), in: `[{"a":{"a":1}},{"a":1}]`,
		want: `[{"a":{"a":1}},{"a":1}]`},
	{name: "names that differ in case", parts: one("clear $..*"), in: `{"a":1,"A":2}`,
		want: `{"a":1,"A":2}`},
	{name: "bad UTF-8 in a value", in: "{\"a\":\"\xff\"}", fault: "syntax"},
	{name: "bad UTF-8 in a name", in: "{\"\xc0\x80\":1}", fault: "syntax"},
	{name: "a surrogate in UTF-8", parts: one("clear $"), in: "[\"\xed\xa0\x80\"]",
		fault: "syntax"},
	{name: "an overlong form", parts: one("clear $"), in: "[\"\xe0\x80\xaf\"]", fault: "syntax"},
	{name: "past the last code point", parts: one("clear $"), in: "[\"\xf4\x90\x80\x80\"]",
		fault: "syntax"},
	{name: "a cut sequence", parts: one("clear $"), in: "[\"\xe5\xbc\"]", fault: "syntax"},
	{name: "a lone high surrogate", parts: one("clear $"), in: `["\ud83d"]`, fault: "syntax"},
	{name: "a lone low surrogate", parts: one("clear $"), in: `["\ude00"]`, fault: "syntax"},
	{name: "surrogates swapped", parts: one("clear $"), in: `["\ude00\ud83d"]`, fault: "syntax"},
	{name: "a high surrogate twice", parts: one("clear $"), in: `["\ud83d\ud83d\ude00"]`,
		fault: "syntax"},
	{name: "a lone surrogate in a name that is dropped", in: `{"\ud800":1}`, fault: "syntax"},
	{name: "an escaped backslash is no surrogate", parts: one("clear $"), in: `["\\ud83d"]`,
		want: `["\\ud83d"]`},
	{name: "a byte order mark", parts: one("clear $"), in: "\xef\xbb\xbf{}", fault: "syntax"},
	{name: "UTF-16", parts: one("clear $"), in: "{\x00}\x00", fault: "syntax"},
	{name: "trailing data", parts: one("clear $"), in: `{} {}`, fault: "syntax"},
	{name: "a trailing comma", parts: one("clear $"), in: `{"a":1,}`, fault: "syntax"},
	{name: "a trailing NUL", parts: one("clear $"), in: "{}\x00", fault: "syntax"},
	{name: "nothing at all", in: ``, fault: "syntax"},
	{name: "only space", in: " \n", fault: "syntax"},
	{name: "a control character", parts: one("clear $"), in: "[\"a\tb\"]", fault: "syntax"},
	{name: "bad numbers where all is dropped", in: `{"a":01}`, fault: "syntax"},
	{name: "bad escapes where all is dropped", in: `{"a":"\x"}`, fault: "syntax"},
	{name: "no-break space", parts: one("clear $"), in: "{\u00a0}", fault: "syntax"},

	// Limits (threats A4, A9).
	{name: "128 deep", parts: one("clear $"), in: strings.Repeat("[", 128) +
		strings.Repeat("]", 128), want: strings.Repeat("[", 128) + strings.Repeat("]", 128)},
	{name: "129 deep", parts: one("clear $"), in: strings.Repeat("[", 129) +
		strings.Repeat("]", 129), fault: "syntax"},
	{name: "a million deep", in: strings.Repeat("[", 1e6), fault: "syntax"},
	{name: "a million objects deep", in: strings.Repeat(`{"a":`, 1e6), fault: "syntax"},
	{name: "too deep where all is dropped", limits: masking.Limits{Depth: 2}, in: `{"z":[[]]}`,
		fault: "syntax"},
	{name: "depth is not breadth", limits: masking.Limits{Depth: 2}, parts: one("clear $"),
		in: `[[],{},[],[1]]`, want: `[[],{},[],[1]]`},
	{name: "a scalar at depth zero", limits: masking.Limits{Depth: 1}, parts: one("clear $"),
		in: `[1]`, want: `[1]`},
	{name: "a long name", limits: masking.Limits{Name: 8}, parts: one("clear $..*"),
		in: `{"abcdef":1}`, want: `{"abcdef":1}`},
	{name: "a name too long", limits: masking.Limits{Name: 8}, parts: one("clear $"),
		in: `{"abcdefghi":1}`, fault: "syntax"},
	{name: "a name too long as written", limits: masking.Limits{Name: 8}, in: `{"\u0061bcd":1}`,
		fault: "syntax"},
	{name: "a name too long by default", in: `{"` + strings.Repeat("a", 64<<10+1) + `":1}`,
		fault: "syntax"},
	{name: "a long string is no name", limits: masking.Limits{Name: 8}, parts: one("clear $..*"),
		in: `{"a":"123456789"}`, want: `{"a":"123456789"}`},
	{name: "a record as long as may be", limits: masking.Limits{Record: 9},
		parts: []part{rec("$.r", "", "clear $")}, in: `{"r": {"a": 123} ,"s":[1,2,3,4,5,6,7,8,9]}`,
		fault: "syntax"},
	{name: "a record of ten bytes", limits: masking.Limits{Record: 10},
		parts: []part{rec("$.r", "", "clear $..*")},
		in:    `{"r": {"a": 123} ,"s":[1,2,3,4,5,6,7,8,9]}`, want: `{"r": {"a": 123}}`},
	{name: "an inner record too long", limits: masking.Limits{Record: 6},
		parts: []part{rec("$.r", "", "drop $"), rec("$.r.s", "", "clear $")}, in: `{"r":{"s":1}}`,
		fault: "syntax"},
	{name: "a record too long by default", parts: []part{rec("$[*]", "", "clear $")}, in: `["` +
		strings.Repeat("a", 1<<20-1) + `"]`, fault: "syntax"},
	{name: "a scalar record at the default limit", parts: []part{rec("$[*]", "", "stars $")},
		in: `["` + strings.Repeat("a", 1<<20-2) + `"]`, want: `["***"]`},

	// Positions.
	{name: "dropped elements leave null", keep: true,
		parts: []part{rec("$", "", "drop $.a[1]", "clear $.a", "clear $.b[0]", "digits $.c[*]")},
		in:    `{"a":[ 1 , 2 ,3 ],"b":[true, {"x":1} ],"c":[12,"x"],"d":[1]}`,
		want:  `{"a":[ 1 , null ,3 ],"b":[true, null ],"c":[2,null]}`},
	{name: "all elements dropped leave nulls", keep: true,
		parts: []part{rec("$", "", "drop $.a[*]")}, in: `{"a":[ 1 ,{"b":[]}]}`,
		want: `{"a":[ null ,null]}`},
	{name: "no elements, no nulls", keep: true, parts: []part{rec("$", "", "drop $.a[*]")},
		in: `{"a":[ ]}`, want: `{"a":[ ]}`},
	{name: "denied records leave null", keep: true,
		parts: []part{rec("$[*]", "$.id", "clear $.id")}, deny: "A C",
		in: `[{"id":"A"}, {"id":"B"},null, {"id":"C"}]`, want: `[null, {"id":"B"},null, null]`},
	{name: "members leave nothing", keep: true, parts: []part{rec("$.r.*", "$.id", "clear $.id")},
		deny: "A", in: `{"r":{"x":{"id":"A","y":1},"y":{"id":"B","y":1}}}`,
		want: `{"r":{"y":{"id":"B"}}}`},
	{name: "masked elements stay masked", keep: true, unlisted: masking.UnlistedMask,
		parts: []part{rec("$", "", "drop $.a[0]")}, in: `{"a":[1,2]}`, want: `{"a":[null,"****"]}`},
	{name: "a dropped array is no element", keep: true,
		parts: []part{rec("$", "", "drop $.a", "clear $.b")}, in: `{"a":[1,2],"b":[[]]}`,
		want: `{"b":[[]]}`},
	{name: "a dropped root leaves nothing", keep: true, parts: []part{rec("$", "", "drop $")},
		in: `[1]`, fault: "nothing"},
	{name: "lines are no elements", keep: true, framing: masking.Lines,
		parts: []part{rec("$", "$.id", "clear $.id")}, deny: "A",
		in: "{\"id\":\"A\"}\n{\"id\":\"B\"}\n", want: "{\"id\":\"B\"}\n"},
}

// large returns an object of n members, and one called last whose value is last unless that is
// empty.
func large(prefix string, n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%s%d":%d`, prefix, i, i)
	}
	if last != "" {
		b.WriteString(`,"last":` + last)
	}
	return "{" + b.String()[1:] + "}"
}

// TestCutShort refuses a body cut at any byte (threat A7).
func TestCutShort(t *testing.T) {
	spec, d := row{parts: []part{env("clear $.code"), items}}.compiled()
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), contextKey{}, true)
	for i := range whole {
		out, err := layout.Append(ctx, nil, []byte(whole[:i]), masking.Document, d, nil)
		if class(err) != "syntax" || len(out) > 0 {
			t.Errorf("Append(%q) = %q, %v, want a SyntaxError", whole[:i], out, err)
		}
	}
}

func TestRecords(t *testing.T) {
	spec, d := row{parts: []part{
		env("clear $.a"),
		rec("$.r[0,1,2]", "$.id", "read $.x", "read $.y[*]", "read $.z", "read $"),
		rec("$..in", "", "read $.s", "read $..id"),
	}}.compiled()
	const src = `{"a":1,"in":{},"r":[{"id":"\u0069","x":null,"y":[1,2],"in":{"s":"\"","id":4},` +
		`"z":{"in":[ {"id":5}]}},null,{"id":6.0,"y":[[]],"z":"é"}]}` +
		"\n" + `{"b":{"in":7}}`
	value := func(kind masking.Kind, text string) masking.Value {
		return masking.Value{Kind: kind, Text: []byte(text)}
	}
	want := []masking.Record{
		{Kind: -1, Parent: -1},
		{Kind: 1, Parent: 0, Inputs: make([]masking.Value, 2)},
		{Kind: 0, Parent: 0, Subject: value(masking.String, "i"), Inputs: []masking.Value{
			value(masking.Null, "null"), {}, value(masking.Object, `{"in":[ {"id":5}]}`),
			value(masking.Object, `{"id":"\u0069","x":null,"y":[1,2],"in":{"s":"\"","id":4},`+
				`"z":{"in":[ {"id":5}]}}`),
		}},
		{Kind: 1, Parent: 2, Inputs: []masking.Value{
			value(masking.String, `"`), value(masking.Number, "4"),
		}},
		{Kind: 1, Parent: 2, Inputs: []masking.Value{{}, value(masking.Number, "5")}},
		{Kind: 0, Parent: 0, Subject: value(masking.Number, "6.0"), Inputs: []masking.Value{
			{}, value(masking.Array, "[]"), value(masking.String, "é"),
			value(masking.Object, `{"id":6.0,"y":[[]],"z":"é"}`),
		}},
		{Kind: -1, Parent: -1},
		{Kind: 1, Parent: 6, Inputs: make([]masking.Value, 2)},
	}
	for name, compile := range map[string]func(masking.Spec) (masker,
		error){"engine": compileEngine, "reference": compileReference} {
		m, err := compile(spec)
		if err != nil {
			t.Fatal(err)
		}
		var seen []masking.Record
		decide := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) error {
			for _, r := range records {
				r.Subject, r.Inputs = cloneValue(r.Subject), slices.Clone(r.Inputs)
				for i := range r.Inputs {
					r.Inputs[i] = cloneValue(r.Inputs[i])
				}
				seen = append(seen, r)
			}
			return d.Decide(context.WithValue(t.Context(), contextKey{}, true), records, profiles)
		})
		_, err = m.Append(t.Context(), nil, []byte(src), masking.Lines, decide, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := diffRecords(want, seen); diff != "" {
			t.Errorf("%s: records (-want +got)\n%s", name, diff)
		}
	}
}

type deciderFunc func(records []masking.Record, profiles []*masking.Profile) error

func (f deciderFunc) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	return f(records, profiles)
}

func TestReport(t *testing.T) {
	r := row{deny: "C", open: "B", parts: []part{
		env("clear $.code", "drop $.data.total"),
		rec("$.data.items[*]", "$.id", "clear $.id", "stars $.name", "reverse $.no", "drop $.bin"),
	}}
	spec, d := r.compiled()
	const src = `{"code":0,"x":{"y":1},"data":{"total":4,"z":2,"items":[` +
		`{"id":"A","name":{"n":1},"no":5,"u":{"v":1},"bin":1},{"id":"B","name":"b","no":6,` +
		`"w":null},{"id":"C","u":1},null,{"id":"D","no":"7"}]}}`
	want := masking.Report{
		Records:  4,
		Unlisted: 4, // x, z, u of A, w of B
		Tallies: []masking.Tally{
			{Profile: d.plain[masking.Envelope], Records: 1, Treated: []int{1, 1},
				Withheld: []int{0, 0}},
			{Profile: d.plain[0], Records: 2, Treated: []int{2, 1, 1, 1},
				Withheld: []int{0, 0, 1, 0}},
			{Profile: d.clear[0], Records: 1, Treated: []int{1, 1, 1, 0},
				Withheld: []int{0, 0, 0, 0}},
			{Profile: d.denied, Records: 1},
		},
	}
	ctx := context.WithValue(t.Context(), contextKey{}, true)
	for name, compile := range map[string]func(masking.Spec) (masker,
		error){"engine": compileEngine, "reference": compileReference} {
		m, err := compile(spec)
		if err != nil {
			t.Fatal(err)
		}
		var report masking.Report
		for range 2 {
			if _, err := m.Append(ctx, nil, []byte(src), masking.Document, d, &report); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := diffReports(want, report); diff != "" {
				t.Errorf("%s: report (-want +got)\n%s", name, diff)
			}
			for i, tally := range report.Tallies {
				if i >= len(want.Tallies) || tally.Profile != want.Tallies[i].Profile {
					t.Errorf("%s: tally %d is not of the profile used then", name, i)
				}
			}
		}
	}
}

// diffReports compares reports, whatever the order of their tallies and the length of a denied
// record's.
func diffReports(want, got masking.Report) string {
	plain := func(r masking.Report) map[string]any {
		out := map[string]any{"records": r.Records, "unlisted": r.Unlisted}
		for _, t := range r.Tallies {
			counts := func(list []int) []int {
				for len(list) > 0 && list[len(list)-1] == 0 {
					list = list[:len(list)-1]
				}
				return append([]int{}, list...)
			}
			out[fmt.Sprintf("%p", t.Profile)] = []any{t.Records, counts(t.Treated),
				counts(t.Withheld)}
		}
		return out
	}
	return cmp.Diff(plain(want), plain(got))
}

// TestProfiles refuses the profiles that a decider must not hand over.
func TestProfiles(t *testing.T) {
	spec := masking.Spec{Envelope: []string{"$.a"},
		Records: []masking.RecordSpec{{Select: "$.r", Fields: []string{"$.x", "$.y"}}}}
	good := [2]*masking.Profile{{Treatments: make([]masking.Treatment, 1)},
		{Treatments: make([]masking.Treatment, 2)}}
	tests := []struct {
		name     string
		profiles [2]*masking.Profile
		ok       bool
	}{
		{"good", good, true},
		{"record denied", [2]*masking.Profile{good[0], {Denied: true}}, true},
		{"none at all", [2]*masking.Profile{}, false},
		{"none for the envelope", [2]*masking.Profile{nil, good[1]}, false},
		{"none for the record", [2]*masking.Profile{good[0], nil}, false},
		{"envelope denied", [2]*masking.Profile{{Denied: true}, good[1]}, false},
		{"too few treatments", [2]*masking.Profile{good[0], good[0]}, false},
		{"too many treatments", [2]*masking.Profile{good[1], good[1]}, false},
		{"a rank without its transform",
			[2]*masking.Profile{good[0],
				{Treatments: []masking.Treatment{{Rank: masking.RankRedact}, {}}}}, false},
		{"clear with a transform", [2]*masking.Profile{good[0],
			{Treatments: []masking.Treatment{{Transform: constant("1")}, {}}}}, false},
	}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("Append panicked: %v", r)
				}
			}()
			out, err := layout.Append(t.Context(), nil, []byte(`{"a":1,"r":{"x":2,"y":3}}`),
				masking.Document, deciderFunc(func(_ []masking.Record, p []*masking.Profile) error {
					copy(p, test.profiles[:])
					return nil
				}), nil)
			if (err == nil) != test.ok || err != nil && len(out) > 0 {
				t.Errorf("Append = %q, %v, want ok = %v", out, err, test.ok)
			}
		})
	}
}

// TestErrors checks what errors say, and that they say nothing of the data.
func TestErrors(t *testing.T) {
	spec, d := row{parts: []part{env("clear $.code"),
		rec("$.data.items[*]", "$.id", "clear $['a/b~']")},
		limits: masking.Limits{Depth: 6, Name: 40}}.compiled()
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, src, class, pointer string }{
		{"root", `CANARY`, "syntax", ""},
		{"known names", `{"data":{"items":[0,{"id":"a","a/b~":CANARY}]}}`, "syntax",
			"/data/items/1/a~1b~0"},
		{"unknown names", `{"data":{"CANARY":[{"id":[1,nul]}]}}`, "syntax", "/data/*/0/id/1"},
		{"escaped unknown names", `{"\u0043ANARY":[{"CANARY":CANARY}]}`, "syntax", "/*/0/*"},
		{"no subject", `{"data":{"items":[{"id":1},{"CANARY":"CANARY"}]}}`, "subject",
			"/data/items/1"},
		{"two canaries", `{"CANARY":{"CANARY":1,"CANARY":2}}`, "syntax", "?"},
		{"long canary", `{"CANARY` + strings.Repeat("x", 50) + `":1}`, "syntax", "?"},
		{"bad UTF-8", "{\"CANARY\":\"CANARY\xff\"}", "syntax", "/*"},
		{"too deep", `{"CANARY":[[[[[["CANARY"]]]]]]}`, "syntax", "?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := layout.Append(context.WithValue(t.Context(), contextKey{}, true), nil,
				[]byte(test.src), masking.Document, d, nil)
			if class(err) != test.class {
				t.Fatalf("Append = %v, want class %s", err, test.class)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if strings.Contains(text, "CANARY") || strings.Contains(text, "ANAR") {
				t.Errorf("the error carries data: %s", text)
			}
			var syntax *masking.SyntaxError
			var subject *masking.SubjectError
			pointer := ""
			if errors.As(err, &syntax) {
				pointer = syntax.Pointer
				if syntax.Offset < 0 || syntax.Offset > int64(len(test.src)) {
					t.Errorf("offset %d of %d", syntax.Offset, len(test.src))
				}
			} else if errors.As(err, &subject) {
				pointer = subject.Pointer
				if subject.Found != 0 {
					t.Errorf("found %d subjects, want 0", subject.Found)
				}
			}
			if test.pointer != "?" && pointer != test.pointer {
				t.Errorf("pointer %q, want %q (%v)", pointer, test.pointer, err)
			}
		})
	}
}

// TestCompile refuses what is no selector or not one of the engine's.
func TestCompile(t *testing.T) {
	bad := []string{
		"", "a", "$.", "$..", "$a", " $", "$ ", "$.a ", "$. a", "$.. a", "$...a", "$.1a", "$.a-b",
		"$.'a'", "$[]", "$[a]", "$['a'", "$['a]", "$['a',]", "$[,'a']",
		"$['a''b']", `$['\x']`, `$['\"']`, `$["\'"]`, `$['\u12']`, `$['\ud800']`, `$['\udc00']`,
		`$['\ud800\u0041']`, "$['\n']", "$['\xff']", "$.\xff",
		"$[01]", "$[-0]", "$[-01]", "$[- 1]", "$[-]", "$[1.0]", "$[1e2]", "$[+1]",
		"$[9007199254740992]", "$[-9007199254740992]", "$[0:1:2:3]", "$[:00]", "$[(@)]", "@",
		"$.length()", "$[**]", "$.**",
		"$[?]", "$[?1]", "$[?@.a=1]", "$[?@.a==]", "$[?(@.a]", "$[?@.*==1]", "$[?@[ 'a' ]==1]",
		"$[?length(@.*)==1]", "$[?count(1)==1]", "$[?length(@)]", "$[?match(@,'a')==true]",
		"$[?!@.a==1]", "$[?true]",
		"$[?foo(@)]", "$[?length (@)==1]", "$[?@.a==01]", "$[?@.a && ]", "$[?a]",
	}
	for _, s := range bad {
		if _, err := newReference(masking.Spec{Envelope: []string{s}}); err == nil {
			t.Errorf("the reference takes %q", s)
		}
		for i, spec := range []masking.Spec{
			{Envelope: []string{"$.x", s}},
			{Records: []masking.RecordSpec{{Select: s}}},
			{Records: []masking.RecordSpec{{Select: "$.r", Subject: s}}},
			{Records: []masking.RecordSpec{{Select: "$.r", Inputs: []string{s}}}},
			{Records: []masking.RecordSpec{{Select: "$.r", Fields: []string{s}}}},
		} {
			if i == 2 && s == "" {
				continue // no subject
			}
			if _, err := masking.Compile(spec); err == nil {
				t.Errorf("Compile takes %q (%d)", s, i)
			}
		}
	}

	good := []string{
		"$", "$.a", "$._1", "$.é", "$.\u0080", "$.\ue000", "$.\ufffd", "$.\U0010ffff", "$.*",
		"$[*]", "$..*", "$..[*]", "$..a", "$..[0,'a']", "$[0]", "$[9007199254740991]",
		"$ .a", "$\n[ 'a' \t,\r0 ] ..b", `$['\'"']`, `$["'\""]`,
		`$["\b\f\n\r\t\/\\\u0000\uD834\udd1e"]`, "$['\ufffd']", "$['']", "$['$']", "$.true",
		"$[-1]", "$[-9007199254740991]", "$[0:1]", "$[:]", "$[ : : ]", "$[1 :2 : -1]", "$[::0]",
		"$[?@.a]", "$[?1==1]", "$..[?@]", "$[?!@.a&&(@.b||!(@.c==1))]", "$[?@ [?@.a] .b]",
		"$[?-0==0]", "$[?@.a==1E-2]",
		"$[?length(@) > count( $..* )]", "$[?match(@.a, value($..b))]", "$[?'a'==\"b\"]",
		"$[?true==null]", "$[?@[ 'a' ]]", "$[?@.a ]",
	}
	for _, s := range good {
		fieldPair(t, s)
		if _, err := masking.Compile(masking.Spec{Envelope: []string{s}}); err != nil {
			t.Errorf("Compile: %v", err)
		}
	}

	overlaps := []struct {
		a, b string
		both bool
	}{
		{"$.a", "$.a", true},
		{"$.a", "$.b", false},
		{"$.a", "$.*", true},
		{"$..a", "$.b.a", true},
		{"$..a", "$.b", false},
		{"$..a", "$..b", false},
		{"$..a", "$..*", true},
		{"$[0]", "$.a", false},
		{"$[0]", "$[*]", true},
		{"$[0]", "$[1]", false},
		{"$[0].a", "$.a[0]", false},
		{"$['a',0]", "$['b',0]", true},
		{"$", "$.a", false},
		{"$", "$", true},
		{"$.a[*]", "$.a[*].b[*]", false},
		{"$.a[0][0]", "$..[0]", true},
		{"$..[0].a", "$.a.a", false},
		{`$['\u0061']`, `$["a"]`, true},
		{"$.A", "$.a", false},
	}
	for _, test := range overlaps {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			_, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{Select: pair[0]},
				{Select: pair[1]}}})
			if (err != nil) != test.both {
				t.Errorf("Compile with the kinds %q and %q: %v, want an error: %v", pair[0],
					pair[1], err, test.both)
			}
		}
	}

	_, err := masking.Compile(masking.Spec{Envelope: []string{"$.x-1", "$.fine"},
		Records: []masking.RecordSpec{{Select: "$.y-2", Fields: []string{"$.z-3"}}}})
	for _, s := range []string{"$.x-1", "$.y-2", "$.z-3"} {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("Compile: %v, want all faults, %q among them", err, s)
		}
	}
}

func TestSingular(t *testing.T) {
	tests := map[string]bool{
		"$": true, "$.a": true, "$['a'][0].b": true, "$.*": false, "$[*]": false, "$.a[*].b": false,
		"$..a": false, "$..[0]": false, "$['a','b']": false, "$[0,0]": false,
		"a": false, "": false, "$[-1]": true, "$[0:1]": false, "$[?@.a]": false,
	}
	for s, want := range tests {
		if got := masking.Singular(s); got != want {
			t.Errorf("Singular(%q) = %v, want %v", s, got, want)
		}
	}
}

// TestReferenceSpans checks that the tree's spans are those of its values.
func TestReferenceSpans(t *testing.T) {
	src := []byte(" { \"a\" : [ 1.5e3 , true,null ,{},[ ] ] , \"\\u0062\" :\"x\\\"y\"} ")
	m := &run{reference: &reference{spec: masking.Spec{Limits: masking.DefaultLimits}}, src: src}
	root, err := m.parse(0, len(src))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var visit func(n *node)
	visit = func(n *node) {
		got = append(got, fmt.Sprintf("%s=%s", bytes.TrimSpace(src[n.start:n.lo]), src[n.lo:n.hi]))
		for _, c := range n.children {
			visit(c)
		}
	}
	visit(root)
	want := []string{"=" + strings.TrimSpace(string(src)), `"a" :=[ 1.5e3 , true,null ,{},[ ] ]`,
		"=1.5e3", "=true", "=null", "={}", "=[ ]", `"\u0062" :="x\"y"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got)\n%s", diff)
	}
}
