package caddymodule

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

// source is where a set of rules comes from: rule files that are read again when they may have changed.
type source struct {
	paths  []string
	keys   rules.Keys
	settle time.Duration
	read   func(paths ...string) ([]rules.File, error) // rules.ReadFiles, but for tests

	seen  []rules.File          // at the last look; for one goroutine
	stale atomic.Pointer[stale] // nil: what was seen last is in use
}

// stale is why the files as they are now are not in use.
type stale struct {
	since time.Time
	fault error
}

func newSource(paths []string, keys rules.Keys, settle time.Duration) *source {
	return &source{paths: paths, keys: keys, settle: settle, read: rules.ReadFiles}
}

// errRestless is the fault of files that are written all the time.
var errRestless = errors.New("the files did not keep still: replace them whole, by a rename, and rarely")

// maxReadings is how often files are read that do not keep still.
const maxReadings = 100

// look reads the files, and returns the set that they make and true, or a fault and true; false if they are as they were when
// they were looked at last. Files are often written one after the other, and in place, and half a policy may be a policy
// without its caps: so they count only once two readings, settle apart, agree.
func (s *source) look(ctx context.Context) (set *rules.Set, changed bool, err error) {
	files, fault := s.read(s.paths...)
	if fault == nil && same(files, s.seen) {
		return nil, false, nil
	}
	for readings := 1; ; readings++ {
		select {
		case <-ctx.Done():
			return nil, false, nil
		case <-time.After(s.settle):
		}
		again, err := s.read(s.paths...)
		if same(files, again) && fmt.Sprint(fault) == fmt.Sprint(err) {
			break
		}
		if files, fault = again, err; readings == maxReadings {
			files, fault = nil, errRestless
			break
		}
	}
	if fault != nil {
		if was := s.stale.Load(); was != nil && s.seen == nil && was.fault.Error() == fault.Error() {
			return nil, false, nil // that is known
		}
		s.seen = nil
		return nil, true, fault
	}
	if same(files, s.seen) {
		return nil, false, nil
	}
	s.seen = files
	set, err = load(files, s.keys)
	return set, true, err
}

// first reads and loads the files as they are.
func (s *source) first() (*rules.Set, error) {
	files, err := s.read(s.paths...)
	if err != nil {
		return nil, err
	}
	s.seen = files
	set, err := load(files, s.keys)
	if err != nil {
		return nil, fmt.Errorf("loading rules:\n%w", err)
	}
	return set, nil
}

// use notes whether what was seen last is in use: if fault is not nil, it is not.
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

// again lets the next look find a change, whether there is one or not.
func (s *source) again() { s.seen = nil }

// load is [rules.Load], but that a panic is an error: no rule file ends a running gateway.
func load(files []rules.File, keys rules.Keys) (set *rules.Set, err error) {
	defer func() {
		if p := recover(); p != nil {
			set, err = nil, fmt.Errorf("loading rules: a fault of Maskgate, %T, at %s; please report it", p, strings.Join(stack(), " < "))
		}
	}()
	return rules.Load(files, keys)
}

func same(a, b []rules.File) bool {
	return slices.EqualFunc(a, b, func(a, b rules.File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) })
}

// faultsOf lists the faults that an error joins, each a text of its own.
func faultsOf(err error) []string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range joined.Unwrap() {
		list = append(list, faultsOf(e)...)
	}
	return list
}

// placesOf lists where faults are, without what they quote of the files.
func placesOf(err error) []string {
	var joined interface{ Unwrap() []error }
	var fault *rules.Fault
	switch {
	case errors.As(err, &joined):
		var list []string
		for _, e := range joined.Unwrap() {
			list = append(list, placesOf(e)...)
		}
		return list
	case errors.As(err, &fault):
		return []string{fmt.Sprintf("%s:%d:%d", fault.File, fault.Line, fault.Column)}
	}
	return nil
}
