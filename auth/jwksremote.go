package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// remoteJWKS is a JWKS at a URL, cached. It fetches only when it is asked for keys: there is no
// goroutine but for the length of a fetch.
type remoteJWKS struct {
	fetcher *jwksFetcher
	opts    JWKSOptions

	ctx    context.Context // ends when the JWKS is closed
	cancel context.CancelFunc
	wait   sync.WaitGroup // for the fetch under way

	mu      sync.Mutex // guards the fields below
	set     *jwkSet    // never nil once open
	fetched time.Time  // when the fetch that got set began
	tried   time.Time  // when the last fetch began
	flight  *flight    // the fetch under way; nil if there is none
	closed  bool
}

// flight is a fetch under way.
type flight struct {
	done chan struct{} // closed when it has ended

	// wake says that nobody had asked for keys for long. Then it is waited for, or the first token
	// after a quiet night could be by a key withdrawn the evening before.
	wake bool
}

func openRemoteJWKS(ctx context.Context, location string, opts JWKSOptions) (*remoteJWKS, error) {
	fetcher, err := newJWKSFetcher(location, opts)
	if err != nil {
		return nil, fmt.Errorf("opening JWKS: %w", err)
	}
	r := &remoteJWKS{fetcher: fetcher, opts: opts}
	r.tried = opts.Now()
	set, warnings, err := fetcher.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening JWKS: %w", err)
	}
	r.set, r.fetched = set, r.tried
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.reportAll(warnings)
	return r, nil
}

func (r *remoteJWKS) current(ctx context.Context) (*jwkSet, error) {
	r.mu.Lock()
	age := r.opts.Now().Sub(r.fetched)
	var flight *flight
	if age >= r.opts.RefreshInterval {
		flight = r.start()
	}
	set := r.set
	r.mu.Unlock()
	if age <= r.opts.MaxAge && (flight == nil || !flight.wake) {
		return set, nil
	}
	if flight != nil {
		select {
		case <-flight.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the JWKS: %w", context.Cause(ctx))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opts.Now().Sub(r.fetched) > r.opts.MaxAge {
		return nil, errors.New("the keys of the JWKS are older than their maximum age and could " +
			"not be fetched; check that the issuer can be reached")
	}
	return r.set, nil
}

func (r *remoteJWKS) renew(ctx context.Context) bool {
	r.mu.Lock()
	before, flight := r.set, r.start()
	r.mu.Unlock()
	if flight == nil {
		return false
	}
	select {
	case <-flight.done:
	case <-ctx.Done():
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set != before
}

// start begins a fetch if one may begin now, and returns the flight to wait for, or nil. The caller
// holds mu.
func (r *remoteJWKS) start() *flight {
	if r.flight != nil || r.closed {
		return r.flight
	}
	now := r.opts.Now()
	since := now.Sub(r.tried)
	// A clock that was set back must not stop fetches for as long.
	if since >= 0 && since < fetchInterval {
		return nil
	}
	r.tried = now
	flight := &flight{done: make(chan struct{}), wake: since >= 2*r.opts.RefreshInterval}
	r.flight = flight
	r.wait.Go(func() {
		set, warnings, err := r.fetcher.fetch(r.ctx)
		r.mu.Lock()
		if err == nil {
			r.set, r.fetched = set, now
		}
		r.flight = nil
		closed := r.closed
		r.mu.Unlock()
		close(flight.done)
		if err != nil && !closed {
			r.opts.Report(fmt.Errorf("%w; the keys fetched before serve until they are %v old", err,
				r.opts.MaxAge))
		}
		r.reportAll(warnings)
	})
	return flight
}

func (r *remoteJWKS) reportAll(warnings []error) {
	for _, warning := range warnings {
		r.opts.Report(fmt.Errorf("fetching JWKS from %s: %w", r.fetcher.host, warning))
	}
}

func (r *remoteJWKS) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wait.Wait()
}
