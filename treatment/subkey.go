package treatment

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// Transforms other than the pseudonym of hash use keys of their own, so that none endangers
// another. Each is HKDF-SHA-256 (RFC 5869) of the purpose's key, with info "maskgate " followed by
// the use:
//
//	use                  size  salt            for
//	hash hmac-sm3        32    none            hash(sm3)
//	shift hmac-sha-256   32    none            shift
//	token aes-256-ff1    32    none            token
//	encrypt aes-256-gcm  32    16 random bytes encrypt
//	encrypt sm4-gcm      16    16 random bytes encrypt(sm4)
//	encrypt aes-256-siv  64    none            encrypt(siv)

// subkey derives the key for a use from a purpose's key.
func subkey(key, salt []byte, use string, size int) ([]byte, error) {
	return hkdf.Key(sha256.New, key, salt, "maskgate "+use, size)
}
