package gateway

import (
	"bytes"
	"io"
	"log"
)

// unsolicited begins the line in which net/http's transport quotes, in full, what an upstream sent
// behind its answer.
var unsolicited = []byte("Unsolicited response received on idle HTTP channel")

// quietLog cuts the upstream's bytes out of the standard logger's lines.
type quietLog struct{ io.Writer }

func (q quietLog) Write(line []byte) (int, error) {
	i := bytes.Index(line, unsolicited)
	if i < 0 {
		return q.Writer.Write(line)
	}
	short := append(bytes.Clone(line[:i+len(unsolicited)]), "; its bytes are not shown\n"...)
	_, err := q.Writer.Write(short)
	return len(line), err
}

// quietStdLog puts a quietLog in front of the standard logger's output; the transport has no logger
// of its own. Caddy sets the output anew whenever a configuration comes or goes, so every request
// calls quietStdLog, many at once. It cannot exclude Caddy: an output that Caddy sets while a
// request is between the look and the change is lost, until Caddy sets the next.
func quietStdLog() {
	quiet(log.Default())
}

// An outputter is a logger whose output can be set, as [log.Logger] is.
type outputter interface {
	Writer() io.Writer
	SetOutput(w io.Writer)
}

// quiet puts a quietLog in front of a logger's output, unless it is one.
func quiet(l outputter) {
	out := l.Writer() // looked at once: a second look could find another request's quietLog
	if _, done := out.(quietLog); !done {
		l.SetOutput(quietLog{out})
	}
}
