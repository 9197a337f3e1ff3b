package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// fileJWKS is a JWKS in a file.
type fileJWKS struct {
	path   string
	now    func() time.Time
	report func(error)

	mu     sync.Mutex  // guards the fields below
	set    *jwkSet     // never nil once open
	info   fs.FileInfo // of the file as last read; nil if it could not be read
	failed bool        // whether the last look failed, so that it is reported once
	looked time.Time
}

func openFileJWKS(path string, opts JWKSOptions) (*fileJWKS, error) {
	f := &fileJWKS{path: path, now: opts.Now, report: opts.Report, looked: opts.Now()}
	set, info, warnings, err := readFileJWKS(path)
	if err != nil {
		return nil, fmt.Errorf("opening JWKS: %w", err)
	}
	f.set, f.info = set, info
	for _, warning := range warnings {
		f.report(fmt.Errorf("reading JWKS file %s: %w", path, warning))
	}
	return f, nil
}

func (f *fileJWKS) current(context.Context) (*jwkSet, error) {
	set, reports := f.look()
	for _, report := range reports {
		f.report(fmt.Errorf("reading JWKS file again: %w", report))
	}
	return set, nil
}

// look reads the file if it has changed. It returns what there is to report once the mutex is free.
func (f *fileJWKS) look() (set *jwkSet, reports []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if since := now.Sub(f.looked); since >= 0 && since < statInterval {
		return f.set, nil
	}
	f.looked = now
	if info, err := os.Stat(f.path); err == nil && f.info != nil && isSameVersion(info, f.info) {
		return f.set, nil
	}
	set, info, warnings, err := readFileJWKS(f.path)
	changed := info == nil || f.info == nil || !isSameVersion(info, f.info)
	f.info = info
	if err != nil {
		if !f.failed || changed && info != nil {
			reports = []error{fmt.Errorf("%w; the keys read before stay in force", err)}
		}
		f.failed = true
		return f.set, reports
	}
	f.set, f.failed = set, false
	return f.set, warnings
}

// isSameVersion compares identity too: a rename or a swapped symbolic link can keep time and size.
func isSameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// readFileJWKS reads and parses a file. If the file can be read but not parsed, it returns info
// beside the error.
func readFileJWKS(path string) (set *jwkSet, info fs.FileInfo, warnings []error, err error) {
	// A FIFO would block the open, so the kind is looked at first, and again once it is open.
	if info, err = os.Stat(path); err != nil {
		return nil, nil, nil, fmt.Errorf("%w; check the path", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, nil, fmt.Errorf("%s is not a regular file; check the path", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w; check its permissions", err)
	}
	defer file.Close()
	// The version is taken before the content: what is written between the two is seen as a change
	// later.
	if info, err = file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil, nil,
			errors.Join(fmt.Errorf("%s changed its kind while it was opened; try again", path), err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxJWKSSize+1))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w; check the disk", err)
	}
	set, warnings, err = parseJWKS(data)
	if err != nil {
		return nil, info, nil, fmt.Errorf("%s: %w", path, err)
	}
	return set, info, warnings, nil
}

func (f *fileJWKS) renew(context.Context) bool { return false }

func (f *fileJWKS) close() {}
