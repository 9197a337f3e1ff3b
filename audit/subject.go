package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
)

// A SubjectKey makes the pseudonyms under which subjects stand in records.
// It prints without its secret.
type SubjectKey struct {
	Version int
	Secret  []byte
}

// Subject returns the pseudonym of the subject with the given identifier.
func (k SubjectKey) Subject(id string) string {
	return Subject(k.Secret, k.Version, id)
}

// Format prints the version, whatever the verb.
func (k SubjectKey) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "subject key version "+strconv.Itoa(k.Version))
}

// MarshalJSON encodes the version only.
func (k SubjectKey) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"version":%d}`, k.Version), nil
}

// Subject returns the keyed pseudonym of the subject with the given
// identifier: "s", the key's version in decimal, ":", and the unpadded
// base64url encoding (RFC 4648, section 5) of the first 16 bytes of
// HMAC-SHA-256(secret, id) (RFC 2104).
//
// Who holds the key finds a person's records by computing the pseudonym for
// each version of the key; who does not cannot try out all numbers.
func Subject(secret []byte, version int, id string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id))
	sum := mac.Sum(nil)[:16]
	return "s" + strconv.Itoa(version) + ":" + base64.RawURLEncoding.EncodeToString(sum)
}
