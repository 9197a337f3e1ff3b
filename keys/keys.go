// Package keys owns what a gateway keeps: it says what its data directory is,
// holds the master secrets, and derives from them one key for each use.
//
//	d, err := keys.OpenDirectory("/var/lib/maskgate")
//	if err != nil {
//		log.Fatal(err)
//	}
//	newest := d.Keys().Pseudonym("loan-review") // to make new values
//	every := d.Keys().Pseudonyms("loan-review") // to find old ones
//
// # Data directory
//
// A gateway has one directory, mode 0700 if it is made here. It holds:
//
//   - layout, the version of this list: a decimal number from 1 and a newline
//     (U+000A). The version is 1. A directory with a key file and without this
//     file is of version 1; a gateway that starts writes the file.
//   - keys.json, the key file.
//   - audit, the directory of the access log.
//
// Any other name is ignored. A version that is not known is refused, for what
// a newer gateway keeps elsewhere would be missed.
//
// # Key file
//
// The secrets stand in one file, which is made on first start: a regular file
// that only its owner can read, one JSON object in UTF-8 of at most 1 MiB:
//
//	{
//	  "keys": [
//	    {
//	      "version": 1,
//	      "created": "2026-03-01T08:00:00Z",
//	      "secret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
//	    }
//	  ]
//	}
//
// keys lists at least one key. version is a positive integer, and each is
// greater than the one before; a gap is where a key was destroyed. created is
// an RFC 3339 time, which only informs. secret is 32 random bytes in padded
// standard base64 with zero trailing bits (RFC 4648, sections 4 and 3.5), and
// no two are equal. Each member is there exactly once, by exactly this name,
// and there is no other.
//
// Keep a copy of the file: without it pseudonyms cannot be searched for,
// encrypted values cannot be read, and the access log's signing key is lost.
//
// # Derivation
//
// The secret for a use is HKDF-SHA-256 (RFC 5869) of the master secret,
// without salt, with info "maskgate " followed by the use, 32 bytes long.
// Different uses get independent secrets, so none endangers another. The uses
// are:
//
//   - "pseudonym <purpose>", for pseudonyms, tokens and ciphertexts.
//   - "audit subject", for the pseudonyms of subjects in the access log.
//   - "audit checkpoint", the seed of the Ed25519 key (RFC 8032) that signs the
//     access log. The log is called, and its key named, "maskgate/<gateway>".
//
// # Rotation
//
// [Rotate] adds a version. The newest makes new values; the older ones stay
// to find and read what they made. Removing one from the file makes its
// pseudonyms and encrypted values meaningless for good.
package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// SecretSize is the size in bytes of master secrets and derived ones.
const SecretSize = 32

// A Set is all versions of the master secret. It does not change, and may be
// used by many goroutines at once. However it is printed or logged, it shows
// no secret.
type Set struct {
	masters []master // oldest first; never empty
}

// A master is one entry of the key file.
type master struct {
	version int
	created time.Time
	secret  []byte
}

// A Key is one version of the secret for one use. However it is printed,
// logged or encoded, it shows its version only.
type Key struct {
	Version int
	Secret  []byte // SecretSize bytes
}

// current derives the newest key for a use.
func (s *Set) current(use string) Key {
	return s.masters[len(s.masters)-1].derive(use)
}

// all derives every version of the key for a use, newest first.
func (s *Set) all(use string) []Key {
	all := make([]Key, 0, len(s.masters))
	for _, m := range slices.Backward(s.masters) {
		all = append(all, m.derive(use))
	}
	return all
}

func (m *master) derive(use string) Key {
	secret, err := hkdf.Key(sha256.New, m.secret, nil, "maskgate "+use, SecretSize)
	if err != nil {
		panic("keys: deriving a key: " + err.Error()) // only if SecretSize were too long
	}
	return Key{m.version, secret}
}

// String returns the version only, as do all the other ways to print a key.
func (k Key) String() string { return "key version " + strconv.Itoa(k.Version) }

// GoString returns the version only.
func (k Key) GoString() string { return k.String() }

// Format prints the version only, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON encodes the version only.
func (k Key) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Version int `json:"version"`
	}{k.Version})
}

// LogValue logs the version only.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// String returns the number of versions only, as do all the other ways to
// print a set.
func (s Set) String() string { return "set of " + strconv.Itoa(len(s.masters)) + " key versions" }

// GoString returns the number of versions only.
func (s Set) GoString() string { return s.String() }

// Format prints the number of versions only, whatever the verb.
func (s Set) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue logs the number of versions only.
func (s Set) LogValue() slog.Value { return slog.StringValue(s.String()) }
