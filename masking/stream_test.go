package masking_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/maskgate/maskgate/masking"
)

// streamed rewrites src in windows of a few bytes and records.
func streamed(
	tb testing.TB, spec masking.Spec, src io.Reader, framing masking.Framing, d masking.Decider,
	buffer, window int,
) ([]byte, error) {
	tb.Helper()
	spec.Limits.Buffer, spec.Limits.Window = buffer, window
	layout, err := masking.Compile(spec)
	if err != nil {
		tb.Fatal(err)
	}
	var out []byte
	err = layout.Rewrite(tb.Context(), src, framing, d, func(part []byte, _ *masking.Report) error {
		out = append(out, part...)
		return nil
	})
	return out, err
}

// TestRewriteIsAppend shows that Rewrite has the output of Append, however small the windows and
// however split the input. Where a document is refused, or cut short, the output is a prefix of
// what is right.
func TestRewriteIsAppend(t *testing.T) {
	agreed, refused := 0, 0
	for i := range documents(t, 40_000) / 20 {
		rng := rand.New(rand.NewPCG(7, uint64(i)))
		spec := randomSpec(rng)
		spec.Limits = masking.Limits{}
		whole, err := masking.Compile(spec)
		if err != nil {
			continue
		}
		c := newChooser(rng, spec)
		outside, _ := whole.Needs()
		for range 20 {
			framing := pick(rng, masking.Document, masking.Document, masking.Document,
				masking.Lines)
			src := randomDocument(rng, framing)
			buffer, window := 1+rng.IntN(40), 1+rng.IntN(3)
			if framing == masking.Lines || outside > masking.NeedNothing {
				buffer = len(src) +
					1 - rng.IntN(2) // a line must fit, and what selectors need at once
			}
			want, wantErr := whole.Append(t.Context(), nil, src, framing, c, nil)
			reader := pick(rng, iotest.OneByteReader, iotest.HalfReader,
				iotest.DataErrReader)(bytes.NewReader(src))
			got, gotErr := streamed(t, spec, reader, framing, c, buffer, window)
			if wantErr == nil {
				agreed++
				if gotErr != nil || !bytes.Equal(got, want) {
					t.Fatalf("spec %d: Rewrite(%q) with buffer %d, window %d\n got %q, %v\nwant "+
						"%q\n%+v", i, src, buffer, window, got, gotErr, want, spec)
				}
				if outside > masking.NeedNothing {
					continue
				}
				cut := rng.IntN(len(src) + 1)
				got, gotErr = streamed(t, spec, bytes.NewReader(src[:cut]), framing, c, buffer,
					window)
				// A number at the root can be cut and still be a document.
				if framing == masking.Document && gotErr != nil && !bytes.HasPrefix(want, got) {
					t.Fatalf("spec %d: Rewrite(%q), cut from %q,\n got %q\nno prefix of %q",
						i, src[:cut], src, got, want)
				}
				continue
			}
			refused++
			if gotErr == nil {
				t.Fatalf("spec %d: Rewrite(%q) with buffer %d = %q, want an error: %v", i, src,
					buffer, got, wantErr)
			}
		}
	}
	t.Logf("%d documents agreed, %d were refused by both", agreed, refused)
}

