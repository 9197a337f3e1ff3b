//go:build !race

package masking_test

import (
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// TestAppendAllocatesNothing shows that a rewrite allocates nothing once its buffers have grown.
func TestAppendAllocatesNothing(t *testing.T) {
	src := customers(100)
	layout, d := customerLayout(t)
	dst := make([]byte, 0, len(src))
	var report masking.Report
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := layout.Append(t.Context(), dst, src, masking.Document, d, &report); err != nil {
			t.Fatal(err)
		}
	})
	// The collector may empty the pool now and then; AllocsPerRun rounds that away. The race detector empties it on purpose.
	if allocations > 0 {
		t.Errorf("%v allocations a document, want 0", allocations)
	}
}

// TestMoreAllocatesNothing shows the same of what stands on a path of its own: the transform that asks for the subject, and JSON in strings.
func TestMoreAllocatesNothing(t *testing.T) {
	for _, test := range []struct {
		name string
		spec masking.Spec
		d    *oneProfile
		src  string
	}{
		{"shift", masking.Spec{Records: []masking.RecordSpec{{Select: "$[*]", Subject: "$.id", Fields: []string{"$.born"}}}},
			&oneProfile{&masking.Profile{}, &masking.Profile{Treatments: []masking.Treatment{treatmentOf(t, "shift(days=30)")}}},
			`[{"id":"C00000001","born":"1949-12-31"},{"id":"C00000002","born":"1950年1月1日"}]`},
		{"embedded", payloads(), payloadProfile(t),
			`[{"id":"A","payload":"{\"idCard\":\"11010519491231002X\",\"note\":\"{\\\"idCard\\\":\\\"11010519491231002X\\\"}\",\"x\":1}"},{"id":"B","payload":"{\"tags\":1}"},{"id":"C","payload":7}]`},
	} {
		layout, err := masking.Compile(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		src, dst := []byte(test.src), make([]byte, 0, 2*len(test.src))
		var report masking.Report
		allocations := testing.AllocsPerRun(100, func() {
			if _, err := layout.Append(t.Context(), dst, src, masking.Document, test.d, &report); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 0 {
			t.Errorf("%s: %v allocations a document, want 0", test.name, allocations)
		}
	}
}
