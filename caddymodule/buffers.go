package caddymodule

import (
	"bytes"
	"sync"

	"github.com/maskgate/maskgate/masking"
)

// buffers are reused from request to request.
type buffers struct {
	upstream bytes.Buffer
	out      []byte
	report   masking.Report
	decider  decider
}

// maxKept is how large a buffer is kept for reuse.
const maxKept = 4 << 20

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

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

// write writes to the caller. A server whose Write fails, as that of HTTP/2 does on a deadline, may have yet to send what it was
// given: then that is never written to again, nor is it if Write panics.
func (x *exchange) write(body []byte) error {
	x.lent = true
	_, err := x.writer.Write(body)
	x.lent = err != nil
	return err
}

// end hands what is known of the request to the shadow, once the answer is written, or else gives the buffers back.
func (x *exchange) end(err error) {
	switch shadow := x.ruling.shadow; {
	case !x.lent:
		if !x.inShadow(err) {
			x.buffers.free()
		}
	case shadow != nil:
		shadow.skipped.Add(1)
	}
}
