//go:build !race

package masking_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// leastAllocations returns how many allocations a call takes at best. Most calls take that many;
// some take more, since the garbage collector may empty the pools that the engine and the
// transforms keep their buffers in. The race detector does so on purpose, hence the build tag.
func leastAllocations(call func()) float64 {
	least := testing.AllocsPerRun(1, call)
	for range 30 {
		least = min(least, testing.AllocsPerRun(1, call))
	}
	return least
}

// TestAppendAllocatesNothing shows that a rewrite allocates nothing for a record, a field or a
// document once its buffers have grown: neither on the way that most documents take, nor on those
// of their own.
func TestAppendAllocatesNothing(t *testing.T) {
	type document struct {
		name string
		src  []byte
	}
	times := func(record string) (list []document) {
		for _, n := range []int{10, 1000} {
			src := "[" + strings.Repeat(record+",", n-1) + record + "]"
			list = append(list, document{fmt.Sprint(n, " records"), []byte(src)})
		}
		return list
	}
	customerLayout, customerProfile := customerLayout(t)
	shifted := &masking.Profile{Treatments: []masking.Treatment{treatmentOf(t, "shift(days=30)")}}
	compile := func(spec masking.Spec) *masking.Layout {
		t.Helper()
		layout, err := masking.Compile(spec)
		if err != nil {
			t.Fatal(err)
		}
		return layout
	}
	for _, test := range []struct {
		name      string
		layout    *masking.Layout
		decider   masking.Decider
		documents []document
	}{
		{"page", customerLayout, customerProfile, []document{
			{"10 records", customers(10)}, {"1000 records", customers(1000)},
			{"white space", bytes.ReplaceAll(customers(100), []byte(`,"`), []byte(`, "`))},
			{"escapes", bytes.ReplaceAll(customers(100), []byte("许"), []byte(`\u8bb8`))},
		}},
		{"transform that asks for the subject", compile(masking.Spec{Records: []masking.RecordSpec{{
			Select: "$[*]", Subject: "$.id", Fields: []string{"$.born"},
		}}}), &oneProfile{&masking.Profile{}, shifted},
			times(`{"id":"C1","born":"1949-12-31"},{"id":"C2","born":"1950年1月1日"}`)},
		{"JSON in strings", compile(payloads()), payloadProfile(t), times(
			`{"id":"A","payload":"{\"idCard\":\"11010519491231002X\",` +
				`\"note\":\"{\\\"idCard\\\":\\\"11010519491231002X\\\"}\",\"x\":1}"},` +
				`{"id":"B","payload":"{\"tags\":1}"},{"id":"C","payload":7}`)},
	} {
		for _, doc := range test.documents {
			dst := make([]byte, 0, 2*len(doc.src))
			var report masking.Report
			n := leastAllocations(func() {
				_, err := test.layout.Append(t.Context(), dst, doc.src, masking.Document,
					test.decider, &report)
				if err != nil {
					t.Fatal(err)
				}
			})
			if n > 0 {
				t.Errorf("%s, %s: %v allocations a document, want 0", test.name, doc.name, n)
			}
		}
	}
}
