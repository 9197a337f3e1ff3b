package demo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/go-jose/go-jose/v4"
)

// openKey reads the private key of a file, or makes the file if there is none.
func openKey(path string) (jose.JSONWebKey, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = newKey(); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("making key: %w", err)
	}
	text, err := json.Marshal(key)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("making key: %w", err)
	}
	// A link appears whole or not at all, and never in another's place.
	err = install(path, append(text, '\n'), 0o600, os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return jose.JSONWebKey{}, fmt.Errorf("saving key: %w", err)
	}
	return readKey(path)
}

// readKey reads a private key that only its owner may read.
func readKey(path string) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	f, err := os.Open(path)
	if err != nil {
		return key, fmt.Errorf("reading key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key, fmt.Errorf("reading key: %w", err)
	}
	// Windows keeps access rights elsewhere: there the mode says nothing.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return key, fmt.Errorf("reading key: %s is open to others than its owner (mode %04o): "+
			"run chmod 600", path, mode)
	}
	// Neither decoder is quoted in an error: what it read is a secret.
	if err := json.NewDecoder(f).Decode(&key); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("reading key: %s holds no JWK", path)
	}
	private, ok := key.Key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() || key.Algorithm != string(jose.ES256) ||
		key.KeyID == "" {
		return jose.JSONWebKey{}, fmt.Errorf(
			"reading key: %s holds no private ES256 key with a kid", path)
	}
	return key, nil
}

// newKey returns a new key; its id is its thumbprint (RFC 7638, SHA-256).
func newKey() (jose.JSONWebKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return key, nil
}

// publish makes a file hold the JWK set of one public key, and leaves it alone if it does.
func publish(path string, public jose.JSONWebKey) error {
	text, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return install(path, text, 0o644, os.Rename)
}

// install writes a file beside path and puts it in place: with os.Link to refuse an existing file,
// with os.Rename to replace it. Nobody ever sees part of it at path.
func install(path string, text []byte, mode fs.FileMode, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // a second name after os.Link, no name after os.Rename
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return place(f.Name(), path)
}
