package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const testLocation = "https://idp.example/jwks"

// fakeIssuer answers requests for a JWKS without a network.
type fakeIssuer struct {
	mu      sync.Mutex // guards the fields below
	body    string
	err     error
	fetches int
	gate    chan struct{} // if not nil, answers wait until it is closed
	asked   chan struct{} // if not nil, gets a value for each request
}

func (f *fakeIssuer) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.fetches++
	gate, asked := f.gate, f.asked
	f.mu.Unlock()
	if asked != nil {
		asked <- struct{}{}
	}
	if gate != nil {
		select {
		case <-gate:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/jwk-set+json"}},
		Body:       io.NopCloser(strings.NewReader(f.body)),
		Request:    req,
	}, nil
}

func (f *fakeIssuer) set(change func(*fakeIssuer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeIssuer) publish(kids ...string) {
	body := edJWKS(kids...)
	f.set(func(f *fakeIssuer) { f.body, f.err = body, nil })
}

func (f *fakeIssuer) fail() {
	f.set(func(f *fakeIssuer) { f.err = errors.New("connection refused") })
}

func (f *fakeIssuer) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetches
}

// openFake opens the JWKS of a fake issuer that has published key "one".
func openFake(t *testing.T) (*JWKS, *fakeIssuer, *testClock, *reports) {
	t.Helper()
	issuer, clock, reported := &fakeIssuer{}, newTestClock(), &reports{}
	issuer.publish("one")
	keys, err := OpenJWKS(t.Context(), testLocation, JWKSOptions{
		Client: &http.Client{Transport: issuer}, Now: clock.Now, Report: reported.add,
		FetchTimeout: time.Hour, // so that nothing ends a fetch but what a test is about
	})
	if err != nil {
		t.Fatalf("OpenJWKS: %v", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	return keys, issuer, clock, reported
}

// settle waits for the fetch under way.
func settle(keys *JWKS) { keys.source.(*remoteJWKS).wait.Wait() }

func wantFetches(t *testing.T, issuer *fakeIssuer, want int) {
	t.Helper()
	if got := issuer.count(); got != want {
		t.Fatalf("%d fetches, want %d", got, want)
	}
}

func TestRemoteJWKSRefresh(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	wantFetches(t, issuer, 1) // eager
	issuer.publish("two")
	clock.Add(DefaultRefreshInterval - 1)
	wantKids(t, keys, "one")
	settle(keys)
	wantFetches(t, issuer, 1)
	clock.Add(1)
	wantKids(t, keys, "one") // served while the fetch is under way
	settle(keys)
	wantKids(t, keys, "two")
	wantFetches(t, issuer, 2)
	wantReports(t, reported)
}

// Callers who can use the keys they have never wait for a slow issuer.
func TestRemoteJWKSRefreshDoesNotBlock(t *testing.T) {
	keys, issuer, clock, _ := openFake(t)
	gate, asked := make(chan struct{}), make(chan struct{}, 1)
	issuer.set(func(f *fakeIssuer) { f.gate, f.asked = gate, asked })
	clock.Add(DefaultRefreshInterval)
	wantKids(t, keys, "one")
	<-asked
	for range 100 {
		wantKids(t, keys, "one")
		clock.Add(time.Minute)
	}
	close(gate)
	settle(keys)
	wantFetches(t, issuer, 2)
}

// After a quiet night the first caller waits, lest a key withdrawn meanwhile lets a token in.
func TestRemoteJWKSWakes(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	issuer.publish("two")
	clock.Add(8 * time.Hour)
	wantKids(t, keys, "two")
	wantFetches(t, issuer, 2)

	issuer.fail()
	clock.Add(8 * time.Hour)
	wantKids(t, keys, "two") // an outage lets them serve
	settle(keys)
	wantReports(t, reported, "connection refused")
}

func TestRemoteJWKSRotation(t *testing.T) {
	keys, issuer, clock, _ := openFake(t)
	next := testKey{"two", jose.EdDSA, newEd()}
	issuer.set(func(f *fakeIssuer) { f.body = jwks(jwk(next.public(), nil)) })
	cfg := testConfig()
	v := mustVerifier(t, cfg, keys)
	token := mint(next, "two", mustJSON(claimsWith(nil)), nil)

	clock.Add(29 * time.Second)
	_, err := v.Verify(t.Context(), token)
	wantReason(t, err, ReasonKeyUnknown)
	wantFetches(t, issuer, 1)
	clock.Add(time.Second)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("Verify 30 s after the rotation = %v, want no error", err)
	}
	wantFetches(t, issuer, 2)
}

// Whatever tokens arrive, and however many at once, there is at most one fetch in 30 s.
func TestRemoteJWKSFlood(t *testing.T) {
	keys, issuer, clock, _ := openFake(t)
	v := mustVerifier(t, testConfig(), keys)
	payload := mustJSON(claimsWith(nil))
	attacker := testKey{"one", jose.EdDSA, newEd()}
	const seconds = 300
	for second := range seconds {
		var group sync.WaitGroup
		for i := range 4 {
			kid := fmt.Sprintf("kid-%d-%d", second, i)
			if i == 0 {
				kid = "one" // a wrong signature
			}
			token := mint(attacker, kid, payload, nil)
			group.Go(func() {
				if _, err := v.Verify(t.Context(), token); err == nil {
					t.Error("Verify: no error")
				}
			})
		}
		group.Wait()
		clock.Add(time.Second)
	}
	// The flood begins at 0 s, when the last fetch (by Open) has just been: so 30, 60, …, 270.
	wantFetches(t, issuer, 1+seconds/30-1)
}

func TestRemoteJWKSOutage(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	issuer.fail()
	for range int(DefaultMaxAge / time.Hour) {
		clock.Add(time.Hour)
		wantKids(t, keys, "one")
		settle(keys)
	}
	if got := len(reported.take()); got != 24 {
		t.Errorf("%d reports, want one for each failed fetch", got)
	}
	clock.Add(1)
	v := mustVerifier(t, testConfig(), keys)
	_, err := v.Verify(t.Context(), mint(testKeys()[jose.EdDSA], "one", mustJSON(claimsWith(nil)),
		nil))
	wantReason(t, err, ReasonKeysUnavailable)

	// A caller whose keys are too old waits for the fetch, once it may begin.
	issuer.publish("two")
	clock.Add(fetchInterval)
	wantKids(t, keys, "two")
}

// A private key that appears at the URL is refused: the old keys stay, and the operator hears of
// it.
func TestRemoteJWKSBrokenUpdate(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	issuer.set(func(f *fakeIssuer) {
		f.body = strings.Replace(edJWKS("two"), `"kid"`, `"d":"canary","kid"`, 1)
	})
	clock.Add(DefaultRefreshInterval)
	wantKids(t, keys, "one")
	settle(keys)
	wantKids(t, keys, "one")
	if errs := reported.take(); len(errs) != 1 || strings.Contains(errs[0].Error(), "canary") ||
		!strings.Contains(errs[0].Error(), "private or symmetric") {
		t.Errorf("reports = %v, want one of the private key and without it", errs)
	}
}

// A key that is left out is reported with each fetch.
func TestRemoteJWKSWarns(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	small := testKey{"small", jose.RS256, newRSA(1024)}.public()
	good := testKeys()[jose.EdDSA].public()
	issuer.set(func(f *fakeIssuer) { f.body = jwks(jwk(small, nil), jwk(good, nil)) })
	clock.Add(DefaultRefreshInterval)
	wantKids(t, keys, "one")
	settle(keys)
	wantKids(t, keys, "ed")
	wantReports(t, reported, "idp.example: leaving out key 1")
}

func TestRemoteJWKSWaitEndsWithContext(t *testing.T) {
	keys, issuer, clock, _ := openFake(t)
	issuer.set(func(f *fakeIssuer) { f.gate = make(chan struct{}) })
	clock.Add(DefaultMaxAge + 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keys.Keys(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Keys = %v, want context.Canceled", err)
	}
	if keys.Renew(ctx) {
		t.Error("Renew = true, want false when the context has ended")
	}
}

func TestRemoteJWKSClose(t *testing.T) {
	keys, issuer, clock, reported := openFake(t)
	asked := make(chan struct{}, 1)
	issuer.set(func(f *fakeIssuer) { f.gate, f.asked = make(chan struct{}), asked })
	clock.Add(DefaultRefreshInterval)
	wantKids(t, keys, "one")
	<-asked
	_ = keys.Close() // returns only once the fetch has ended
	_ = keys.Close()
	if keys.source.(*remoteJWKS).flight != nil {
		t.Error("a fetch is under way after Close")
	}
	wantReports(t, reported) // what Close ended is no failure
	clock.Add(time.Hour)
	wantKids(t, keys, "one")
	if keys.Renew(t.Context()) {
		t.Error("Renew = true after Close")
	}
	wantFetches(t, issuer, 2)
	clock.Add(DefaultMaxAge)
	if _, err := keys.Keys(t.Context(), ""); err == nil {
		t.Error("Keys after Close and MaxAge: no error")
	}
}

func TestRemoteJWKSClockSetBack(t *testing.T) {
	keys, issuer, clock, _ := openFake(t)
	issuer.publish("two")
	clock.Add(-time.Hour)
	if !keys.Renew(t.Context()) {
		t.Error("Renew = false after the clock was set back, want true")
	}
	wantKids(t, keys, "two")
}
