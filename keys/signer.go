package keys

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signer returns the newest key that signs notes in the given name, e.g.
// "maskgate/gateway-1". A name has no space and no plus.
func (s *Set) Signer(name string) (note.Signer, error) {
	k := s.current(checkpointUse)
	vkey, err := k.verifierKey(name)
	if err != nil {
		return nil, fmt.Errorf("making signer: %w", err)
	}
	// <name>+<hash>+<key>; the signer's key has the same hash.
	hash := strings.Split(strings.TrimPrefix(vkey, name+"+"), "+")[0]
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, k.Secret...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + secret)
	if err != nil {
		return nil, fmt.Errorf("making signer: choose a name without space and plus: %w", err)
	}
	return signer, nil
}

// Verifier returns what verifies the notes that a version of the key signed in
// the given name, whatever the name: nobody else has the key. It makes a Set a
// [note.Verifiers].
func (s *Set) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, vkey := range s.VerifierKeys(name) {
		if v, err := note.NewVerifier(vkey); err == nil && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

var _ note.Verifiers = (*Set)(nil)

// VerifierKeys returns the public keys as text, "<name>+<hash>+<key>" (see
// package note), newest first. They are no secret: kept elsewhere, they
// verify the access log without trust in this machine. For a name that has a
// space or a plus they are of no use; see [Set.Signer].
func (s *Set) VerifierKeys(name string) []string {
	var list []string
	for _, k := range s.all(checkpointUse) {
		vkey, err := k.verifierKey(name)
		if err != nil {
			panic("keys: encoding a public key: " + err.Error()) // only if its size were wrong
		}
		list = append(list, vkey)
	}
	return list
}

func (k Key) verifierKey(name string) (string, error) {
	public := ed25519.NewKeyFromSeed(k.Secret).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(name, public)
}
