package audit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// forge writes segments anew from a record on, as somebody does who has no key
// but those that signer returns for the number of a group's first record. A
// nil signer keeps the checkpoint as it is. edit may change the line of a
// record.
func forge(t *testing.T, segments map[string][]byte, signer func(seq int64) note.Signer,
	edit func(seq int64, line string) string) map[string][]byte {
	t.Helper()
	forged := make(map[string][]byte)
	var tr tree
	for _, name := range names(segments) {
		var out []byte
		var leaves []tlog.Hash
		first := tr.n
		for i, line := range splitLines(segments[name]) {
			switch {
			case i == 0:
				out = append(appendHeader(out, &tr), '\n')
			case isCheckpoint([]byte(line)):
				by := signer(first)
				if by == nil {
					out = append(out, line...)
				} else {
					text := checkpointText(by.Name(), tr.n, tr.root())
					msg, err := note.Sign(&note.Note{Text: text}, by)
					if err != nil {
						t.Fatal(err)
					}
					out = append(appendCheckpoint(out, string(msg), leaves), '\n')
				}
				leaves, first = nil, tr.n
			default:
				line = edit(tr.n, line)
				leaf := tlog.RecordHash([]byte(strings.TrimSuffix(line, "\n")))
				out, leaves = append(out, line...), append(leaves, leaf)
				tr.add(leaf)
			}
		}
		forged[name] = out
	}
	return forged
}

// refuse changes what a record says.
func refuse(at int64) func(int64, string) string {
	return func(seq int64, line string) string {
		if seq == at {
			return strings.Replace(line, "released", "refused!", 1)
		}
		return line
	}
}

func untouched(_ int64, line string) string { return line }

