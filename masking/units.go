package masking

import "bytes"

// units finds the units of a sequence (lines, texts or events) as they come.
type units struct {
	framing Framing
	seen    int // how many bytes of the first unit need not be looked at again
	line    int // where the last line of an event begins
}

// next returns how many bytes the first unit of src takes, or 0 if it is not there whole. In the
// next call src must then begin with the same bytes. That call goes on where this one stopped: a
// unit that comes byte by byte is looked at once.
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

// find returns where the first byte b is that was not seen yet, or -1 if there is none.
func (u *units) find(src []byte, b byte) int {
	seen := min(u.seen, len(src))
	if i := bytes.IndexByte(src[seen:], b); i >= 0 {
		return seen + i
	}
	u.seen = max(u.seen, len(src))
	return -1
}

// event returns the size of the first event, with the blank line that ends it, or 0.
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
