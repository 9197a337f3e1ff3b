package audit

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// A KeyError says that a log is signed by a key that none of the given
// verifiers knows, though nothing in the log contradicts itself. Another key
// file made the log, or a version of the key was not given, or somebody
// without the key wrote the records anew: from record Seq on nothing is proved.
type KeyError struct {
	Name string // name of the key, which is the log's origin
	Hash uint32 // the key's hash (package note)
	File string // base name of the segment with the first checkpoint by the key
	Line int    // its line in File, from 1
	Seq  int64  // the first record for which no known key vouches
}

// Error returns the key, the place, and what to do.
func (e *KeyError) Error() string {
	return fmt.Sprintf("access log is signed by a key that is not known, %s+%08x, "+
		"from record %d on (%s, line %d): give the key file that made the log, "+
		"or that public key (--key); if nobody has it, somebody else wrote the records",
		e.Name, e.Hash, e.Seq, e.File, e.Line)
}

// A trust verifies the signatures of a log's checkpoints, from one segment to
// the next.
//
// A key that is not known is no proof of corruption, but whoever changes
// records may sign them with a key of his own, or put another key's hash on a
// signature. So the scan goes on behind the first such checkpoint, and what
// known keys signed further on must agree with it.
type trust struct {
	verifiers note.Verifiers
	known     []note.Verifier // those that signed a checkpoint
	doubt     *doubt          // the first checkpoint by a key that is not known
}

// A doubt is a checkpoint by a key that is not known.
type doubt struct {
	KeyError
	text, sig []byte // what is signed, and the signature
}

// misnamed is what is wrong with a checkpoint if a known key made a signature
// that names another.
const misnamed = "the checkpoint's signature names another key than the one that made it"

// verify verifies the signature of a checkpoint, and returns the verifier of
// its key. If the key is not known it returns a doubt, which has no place yet.
func (t *trust) verify(cp *checkpoint) (by note.Verifier, unknown *doubt, err error) {
	n, err := note.Open([]byte(cp.note), t)
	if e, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		s := e.Note.UnverifiedSigs[0] // there is no other
		raw, err := strict64.DecodeString(s.Base64)
		if err != nil {
			return nil, nil, errCheckpoint
		}
		unknown = &doubt{KeyError{Name: s.Name, Hash: s.Hash}, []byte(e.Note.Text), raw[4:]}
		if slices.ContainsFunc(t.known, unknown.by) {
			return nil, nil, errors.New(misnamed)
		}
		return nil, unknown, nil
	}
	if err == nil {
		by, err = t.Verifier(n.Sigs[0].Name, n.Sigs[0].Hash)
	}
	if err != nil {
		return nil, nil, errors.New("the checkpoint's signature is wrong")
	}
	return by, nil, nil
}

// find returns the verifier of a key that signed a checkpoint; nil if none did.
func (t *trust) find(name string, hash uint32) note.Verifier {
	for _, v := range t.known {
		if v.Name() == name && v.KeyHash() == hash {
			return v
		}
	}
	return nil
}

// Verifier makes a trust a [note.Verifiers], which looks a key up once.
func (t *trust) Verifier(name string, hash uint32) (note.Verifier, error) {
	if v := t.find(name, hash); v != nil {
		return v, nil
	}
	if t.verifiers == nil {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return t.verifiers.Verifier(name, hash)
}

// accept takes note of who signed a checkpoint that fits what stands before
// it. It returns a fault if the signature shows that an earlier checkpoint,
// which is in doubt, was tampered with.
func (t *trust) accept(by note.Verifier, unknown *doubt) *CorruptError {
	switch {
	case unknown != nil && t.doubt == nil:
		t.doubt = unknown
	case by == nil:
	case t.doubt != nil && t.doubt.by(by):
		return t.doubt.corrupt(misnamed)
	case t.find(by.Name(), by.KeyHash()) == nil:
		t.known = append(t.known, by)
	}
	return nil
}

// doubted reports whether a checkpoint so far is by a key that is not known.
func (t *trust) doubted() bool { return t != nil && t.doubt != nil }

// err returns what stands between a log without a fault and trust in it.
func (t *trust) err() error {
	if t.doubted() {
		return &t.doubt.KeyError
	}
	return nil
}

// by reports whether a key made the signature, whatever the signature says.
func (d *doubt) by(v note.Verifier) bool { return v.Name() == d.Name && v.Verify(d.text, d.sig) }

func (d *doubt) corrupt(reason string) *CorruptError {
	return &CorruptError{File: d.File, Line: d.Line, Seq: d.Seq, Reason: reason}
}
