package treatment

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// siv is AES-SIV (RFC 5297), deterministic authenticated encryption, with one string of associated
// data. It is safe for concurrent use; each use brings its own [sivState].
type siv struct {
	mac, ctr cipher.Block
	k1, k2   [aes.BlockSize]byte // CMAC's subkeys (RFC 4493 §2.3)
	zero     [aes.BlockSize]byte // CMAC of a zero block, with which S2V begins
}

// sivState is what one computation needs. Its zero value is ready.
type sivState struct{ sum, d, counter, stream [aes.BlockSize]byte }

// newSIV returns the cipher for a key of 32, 48 or 64 bytes, half of which is for CMAC and half for
// CTR.
func newSIV(key []byte) (*siv, error) {
	if len(key)%2 != 0 {
		return nil, errors.New("want a key of 32, 48 or 64 bytes")
	}
	mac, err := aes.NewCipher(key[:len(key)/2])
	if err != nil {
		return nil, err
	}
	ctr, err := aes.NewCipher(key[len(key)/2:])
	if err != nil {
		return nil, err
	}
	s := &siv{mac: mac, ctr: ctr}
	mac.Encrypt(s.k1[:], s.k1[:])
	double(&s.k1)
	s.k2 = s.k1
	double(&s.k2)
	var state sivState
	s.cmac(&state, make([]byte, aes.BlockSize), nil)
	s.zero = state.sum
	return s, nil
}

// double multiplies by x in GF(2^128), which RFC 5297 calls dbl.
func double(b *[aes.BlockSize]byte) {
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	carry := high >> 63
	high = high<<1 | low>>63
	low = low<<1 ^ 0x87*carry
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
}

// cmac sets state.sum to the CMAC of a message. Unless end is nil, the last 16 bytes of the message
// are xored with it.
func (s *siv) cmac(state *sivState, message []byte, end *[aes.BlockSize]byte) {
	clear(state.sum[:])
	at := len(message) - aes.BlockSize // where the bytes begin that are xored
	offset := 0
	mix := func(b []byte) {
		for i, c := range b {
			if end != nil && offset >= at {
				c ^= end[offset-at]
			}
			state.sum[i] ^= c
			offset++
		}
	}
	for len(message)-offset > aes.BlockSize {
		mix(message[offset : offset+aes.BlockSize])
		s.mac.Encrypt(state.sum[:], state.sum[:])
	}
	last := message[offset:]
	mix(last)
	k := &s.k1
	if len(last) < aes.BlockSize {
		state.sum[len(last)] ^= 0x80
		k = &s.k2
	}
	subtle.XORBytes(state.sum[:], state.sum[:], k[:])
	s.mac.Encrypt(state.sum[:], state.sum[:])
}

// s2v sets state.sum to the synthetic IV of associated data and plaintext (RFC 5297 §2.4).
func (s *siv) s2v(state *sivState, data, plain []byte) {
	state.d = s.zero
	double(&state.d)
	s.cmac(state, data, nil)
	subtle.XORBytes(state.d[:], state.d[:], state.sum[:])
	if len(plain) >= aes.BlockSize {
		s.cmac(state, plain, &state.d)
		return
	}
	double(&state.d)
	for i, c := range plain {
		state.d[i] ^= c
	}
	state.d[len(plain)] ^= 0x80
	state.stream = state.d
	s.cmac(state, state.stream[:], nil)
}

// xor encrypts or decrypts src to dst with the key stream that begins at state.counter, a synthetic
// IV.
func (s *siv) xor(state *sivState, dst, src []byte) {
	state.counter[8] &= 0x7f
	state.counter[12] &= 0x7f
	for len(src) > 0 {
		s.ctr.Encrypt(state.stream[:], state.counter[:])
		n := subtle.XORBytes(dst, src, state.stream[:])
		dst, src = dst[n:], src[n:]
		for i := aes.BlockSize - 1; i >= 0; i-- {
			if state.counter[i]++; state.counter[i] != 0 {
				break
			}
		}
	}
}

// seal appends the synthetic IV and the ciphertext of plain.
func (s *siv) seal(state *sivState, dst, plain, data []byte) []byte {
	s.s2v(state, data, plain)
	dst = append(dst, state.sum[:]...)
	state.counter = state.sum
	start := len(dst)
	dst = append(dst, plain...)
	s.xor(state, dst[start:], dst[start:])
	return dst
}

// open appends the plaintext of sealed. It reports false if sealed was not sealed with this key and
// data.
func (s *siv) open(state *sivState, dst, sealed, data []byte) ([]byte, bool) {
	if len(sealed) < aes.BlockSize {
		return dst, false
	}
	iv := sealed[:aes.BlockSize]
	state.counter = [aes.BlockSize]byte(iv)
	start := len(dst)
	out := append(dst, sealed[aes.BlockSize:]...)
	s.xor(state, out[start:], out[start:])
	s.s2v(state, data, out[start:])
	if subtle.ConstantTimeCompare(state.sum[:], iv) != 1 {
		clear(out[start:])
		return dst, false
	}
	return out, true
}
