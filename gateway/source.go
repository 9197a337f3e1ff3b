package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// source is where a set of rules comes from: rule files, which are read again when they may have
// changed. One goroutine looks at them; stale may be read by many.
type source struct {
	paths  []string
	keys   rules.Keys
	settle time.Duration
	read   func(paths ...string) ([]rules.File, error) // rules.ReadFiles, but for tests
	after  func(time.Duration) <-chan time.Time        // time.After, but for tests

	seen  []rules.File          // at the last look
	stale atomic.Pointer[stale] // nil: what was seen last is in use
}

// stale is why the files as they are now are not in use.
type stale struct {
	since time.Time
	fault error
}

func newSource(paths []string, keys rules.Keys, settle time.Duration) *source {
	return &source{
		paths: paths, keys: keys, settle: settle, read: rules.ReadFiles, after: time.After,
	}
}

// errRestless is the fault of files that are written all the time.
var errRestless = errors.New(
	"the files did not keep still: replace them whole, by a rename, and rarely")

// maxReadings is how often files are read that do not keep still.
const maxReadings = 100

// reading is what was found at one look: files, or a fault.
type reading struct {
	files []rules.File
	fault error
}

func (s *source) reading() reading {
	files, err := s.read(s.paths...)
	return reading{files, err}
}

func (r reading) is(other reading) bool {
	return same(r.files, other.files) && fmt.Sprint(r.fault) == fmt.Sprint(other.fault)
}

// settled reads the files until two readings agree: files are often written one after the other,
// and in place, and half a policy may be a policy without its caps. r is the first reading; the
// next comes after wait. settled returns false if the context ends first.
func (s *source) settled(ctx context.Context, r reading, wait time.Duration) (reading, bool) {
	for range maxReadings {
		select {
		case <-ctx.Done():
			return reading{}, false
		case <-s.after(wait):
		}
		again := s.reading()
		if again.is(r) {
			return r, true
		}
		r, wait = again, s.settle
	}
	return reading{fault: errRestless}, true
}

// look reads the files once they have settled. It returns the set that they make, or a fault, and
// true; or false if they are as they were at the last look.
func (s *source) look(ctx context.Context) (set *rules.Set, changed bool, err error) {
	r := s.reading()
	if r.fault == nil && same(r.files, s.seen) {
		return nil, false, nil
	}
	r, ok := s.settled(ctx, r, s.settle)
	switch {
	case !ok:
		return nil, false, nil
	case r.fault != nil:
		was := s.stale.Load()
		if was != nil && s.seen == nil && was.fault.Error() == r.fault.Error() {
			return nil, false, nil // the fault is known
		}
		s.seen = nil
		return nil, true, r.fault
	case same(r.files, s.seen):
		return nil, false, nil
	}
	s.seen = r.files
	set, err = load(r.files, s.keys)
	return set, true, err
}

// startSettle is how long files that nobody writes to hold up a start. A start waits for files that
// do change as a look does.
const startSettle = 50 * time.Millisecond

// first reads and loads the files that a configuration starts with, once they have settled.
func (s *source) first(ctx context.Context) (*rules.Set, error) {
	r, ok := s.settled(ctx, s.reading(), min(s.settle, startSettle))
	switch {
	case !ok:
		return nil, fmt.Errorf("loading rules: %w", context.Cause(ctx))
	case r.fault != nil:
		return nil, r.fault
	}
	s.seen = r.files
	set, err := load(r.files, s.keys)
	if err != nil {
		return nil, fmt.Errorf("loading rules:\n%w", err)
	}
	return set, nil
}

// use notes that what was seen last is in use, or the fault for which it is not.
func (s *source) use(fault error) {
	switch was := s.stale.Load(); {
	case fault == nil:
		s.stale.Store(nil)
	case was == nil:
		s.stale.Store(&stale{time.Now(), fault})
	default:
		s.stale.Store(&stale{was.since, fault})
	}
}

// again makes the next look find a change, whether there is one or not.
func (s *source) again() { s.seen = nil }

// load is [rules.Load], with a panic as an error: no rule file ends a running gateway.
func load(files []rules.File, keys rules.Keys) (set *rules.Set, err error) {
	defer func() {
		if p := recover(); p != nil {
			set, err = nil, fmt.Errorf(
				"loading rules: a fault of Maskgate, %T, at %s; please report it",
				p, strings.Join(stack(), " < "))
		}
	}()
	return rules.Load(files, keys)
}

func same(a, b []rules.File) bool {
	return slices.EqualFunc(a, b, func(a, b rules.File) bool {
		return a.Name == b.Name && bytes.Equal(a.Data, b.Data)
	})
}
