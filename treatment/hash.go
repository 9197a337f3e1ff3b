package treatment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"

	"github.com/emmansun/gmsm/sm3"

	"github.com/maskgate/maskgate/masking"
)

// keyedHash replaces a string or number by a pseudonym: the same value of the same type under the
// same purpose always has the same one, so that records can still be joined, and nobody without the
// key can find the value by trying all of them.
//
//	hash       11010519491231002X → "p1:eHF6cGl2Y3JhbmRvbWZpbGw"
//	hash(sm3)  11010519491231002X → "s1:bm90aGluZ3RvYmVzZWVubw"
//
// The pseudonym is p, the key's version, a colon, and the first 16 bytes of HMAC-SHA-256 (RFC 2104)
// in base64url without padding (RFC 4648 §5). The key is the purpose's; the message is the field's
// type, a zero byte, and the value's text. With the argument sm3 the pseudonym begins with s, the
// function is HMAC-SM3 (GB/T 15852.2, GB/T 32905), and the key is derived from the purpose's. Takes
// strings and numbers.
type keyedHash struct {
	prefix string
	typ    []byte
	macs   sync.Pool // of *mac
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// MinKey is how many bytes a key for pseudonyms must have: with a short one, or none, all values
// could be tried.
const MinKey = 32

// pseudonymSize is how much of the HMAC a pseudonym shows: 128 bits.
const pseudonymSize = 16

func buildHash(a *arguments, env Environment) masking.Transform {
	key, version := a.purposeKey(env)
	if key == nil {
		return nil
	}
	letter, function := "p", sha256.New
	if len(a.left) == 1 && a.left[0] == (Argument{"", "sm3"}) {
		a.left = nil
		letter, function = "s", sm3.New
		var err error
		if key, err = subkey(key, nil, "hash hmac-sm3", sm3.Size); err != nil {
			a.fault("deriving the key: %w", err)
			return nil
		}
	}
	return &keyedHash{
		prefix: `"` + letter + strconv.Itoa(version) + ":",
		typ:    append([]byte(env.Type), 0),
		macs:   sync.Pool{New: func() any { return newMAC(function, key) }},
	}
}

// newMAC returns the HMAC over a hash function. The hash must have 32 bytes.
func newMAC(function func() hash.Hash, key []byte) *mac {
	return &mac{Hash: hmac.New(function, key)}
}

// compute returns the HMAC of the parts, one behind the other. It is valid until the next call.
func (m *mac) compute(parts ...[]byte) []byte {
	m.Reset()
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(m.sum[:0])
}

func (k *keyedHash) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	m := k.macs.Get().(*mac)
	sum := m.compute(k.typ, v.Text)
	dst = append(dst, k.prefix...)
	dst = base64.RawURLEncoding.AppendEncode(dst, sum[:pseudonymSize])
	k.macs.Put(m)
	return append(dst, '"'), true
}