// TestVerifyForged writes records anew and signs them with a key that the
// verifiers do not know. The log of makeLog has groups that begin with records
// 0, 1, 3, 6, 8, 9, 12 and 13.
func TestVerifyForged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	stranger, _ := testKey(t, testOrigin, 3)
	from := func(n int64) func(int64) note.Signer {
		return func(seq int64) note.Signer {
			if seq >= n {
				return stranger
			}
			return nil
		}
	}
	only := func(n int64) func(int64) note.Signer {
		return func(seq int64) note.Signer {
			if seq == n {
				return stranger
			}
			return nil
		}
	}
	// What was kept at record 8, elsewhere.
	var kept string
	for _, line := range splitLines(whole[names(whole)[1]]) {
		cp, err := parseCheckpoint([]byte(strings.TrimSuffix(line, "\n")))
		if err == nil && cp.n == 8 {
			kept = cp.note
		}
	}
	cut := forge(t, whole, from(3), untouched)
	delete(cut, names(cut)[2])
	torn := forge(t, whole, from(13), func(seq int64, line string) string {
		if seq == 14 {
			return strings.Replace(line, "released", "re\x00eased", 1)
		}
		return line
	})
	edited := forge(t, whole, from(3), untouched)
	last := names(edited)[2]
	edited[last] = []byte(strings.Replace(string(edited[last]), "released", "refused!", 1))
	tests := []struct {
		name     string
		segments map[string][]byte
		checks   []Check
		want     string // the verdict, and the record that it names, or is the first in the tail
	}{
		{"all of it", forge(t, whole, from(0), refuse(4)), nil, "unknown 0"},
		{"all but the first group", forge(t, whole, from(1), refuse(4)), nil, "unknown 1"},
		{"the end", forge(t, whole, from(9), refuse(14)), nil, "unknown 9"},
		{"the last group", forge(t, whole, from(13), refuse(14)), nil, "unknown 13"},
		{"one group, nothing changed", forge(t, whole, only(3), untouched), nil, "unknown 3"},
		{"one group, a record changed", forge(t, whole, only(3), refuse(4)), nil, "corrupt 3"},
		{"the first group, a record changed", forge(t, whole, only(0), refuse(0)), nil,
			"corrupt 0"},
		{"one group, a later record changed", forge(t, whole, only(1), refuse(7)), nil,
			"corrupt 7"},
		{"the end, a record changed after it", edited, nil, "corrupt 12"},
		{"the last group, with a page that never reached the disk", torn, nil, "tail 13"},
		{"the end, kept before it", forge(t, whole, from(9), refuse(14)), []Check{Contains(kept)},
			"unknown 9"},
		{"the end, kept within it", forge(t, whole, from(3), refuse(4)), []Check{Contains(kept)},
			"corrupt -1"},
		{"the end, all kept", forge(t, whole, from(9), refuse(14)),
			[]Check{Contains(clean.Checkpoint)}, "corrupt -1"},
		{"the end, and cut off, all kept", cut, []Check{Contains(clean.Checkpoint)}, "corrupt 12"},
	}
	for _, tt := range tests {
		fill(t, dir, tt.segments)
		sum, err := Verify(dir, testVerifiers(t), tt.checks...)
		got := "sound"
		if sum.TailFile != "" {
			got = fmt.Sprint("tail ", sum.Records)
		}
		if e, ok := errors.AsType[*CorruptError](err); ok {
			got = fmt.Sprint("corrupt ", e.Seq)
		} else if e, ok := errors.AsType[*KeyError](err); ok {
			got = fmt.Sprint("unknown ", e.Seq)
			if e.Name != testOrigin || e.Hash != stranger.KeyHash() || sum.Records != e.Seq {
				t.Errorf("%s: Verify = %+v, %v, want the stranger's key and a summary up to it",
					tt.name, sum, err)
			}
		}
		if got != tt.want {
			t.Errorf("%s: Verify = %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestVerifyMisnamedKey: who only writes another key's hash on a signature is
// found out by any other checkpoint by the key, before it or after it.
func TestVerifyMisnamedKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	groups := 0
	for _, name := range names(whole) {
		lines := splitLines(whole[name])
		for i, line := range lines {
			cp, err := parseCheckpoint([]byte(strings.TrimSuffix(line, "\n")))
			if err != nil {
				continue
			}
			groups++
			sig := strings.LastIndex(cp.note, " ") + 1
			cp.note = cp.note[:sig] + "AAAA" + cp.note[sig+4:]
			m := maps.Clone(whole)
			m[name] = bytes.Join([][]byte{
				[]byte(strings.Join(lines[:i], "")),
				append(appendCheckpoint(nil, cp.note, cp.leaves), '\n'),
				[]byte(strings.Join(lines[i+1:], "")),
			}, nil)
			fill(t, dir, m)
			_, err = Verify(dir, testVerifiers(t))
			corrupt, ok := errors.AsType[*CorruptError](err)
			want := cp.n - int64(len(cp.leaves))
			if !ok || corrupt.Seq != want || !strings.Contains(corrupt.Reason, "another key") {
				t.Errorf("Verify with a wrong key hash at %d = %v, want a CorruptError for %d",
					cp.n, err, want)
			}
		}
	}
	if groups != 8 {
		t.Errorf("%d checkpoints, want 8", groups)
	}
}

// TestVerifyRotated: an auditor who was not given each version of the key.
func TestVerifyRotated(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	signer2, v2 := testKey(t, testOrigin, 2)
	_, v1 := testKey(t, testOrigin, 1)
	for _, signer := range []note.Signer{o.Signer, signer2} {
		o.Signer, o.Verifiers = signer, note.VerifierList(v1, v2)
		l := mustOpen(t, o)
		for range 3 {
			mustAppend(t, l, Record{Event: EventAccess})
		}
		mustClose(t, l)
	}
	tests := []struct {
		name    string
		known   note.Verifier
		unknown note.Verifier
		seq     int64
	}{
		{"the new key alone", v2, v1, 0},
		{"the old key alone", v1, v2, 3},
	}
	for _, tt := range tests {
		sum, err := Verify(o.Dir, note.VerifierList(tt.known))
		e, ok := errors.AsType[*KeyError](err)
		if !ok || e.Hash != tt.unknown.KeyHash() || e.Seq != tt.seq || sum.Records != tt.seq {
			t.Errorf("%s: Verify = %+v, %v, want a KeyError for record %d",
				tt.name, sum, err, tt.seq)
		}
	}
}

// TestOpenOther opens a log that is sound, but made under another name or by
// another key. That is no corruption, and nothing is touched.
func TestOpenOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	_, v1 := testKey(t, testOrigin, 1)
	renamed, renamedVerifier := testKey(t, "maskgate/renamed", 1)
	newKey, newVerifier := testKey(t, testOrigin, 2)

	open := func(signer note.Signer, known ...note.Verifier) error {
		t.Helper()
		o := testOptions(t, dir)
		o.Signer, o.Verifiers = signer, note.VerifierList(known...)
		l, err := Open(o)
		if err == nil {
			l.Close()
			t.Fatal("Open = nil, want an error")
		}
		for name, data := range files(t, dir) {
			if !bytes.Equal(data, whole[name]) {
				t.Errorf("Open changed %s", name)
			}
		}
		_, corrupt := errors.AsType[*CorruptError](err)
		if corrupt != strings.Contains(err.Error(), "evidence") {
			t.Errorf("Open = %v, want advice to keep evidence for what is corrupt alone", err)
		}
		return err
	}
	for what, known := range map[string][]note.Verifier{
		"the new name": {renamedVerifier}, "both names": {v1, renamedVerifier},
	} {
		err := open(renamed, known...)
		e, ok := errors.AsType[*OriginError](err)
		if !ok || *e != (OriginError{testOrigin, "maskgate/renamed"}) ||
			!strings.Contains(err.Error(), "new directory") {
			t.Errorf("Open under another name, with keys of %s, = %v, want an OriginError",
				what, err)
		}
	}
	err := open(newKey, newVerifier)
	e, ok := errors.AsType[*KeyError](err)
	if !ok || e.Name != testOrigin || e.Hash != v1.KeyHash() || e.Seq != 12 || e.Line != 3 {
		t.Errorf("Open with another key = %v, want a KeyError for record 12", err)
	}
	hash := fmt.Sprintf("%s+%08x", testOrigin, v1.KeyHash())
	for _, want := range []string{hash, "key file", "--key"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Open with another key = %v, want %q in it", err, want)
		}
	}

	// A fault is a fault, whatever the name and the key.
	last := names(whole)[2]
	whole[last] = []byte(strings.Replace(string(whole[last]), "released", "refused!", 1))
	fill(t, dir, whole)
	for _, err := range []error{
		open(renamed, renamedVerifier),
		open(renamed, v1, renamedVerifier),
		open(newKey, newVerifier),
	} {
		if _, ok := errors.AsType[*CorruptError](err); !ok {
			t.Errorf("Open of a corrupt log under another name or key = %v, want a CorruptError",
				err)
		}
	}
}

