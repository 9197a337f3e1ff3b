package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Defaults and limits of [Config].
const (
	DefaultLeeway       = 30 * time.Second
	MaxLeeway           = 5 * time.Minute
	DefaultMaxTokenSize = 16 << 10 // bytes
	MaxMaxTokenSize     = 1 << 20  // bytes
)

// algorithms are the ones that a Config may allow: signatures by a private key. A MAC would make
// every verifier an issuer, and none is no signature (RFC 8725 sections 3.1 and 3.2).
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// Config says which tokens are accepted. The zero value of an optional field means its default.
type Config struct {
	Issuer   string   // iss, compared byte for byte (RFC 7519 section 4.1.1). Required.
	Audience []string // at least one of these must be in aud (RFC 7519 section 4.1.3). Required.

	// Algorithms that may be in alg: of RS256, PS256, ES256 and EdDSA; by default all four. That is
	// safe because a key verifies only the algorithm that its type, and its alg if it has one, fit.
	Algorithms []string

	Leeway       time.Duration // clock skew in exp, nbf and iat; default 30 s, at most 5 min
	MaxTokenSize int           // bytes; default 16 KiB, at most 1 MiB
	Claims       Claims        // where the parts of the Caller are

	// Types that may be in typ, compared without case and without a leading application/ (RFC 7515
	// section 4.1.9); "" accepts a token without typ. Default "", JWT and at+jwt. Where the issuer
	// follows RFC 9068, set at+jwt alone: then an ID token is no access token.
	Types []string

	Now func() time.Time // default time.Now
}

// Claims names the claim that each part of the [Caller] is read from: an exact name, or else a path
// with dots. An optional claim that is missing is empty; any claim of another JSON type than said
// here makes the token invalid.
type Claims struct {
	Subject      string // default sub; required in the token; a string
	Roles        string // default roles; a string (one role) or an array of strings
	Organisation string // default org; a string or an array of one string
	Purposes     string // default purpose; a string separated by spaces, or an array of strings
	AMR          string // default amr; a string (one method) or an array of strings (RFC 8176)
	ACR          string // default acr; a string or an array of one string
	Region       string // default region; a string or an array of one string

	// PurposePrefix, if set, is stripped from the purposes, and purposes without it are left out:
	// with "purpose:" the scope "openid purpose:loan-review" gives loan-review.
	PurposePrefix string
}

// NewClaims returns the claims that differ from the defaults, by the names of [ClaimNames].
func NewClaims(names map[string]string) (Claims, error) {
	var c Claims
	known := c.defaults()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		i := slices.IndexFunc(known, func(d claimDefault) bool { return d.field == name })
		if i < 0 {
			return Claims{}, fmt.Errorf("want one of %s; have %q",
				strings.Join(ClaimNames(), ", "), name)
		}
		*known[i].claim = names[name]
	}
	return c, nil
}

// ClaimNames are the names of what [Claims] says of a caller: subject, roles and so on.
func ClaimNames() []string {
	var names []string
	for _, d := range new(Claims).defaults() {
		names = append(names, d.field)
	}
	return names
}

// withDefaults returns the configuration with its defaults filled in.
func (c Config) withDefaults() Config {
	if c.Leeway == 0 {
		c.Leeway = DefaultLeeway
	}
	if c.MaxTokenSize == 0 {
		c.MaxTokenSize = DefaultMaxTokenSize
	}
	if c.Algorithms == nil {
		for _, a := range algorithms {
			c.Algorithms = append(c.Algorithms, string(a))
		}
	}
	if c.Types == nil {
		c.Types = []string{"", "JWT", "at+jwt"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, d := range c.Claims.defaults() {
		if *d.claim == "" {
			*d.claim = d.name
		}
	}
	return c
}

type claimDefault struct {
	field string
	claim *string
	name  string
}

func (c *Claims) defaults() []claimDefault {
	return []claimDefault{
		{"subject", &c.Subject, "sub"},
		{"roles", &c.Roles, "roles"},
		{"organisation", &c.Organisation, "org"},
		{"purposes", &c.Purposes, "purpose"},
		{"amr", &c.AMR, "amr"},
		{"acr", &c.ACR, "acr"},
		{"region", &c.Region, "region"},
	}
}

// validate returns all faults of a configuration that has its defaults.
func (c Config) validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("configuring auth: "+format, args...))
	}

	if c.Issuer == "" {
		fault("issuer is missing; set it to the iss of your tokens")
	} else if !isClean(c.Issuer) {
		fault("issuer has a control or invisible character, or a space at an end; remove it")
	}
	if len(c.Audience) == 0 {
		fault("audience is missing; set it to what aud names this service, or tokens for others " +
			"would do here")
	}
	for i, a := range c.Audience {
		if a == "" || !isClean(a) {
			fault("audience %d is empty, or has a control or invisible character or a space at "+
				"an end; correct it", i+1)
		}
	}
	if len(c.Algorithms) == 0 {
		fault("algorithms is an empty list; leave it out or name some of RS256, PS256, ES256, " +
			"EdDSA")
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(algorithms, jose.SignatureAlgorithm(a)) {
			fault("algorithm %q is not accepted; use some of RS256, PS256, ES256, EdDSA", a)
		}
	}
	if c.Leeway < 0 || c.Leeway > MaxLeeway {
		fault("leeway is %v; choose between 0 and %v", c.Leeway, MaxLeeway)
	}
	if c.MaxTokenSize < 0 || c.MaxTokenSize > MaxMaxTokenSize {
		fault("token size limit is %d bytes; choose between 1 and %d", c.MaxTokenSize,
			MaxMaxTokenSize)
	}
	if len(c.Types) == 0 {
		fault("types is an empty list; leave it out or name some, such as at+jwt")
	}
	for i, t := range c.Types {
		if !isClean(t) {
			fault("type %d has a control or invisible character, or a space at an end; correct it",
				i+1)
		}
	}
	for _, d := range c.Claims.defaults() {
		if !isClean(*d.claim) || strings.Count(*d.claim, ".") > maxDepth {
			fault("the claim for %s has a control or invisible character, a space at an end or "+
				"over %d dots; correct it",
				d.field, maxDepth)
		}
	}
	if !isClean(c.Claims.PurposePrefix) || strings.Contains(c.Claims.PurposePrefix, " ") {
		fault("the purpose prefix has a space, or a control or invisible character; correct it")
	}
	return errors.Join(errs...)
}

// normalType returns a typ in the form in which types are compared.
func normalType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
