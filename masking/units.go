package masking

import "bytes"

// units finds the units of a sequence (lines, texts or events) as they come.
type units struct {
	framing Framing
	seen    int // bytes of the unit that need not be looked at again
	line    int // of an event: where its last line begins
}

// next returns how many bytes the first unit of src takes; 0 if it is not there whole. src must then begin the same in the next
// call, which goes on where this one stopped: a unit that comes byte by byte is looked at once.
func (u *units) next(src []byte) int {
	size := 0
	switch u.framing {
	case Lines:
		size = u.find(src, '\n') + 1
	case Sequence:
		u.seen = max(u.seen, 1) // its own separator
		size = u.find(src, recordSeparator)
	case Events:
		size = u.event(src)
	}
	if size <= 0 {
		return 0
	}
	u.seen, u.line = 0, 0
	return size
}

// find returns where a byte is that was not seen yet; -1 if it is not there.
func (u *units) find(src []byte, b byte) int {
	seen := min(u.seen, len(src))
	if i := bytes.IndexByte(src[seen:], b); i >= 0 {
		return seen + i
	}
	u.seen = max(u.seen, len(src))
	return -1
}

// event looks for the blank line that ends an event.
func (u *units) event(src []byte) int {
	for {
		end, next := endOfLine(src, u.seen, false)
		switch {
		case next == 0:
			u.seen = end
			return 0
		case end == u.line:
			return next
		}
		u.seen, u.line = next, next
	}
}
