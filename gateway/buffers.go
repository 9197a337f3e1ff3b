package gateway

import (
	"bytes"
	"sync"

	"github.com/maskgate/maskgate/masking"
)

// buffers are what a request needs room for. They are reused from request to request.
type buffers struct {
	upstream bytes.Buffer // the data service's answer
	out      []byte       // what is made of it
	report   masking.Report
	decider  decider
}

// maxKept is the largest capacity, in bytes, of a buffer that is kept for reuse.
const maxKept = 4 << 20

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// free empties the buffers, and keeps them for another request unless they have grown large.
func (b *buffers) free() {
	b.decider.reset()
	b.report = masking.Report{Tallies: b.report.Tallies[:0]}
	if b.upstream.Cap() > maxKept || cap(b.out) > maxKept {
		return
	}
	b.upstream.Reset()
	b.out = b.out[:0]
	bufferPool.Put(b)
}
