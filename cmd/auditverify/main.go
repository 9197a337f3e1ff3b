// Auditverify checks a Maskgate access log, byte for byte.
//
//	auditverify [-key VKEY]... [-key-file FILE] [-checkpoint FILE] [-pruned-before N] DIR
//
// DIR is the directory of a log, as the comment of package audit specifies
// it. The public keys (VKEY is <name>+<hash>+<key>; FILE has one to a line)
// must come from elsewhere than the machine that writes the log, and so must
// the checkpoint: the log must still contain all that it covers. Its FILE may
// have other lines around it, as what "maskgate audit verify" prints has. With
// -pruned-before, segments whose records are all before record N may be gone.
//
// It prints the log's origin, how many records it has, how many of the ones
// before them were removed (if any), how many checkpoints it has, and the root
// over all records, removed ones included.
//
// Exit status:
//
//	0  every byte is what was written
//	1  the log is corrupt, or signed by a key that was not given, or another
//	   log than the checkpoint's; the first record for which nothing vouches
//	   is named on standard error
//	2  it could not be checked: wrong usage, or a file cannot be read
//	3  all committed records are good, but an uncommitted tail follows: the
//	   gateway is writing, or was cut off while it did
//
// The program shares no code with the gateway: it is meant to be read before
// it is trusted. It holds one segment in memory at a time.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const maxLine = 16 << 20 // bytes, without the newline

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	v := &verifier{tree: tree{edge: []tlog.Hash{}}}
	var keys []note.Verifier
	addKey := func(vkey string) error {
		key, err := note.NewVerifier(vkey)
		keys = append(keys, key)
		return err
	}
	flags := flag.NewFlagSet("auditverify [flags] DIR", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Func("key", "trust this public `key`; at least one is needed", addKey)
	flags.Func("key-file", "trust the public keys in this `file`, one to a line",
		func(name string) error {
			data, err := os.ReadFile(name)
			for _, vkey := range strings.Fields(string(data)) {
				err = errors.Join(err, addKey(vkey))
			}
			return err
		})
	keep := flags.String("checkpoint", "",
		"the log must contain what the checkpoint in this `file` covers")
	flags.Int64Var(&v.pruned, "pruned-before", 0,
		"segments before this `record` may have been removed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() != 1 || len(keys) == 0 {
		flags.Usage()
		return 2
	}
	v.keys = note.VerifierList(keys...)
	err := v.check(flags.Arg(0), *keep)
	if err != nil {
		fmt.Fprintln(stderr, "auditverify:", err)
		if errors.As(err, new(corrupt)) {
			return 1
		}
		return 2
	}
	fmt.Fprintf(stdout, "origin %s\nrecords %d\n", v.origin, v.n-v.first)
	if v.first > 0 {
		fmt.Fprintf(stdout, "removed %d\n", v.first)
	}
	fmt.Fprintf(stdout, "checkpoints %d\nroot %s\n", v.checkpoints, v.root())
	if v.tail != "" {
		fmt.Fprintf(stdout, "uncommitted tail: %s\n", v.tail)
		return 3
	}
	return 0
}

// corrupt says where a log is bad and why.
type corrupt string

func (c corrupt) Error() string { return string(c) }

// bad returns a corrupt error; line 0 is the file as a whole.
func bad(file string, line int, seq int64, reason string) error {
	return corrupt(fmt.Sprintf("%s, line %d, record %d: %s", file, line, seq, reason))
}

type verifier struct {
	tree
	keys        note.Verifiers
	pruned      int64     // segments before this record may be missing
	first       int64     // record that is there
	keptN       int64     // size of the checkpoint kept elsewhere
	keptRoot    tlog.Hash // its root
	kept        bool      // the log contains it
	origin      string
	checkpoints int
	tail        string // what follows the last checkpoint
}

