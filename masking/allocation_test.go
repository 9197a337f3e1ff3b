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

// TestShiftAllocatesNothing shows the same of the transform that asks for the subject.
func TestShiftAllocatesNothing(t *testing.T) {
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{Select: "$[*]", Subject: "$.id", Fields: []string{"$.born"}}}})
	if err != nil {
		t.Fatal(err)
	}
	src := []byte(`[{"id":"C00000001","born":"1949-12-31"},{"id":"C00000002","born":"1950年1月1日"}]`)
	d := &oneProfile{&masking.Profile{}, &masking.Profile{Treatments: []masking.Treatment{treatmentOf(t, "shift(days=30)")}}}
	dst := make([]byte, 0, 2*len(src))
	var report masking.Report
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := layout.Append(t.Context(), dst, src, masking.Document, d, &report); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations a document, want 0", allocations)
	}
}
