package masking_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// names masks $.name and lists $.id; all else is unlisted.
func names(tb testing.TB) (masking.Spec, *oneProfile) {
	tb.Helper()
	expression, err := treatment.ParseExpression("mask(keep_first=1, stars=2)")
	if err != nil {
		tb.Fatal(err)
	}
	built, err := expression.Treatment(treatment.Environment{})
	if err != nil {
		tb.Fatal(err)
	}
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$", Subject: "$.id",
		Fields: []string{"$.id", "$.name"}}}}
	return spec, &oneProfile{&masking.Profile{},
		&masking.Profile{Treatments: []masking.Treatment{{}, built}}}
}

func TestSequences(t *testing.T) {
	const refused = "refused"
	for _, test := range []struct {
		name    string
		framing masking.Framing
		in      string
		want    string
	}{
		{"texts", masking.Sequence, "\x1e{\"id\":1,\"name\":\"张三\"}\n\x1e{\"id\":2,\"x\":3}\n",
			"\x1e{\"id\":1,\"name\":\"张**\"}\n\x1e{\"id\":2}\n"},
		{"text over lines", masking.Sequence, "\x1e{\"id\":1,\n \"name\":\"张三\"\n}\n",
			"\x1e{\"id\":1,\n \"name\":\"张**\"\n}\n"},
		{"text without a subject", masking.Sequence, "\x1e{\"id\":1}\n\x1e 7 \n\x1e{\"id\":2}\n",
			refused},
		{"no text", masking.Sequence, "", ""},
		{"no separator", masking.Sequence, "{\"id\":1}\n", refused},
		{"two texts in one", masking.Sequence, "\x1e{\"id\":1}{\"id\":2}\n", refused},
		{"empty text", masking.Sequence, "\x1e\n", refused},
		{"no line feed", masking.Sequence, "\x1e{\"id\":1}", refused},
		{"second text bad", masking.Sequence, "\x1e{\"id\":1}\n\x1e{\"id\":1,}\n", refused},
		{"separator within a string", masking.Sequence, "\x1e{\"id\":\"\x1e\"}\n", refused},

		{"event", masking.Events, "data: {\"id\":1,\"name\":\"张三\"}\n\n",
			"data: {\"id\":1,\"name\":\"张**\"}\n\n"},
		{"other fields and comments", masking.Events,
			": 张三\nid: 张三\nevent: 张三\nretry: 3\nname\ndata:{\"id\":1}\n\n", "data: {\"id\":1}\n\n"},
		{"CRLF", masking.Events, "data: {\"id\":1}\r\n\r\ndata: {\"id\":2}\r\n\r\n",
			"data: {\"id\":1}\n\ndata: {\"id\":2}\n\n"},
		{"CR", masking.Events, "data: {\"id\":1}\r\rdata: {\"id\":2}\n\r\n",
			"data: {\"id\":1}\n\ndata: {\"id\":2}\n\n"},
		{"data over lines", masking.Events, "data: {\"id\":1,\ndata:  \"name\":\"张三\"}\n\n",
			"data: {\"id\":1,\ndata:  \"name\":\"张**\"}\n\n"},
		{"event without data", masking.Events, "event: 张三\n\n: 张三\n\n\ndata: {\"id\":1}\n\n",
			"data: {\"id\":1}\n\n"},
		{"event that does not end", masking.Events, "data: {\"id\":1}\n\ndata: {\"id\":2}\n",
			"data: {\"id\":1}\n\n"},
		{"data that is no JSON", masking.Events, "data: [DONE]\n\n", refused},
		{"separator in data", masking.Events, "data: {\"id\":1}\x1e{\"id\":2}\n\n", refused},
		{"two texts in data", masking.Events, "data: {\"id\":1}\ndata: {\"id\":2}\n\n", refused},
		{"no event", masking.Events, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec, d := names(t)
			layout, err := masking.Compile(spec)
			if err != nil {
				t.Fatal(err)
			}
			out, err := layout.Append(t.Context(), nil, []byte(test.in), test.framing, d, nil)
			if (err != nil) != (test.want == refused) || err == nil && string(out) != test.want {
				t.Errorf("Append(%q) = %q, %v, want %q", test.in, out, err, test.want)
			}
			for _, buffer := range []int{80, 1 << 10} {
				for window := 1; window < 3; window++ {
					out, err := streamed(t, spec, iotest.OneByteReader(strings.NewReader(test.in)),
						test.framing, d, buffer, window)
					if (err != nil) != (test.want == refused) ||
						err == nil && string(out) != test.want {
						t.Errorf("Rewrite(%q) with buffer %d, window %d = %q, %v, want %q", test.in,
							buffer, window, out, err, test.want)
					}
				}
			}
		})
	}
}

// TestDroppedTexts shows that of a sequence only the text goes whose root is dropped: here a scalar
// that no field lists.
func TestDroppedTexts(t *testing.T) {
	layout, err := masking.Compile(masking.Spec{Envelope: []string{"$.a"}})
	if err != nil {
		t.Fatal(err)
	}
	d := &oneProfile{envelope: &masking.Profile{Treatments: make([]masking.Treatment, 1)}}
	for framing, test := range map[masking.Framing]struct{ in, want string }{
		masking.Lines: {"{\"a\":1}\n 7 \n{\"b\":2}\n8", "{\"a\":1}\n{}\n"},
		masking.Sequence: {"\x1e{\"a\":1}\n\x1e 7 \n\x1e{\"b\":2}\n\x1e8\n",
			"\x1e{\"a\":1}\n\x1e{}\n"},
		masking.Events: {"data: {\"a\":1}\n\ndata: 7\n\ndata: {\"b\":2}\n\n",
			"data: {\"a\":1}\n\ndata: {}\n\n"},
	} {
		out, err := layout.Append(t.Context(), nil, []byte(test.in), framing, d, nil)
		if err != nil || string(out) != test.want {
			t.Errorf("framing %d: Append(%q) = %q, %v, want %q", framing, test.in, out, err,
				test.want)
		}
	}
}

// TestEventsComeAtOnce shows that an event is released before the next one is there.
func TestEventsComeAtOnce(t *testing.T) {
	spec, d := names(t)
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	released := make(chan string)
	ended := make(chan error)
	go func() {
		ended <- layout.Rewrite(t.Context(), reader, masking.Events, d,
			func(out []byte, _ *masking.Report) error {
				if len(out) > 0 {
					released <- string(out)
				}
				return nil
			})
	}()
	for range 3 {
		if _, err := writer.Write([]byte("data: {\"id\":1,\"name\":\"张三\"}\n\n")); err != nil {
			t.Fatal(err)
		}
		if got, want := <-released, "data: {\"id\":1,\"name\":\"张**\"}\n\n"; got != want {
			t.Errorf("released %q, want %q", got, want)
		}
	}
	writer.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestUnitTooLarge shows that a line, text or event without end is refused.
func TestUnitTooLarge(t *testing.T) {
	spec, d := names(t)
	for framing, head := range map[masking.Framing]string{
		masking.Lines:    `{"id":"`,
		masking.Sequence: "\x1e{\"id\":\"",
		masking.Events:   `data: {"id":"`,
	} {
		src := &endless{head: []byte(head), body: bytes.Repeat([]byte("x"), 100), left: 1 << 20}
		_, err := streamed(t, spec, src, framing, d, 1<<10, 2)
		var fault *masking.SyntaxError
		if !errors.As(err, &fault) || src.left < 1<<19 {
			t.Errorf("framing %d: %v, with %d bytes left", framing, err, src.left)
		}
	}
}