// endless is an array of records that does not end, or a string that does not.
type endless struct {
	head, body []byte
	left       int64
	pending    []byte
	begun      bool
}

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.pending, e.begun = e.head, true
	}
	if len(e.pending) == 0 {
		if e.left <= 0 {
			return 0, io.EOF
		}
		e.pending = e.body
		e.left -= int64(len(e.body))
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

// TestRewriteLimits shows that what is too large for the buffer is refused, whatever it is.
func TestRewriteLimits(t *testing.T) {
	spec := masking.Spec{
		Envelope: []string{"$.note"},
		Records:  []masking.RecordSpec{{Select: "$.items[*]", Fields: []string{"$.name"}}},
		Limits:   masking.Limits{Record: 1 << 12, Name: 1 << 10, Buffer: 1 << 12},
	}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	d := &oneProfile{&masking.Profile{Treatments: make([]masking.Treatment, 1)},
		&masking.Profile{Treatments: make([]masking.Treatment, 1)}}
	for _, test := range []struct{ name, head, body string }{
		{"string in a record", `{"items":[{"name":"`, "xxxxxxxxxxxxxxxx"},
		{"string outside of records", `{"note":"`, "xxxxxxxxxxxxxxxx"},
		{"string that no field lists", `{"other":"`, "xxxxxxxxxxxxxxxx"},
		{"number", `{"note":1`, "0000000000000000"},
		{"white space", `{"items":[`, "                "},
		{"white space in front", ` `, "                "},
		{"name", `{"`, "xxxxxxxxxxxxxxxx"},
		{"record", `{"items":[{"name":[`, "1,1,1,1,1,1,1,1,"},
	} {
		src := &endless{head: []byte(test.head), body: bytes.Repeat([]byte(test.body), 64),
			left: 1 << 30}
		err := layout.Rewrite(t.Context(), src, masking.Document, d,
			func([]byte, *masking.Report) error { return nil })
		var fault *masking.SyntaxError
		if !errors.As(err, &fault) {
			t.Errorf("%s without end: Rewrite = %v, want a SyntaxError", test.name, err)
		}
		if read := int64(1<<30) - src.left; read > 1<<20 {
			t.Errorf("%s without end: %d bytes were read before it was refused", test.name, read)
		}
	}
}

// TestRewriteNeeds shows that a stream waits for what selectors need at once of a record, and that
// a response of which selectors need more than a record does not stream.
func TestRewriteNeeds(t *testing.T) {
	src := []byte(`{"items":[{"a":[1,2,3],"b":{"x":1}},{"a":[4,5],"b":{"x":2}}]}`)
	const refused = ""
	for _, test := range []struct{ record, field, want string }{
		{"$.items[*]", "$.a[-1]", `{"items":[{"a":[3]},{"a":[5]}]}`},
		{"$.items[*]", "$.b[?$.a[0]>3]", `{"items":[{"b":{}},{"b":{"x":2}}]}`},
		{"$.items[-1]", "$.a", refused},
		{"$.items[?@.b]", "$.a", refused},
	} {
		spec := masking.Spec{Records: []masking.RecordSpec{{Select: test.record,
			Fields: []string{test.field}}}}
		d := &oneProfile{&masking.Profile{},
			&masking.Profile{Treatments: make([]masking.Treatment, 1)}}
		got, err := streamed(t, spec, iotest.OneByteReader(bytes.NewReader(src)), masking.Document,
			d, 8, 1)
		var fault *masking.SelectionError
		if test.want == refused {
			if !errors.As(err, &fault) || len(got) > 0 {
				t.Errorf("records %s: Rewrite = %q, %v, want a SelectionError", test.record, got,
					err)
			}
		} else if err != nil || string(got) != test.want {
			t.Errorf("field %s: Rewrite = %q, %v, want %q", test.field, got, err, test.want)
		}
	}
}

// TestRewriteErrors shows that the errors of reader, decider and release come back as they are, and
// that nothing follows them.
func TestRewriteErrors(t *testing.T) {
	spec := masking.Spec{
		Records: []masking.RecordSpec{{Select: "$[*]", Fields: []string{"$"}}},
		Limits:  masking.Limits{Buffer: 4, Window: 2},
	}
	const src = `[1,2,3,4,5,6,7,8,9]`
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		// Which call fails, from 1; 0: none.
		read, decide, release int
		want                  string // what was released in front of the error
	}{
		{"reader at once", 1, 0, 0, ""},
		{"reader in the middle", 9, 0, 0, `[1,2`},
		{"decider about the envelope", 0, 1, 0, ""},
		{"decider about the first window", 0, 2, 0, ""},
		{"decider about the second window", 0, 3, 0, `[1,2`},
		{"release of the first window", 0, 0, 1, ""},
		{"release of the second window", 0, 0, 2, `[1,2`},
	} {
		t.Run(test.name, func(t *testing.T) {
			broken := errors.New("broken")
			call := func(n *int, failing int) error {
				if *n++; *n == failing {
					return broken
				} else if failing > 0 && *n > failing {
					t.Errorf("call %d, behind the one that failed", *n)
				}
				return nil
			}
			var reads, decisions, releases int
			in := iotest.OneByteReader(strings.NewReader(src))
			reader := readerFunc(func(p []byte) (int, error) {
				if err := call(&reads, test.read); err != nil {
					return 0, err
				}
				return in.Read(p)
			})
			open := profilesOf(spec)
			d := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) error {
				if err := call(&decisions, test.decide); err != nil {
					return err
				}
				return open.Decide(t.Context(), records, profiles)
			})
			var out []byte
			err := layout.Rewrite(t.Context(), reader, masking.Document, d,
				func(part []byte, _ *masking.Report) error {
					if err := call(&releases, test.release); err != nil {
						return err
					}
					out = append(out, part...)
					return nil
				})
			if !errors.Is(err, broken) || string(out) != test.want {
				t.Errorf("Rewrite(%s) = %q, %v, want %q and the error", src, out, err, test.want)
			}
		})
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestRewriteNoProgress shows that a reader that gives neither bytes nor an error is given up.
func TestRewriteNoProgress(t *testing.T) {
	spec := masking.Spec{Unlisted: masking.UnlistedPass, Limits: masking.Limits{Buffer: 8}}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		framing masking.Framing
		head    string // what the reader gives
	}{
		{"at once", masking.Document, ""},
		{"in a document", masking.Document, `["1","2","3"`},
		{"in lines", masking.Lines, "[1]\n[2]\n[3]\n"},
		{"in events", masking.Events, "data: 1"},
	} {
		in := io.MultiReader(strings.NewReader(test.head),
			readerFunc(func([]byte) (int, error) { return 0, nil }))
		err := layout.Rewrite(t.Context(), in, test.framing, profilesOf(spec),
			func([]byte, *masking.Report) error { return nil })
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: Rewrite = %v, want io.ErrNoProgress", test.name, err)
		}
	}
}

