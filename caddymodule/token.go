package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/auth"
)

// Token says which tokens are accepted, and which of their claims say what. A claim is named by its
// exact name, or by a path with dots (realm_access.roles).
type Token struct {
	// Issuer must be the token's iss. Required.
	Issuer string `json:"issuer,omitempty"`
	// Audience are names of which the token's aud must hold one. Required.
	Audience []string `json:"audience,omitempty"`
	// Keys is where the issuer's public keys are: a JWKS file, or an https:// URL. Required.
	Keys string `json:"keys,omitempty"`
	// AllowLocalKeys permits a URL on this machine, and http:// there.
	AllowLocalKeys bool `json:"allow_local_keys,omitempty"`
	// Algorithms that are accepted, of RS256, PS256, ES256 and EdDSA. Default: all of them.
	Algorithms []string `json:"algorithms,omitempty"`
	// Types that the token's typ may have. Default: none, JWT, at+jwt.
	Types []string `json:"types,omitempty"`
	// Leeway for clock skew. Default: 30s. At most 5m.
	Leeway caddy.Duration `json:"leeway,omitempty"`
	// MaxSize is how many bytes a token may have. Default: 16384.
	MaxSize int `json:"max_size,omitempty"`
	// Claims names the claims that differ from the defaults: subject (sub), roles (roles),
	// organisation (org), purposes (purpose), amr (amr), acr (acr), region (region).
	Claims map[string]string `json:"claims,omitempty"`
	// PurposePrefix is cut off the purposes; a purpose without it is ignored. It is for scopes such
	// as purpose:loan-review.
	PurposePrefix string `json:"purpose_prefix,omitempty"`
}

func (t *Token) config() (auth.Config, error) {
	claims, err := auth.NewClaims(t.Claims)
	if err != nil {
		return auth.Config{}, fmt.Errorf("token: claims: %w", err)
	}
	claims.PurposePrefix = t.PurposePrefix
	return auth.Config{
		Issuer:       t.Issuer,
		Audience:     t.Audience,
		Algorithms:   t.Algorithms,
		Types:        t.Types,
		Leeway:       time.Duration(t.Leeway),
		MaxTokenSize: t.MaxSize,
		Claims:       claims,
	}, nil
}
