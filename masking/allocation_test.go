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