// TestMixedOrigins: a log has one name.
func TestMixedOrigins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	renamed, renamedVerifier := testKey(t, "maskgate/renamed", 1)
	_, v1 := testKey(t, testOrigin, 1)
	both := note.VerifierList(v1, renamedVerifier)
	fill(t, dir, forge(t, files(t, dir), func(seq int64) note.Signer {
		if seq >= 13 {
			return renamed
		}
		return nil
	}, untouched))
	_, err := Verify(dir, both)
	if e, ok := errors.AsType[*CorruptError](err); !ok || e.Seq != 13 {
		t.Errorf("Verify of a log of two names = %v, want a CorruptError for record 13", err)
	}
	o := testOptions(t, dir)
	o.Signer, o.Verifiers = renamed, both
	_, err = Open(o)
	if e, ok := errors.AsType[*CorruptError](err); !ok || e.Seq != 13 {
		t.Errorf("Open of a log of two names = %v, want a CorruptError for record 13", err)
	}
}

// TestVerifyKeptOfAnother: the checkpoint kept elsewhere is of another log.
func TestVerifyKeptOfAnother(t *testing.T) {
	dir := t.TempDir()
	mine := makeLog(t, filepath.Join(dir, "mine"))
	o := testOptions(t, filepath.Join(dir, "other"))
	signer, other := testKey(t, "maskgate/other", 1)
	_, v1 := testKey(t, testOrigin, 1)
	o.Signer, o.Verifiers = signer, note.VerifierList(other)
	l := mustOpen(t, o)
	mustAppend(t, l, Record{Event: EventAccess})
	mustClose(t, l)
	both := note.VerifierList(v1, other)
	_, err := Verify(o.Dir, both, Contains(mine.Checkpoint))
	e, ok := errors.AsType[*OriginError](err)
	if !ok || *e != (OriginError{"maskgate/other", testOrigin}) {
		t.Errorf("Verify with a checkpoint of another log = %v, want an OriginError", err)
	}
	_, err = Verify(o.Dir, both, Contains(mine.Checkpoint), Contains(l.Checkpoint()))
	if err == nil {
		t.Error("Verify with checkpoints of two logs = nil, want an error")
	}
}
