package treatment

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/emmansun/gmsm/sm4"

	"github.com/maskgate/maskgate/masking"
)

// encrypt replaces a string or number by its ciphertext, which can be turned back with the key.
//
//	encrypt       张三丰 → "e1:7:vT0Z…"   AES-256-GCM (NIST SP 800-38D)
//	encrypt(sm4)  张三丰 → "e2:7:m3lk…"   SM4-GCM (GB/T 32907, RFC 8998)
//	encrypt(siv)  张三丰 → "e3:7:Qq0a…"   AES-256-SIV (RFC 5297)
//
// The first two make another text of the same value each time. encrypt(siv) always makes the same
// text, so that records can be joined.
//
// # Form
//
// A ciphertext is the form (e1, e2 or e3), a colon, the key's version, a colon, and base64url
// without padding (RFC 4648 §5) of
//
//	e1, e2  salt (16 bytes), nonce (12), ciphertext, tag (16)
//	e3      synthetic IV (16), ciphertext
//
// The plaintext is s for a string or n for a number, the value's text, the byte 0x80, and zero
// bytes up to a multiple of 16: only so far the length shows. The associated data is what stands in
// front of the base64, and the field's type. Salt and nonce are random. The key is derived from the
// salt (see subkey.go) and serves for up to 2³² values: of more than that under one key, two could
// have the same nonce.
type encrypt struct {
	form    encryption
	prefix  []byte // form and version
	data    []byte // associated data
	key     []byte // the purpose's
	siv     *siv
	most    uint64 // how many values a salt serves for
	session atomic.Pointer[gcmSession]
	states  sync.Pool // of *encryptState
}

// encryption is a form of ciphertext.
type encryption struct {
	prefix, use string
	size        int // of the key
	cipher      func(key []byte) (cipher.Block, error)
}

var (
	aesGCM = encryption{"e1:", "encrypt aes-256-gcm", 32, aes.NewCipher}
	sm4GCM = encryption{"e2:", "encrypt sm4-gcm", 16, sm4.NewCipher}
	aesSIV = encryption{"e3:", "encrypt aes-256-siv", 64, nil}
)

const (
	saltSize, nonceSize = 16, 12
	mostSealed          = 1 << 32 // encrypt.most
)

// gcmSession is a salt, and the cipher with the salt's key.
type gcmSession struct {
	salt   []byte
	aead   cipher.AEAD
	sealed atomic.Uint64
}

type encryptState struct {
	sivState
	plain, sealed []byte
}

func buildEncrypt(a *arguments, env Environment) masking.Transform {
	form := aesGCM
	if len(a.left) > 0 && a.left[0].Name == "" {
		switch a.left[0].Value {
		case "aes":
			a.left = a.left[1:]
		case "sm4":
			form, a.left = sm4GCM, a.left[1:]
		case "siv":
			form, a.left = aesSIV, a.left[1:]
		}
	}
	key, version := a.purposeKey(env)
	if key == nil {
		return nil
	}
	t, err := newEncrypt(form, key, version, env.Type, mostSealed)
	if err != nil {
		a.fault("deriving the key: %w", err)
		return nil
	}
	return t
}

// newEncrypt returns the transform for a form, a purpose's key of a version, and a field's type. A
// salt serves for most values.
func newEncrypt(
	form encryption, key []byte, version int, typ string, most uint64,
) (*encrypt, error) {
	t := &encrypt{form: form, key: key, most: most}
	t.prefix = append(strconv.AppendInt([]byte(form.prefix), int64(version), 10), ':')
	t.data = append(bytes.Clone(t.prefix), typ...)
	t.states.New = func() any { return new(encryptState) }
	if form.cipher != nil {
		_, err := t.renew(nil)
		return t, err
	}
	own, err := subkey(key, nil, form.use, form.size)
	if err == nil {
		t.siv, err = newSIV(own)
	}
	return t, err
}

// renew replaces the session old by one with a new salt, unless another goroutine has. It returns
// the session that is in its place.
func (t *encrypt) renew(old *gcmSession) (*gcmSession, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	aead, err := t.open(salt)
	if err != nil {
		return nil, err
	}
	fresh := &gcmSession{salt: salt, aead: aead}
	if t.session.CompareAndSwap(old, fresh) {
		return fresh, nil
	}
	return t.session.Load(), nil
}

