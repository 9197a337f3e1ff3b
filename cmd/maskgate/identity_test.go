package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
)

// TestUntouchedBytesAreIdentical compares what leaves with what the demo service says, token by
// token: every byte outside a treated value is the upstream's, in compact and in indented JSON, on
// all endpoints and for every caller.
func TestUntouchedBytesAreIdentical(t *testing.T) {
	data := demo.New(demo.DefaultSeed, demo.DefaultCustomers)
	for _, indent := range []string{"", "  ", "\t"} {
		t.Run(fmt.Sprintf("indent=%q", indent), func(t *testing.T) {
			service := data.Handler(demo.Options{Indent: indent})
			upstream := httptest.NewServer(service)
			defer upstream.Close()
			g := newProcess(t, upstream.URL)
			g.start()
			for _, e := range endpoints(t) {
				recorded := httptest.NewRecorder()
				service.ServeHTTP(recorded, httptest.NewRequest("GET", e.path, nil))
				for caller, person := range demo.People {
					status, body := g.get(e.path, g.token(person), person.Purposes[0])
					if status != e.status[caller] {
						t.Errorf("%s as %s: status %d, want %d", e.name, person.Short, status,
							e.status[caller])
					}
					if status != 200 || e.mixed && caller == 0 {
						continue
					}
					same := compareBodies(recorded.Body.Bytes(), body,
						func(path string) string { return e.treatment(path, caller) })
					if same != nil {
						t.Errorf("%s as %s: %v", e.name, person.Short, same)
					}
				}
			}
			g.stop()
		})
	}
}

// compareBodies compares documents, or lines of them.
func compareBodies(upstream, left []byte, treatment func(string) string) error {
	was, is := bytes.SplitAfter(upstream, []byte("\n")), bytes.SplitAfter(left, []byte("\n"))
	if len(was) == 1 || !bytes.HasPrefix(was[1], []byte("{")) {
		was, is = [][]byte{upstream}, [][]byte{left}
	}
	if len(was) != len(is) {
		return fmt.Errorf("%d lines, want %d", len(is), len(was))
	}
	for i := range was {
		if len(was[i]) == 0 {
			continue
		}
		if err := compare(was[i], is[i], treatment); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// compare rebuilds the document that must leave from the upstream's tokens and the values in the
// places of treated ones.
func compare(upstream, left []byte, treatment func(string) string) error {
	was, err := tokenise(upstream)
	if err != nil {
		return err
	}
	is, err := tokenise(left)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, t := range is {
		values[t.key()] = t.raw
	}
	var want strings.Builder
	var open []*frame
	for i := 0; i < len(was); i++ {
		t := was[i]
		if t.role == "close" {
			f := open[len(open)-1]
			open = open[:len(open)-1]
			if f.kept || f.children == 0 {
				want.WriteString(t.gap)
			}
			want.WriteString(t.raw)
			continue
		}
		gap := t.gap
		child := t.role == "name" || len(open) > 0 && was[i-1].role != "name"
		if child {
			f := open[len(open)-1]
			f.children++
			if f.children == 1 {
				f.gap = t.gap
			}
			// No mask takes null: such a member is dropped.
			noMask := treatment(t.path) == masked && was[min(i+1, len(was)-1)].raw == "null"
			if treatment(t.path) == gone || noMask {
				i = skip(was, i)
				continue
			}
			if !f.kept {
				gap = f.gap
			}
			f.kept = true
		}
		want.WriteString(gap)
		switch {
		case t.role == "open":
			open = append(open, &frame{})
		case t.role == "value" && treatment(t.path) == masked:
			value, ok := values[t.key()]
			if !ok || value == t.raw {
				return fmt.Errorf("%s is not masked", t.path)
			}
			want.WriteString(value)
			continue
		}
		want.WriteString(t.raw)
	}
	end := len(upstream) - len(bytes.TrimRight(upstream, " \t\r\n"))
	want.Write(upstream[len(upstream)-end:])
	if want.String() != string(left) {
		return fmt.Errorf("what left is\n%s\nwant\n%s", left, want.String())
	}
	return nil
}

// frame is an open object or array.
type frame struct {
	children int
	kept     bool   // whether a child was kept
	gap      string // what stands in front of the first child
}

// skip returns the index of the last token of the member or element that begins at i.
func skip(tokens []token, i int) int {
	if tokens[i].role == "name" {
		i++
	}
	if tokens[i].role != "open" {
		return i
	}
	for end := "close " + tokens[i].path; tokens[i].key() != end; {
		i++
	}
	return i
}
