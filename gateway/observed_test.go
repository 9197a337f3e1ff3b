package gateway

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/maskgate/maskgate/audit"
)

// memory is a log writer that keeps all.
type memory struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (m *memory) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf.Write(b)
}

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf.String()
}

func (m *memory) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buf.Reset()
}

// observed is an observer that counts.
type observed struct {
	mu     sync.Mutex
	counts map[string]int // guarded by mu
}

func newObserved() *observed { return &observed{counts: map[string]int{}} }

func (o *observed) add(what string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[what] += n
}

// of is how often something was observed: "stage auth", "released <route> <role>", "field
// <treatment>", "refused <route> <role>", "reason <reason>" or "<set> <result>".
func (o *observed) of(what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[what]
}

func (o *observed) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprint(o.counts)
}

func (o *observed) Took(s Stage, _ time.Duration) { o.add("stage "+string(s), 1) }

func (o *observed) Released(r *audit.Record, role string) {
	o.add("released "+r.Route+" "+role, 1)
	for _, p := range r.Profiles {
		for _, f := range p.Fields {
			o.add("field "+f.Treatment, f.Count)
		}
	}
}

func (o *observed) Refused(route, role, reason string) {
	o.add("refused "+route+" "+role, 1)
	o.add("reason "+reason, 1)
}

func (o *observed) Reloaded(set, result string, _ []string) { o.add(set+" "+result, 1) }
