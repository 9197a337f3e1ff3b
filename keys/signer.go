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

// Verifiers returns what verifies the notes that any version signed in the
// given name.
func (s *Set) Verifiers(name string) (note.Verifiers, error) {
	var list []note.Verifier
	for _, vkey := range s.VerifierKeys(name) {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("making verifiers: choose a name without space and plus: %w", err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

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
