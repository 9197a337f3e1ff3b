package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A line is one line of a segment.
type line struct {
	data     []byte // without the newline; at most maxLine; valid until the next call
	num      int    // from 1
	end      int64  // offset in the file of what follows the line
	complete bool   // it ended in a newline
	long     bool   // it was longer than maxLine, and data is its beginning
	nul      bool   // it holds a NUL byte
}

// A lineReader splits a segment into lines in bounded memory.
type lineReader struct {
	r   *bufio.Reader
	buf []byte
	num int
	off int64
}

// newLineReader reads lines from r; the first is numbered num+1 and begins at
// offset off of the file.
func newLineReader(r io.Reader, num int, off int64) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), num: num, off: off}
}

// next returns the next line, or io.EOF if nothing is left.
func (lr *lineReader) next() (line, error) {
	l := line{num: lr.num + 1}
	lr.buf = lr.buf[:0]
	for {
		part, err := lr.r.ReadSlice('\n')
		lr.off += int64(len(part))
		if n := len(part); err == nil {
			l.complete = true
			part = part[:n-1]
		}
		l.nul = l.nul || bytes.IndexByte(part, 0) >= 0
		if len(lr.buf)+len(part) > maxLine {
			l.long = true
			part = part[:maxLine-len(lr.buf)]
		}
		switch {
		case l.complete && len(lr.buf) == 0:
			l.data = part // the usual case: no copy
		default:
			lr.buf = append(lr.buf, part...)
			l.data = lr.buf
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && err != io.EOF {
			return line{}, err
		}
		l.end = lr.off
		if !l.complete && len(l.data) == 0 {
			return line{}, io.EOF
		}
		lr.num++
		return l, nil
	}
}
