package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Defaults of [JWKSOptions], and the limits that are fixed.
const (
	DefaultRefreshInterval = 5 * time.Minute
	DefaultMaxAge          = 24 * time.Hour
	DefaultFetchTimeout    = 5 * time.Second

	fetchInterval = 30 * time.Second // between two fetches, whatever happens
	statInterval  = time.Second      // between two looks at a file
)

// JWKSOptions are options for [OpenJWKS]. The zero value of a field means its default.
type JWKSOptions struct {
	// Report gets what the operator should know and no caller: that a refresh failed and old keys
	// stay in force, that a key is left out. It holds no key material. It is called from any
	// goroutine and must not call the JWKS. By default it does nothing.
	Report func(error)

	Now func() time.Time // default time.Now

	// The rest is for URLs.

	// Client fetches. Its redirect policy and cookies are not used. By default a client that uses
	// the proxy of the environment and, unless AllowLocal, connects to no loopback or link-local
	// address, a proxy's included; a Client given here has to see to that itself.
	Client *http.Client

	// AllowLocal permits loopback and link-local addresses, and http:// to localhost or a loopback
	// address. Elsewhere only https:// is permitted: whoever could alter the keys could sign
	// tokens.
	AllowLocal bool

	RefreshInterval time.Duration // age at which keys are fetched anew; default 5 min, least 30 s
	MaxAge          time.Duration // age up to which keys serve; default 24 h
	FetchTimeout    time.Duration // of one fetch, body included; default 5 s
}

// JWKS is a [KeySet] and [Renewer] that reads a JWKS from a file or URL. It is safe for concurrent
// use.
type JWKS struct {
	source jwksSource
}

var (
	_ KeySet  = (*JWKS)(nil)
	_ Renewer = (*JWKS)(nil)
)

// jwksSource is a place that a JWKS comes from.
type jwksSource interface {
	current(ctx context.Context) (*jwkSet, error)
	renew(ctx context.Context) bool
	close()
}

// OpenJWKS reads the JWKS at a location: an https:// URL, an http:// URL if
// [JWKSOptions.AllowLocal] permits it, or else the path of a file. It fails if there are no usable
// keys now, or if a private or symmetric key is published with them; ctx ends it early and has no
// meaning after it.
//
// A file is looked at again at most once a second, when keys are asked for, and read when it has
// changed. If it is broken then, the keys read before stay in force.
//
// A URL is fetched again when keys are asked for that are older than the refresh interval, while
// these still serve, and when no key verifies a token; but 30 s or more apart, by one fetch at a
// time. So a new key is known 30 s after its publication at the latest. A withdrawn one is
// forgotten after twice the refresh interval at the latest, plus one fetch, while the URL can be
// reached; after so long without a request the next one waits for the fetch. Keys that cannot be
// fetched serve until they are MaxAge old. A fetch follows at most 3 redirects, all to the same
// host over the same scheme, and accepts status 200, a JSON media type and 1 MiB.
func OpenJWKS(ctx context.Context, location string, opts JWKSOptions) (*JWKS, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	var source jwksSource
	switch {
	case location == "":
		return nil, errors.New("opening JWKS: location is missing; give a file or an https:// URL")
	case strings.Contains(location, "://"):
		source, err = openRemoteJWKS(ctx, location, opts)
	default:
		source, err = openFileJWKS(location, opts)
	}
	if err != nil {
		return nil, err
	}
	return &JWKS{source: source}, nil
}

// Keys returns the keys with this kid, or all if it is "". It fails only for a URL, when the keys
// are older than MaxAge and cannot be fetched, or when ctx ends while it waits for them.
func (j *JWKS) Keys(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	set, err := j.source.current(ctx)
	if err != nil {
		return nil, err
	}
	return set.find(kid), nil
}

// Renew fetches from a URL, unless the last fetch began less than 30 s ago, or waits for the fetch
// under way. A file has nothing to renew: Keys sees its changes.
func (j *JWKS) Renew(ctx context.Context) bool { return j.source.renew(ctx) }

// Close ends the fetch under way, waits for it, and permits no more. The keys that are known go on
// to serve, so that requests in flight can end, until they are MaxAge old. Closing twice is fine.
func (j *JWKS) Close() error {
	j.source.close()
	return nil
}

func (o JWKSOptions) withDefaults() (JWKSOptions, error) {
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RefreshInterval == 0 {
		o.RefreshInterval = DefaultRefreshInterval
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.FetchTimeout == 0 {
		o.FetchTimeout = DefaultFetchTimeout
	}
	var errs []error
	if o.RefreshInterval < fetchInterval {
		errs = append(errs, errors.New("opening JWKS: refresh interval is below 30s; raise it"))
	}
	if o.MaxAge < o.RefreshInterval {
		errs = append(errs, errors.New("opening JWKS: maximum age is below the refresh interval; "+
			"raise it"))
	}
	if o.FetchTimeout < 0 {
		errs = append(errs, errors.New("opening JWKS: fetch timeout is negative; raise it"))
	}
	return o, errors.Join(errs...)
}