// TestRewriteWindows shows that a window is released once it is full: by its records, by its bytes,
// or by what lies between records. So no more of a response is in memory than a window and a
// record.
func TestRewriteWindows(t *testing.T) {
	const buffer, window = 1 << 10, 8
	record := `{"id":"` + strings.Repeat("x", 100) + `"},`
	for _, test := range []struct {
		name, head, body, tail string
		// most is how many bytes of input a window may take up, but for one record or value.
		most int
	}{
		{"records", `{"items":[`, `{"id":1},`, `{"id":2}]}`, window * len(`{"id":1},`)},
		{"bytes of records", `{"items":[`, record, `{"id":2}]}`, window * len(record)},
		{"bytes of few records", `{"items":[`,
			strings.Replace(record, "x", strings.Repeat("x", 300), 1), `{}]}`, buffer},
		{"values outside of records", `{"items":[`, `null,`, `null]}`, 4 * window * len(`null,`)},
		{"containers around records", `{"more":[`, `[],`, `[{"id":1}]]}`, 4 * window * len(`[],`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := masking.Spec{
				Records: []masking.RecordSpec{{Select: "$['items','none'][*]",
					Fields: []string{"$.id"}},
					{Select: "$.more[*][*]", Fields: []string{"$.id"}}},
				Limits: masking.Limits{Buffer: buffer, Window: window},
			}
			layout, err := masking.Compile(spec)
			if err != nil {
				t.Fatal(err)
			}
			src := test.head + strings.Repeat(test.body, 1000) + test.tail
			read, released := 0, 0
			in := iotest.OneByteReader(strings.NewReader(src))
			reader := readerFunc(func(p []byte) (int, error) {
				n, err := in.Read(p)
				read += n
				// A stream begins when the buffer is full.
				if waiting := read - released; waiting > buffer+1+test.most+2*len(test.body) {
					t.Fatalf("%d bytes were read and not released, want at most a window of %d",
						waiting, test.most)
				}
				return n, err
			})
			err = layout.Rewrite(t.Context(), reader, masking.Document, profilesOf(spec),
				func(part []byte, r *masking.Report) error {
					released += len(part)
					if r.Records > window {
						t.Errorf("a window has %d records, want at most %d", r.Records, window)
					}
					if len(part) > test.most+2*len(test.body) {
						t.Errorf("a window has %d bytes, want at most %d", len(part), test.most)
					}
					return nil
				})
			if err != nil || released != len(src) {
				t.Errorf("Rewrite = %v, with %d bytes of %d", err, released, len(src))
			}
		})
	}
}

// TestRewriteManyMembers shows how many names of the objects around records are remembered at most.
func TestRewriteManyMembers(t *testing.T) {
	const most = 1 << 20
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$.*", Fields: []string{"$"}}}}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		members int
		class   string
	}{
		{"as many as may be", most, ""},
		{"one more", most + 1, "syntax"},
	} {
		src := bytes.NewBuffer(append(make([]byte, 0, 16*most), `{"0":0`...))
		for i := 1; i < test.members; i++ {
			src.WriteString(`,"`)
			src.Write(strconv.AppendInt(src.AvailableBuffer(), int64(i), 36))
			src.WriteString(`":0`)
		}
		src.WriteString(`}`)
		err := layout.Rewrite(t.Context(), src, masking.Document, profilesOf(spec),
			func([]byte, *masking.Report) error { return nil })
		if class(err) != test.class {
			t.Errorf("%s: Rewrite = %v, want class %q", test.name, err, test.class)
		}
	}
}

