package masking

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"
)

// keyedHash replaces a string or number by a pseudonym: the same value of the same type under the same purpose
// always has the same one, so that records can still be joined, and nobody without the key can find the value by
// trying all of them.
//
//	hash  11010519491231002X → "p1:eHF6cGl2Y3JhbmRvbWZpbGw"
//
// The pseudonym is p, the key's version, a colon, and the first 16 bytes of HMAC-SHA-256 (RFC 2104) in base64url without
// padding (RFC 4648 §5). The key is the purpose's; the message is the field's type, a zero byte, and the value's text.
// Takes strings and numbers.
type keyedHash struct {
	prefix string
	typ    []byte
	macs   sync.Pool // of *mac
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// MinKey is how many bytes a key for pseudonyms must have: with a short one, or none, all values could be tried.
const MinKey = 32

// pseudonymSize is how much of the HMAC a pseudonym shows: 128 bits.
const pseudonymSize = 16

func buildHash(a *arguments, env Environment) Transform {
	if env.PseudonymKey == nil {
		a.fault("no key for pseudonyms is at hand")
		return nil
	}
	key, version := env.PseudonymKey()
	if len(key) < MinKey {
		a.fault("the key for pseudonyms has %d bytes; want at least %d", len(key), MinKey)
		return nil
	}
	return &keyedHash{
		prefix: `"p` + strconv.Itoa(version) + ":",
		typ:    append([]byte(env.Type), 0),
		macs:   sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }},
	}
}

func (k *keyedHash) Append(dst []byte, v Value) ([]byte, bool) {
	if v.Kind != String && v.Kind != Number {
		return dst, false
	}
	m := k.macs.Get().(*mac)
	m.Reset()
	m.Write(k.typ)
	m.Write(v.Text)
	sum := m.Sum(m.sum[:0])
	dst = append(dst, k.prefix...)
	dst = base64.RawURLEncoding.AppendEncode(dst, sum[:pseudonymSize])
	k.macs.Put(m)
	return append(dst, '"'), true
}