// check checks the segments of a directory in order, and whether they contain
// what the checkpoint in a file, if one is given, covers.
func (v *verifier) check(dir, kept string) error {
	if kept != "" {
		data, err := os.ReadFile(kept)
		if err == nil {
			v.origin, v.keptN, v.keptRoot, err = v.open(checkpoint(string(data)))
		}
		if err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries,
		func(e os.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".jsonl") })
	for i, e := range entries {
		name, path := e.Name(), filepath.Join(dir, e.Name())
		first, err := strconv.ParseInt(strings.TrimSuffix(name, ".jsonl"), 10, 64)
		cut := i == 0 && 0 < first && first <= v.pruned
		if err != nil || fmt.Sprintf("%020d.jsonl", first) != name || first != v.n && !cut {
			return bad(name, 0, v.n, "the segment that begins with this record should stand here")
		}
		info, err := os.Lstat(path)
		if err == nil && (!info.Mode().IsRegular() || info.Mode().Perm()&0o111 != 0) {
			err = fmt.Errorf("%s is not a regular file, or is executable (%s)", path, info.Mode())
		}
		var data []byte
		if err == nil {
			data, err = os.ReadFile(path)
		}
		if err == nil {
			err = v.segment(name, data, first, cut, i == len(entries)-1)
		}
		if err == nil && cut && v.checkpoints == 0 {
			err = bad(name, 0, first, "no checkpoint vouches for the removed records")
		}
		if err != nil {
			return err
		}
	}
	if v.keptN > 0 && !v.kept {
		return bad(dir, 0, min(v.n, v.keptN),
			"the log does not contain what the checkpoint kept elsewhere covers")
	}
	return nil
}

// segment checks one segment. If cut, segments before it were removed, and its
// header is believed.
func (v *verifier) segment(name string, data []byte, first int64, cut, last bool) (fault error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]     // what follows the last newline is no line
	from, offset, rest := 0, 0, data // rest, from line from on, is not committed
	if len(lines) > 0 {
		fault, from = v.header(name, lines[0], first, cut), 1
	}
	for i, line := range lines {
		offset += len(line)
		if !bytes.HasPrefix(line, []byte(`{"checkpoint":`)) {
			continue
		}
		if fault == nil {
			fault = v.group(name, lines[from:i], line, from)
		}
		if fault != nil && last && offset == len(data) && bytes.IndexByte(rest, 0) >= 0 {
			break // torn: pages before the checkpoint never reached the disk
		}
		if fault != nil {
			return fault
		}
		from, rest = i+1, data[offset:]
	}
	if len(rest) == 0 && len(data) > 0 {
		return nil
	}
	if fault == nil {
		fault = v.records(name, lines[from:], from, last)
	}
	if fault != nil && (!last || bytes.IndexByte(rest, 0) < 0) {
		return fault
	}
	if !last {
		return bad(name, 0, v.n, "the segment ends without a checkpoint, though another follows")
	}
	v.tail = fmt.Sprintf("%d bytes at the end of %s", len(rest), name)
	return nil
}

// header checks the first line of a segment against what stands before it.
func (v *verifier) header(name string, line []byte, first int64, cut bool) error {
	var h struct{ Segment struct{ Edge []tlog.Hash } }
	if cut && json.Unmarshal(line, &h) == nil &&
		len(h.Segment.Edge) == bits.OnesCount64(uint64(first)) {
		v.tree, v.first = tree{first, h.Segment.Edge}, first
		v.grown()
	}
	edge, _ := json.Marshal(v.edge)
	again := fmt.Sprintf(`{"segment":{"first":%d,"edge":%s}}`+"\n", v.n, edge)
	if first != v.n || string(line) != again {
		return bad(name, 1, first, "the header does not continue the segment before it")
	}
	return nil
}

// records checks that lines, which follow line number from of the segment, are
// the next records, and if parse is set that they are JSON.
func (v *verifier) records(name string, lines [][]byte, from int, parse bool) error {
	for i, line := range lines {
		seq := v.n + int64(i)
		start := fmt.Appendf(nil, `{"seq":%d,"time":"`, seq)
		if len(line) > maxLine+1 || !bytes.HasPrefix(line, start) || parse && !json.Valid(line) {
			return bad(name, from+i+1, seq, "another line stands where the record should")
		}
	}
	return nil
}

