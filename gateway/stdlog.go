package gateway

import (
	"bytes"
	"io"
	"log"
)

// unsolicited begins the line in which net/http's transport quotes, in full, what an upstream sent behind its answer.
var unsolicited = []byte("Unsolicited response received on idle HTTP channel")

// quietLog cuts the upstream's bytes out of the standard logger's lines.
type quietLog struct{ io.Writer }

func (q quietLog) Write(line []byte) (int, error) {
	if i := bytes.Index(line, unsolicited); i >= 0 {
		_, err := q.Writer.Write(append(bytes.Clone(line[:i+len(unsolicited)]), "; its bytes are not shown\n"...))
		return len(line), err
	}
	return q.Writer.Write(line)
}

// quietStdLog puts a quietLog in front of the standard logger. The transport knows no other. Caddy sets the logger's
// output anew whenever a configuration comes or goes, so this is looked after with every request.
func quietStdLog() {
	if _, done := log.Writer().(quietLog); !done {
		log.SetOutput(quietLog{log.Writer()})
	}
}
