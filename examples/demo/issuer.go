package demo

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// IssuerURL is the claim iss of every token.
	IssuerURL = "https://issuer.demo.maskgate.example"

	// Audience is the claim aud of every token.
	Audience = "maskgate"

	// KeyFile is the name of the file with the issuer's private key: a JWK (RFC 7517), mode 0600.
	KeyFile = "issuer.key.json"

	// JWKSFile is the name of the file with the public key: a JWK set with kid, alg and use.
	JWKSFile = "jwks.json"
)

// Issuer signs the demo's tokens with one ES256 key (ECDSA on P-256, RFC 7518 section 3.4). It
// says whatever it is asked to say, so nothing but a demo should trust it. Its methods may be
// called concurrently.
type Issuer struct{ signer jose.Signer }

// OpenIssuer returns the issuer whose files are in dir. On the first start it makes dir, KeyFile
// and JWKSFile; of several processes that start at once, one makes the key and all use it.
// JWKSFile is written again if it is missing or does not match the key. It is an error if others
// than the owner have any access to KeyFile. An Issuer holds nothing open: there is no Close.
func OpenIssuer(dir string) (*Issuer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	key, err := openKey(filepath.Join(dir, KeyFile))
	if err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	if err := publish(filepath.Join(dir, JWKSFile), key.Public()); err != nil {
		return nil, fmt.Errorf("opening issuer: publishing key: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	return &Issuer{signer: signer}, nil
}

// claims are the claims of a token. Empty lists are written too: the token of a person without a
// role says so.
type claims struct {
	jwt.Claims
	Roles   []string `json:"roles"`
	Org     string   `json:"org"`
	Purpose []string `json:"purpose"`
	AMR     []string `json:"amr"`
	ACR     string   `json:"acr"`
	Region  string   `json:"region"`
}

// Token returns a signed JWT in compact form that says who p is from now until ttl has passed, in
// whole seconds. The claim jti is random: 26 characters with at least 128 bits. The ttl must be at
// least a second.
func (i *Issuer) Token(p Person, ttl time.Duration, now time.Time) (string, error) {
	if p.ID == "" {
		return "", errors.New("issuing token: person without an id")
	}
	if ttl < time.Second {
		return "", errors.New("issuing token: ttl below one second")
	}
	token, err := jwt.Signed(i.signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer:    IssuerURL,
			Subject:   p.ID,
			Audience:  jwt.Audience{Audience},
			ID:        rand.Text(),
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			Expiry:    jwt.NewNumericDate(now.Add(ttl)),
		},
		Roles:   list(p.Roles),
		Org:     p.Org,
		Purpose: list(p.Purposes),
		AMR:     list(p.AMR),
		ACR:     p.ACR,
		Region:  p.Region,
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("issuing token: %w", err)
	}
	return token, nil
}

// Sign returns a signed JWT in compact form with the claims of a JSON object. Its iss and aud are
// the demo's, whatever the object says. Sign adds iat and nbf (now), exp (now plus ttl) and jti,
// each unless the object has it. The ttl must be at least a second.
func (i *Issuer) Sign(object []byte, ttl time.Duration, now time.Time) (string, error) {
	if ttl < time.Second {
		return "", errors.New("issuing token: ttl below one second")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(object, &given); err != nil || given == nil {
		return "", errors.New("issuing token: want claims as a JSON object, " +
			`as in {"sub":"collector-07","roles":["collector"]}`)
	}
	for name, value := range map[string]any{
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(ttl).Unix(), "jti": rand.Text(),
	} {
		if _, ok := given[name]; !ok {
			given[name], _ = json.Marshal(value) // a number or a string
		}
	}
	given["iss"], _ = json.Marshal(IssuerURL)
	given["aud"], _ = json.Marshal(Audience)
	payload, err := json.Marshal(given)
	if err != nil {
		return "", fmt.Errorf("issuing token: %w", err)
	}
	signed, err := i.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("issuing token: %w", err)
	}
	return signed.CompactSerialize()
}

// list returns s, or an empty list instead of null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