// group checks record lines and the checkpoint line after them. Of several
// faults it returns the first, if the checkpoint is good enough to tell.
func (v *verifier) group(name string, lines [][]byte, last []byte, from int) error {
	odd := v.records(name, lines, from, false)
	fault := odd
	if odd == nil {
		fault = bad(name, from+len(lines)+1, v.n,
			"the checkpoint is not what must stand here, by a key of this log")
	}
	var cp struct {
		Checkpoint string
		Leaves     []tlog.Hash
	}
	if len(last) > maxLine+1 || json.Unmarshal(last, &cp) != nil || len(cp.Leaves) == 0 {
		return fault
	}
	origin, n, root, err := v.open(cp.Checkpoint)
	if e, ok := errors.AsType[*note.UnverifiedNoteError](err); ok && odd == nil {
		s := e.Note.UnverifiedSigs[0]
		key := fmt.Sprintf("%s+%08x", s.Name, s.Hash)
		return bad(name, from+len(lines)+1, v.n,
			fmt.Sprintf("the checkpoint is signed by a key that was not given, %q", key))
	}
	if err != nil || v.origin != "" && v.origin != origin ||
		strings.ContainsFunc(origin, func(r rune) bool { return r > '~' }) {
		return fault
	}
	next := tree{v.n, slices.Clone(v.edge)}
	for _, leaf := range cp.Leaves {
		next.add(leaf)
	}
	// What was parsed leniently must be, written anew, the very line.
	sig := strings.TrimSuffix(cp.Checkpoint[strings.LastIndex(cp.Checkpoint, " ")+1:], "\n")
	raw, err := base64.StdEncoding.DecodeString(sig)
	leaves, _ := json.Marshal(cp.Leaves)
	again := fmt.Sprintf(`{"checkpoint":"%s\n%d\n%s\n\n— %s %s\n","leaves":%s}`+"\n",
		origin, next.n, next.root(), origin, base64.StdEncoding.EncodeToString(raw), leaves)
	if err != nil || again != string(last) || n != next.n || root != next.root() {
		return fault
	}
	for i, leaf := range cp.Leaves {
		if i >= len(lines) || tlog.RecordHash(bytes.TrimSuffix(lines[i], []byte("\n"))) != leaf {
			return bad(name, from+i+1, v.n+int64(i), "the record was changed or removed")
		}
	}
	if len(lines) > len(cp.Leaves) {
		return bad(name, from+len(cp.Leaves)+1, n, "the record was added")
	}
	if odd != nil {
		return odd // signed, but no record
	}
	for _, leaf := range cp.Leaves {
		v.add(leaf)
		v.grown()
	}
	v.origin = origin
	v.checkpoints++
	return nil
}

// open verifies a signed checkpoint and returns what it says.
func (v *verifier) open(signed string) (origin string, n int64, root tlog.Hash, err error) {
	msg, err := note.Open([]byte(signed), v.keys)
	if err != nil {
		return "", 0, root, err
	}
	part := strings.SplitN(msg.Text+"\n\n\n", "\n", 4)
	n, err1 := strconv.ParseInt(part[1], 10, 64)
	root, err2 := tlog.ParseHash(part[2])
	byOrigin := func(sig note.Signature) bool { return sig.Name == part[0] }
	if err1 != nil || err2 != nil || n < 0 || !slices.ContainsFunc(msg.Sigs, byOrigin) {
		return "", 0, root, errors.New("not a checkpoint signed by the key named as its origin")
	}
	return part[0], n, root, nil
}

// checkpoint cuts the checkpoint out of what "maskgate audit verify" prints. A
// text without one, or with several, is returned unchanged.
func checkpoint(text string) string {
	const mark = "\n\n— " // a note's text ends, its signatures begin
	body, sigs, _ := strings.Cut(text, mark)
	name, _, _ := strings.Cut(sigs, " ")
	start := strings.LastIndex("\n"+body+"\n", "\n"+name+"\n")
	end := 0
	for more := true; more; more = strings.HasPrefix(sigs[end:], "— ") {
		i := strings.IndexByte(sigs[end:], '\n')
		if i < 0 || start < 0 || strings.Contains(sigs, mark) {
			return text
		}
		end += i + 1
	}
	return text[start : len(body)+len(mark)+end]
}

// grown looks whether the log has become what the kept checkpoint covers.
func (v *verifier) grown() { v.kept = v.kept || v.n == v.keptN && v.root() == v.keptRoot }

// tree is a Merkle tree (RFC 6962, section 2.1).
type tree struct {
	n    int64
	edge []tlog.Hash // maximal complete subtrees, left to right
}

func (t *tree) add(h tlog.Hash) {
	for i := t.n; i&1 == 1; i >>= 1 {
		h = tlog.NodeHash(t.edge[len(t.edge)-1], h)
		t.edge = t.edge[:len(t.edge)-1]
	}
	t.edge = append(t.edge, h)
	t.n++
}

func (t *tree) root() tlog.Hash {
	if t.n == 0 {
		return sha256.Sum256(nil)
	}
	h := t.edge[len(t.edge)-1]
	for _, left := range slices.Backward(t.edge[:len(t.edge)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}
