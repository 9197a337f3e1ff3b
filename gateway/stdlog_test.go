package gateway

import (
	"io"
	"log"
	"testing"
)

// TestQuietLog: of the line that quotes an upstream only the transport's own words are logged.
func TestQuietLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, line, want string }{
		{"another line", "http: a fault\n", "http: a fault\n"},
		{"an upstream's bytes",
			"2026/11/20 " + string(unsolicited) + " starting with \"UPSTREAM-TEXT\"; err=<nil>\n",
			"2026/11/20 " + string(unsolicited) + "; its bytes are not shown\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out memory
			n, err := quietLog{&out}.Write([]byte(tt.line))
			if n != len(tt.line) || err != nil || out.String() != tt.want {
				t.Errorf("Write() = %d, %v, writes %q; want %d, %q",
					n, err, out.String(), len(tt.line), tt.want)
			}
		})
	}
}

// contested is a logger in front of whose output another request puts a quietLog, right after each
// look at it.
type contested struct{ log.Logger }

func (c *contested) Writer() io.Writer {
	defer quiet(&c.Logger)
	return c.Logger.Writer()
}

// TestQuietOnce: requests at once put one quietLog in front of an output, not one each.
func TestQuietOnce(t *testing.T) {
	t.Parallel()
	var logger contested
	logger.SetOutput(io.Discard)
	for range 2 {
		quiet(&logger)
		if out := logger.Logger.Writer(); out != (quietLog{io.Discard}) {
			t.Errorf("the logger writes to %#v, want one quietLog before io.Discard", out)
		}
	}
}
