package masking

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// TestForget fills the automaton over and over: it forgets what responses made, and what they
// select stays right.
func TestForget(t *testing.T) {
	const filters = 6
	spec := Spec{}
	for i := range filters {
		spec.Envelope = append(spec.Envelope, fmt.Sprintf("$[?@.n%d].v%d", i, i))
	}
	layout, err := Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	compiled := len(layout.automaton.compiled)
	layout.automaton.most = compiled + 40
	check := func(seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		for range 50 {
			var doc strings.Builder
			want := 0
			doc.WriteString("[0")
			for range 30 {
				doc.WriteString(`,{"x":0`)
				for i := range filters {
					if rng.IntN(2) == 0 {
						want++
						fmt.Fprintf(&doc, `,"n%d":1`, i)
					}
					fmt.Fprintf(&doc, `,"v%d":1`, i)
				}
				doc.WriteString("}")
			}
			doc.WriteString("]")
			o := layout.work.Get().(*outline)
			err := o.parse([]byte(doc.String()), Document)
			got := 0
			o.selected(0, nil, func(string, []byte) bool { got++; return true })
			o.release()
			if err != nil || got != want {
				t.Errorf("%d values selected, %v, want %d", got, err, want)
			}
		}
	}
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() { check(seed) })
	}
	wg.Wait()
	if n := len(layout.automaton.states); n > compiled+40 || n <= compiled {
		t.Errorf("%d states, %d of them compiled", n, compiled)
	}
}

// TestTooManyStates refuses a response that alone needs more states than there may be, and that one
// only.
func TestTooManyStates(t *testing.T) {
	layout, err := Compile(Spec{Envelope: []string{"$[?@.a].b.c.d", "$[?@.e]..f"}})
	if err != nil {
		t.Fatal(err)
	}
	layout.automaton.most = len(layout.automaton.compiled) + 2
	for range 3 {
		for doc, want := range map[string]bool{
			`[{"a":1,"b":{"c":{"d":1}},"f":1}]`: false,
			`[{"x":1}]`:                         true,
			`[{"a":1,"e":1}]`:                   false,
		} {
			o := layout.work.Get().(*outline)
			err := o.parse([]byte(doc), Document)
			o.release()
			var fault *SelectionError
			if errors.As(err, &fault) == want {
				t.Errorf("parse(%s) = %v, want success: %v", doc, err, want)
			}
		}
	}
}
