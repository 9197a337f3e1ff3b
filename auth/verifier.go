package auth

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// maxTries is how many keys are tried for a token that names none.
const maxTries = 4

// Verifier checks tokens. It is safe for concurrent use and keeps nothing of a token.
type Verifier struct {
	config Config
	types  []string // in the form of normalType
	keys   KeySet
}

// New returns a Verifier. It reports all faults of the configuration at once ([errors.Join]). If
// keys is a [Renewer] as well, the Verifier sees key rotations. It does not close keys.
func New(cfg Config, keys KeySet) (*Verifier, error) {
	cfg = cfg.withDefaults()
	// The caller may go on to change its slices.
	cfg.Audience, cfg.Algorithms = slices.Clone(cfg.Audience), slices.Clone(cfg.Algorithms)
	err := cfg.validate()
	if keys == nil {
		err = errors.Join(err,
			errors.New("configuring auth: there is no key set; open the issuer's JWKS"))
	}
	if err != nil {
		return nil, err
	}
	v := &Verifier{config: cfg, keys: keys}
	for _, typ := range cfg.Types {
		v.types = append(v.types, normalType(typ))
	}
	return v, nil
}

// Verify checks a token as the package comment says and returns whom it names. The error is an
// [*Error]; with an error the Caller is the zero value. It may wait for keys: up to the fetch
// timeout of a [JWKS], or until ctx ends.
func (v *Verifier) Verify(ctx context.Context, token string) (Caller, error) {
	payload, err := v.payload(ctx, token)
	if err != nil {
		return Caller{}, err
	}
	caller, err := v.caller(payload)
	if err != nil {
		return Caller{}, err
	}
	return caller, nil
}

// payload checks everything but the claims, and returns the payload as it was signed.
func (v *Verifier) payload(ctx context.Context, token string) ([]byte, *Error) {
	h, err := parseCompact(token, v.config.MaxTokenSize)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(v.config.Algorithms, h.algorithm) {
		return nil, refuse(ReasonAlgorithm)
	}
	if !slices.Contains(v.types, h.typ) {
		return nil, refuse(ReasonType)
	}
	jws, parseErr := jose.ParseSignedCompact(token,
		[]jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.algorithm)})
	if parseErr != nil {
		return nil, refuse(ReasonMalformed)
	}
	payload, err := v.tryKeys(ctx, h, jws)
	if err == nil || err.Reason == ReasonKeysUnavailable {
		return payload, err
	}
	if renewer, ok := v.keys.(Renewer); ok {
		if renewer.Renew(ctx) {
			return v.tryKeys(ctx, h, jws)
		}
		// Whether a new key would have fitted is unknown, so the token is not to blame.
		if ctx.Err() != nil {
			return nil, &Error{Reason: ReasonKeysUnavailable, cause: context.Cause(ctx)}
		}
	}
	return nil, err
}

// tryKeys returns the payload if one of the keys that the header admits has signed it.
func (v *Verifier) tryKeys(
	ctx context.Context, h header, jws *jose.JSONWebSignature,
) ([]byte, *Error) {
	keys, err := v.keys.Keys(ctx, h.keyID)
	if err != nil {
		return nil, &Error{Reason: ReasonKeysUnavailable, cause: err}
	}
	tries := 0
	for _, key := range keys {
		if !fits(key, h.algorithm) {
			continue
		}
		// The bare key is passed: with a JSONWebKeySet go-jose would choose by headers itself.
		public := key.Key
		if rsaKey, ok := public.(*rsa.PublicKey); ok && h.algorithm == string(jose.PS256) {
			public = pssVerifier{rsaKey}
		}
		if payload, err := jws.Verify(public); err == nil {
			return payload, nil
		}
		if tries++; tries == maxTries {
			break
		}
	}
	if tries == 0 {
		return nil, refuse(ReasonKeyUnknown)
	}
	return nil, refuse(ReasonSignature)
}