// open returns the cipher with a salt's key.
func (t *encrypt) open(salt []byte) (cipher.AEAD, error) {
	key, err := subkey(t.key, salt, t.form.use, t.form.size)
	if err != nil {
		return nil, err
	}
	return newGCM(t.form.cipher, key, nonceSize)
}

func newGCM(
	newCipher func([]byte) (cipher.Block, error), key []byte, nonceSize int,
) (cipher.AEAD, error) {
	block, err := newCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithNonceSize(block, nonceSize)
}

func (t *encrypt) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	s := t.states.Get().(*encryptState)
	defer t.states.Put(s)
	kind := byte('s')
	if v.Kind == masking.Number {
		kind = 'n'
	}
	s.plain = append(append(append(s.plain[:0], kind), v.Text...), 0x80)
	for len(s.plain)%16 != 0 {
		s.plain = append(s.plain, 0)
	}
	if t.siv != nil {
		s.sealed = t.siv.seal(&s.sivState, s.sealed[:0], s.plain, t.data)
	} else if !t.seal(s) {
		return dst, false
	}
	clear(s.plain)
	dst = append(append(dst, '"'), t.prefix...)
	dst = base64.RawURLEncoding.AppendEncode(dst, s.sealed)
	return append(dst, '"'), true
}

// seal sets s.sealed to the ciphertext of s.plain, by GCM.
func (t *encrypt) seal(s *encryptState) bool {
	session := t.session.Load()
	for session.sealed.Add(1) > t.most {
		var err error
		if session, err = t.renew(session); err != nil {
			return false
		}
	}
	s.sealed = append(s.sealed[:0], session.salt...)
	for range nonceSize {
		s.sealed = append(s.sealed, 0)
	}
	nonce := s.sealed[saltSize:]
	if _, err := rand.Read(nonce); err != nil {
		return false
	}
	s.sealed = session.aead.Seal(s.sealed, nonce, s.plain, t.data)
	return true
}

// Reverse implements [Reverser].
func (t *encrypt) Reverse(dst []byte, v masking.Value) ([]byte, bool) {
	text, ok := bytes.CutPrefix(v.Text, t.prefix)
	if v.Kind != masking.String || !ok {
		return dst, false
	}
	sealed, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return dst, false
	}
	var plain []byte
	if t.siv != nil {
		plain, ok = t.siv.open(new(sivState), nil, sealed, t.data)
	} else {
		plain, ok = t.unseal(sealed)
	}
	if !ok {
		return dst, false
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) < 2 || plain[len(plain)-1] != 0x80 {
		return dst, false
	}
	switch value := plain[1 : len(plain)-1]; plain[0] {
	case 's':
		return append(masking.AppendEscaped(append(dst, '"'), value), '"'), true
	case 'n':
		return append(dst, value...), true
	}
	return dst, false
}

// unseal returns the plaintext of what seal made.
func (t *encrypt) unseal(sealed []byte) ([]byte, bool) {
	if len(sealed) < saltSize+nonceSize {
		return nil, false
	}
	aead, err := t.open(sealed[:saltSize])
	if err != nil {
		return nil, false
	}
	nonce, text := sealed[saltSize:saltSize+nonceSize], sealed[saltSize+nonceSize:]
	plain, err := aead.Open(nil, nonce, text, t.data)
	return plain, err == nil
}

// Ciphertext returns the treatment that makes ciphertexts of text's form, and the version of the
// key that text names. It reports false if text has not the form of a ciphertext. Whether it is
// one, only [Reverser] tells.
func Ciphertext(text string) (e Expression, version int, ok bool) {
	for argument, form := range map[string]encryption{"aes": aesGCM, "sm4": sm4GCM, "siv": aesSIV} {
		rest, found := strings.CutPrefix(text, form.prefix)
		number, _, colon := strings.Cut(rest, ":")
		if !found || !colon {
			continue
		}
		if version, err := strconv.Atoi(number); err == nil {
			return Expression{Name: "encrypt", Args: []Argument{{Value: argument}}}, version, true
		}
	}
	return Expression{}, 0, false
}
