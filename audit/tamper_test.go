package audit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestVerifyFlippedByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	v := testVerifiers(t)
	for _, name := range names(whole) {
		data := whole[name]
		first, _ := parseSegmentName(name)
		last := name == names(whole)[len(whole)-1]
		// The segments before are untouched and give the tree that the
		// scan begins with.
		before := map[string][]byte{}
		for n, d := range whole {
			if n < name {
				before[n] = d
			}
		}
		scratch := filepath.Join(t.TempDir(), "before")
		fill(t, scratch, before)
		sum, err := Verify(scratch, v)
		if err != nil || sum.Records != first {
			t.Fatalf("Verify of the segments before %s = %+v, %v", name, sum, err)
		}
		linked := treeOf(t, data)
		unknown := 0
		for i := range data {
			for _, x := range []byte{0x01, data[i], data[i] ^ '\n'} {
				if x == 0 {
					continue
				}
				changed := bytes.Clone(data)
				changed[i] ^= x
				s := &scanner{
					file: name, r: bytes.NewReader(changed), size: int64(len(changed)),
					first: first, last: last, trust: &trust{verifiers: v}, origin: clean.Origin,
					linked: true, tree: linked.clone(),
				}
				err := s.run()
				if corrupt := (*CorruptError)(nil); err != nil && !errors.As(err, &corrupt) {
					t.Fatalf("%s: byte %d xor %#x: error %v is not a CorruptError", name, i, x, err)
				}
				// One byte has bits of the key's hash and of the signature:
				// who changes it, changes it to a key that nobody knows.
				if err == nil {
					if err = s.trust.err(); err != nil {
						unknown++
					}
				}
				if err == nil && !s.tail {
					t.Fatalf("%s: byte %d (%q) xor %#x goes unnoticed", name, i, data[i], x)
				}
				if err == nil && !last {
					t.Fatalf("%s: byte %d (%q) xor %#x in the middle of the log passes as a tail",
						name, i, data[i], x)
				}
				if err == nil && s.committed == int64(len(data)) {
					t.Fatalf("%s: byte %d xor %#x: tail of no bytes", name, i, x)
				}
			}
		}
		if want := 3 * strings.Count(string(data), checkpointStart); unknown > want {
			t.Errorf("%s: %d flips pass for an unknown key, want %d at the most",
				name, unknown, want)
		}
	}
}

