package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const maxRedirects = 3

// jwksFetcher gets a JWKS from a URL, once per call.
type jwksFetcher struct {
	url     string
	host    string // with the port; errors name nothing else of the URL: it may hold a secret
	client  *http.Client
	timeout time.Duration
}

func newJWKSFetcher(location string, opts JWKSOptions) (*jwksFetcher, error) {
	u, err := url.Parse(location)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("location is not a URL with a host; give a file or an https:// URL")
	}
	if u.User != nil {
		return nil, errors.New("location has a user or password in its URL; a JWKS is public, " +
			"remove them")
	}
	local := isLocalName(u.Hostname())
	switch u.Scheme {
	case "https":
		if local && !opts.AllowLocal {
			return nil, fmt.Errorf("location is on the local host or link (%s); allow local "+
				"addresses if that is meant", u.Host)
		}
	case "http":
		if !opts.AllowLocal || !isLoopbackName(u.Hostname()) {
			return nil, errors.New("location is an http:// URL, so anyone on the way could " +
				"replace the keys; use https:// (http:// is for loopback addresses, where local " +
				"addresses are allowed)")
		}
	default:
		return nil, errors.New("location has another scheme than https://; give a file or an " +
			"https:// URL")
	}
	f := &jwksFetcher{url: u.String(), host: u.Host, timeout: opts.FetchTimeout,
		client: &http.Client{}}
	if opts.Client != nil {
		*f.client = *opts.Client
		f.client.Jar = nil
	} else {
		f.client.Transport = newJWKSTransport(opts.AllowLocal)
	}
	f.client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("redirected too often")
		}
		if req.URL.Scheme != u.Scheme || !strings.EqualFold(req.URL.Host, u.Host) {
			return errors.New("redirected to another host or scheme; configure the location it " +
				"leads to if you trust it")
		}
		return nil
	}
	return f, nil
}

// newJWKSTransport returns a transport whose connections are checked after name resolution: a name
// can resolve to anything.
func newJWKSTransport(allowLocal bool) *http.Transport {
	check := func(_ context.Context, _, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if !allowLocal && (err != nil || isLocal(target.Addr())) {
			return errors.New("the host resolves to a loopback or link-local address; allow " +
				"local addresses if that is meant")
		}
		return nil
	}
	dialer := &net.Dialer{ControlContext: check}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true, // fetches are minutes apart
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func isLocal(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() ||
		addr.IsMulticast()
}

func isLocalName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return isLoopbackName(host) || err == nil && isLocal(addr)
}

func isLoopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// fetch gets and parses the JWKS.
func (f *jwksFetcher) fetch(ctx context.Context) (set *jwkSet, warnings []error, err error) {
	data, err := f.get(ctx)
	if err == nil {
		set, warnings, err = parseJWKS(data)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("fetching JWKS from %s: %w", f.host, err)
	}
	return set, warnings, nil
}

func (f *jwksFetcher) get(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout,
		fmt.Errorf("no whole answer within %v; check that the issuer can be reached", f.timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, errors.New("the URL is malformed; correct the location")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, f.plain(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer has status %d instead of 200; check the location",
			resp.StatusCode)
	}
	if !isJSONMediaType(resp.Header.Get("Content-Type")) {
		return nil, errors.New("the answer has no JSON media type; check the location")
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKSSize+1))
	if err != nil {
		return nil, f.plain(ctx, err)
	}
	return data, nil
}

// plain takes the URL out of an error, and says why a context ended.
func (f *jwksFetcher) plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}

// isJSONMediaType accepts application/json and any +json (RFC 6839 section 3.1), which
// application/jwk-set+json is.
func isJSONMediaType(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}