// TestRewriteCovers shows that an array that is in clear covers its elements in a stream too, where
// it and arrays in it are containers around records.
func TestRewriteCovers(t *testing.T) {
	spec := masking.Spec{
		Envelope: []string{"$.a"},
		Records:  []masking.RecordSpec{{Select: "$.a[*][*].r[*]", Fields: []string{"$"}}},
	}
	d := profilesOf(spec)
	const src = `{"a":[1,[2,{"r":[3],"x":4},[5]],{"y":6}],"b":[7]}`
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	want, err := layout.Append(t.Context(), nil, []byte(src), masking.Document, d, nil)
	if err != nil || string(want) != `{"a":[1,[2,{"r":[3]},[5]],{}]}` {
		t.Errorf("Append(%s) = %s, %v", src, want, err)
	}
	got, err := streamed(t, spec, strings.NewReader(src), masking.Document, d, 8, 1)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Rewrite(%s) = %s, %v, want %s", src, got, err, want)
	}
}

// TestRewriteKeepsEnvelope shows that the profile of the envelope, of which a part may be released,
// is that of the first decision, whatever the decider says of it with later windows.
func TestRewriteKeepsEnvelope(t *testing.T) {
	spec := masking.Spec{
		Envelope: []string{"$.a", "$.b"},
		Records:  []masking.RecordSpec{{Select: "$.items[*]", Fields: []string{"$"}}},
	}
	first := &masking.Profile{Treatments: []masking.Treatment{verbs["clear"], verbs["stars"]}}
	later := &masking.Profile{Treatments: []masking.Treatment{verbs["stars"], verbs["clear"]}}
	record := &masking.Profile{Treatments: make([]masking.Treatment, 1)}
	decisions := 0
	d := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) error {
		if records[0].Kind != masking.Envelope || records[0].Parent != -1 {
			t.Errorf("a window begins with %+v, want the envelope", records[0])
		}
		for i := range records {
			profiles[i] = record
		}
		if profiles[0] = later; decisions == 0 {
			profiles[0] = first
		}
		decisions++
		return nil
	})
	const src = `{"a":1,"items":[2,3,4],"b":5}`
	got, err := streamed(t, spec, strings.NewReader(src), masking.Document, d, 8, 1)
	const want = `{"a":1,"items":[2,3,4],"b":"***"}`
	if err != nil || string(got) != want || decisions < 3 {
		t.Errorf("Rewrite(%s) = %s, %v, after %d decisions, want %s",
			src, got, err, decisions, want)
	}
}

// TestRewriteKeptOutput shows that the output of a window that was not taken, by an error or a
// panic, is not written to again.
func TestRewriteKeptOutput(t *testing.T) {
	for name, framing := range map[string]masking.Framing{"document": masking.Document,
		"lines": masking.Lines, "events": masking.Events} {
		for _, panics := range []bool{false, true} {
			layout, err := masking.Compile(masking.Spec{Unlisted: masking.UnlistedPass,
				Records: []masking.RecordSpec{{Select: "$.items[*]"}},
				Limits:  masking.Limits{Buffer: 64}})
			if err != nil {
				t.Fatal(err)
			}
			rewrite := func(letter string, release masking.Release) {
				defer func() { _ = recover() }()
				src := `{"items":["` + strings.Repeat(letter, 8) + `"` +
					strings.Repeat(`,"`+strings.Repeat(letter, 8)+`"`, 20) + `]}`
				if framing != masking.Document {
					src = strings.Repeat(`data: {"items":["`+strings.Repeat(letter, 8)+`"]}`+"\n\n",
						20)
				}
				if framing == masking.Lines {
					src = strings.ReplaceAll(src, "data: ", "")
				}
				_ = layout.Rewrite(t.Context(), strings.NewReader(src), framing,
					allClear{masking.Envelope: {}, 0: {}}, release)
			}
			var kept []byte
			rewrite("a", func(out []byte, _ *masking.Report) error {
				if kept = out; panics {
					panic("a server's")
				}
				return errors.New("a server's")
			})
			was := string(kept)
			if !strings.Contains(was, "aaaaaaaa") {
				t.Fatalf("%s: the window is %q", name, was)
			}
			for range 10 {
				rewrite("b", func([]byte, *masking.Report) error { return nil })
			}
			if string(kept) != was {
				t.Errorf("%s: the window that was not taken is now %q, was %q", name, kept, was)
			}
		}
	}
}