// treeOf returns the tree that a good segment's header tells of.
func treeOf(t *testing.T, data []byte) tree {
	t.Helper()
	tr, err := parseHeader([]byte(strings.TrimSuffix(splitLines(data)[0], "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// replace changes a line of a segment.
func replace(lines []string, i int, from, to string) {
	lines[i] = strings.Replace(lines[i], from, to, 1)
}

// TestVerifyNamesFirstBadRecord edits each record, alone and with later ones.
func TestVerifyNamesFirstBadRecord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	for _, name := range names(whole) {
		lines := splitLines(whole[name])
		for i, l := range lines {
			if !strings.HasPrefix(l, `{"seq"`) {
				continue
			}
			var seq int64
			fmt.Sscanf(l, `{"seq":%d`, &seq)
			edits := map[string]func([]string){
				"value":     func(s []string) { replace(s, i, "released", "refused!") },
				"time":      func(s []string) { replace(s, i, "2026", "2025") },
				"shortened": func(s []string) { s[i] = s[i][:len(s[i])-3] + "\n" },
				"two lines": func(s []string) { s[i] = strings.Replace(s[i], ",", ",\n", 2) },
				"not JSON":  func(s []string) { s[i] = "garbage\n" },
				"number":    func(s []string) { replace(s, i, `{"seq":`, `{"seq":9`) },
				"also later": func(s []string) {
					replace(s, i, "2026", "2025")
					s[len(s)-2] = "x\n"
				},
				"deleted":     func(s []string) { s[i] = "" },
				"doubled":     func(s []string) { s[i] = s[i] + s[i] },
				"blank first": func(s []string) { s[i] = "\n" + s[i] },
			}
			for what, edit := range edits {
				changed := slices.Clone(lines)
				edit(changed)
				m := maps.Clone(whole)
				m[name] = []byte(strings.Join(changed, ""))
				fill(t, dir, m)
				_, err := Verify(dir, testVerifiers(t))
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) {
					t.Errorf("Verify with record %d %s = %v, want a CorruptError", seq, what, err)
					continue
				}
				want := seq
				if what == "doubled" {
					want++ // the second stands where the next should
				}
				if corrupt.Seq != want || corrupt.File != name {
					t.Errorf("Verify with record %d %s names record %d in %s, want %d in %s (%v)",
						seq, what, corrupt.Seq, corrupt.File, want, name, err)
				}
			}
		}
	}
	fill(t, dir, whole)
	if sum, err := Verify(dir, testVerifiers(t)); err != nil || sum != clean {
		t.Errorf("Verify of the restored log = %+v, %v, want %+v", sum, err, clean)
	}
}

// TestVerifyStructure deletes, doubles, swaps and inserts every line, and
// every segment.
func TestVerifyStructure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	check := func(what string, m map[string][]byte, rollback bool) {
		t.Helper()
		fill(t, dir, m)
		sum, err := Verify(dir, testVerifiers(t))
		if err == nil && sum == clean {
			t.Errorf("%s: Verify is content", what)
		}
		if err == nil && sum.TailFile == "" && !rollback {
			t.Errorf("%s: Verify = %+v, want an error or a tail", what, sum)
		}
		if _, err := Verify(dir, testVerifiers(t), Contains(clean.Checkpoint)); err == nil {
			t.Errorf("%s: Verify is content, though the log does not contain the kept checkpoint",
				what)
		}
	}
	for n, name := range all {
		lines := splitLines(whole[name])
		final := n == len(all)-1
		with := func(lines ...string) map[string][]byte {
			m := maps.Clone(whole)
			m[name] = []byte(strings.Join(lines, ""))
			return m
		}
		for i := range lines {
			at := fmt.Sprintf("%s line %d", name, i+1)
			check(at+" deleted", with(slices.Delete(slices.Clone(lines), i, i+1)...), false)
			check(at+" doubled", with(slices.Insert(slices.Clone(lines), i, lines[i])...), false)
			check(at+" a line inserted", with(slices.Insert(slices.Clone(lines), i, "{}\n")...),
				false)
			check(at+" and on cut off", with(lines[:i]...), final)
			if i+1 < len(lines) {
				s := slices.Clone(lines)
				s[i], s[i+1] = s[i+1], s[i]
				check(at+" swapped with the next", with(s...), false)
			}
		}
		m := maps.Clone(whole)
		delete(m, name)
		check(name+" deleted", m, final)
		for _, other := range all {
			if other != name {
				m := maps.Clone(whole)
				m[name] = whole[other]
				check(name+" replaced by "+other, m, false)
			}
		}
	}
}

func TestVerifyKeptCheckpoint(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, testOptions(t, filepath.Join(dir, "log")))
	var kept []string
	for range 5 {
		mustAppend(t, l, Record{Event: EventAccess})
		kept = append(kept, l.Checkpoint())
	}
	mustClose(t, l)

	// Another log by somebody who has the key.
	o := testOptions(t, filepath.Join(dir, "forged"))
	forged := mustOpen(t, o)
	for range 5 {
		mustAppend(t, forged, Record{Event: EventAccess, Note: "forged"})
	}
	mustClose(t, forged)

	other, otherVerifier := testKey(t, "maskgate/other", 2)
	o = testOptions(t, filepath.Join(dir, "other"))
	o.Signer, o.Verifiers = other, noteList(otherVerifier)
	stranger := mustOpen(t, o)
	mustAppend(t, stranger, Record{Event: EventAccess})

	for i, cp := range kept {
		mine, theirs := filepath.Join(dir, "log"), filepath.Join(dir, "forged")
		_, err := Verify(mine, testVerifiers(t), Contains(cp), Contains(kept[0]))
		if err != nil {
			t.Errorf("Verify with checkpoint %d kept = %v, want nil", i, err)
		}
		var corrupt *CorruptError
		_, err = Verify(theirs, testVerifiers(t), Contains(cp))
		if !errors.As(err, &corrupt) {
			t.Errorf("Verify of a forged log with checkpoint %d kept = %v, want a CorruptError",
				i, err)
		}
	}
	altered := strings.Replace(kept[1], "2", "3", 1)
	for _, bad := range []string{"", "x", stranger.Checkpoint(), altered} {
		_, err := Verify(filepath.Join(dir, "log"), testVerifiers(t), Contains(bad))
		if err == nil {
			t.Errorf("Verify with kept checkpoint %q = nil, want an error", bad)
		}
	}
	if _, err := Verify(filepath.Join(dir, "log"), noteList(otherVerifier)); err == nil {
		t.Error("Verify with another key = nil, want an error")
	}
}

func TestVerifyPruned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	first, _ := parseSegmentName(all[1])
	delete(whole, all[0])
	fill(t, dir, whole)
	if _, err := Verify(dir, testVerifiers(t)); err == nil {
		t.Error("Verify of a pruned log = nil, want an error")
	}
	if _, err := Verify(dir, testVerifiers(t), PrunedBefore(first-1)); err == nil {
		t.Error("Verify of a log pruned too far = nil, want an error")
	}
	sum, err := Verify(dir, testVerifiers(t), PrunedBefore(first), Contains(clean.Checkpoint))
	if err != nil || sum.First != first || sum.Records != clean.Records || sum.Root != clean.Root {
		t.Errorf("Verify(PrunedBefore(%d)) = %+v, %v, want root %v", first, sum, err, clean.Root)
	}
	if sum.Removed() != first || sum.Present() != clean.Records-first || clean.Removed() != 0 ||
		clean.Present() != clean.Records {
		t.Errorf("%d records removed and %d present, want %d and %d",
			sum.Removed(), sum.Present(), first, clean.Records-first)
	}
	l := mustOpen(t, testOptions(t, dir))
	if seq := mustAppend(t, l, Record{Event: EventStart}); seq != clean.Records {
		t.Errorf("Append to a pruned log = %d, want %d", seq, clean.Records)
	}
}
