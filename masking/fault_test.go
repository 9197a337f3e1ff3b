package masking_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/maskgate/maskgate/masking"
)

// place returns what an error says of where its fault is; the offset is -1 if it says none.
func place(err error) (offset int64, pointer string) {
	var syntax *masking.SyntaxError
	var selection *masking.SelectionError
	var subject *masking.SubjectError
	switch {
	case errors.As(err, &syntax):
		return syntax.Offset, syntax.Pointer
	case errors.As(err, &selection):
		return selection.Offset, selection.Pointer
	case errors.As(err, &subject):
		return -1, subject.Pointer
	}
	return -1, "no error that says where"
}

// TestFaultPlaces shows that an error says where in the response its fault is, also where the
// response is rewritten in windows and the fault lies behind the first.
func TestFaultPlaces(t *testing.T) {
	const fault = "▸" // stands in front of the fault
	records := masking.Spec{Records: []masking.RecordSpec{{
		Select: "$.items[*]", Subject: "$.id", Fields: []string{"$.id"},
	}}}
	nested := masking.Spec{Records: []masking.RecordSpec{{
		Select: "$.data['items','more'][*].r", Subject: "$.id", Fields: []string{"$.id"},
	}}}
	texts := masking.Spec{Records: []masking.RecordSpec{{
		Select: "$", Subject: "$.id", Fields: []string{"$.id"},
	}}}
	named := masking.Spec{Records: []masking.RecordSpec{{
		Select: "$.*['b/~']", Subject: "$.id",
	}}}
	inner := masking.Spec{Records: []masking.RecordSpec{
		{Select: "$[*]", Subject: "$.id"}, {Select: "$[*].in[*]", Subject: "$.id"},
	}}
	const (
		good     = `{"a":["x"],"p":"x"}`
		tooLarge = `{"p":"x{1001}","a":[▸"x"]}` // the pattern is
	)
	patterns := masking.Spec{Envelope: []string{"$.a[?match(@, $.p)]"}}
	slices := masking.Spec{Records: []masking.RecordSpec{
		{Select: "$.a[:2]", Subject: "$.id"},
		{Select: "$.a[2:]", Subject: "$.id"},
		{Select: "$.a[3:]"},
	}}
	for _, test := range []struct {
		name    string
		spec    masking.Spec
		framing masking.Framing
		src     string
		class   string
		pointer string
	}{
		{"value", records, masking.Document,
			`{"items":[{"id":1},{"id":2},{"id":▸x}]}`, "syntax", "/items/2/id"},
		{"comma", records, masking.Document,
			`{"items":[{"id":1},{"id":2}▸{"id":3}]}`, "syntax", "/items"},
		{"name", records, masking.Document,
			`{"items":[{"id":1},{"id":2}],"x":1,▸"x":2}`, "syntax", ""},
		{"end", records, masking.Document,
			`{"items":[{"id":1},{"id":2}]} ▸,`, "syntax", ""},
		{"cut short", records, masking.Document,
			`{"items":[{"id":1},{"id":2},▸`, "syntax", "/items/2"},
		{"kinds", slices, masking.Document,
			`{"a":[{"id":1},{"id":2},{"id":3},▸{"id":4}]}`, "selection", "/a/3"},
		{"subject", records, masking.Document,
			`{"items":[{"id":1},{"id":2},{"x":1},{"id":4}]}`, "subject", "/items/2"},
		{"subject in a nested array", nested, masking.Document,
			`{"data":{"items":[{"r":{"id":1}}],"more":[null,{"r":{"id":2}},{"x":{},"r":{}}]}}`,
			"subject", "/data/more/2/r"},
		{"subject under a name that is data", named, masking.Document,
			`{"张三":{"b/~":{"id":1}},"李四":{"b/~":{"x":2}}}`, "subject", "/*/b~1~0"},
		{"subject of an inner record", inner, masking.Document,
			`[{"id":1,"in":[{"id":2}]},{"id":3,"in":[{"id":4},{}]}]`, "subject", "/1/in/1"},

		{"line", texts, masking.Lines,
			"{\"id\":1}\n{\"id\":2}\n{\"id\":▸x}\n", "syntax", "/id"},
		{"pattern of a line", patterns, masking.Lines,
			good + "\n" + tooLarge + "\n", "selection", "/a/0"},
		{"subject of a line", texts, masking.Lines,
			"{\"id\":1}\n{\"id\":2}\n{}\n", "subject", ""},
		{"text", texts, masking.Sequence,
			"\x1e{\"id\":1}\n\x1e{\"id\":2}\n\x1e{\"id\":▸x}\n", "syntax", "/id"},
		{"pattern of a text", patterns, masking.Sequence,
			"\x1e" + good + "\n\x1e" + tooLarge + "\n", "selection", "/a/0"},
		{"event", texts, masking.Events,
			": comment\ndata: {\"id\":1}\n\nid: 7\ndata:{\"id\":2}\n\n" +
				"event: x\ndata:{\ndata: \"id\":▸x}\n\n", "syntax", "/id"},
		{"end of an event", texts, masking.Events,
			"data: {\"id\":1}\r\n\r\ndata: {\"id\":2}▸{}\r\n\r\n", "syntax", ""},
		{"event cut short", texts, masking.Events,
			"data: {\"id\":1}\n\ndata: {\"id\":▸\n\ndata: {}\n\n", "syntax", "/id"},
		{"pattern of an event", patterns, masking.Events,
			"data: " + good + "\n\n:\ndata: " + tooLarge + "\n\n", "selection", "/a/0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := int64(strings.Index(test.src, fault))
			src := strings.Replace(test.src, fault, "", 1)
			check := func(by string, err error) {
				t.Helper()
				if offset, pointer := place(err); class(err) != test.class || offset != want ||
					pointer != test.pointer {
					t.Errorf("%s(%q) = %v, want a %s fault at byte %d, %q", by, src, err,
						test.class, want, test.pointer)
				}
			}
			d := profilesOf(test.spec)
			// A unit must fit the buffer, but not all of them.
			limits := []masking.Limits{{Buffer: len(src) - 1, Window: 1}, {Buffer: len(src) - 1}}
			if test.framing == masking.Document {
				limits = append(limits, masking.Limits{Buffer: 8, Window: 1})
			}
			for _, limits := range limits {
				spec := test.spec
				spec.Limits = limits
				layout, err := masking.Compile(spec)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // what one response leaves behind must not move the fault of the next
					_, err = layout.Append(t.Context(), nil, []byte(src), test.framing, d, nil)
					check("Append", err)
					reader := iotest.OneByteReader(strings.NewReader(src))
					err = layout.Rewrite(t.Context(), reader, test.framing, d,
						func([]byte, *masking.Report) error { return nil })
					check("Rewrite", err)
					bad := []byte("[x]")
					_, err = layout.Append(t.Context(), nil, bad, masking.Document, d, nil)
					if offset, _ := place(err); offset != 1 {
						t.Errorf("Append([x]) behind another = %v, want a fault at byte 1", err)
					}
				}
			}
		})
	}
}

// profilesOf gives every kind of a spec's records a profile that shows all fields.
func profilesOf(spec masking.Spec) allClear {
	d := allClear{masking.Envelope: {Treatments: make([]masking.Treatment, len(spec.Envelope))}}
	for kind, r := range spec.Records {
		d[kind] = &masking.Profile{Treatments: make([]masking.Treatment, len(r.Fields))}
	}
	return d
}
