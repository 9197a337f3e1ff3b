package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// readings is a file system that changes from reading to reading: the last one lasts. A text that
// begins with ! is an error.
type readings struct {
	policies []string
	n        int
}

func (r *readings) read(...string) ([]rules.File, error) {
	text := r.policies[min(r.n, len(r.policies)-1)]
	r.n++
	if fault, ok := strings.CutPrefix(text, "!"); ok {
		return nil, errors.New(fault)
	}
	return []rules.File{
		{Name: "service.yaml", Data: []byte(testService)},
		{Name: "policy.yaml", Data: []byte(text)},
	}, nil
}

func digestOfPolicy(t testing.TB, text string) string {
	t.Helper()
	return setOf(t, testService, text).Digest()
}

// capped is the tests' policy with a cap, which is gone in half of it.
const capped = testPolicy + "caps:\n  - {class: C2, at_most: drop}\n"

// endless returns policies that differ, more than a source reads.
func endless() (policies []string) {
	for i := range 3 * maxReadings {
		policies = append(policies, fmt.Sprintf("%s# %d\n", testPolicy, i))
	}
	return policies
}

// TestLook: files count once two readings agree. Half a policy may be a policy without its caps.
func TestLook(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policies []string
		set      string // whose digest is wanted; empty: none
		changed  bool
		fault    string
	}{
		"unchanged": {[]string{testPolicy}, "", false, ""},
		"changed":   {[]string{capped}, capped, true, ""},
		"half written": {
			[]string{"kind: policy\n", testPolicy + "caps:\n", testPolicy, capped},
			capped, true, "",
		},
		"changed and back":          {[]string{capped, testPolicy}, "", false, ""},
		"missing for a moment":      {[]string{"!no such file", capped}, capped, true, ""},
		"missing, then as it was":   {[]string{"!no such file", testPolicy}, "", false, ""},
		"missing":                   {[]string{"!no such file"}, "", true, "no such file"},
		"broken":                    {[]string{"kind: polizy\n"}, "", true, "policy.yaml:1:1"},
		"written again and again":   {endless(), "", true, "did not keep still"},
		"one fault after the other": {[]string{"!a", "!b"}, "", true, "b"},
		"a fault, then another text": {
			[]string{"!a", "kind: policy\n", "kind: polizy\n"}, "", true, "policy.yaml:1:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(nil, noPseudonyms{}, 1)
			s.read = (&readings{policies: []string{testPolicy}}).read
			if _, err := s.first(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.read = (&readings{policies: tt.policies}).read
			set, changed, err := s.look(t.Context())
			if changed != tt.changed || (err != nil) != (tt.fault != "") || err != nil &&
				!strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("look() = %v, %v; want %v, %q", changed, err, tt.changed, tt.fault)
			}
			if tt.set != "" && (set == nil || set.Digest() != digestOfPolicy(t, tt.set)) {
				t.Error("look() returns another set than the files make in the end")
			}
			if name == "written again and again" {
				return
			}
			if changed {
				s.use(err)
			}
			if _, again, err := s.look(t.Context()); again {
				t.Errorf("a second look finds a change: %v", err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSource(nil, noPseudonyms{}, 1<<40)
	s.read = (&readings{policies: []string{capped}}).read
	if _, changed, err := s.look(gone); changed || err != nil {
		t.Errorf("look() of a gateway that stops = %v, %v", changed, err)
	}
}

// TestFirst: nor does a start take files that are being written; and where nobody writes, it hardly
// waits.
func TestFirst(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policies []string
		settle   time.Duration
		set      string // whose digest is wanted; empty: there is a fault
		fault    string
		waits    string // at their beginning
	}{
		"still":            {[]string{capped}, time.Second, capped, "", "[50ms]"},
		"settling quickly": {[]string{capped}, time.Millisecond, capped, "", "[1ms]"},
		"half copied": {
			[]string{testPolicy, capped}, time.Second, capped, "", "[50ms 1s]",
		},
		"copied slowly": {
			[]string{"!no such file", "kind: policy\n", testPolicy, capped}, time.Second,
			capped, "", "[50ms 1s 1s 1s]",
		},
		"missing": {[]string{"!no such file"}, time.Second, "", "no such file", "[50ms]"},
		"broken": {
			[]string{testPolicy, "kind: polizy\n"}, time.Second, "", "policy.yaml:1:1", "[50ms 1s]",
		},
		"written all the time": {
			endless(), time.Second, "", "did not keep still", "[50ms 1s 1s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(nil, noPseudonyms{}, tt.settle)
			s.read = (&readings{policies: tt.policies}).read
			var waits []time.Duration
			s.after = func(d time.Duration) <-chan time.Time {
				waits = append(waits, d)
				return time.After(0)
			}
			set, err := s.first(t.Context())
			if (err != nil) != (tt.fault != "") || err != nil &&
				!strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("first() = %v, want %q", err, tt.fault)
			}
			if tt.set != "" && set.Digest() != digestOfPolicy(t, tt.set) {
				t.Error("first() returns another set than the files make in the end")
			}
			if !strings.HasPrefix(fmt.Sprint(waits), tt.waits) || len(waits) > maxReadings {
				t.Errorf("it waited %v, want %s", waits, tt.waits)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSource(nil, noPseudonyms{}, time.Hour)
	s.read = (&readings{policies: []string{capped}}).read
	if _, err := s.first(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("first() of a start that was given up = %v", err)
	}
}
