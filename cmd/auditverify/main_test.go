package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"golang.org/x/mod/sumdb/note"
)

const origin = "maskgate/test"

// A kit is a log, and what it takes to verify it.
type kit struct {
	dir       string
	vkey      string
	verifiers note.Verifiers
	kept      string // its newest checkpoint
	segments  map[string][]byte
}

// makeKit writes a log of several segments with groups of several records.
func makeKit(t *testing.T, origin string) *kit {
	t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{dir: filepath.Join(t.TempDir(), "log"), vkey: vkey,
		verifiers: note.VerifierList(verifier)}
	disk := &gate{}
	l, err := audit.Open(audit.Options{
		Dir: k.dir, Signer: signer, Verifiers: k.verifiers, SegmentSize: 1500, Disk: disk,
		Now: func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	// While the first is held at the sync, or before it is taken, the others
	// come to wait: each round has a group of several.
	arrived := make(chan bool, 4)
	var wg sync.WaitGroup
	add := func(id string) {
		wg.Go(func() {
			if _, err := l.Append(arrival{context.Background(), arrived}, audit.Record{
				Event: audit.EventAccess, Access: &audit.Access{ID: id, Decision: audit.Released},
			}); err != nil {
				t.Error(err)
			}
		})
		<-arrived
	}
	for range 3 {
		disk.mu.Lock()
		for _, id := range []string{"a", "b", "c", "d"} {
			add(id)
		}
		disk.mu.Unlock()
		wg.Wait()
	}
	add("last")
	wg.Wait()
	k.kept = l.Checkpoint()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	k.segments = make(map[string][]byte)
	names, _ := filepath.Glob(filepath.Join(k.dir, "*.jsonl"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		k.segments[filepath.Base(name)] = data
	}
	if len(k.segments) < 2 {
		t.Fatalf("the log has %d segments, want several", len(k.segments))
	}
	return k
}

// An arrival is a context that tells when Append begins to wait.
type arrival struct {
	context.Context
	arrived chan<- bool
}

func (a arrival) Done() <-chan struct{} { a.arrived <- true; return nil }

// A gate is a Disk that does not sync, and does not return while mu is held.
type gate struct{ mu sync.Mutex }

func (g *gate) WriteAt(f *os.File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }

func (g *gate) Sync(*os.File) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return nil
}

func (g *gate) SyncDir(string) error { return nil }

func (k *kit) fill(t *testing.T, segments map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(k.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range segments {
		if err := os.WriteFile(filepath.Join(k.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var recordNumber = regexp.MustCompile(`record (\d+)`)

// both runs both verifiers, which must agree on the verdict, the record, and
// what is left over, and returns the exit status.
func (k *kit) both(t *testing.T, what string, args []string, checks ...audit.Check) int {
	t.Helper()
	var out, errOut strings.Builder
	got := run(append(append([]string{"-key", k.vkey}, args...), k.dir), &out, &errOut)
	sum, err := audit.Verify(k.dir, k.verifiers, checks...)
	removed := ""
	if sum.Removed() > 0 {
		removed = fmt.Sprintf("removed %d\n", sum.Removed())
	}
	want, text := 0, fmt.Sprintf("origin %s\nrecords %d\n%scheckpoints %d\nroot %s\n",
		sum.Origin, sum.Present(), removed, sum.Checkpoints, sum.Root)
	corrupt, isCorrupt := errors.AsType[*audit.CorruptError](err)
	key, isKey := errors.AsType[*audit.KeyError](err)
	_, isOrigin := errors.AsType[*audit.OriginError](err)
	seq := int64(-1)
	switch {
	case isCorrupt:
		seq = corrupt.Seq
	case isKey:
		seq = key.Seq
	}
	m := recordNumber.FindStringSubmatch(errOut.String())
	if seq >= 0 && (m == nil || m[1] != fmt.Sprint(seq)) {
		t.Errorf("%s: auditverify: %saudit.Verify: %v", what, errOut.String(), err)
	}
	switch {
	case isCorrupt || isKey || isOrigin:
		want, text = 1, ""
	case err != nil:
		want, text = 2, ""
	case sum.TailFile != "":
		want = 3
		text += fmt.Sprintf("uncommitted tail: %d bytes at the end of %s\n", sum.Tail, sum.TailFile)
	}
	if got != want || out.String() != text {
		t.Errorf("%s: auditverify = %d, %q, %q, audit.Verify = %+v, %v",
			what, got, out.String(), errOut.String(), sum, err)
	}
	return got
}

func TestAgreeGood(t *testing.T) {
	k := makeKit(t, origin)
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(kept, []byte(k.kept), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := k.both(t, "good log", []string{"-checkpoint", kept},
		audit.Contains(k.kept)); got != 0 {
		t.Errorf("auditverify of a good log = %d, want 0", got)
	}
	for what, text := range map[string]string{
		"lines before": "13 records: verified\n" + k.kept,
		"lines around": "verified\n\n" + k.kept + "12 bytes behind them\n",
	} {
		if err := os.WriteFile(kept, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := audit.FindCheckpoint(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.both(t, what, []string{"-checkpoint", kept}, audit.Contains(found)); got != 0 {
			t.Errorf("auditverify with %s the checkpoint = %d, want 0", what, got)
		}
	}
	names := slices.Sorted(maps.Keys(k.segments))
	m := maps.Clone(k.segments)
	delete(m, names[len(names)-1])
	k.fill(t, m)
	if got := k.both(t, "rolled back", nil); got != 0 {
		t.Errorf("auditverify of a log rolled back = %d, want 0", got)
	}
	if got := k.both(t, "rolled back, checkpoint kept", []string{"-checkpoint", kept},
		audit.Contains(k.kept)); got != 1 {
		t.Errorf("auditverify of a log rolled back, checkpoint kept, = %d, want 1", got)
	}
	m = maps.Clone(k.segments)
	delete(m, names[0])
	k.fill(t, m)
	if got := k.both(t, "pruned", nil); got != 1 {
		t.Errorf("auditverify of a pruned log = %d, want 1", got)
	}
	if got := k.both(t, "pruned", []string{"-pruned-before", "1000", "-checkpoint", kept},
		audit.PrunedBefore(1000), audit.Contains(k.kept)); got != 0 {
		t.Errorf("auditverify -pruned-before of a pruned log = %d, want 0", got)
	}
	k.fill(t, nil)
	if got := k.both(t, "empty", nil); got != 0 {
		t.Errorf("auditverify of an empty log = %d, want 0", got)
	}
}

// TestAgreeOther verifies a sound log with another log's key and checkpoint.
func TestAgreeOther(t *testing.T) {
	k, other := makeKit(t, origin), makeKit(t, "maskgate/other")
	vkey, verifiers := k.vkey, k.verifiers
	k.vkey, k.verifiers = other.vkey, other.verifiers
	if got := k.both(t, "another key", nil); got != 1 {
		t.Errorf("auditverify with another key = %d, want 1", got)
	}
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(kept, []byte(other.kept), 0o600); err != nil {
		t.Fatal(err)
	}
	mine, err1 := note.NewVerifier(vkey)
	theirs, err2 := note.NewVerifier(other.vkey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	k.vkey, k.verifiers = vkey, note.VerifierList(mine, theirs)
	args := []string{"-key", other.vkey, "-checkpoint", kept}
	if got := k.both(t, "another checkpoint", args, audit.Contains(other.kept)); got != 1 {
		t.Errorf("auditverify with a checkpoint of another log = %d, want 1", got)
	}
	k.verifiers = verifiers
	if got := k.both(t, "its own key", nil); got != 0 {
		t.Errorf("auditverify with its own key = %d, want 0", got)
	}
}

// long says that TestAgreeFlippedByte changes every byte of the log. Otherwise
// it changes those where each line begins and ends, and some between them.
var long = os.Getenv("MASKGATE_LONG") == "1"

// TestAgreeFlippedByte changes bytes of the log.
func TestAgreeFlippedByte(t *testing.T) {
	k := makeKit(t, origin)
	for name, data := range k.segments {
		path := filepath.Join(k.dir, name)
		begin := 0 // of the line
		for i := range data {
			if i > 0 && data[i-1] == '\n' {
				begin = i
			}
			// Also a byte of each hash and signature, at another place in each line.
			rest := bytes.IndexByte(data[i:], '\n')
			if !long && i-begin > 2 && rest > 1 && i%41 != 0 {
				continue
			}
			for _, x := range []byte{1, data[i], data[i] ^ '\n'} {
				if x == 0 {
					continue
				}
				data[i] ^= x
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("%s byte %d xor %#x", name, i, x)
				if got := k.both(t, what, nil); got != 1 && got != 3 {
					t.Errorf("%s: auditverify = %d, want 1 or 3", what, got)
				}
				data[i] ^= x
			}
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAgreeStructure deletes, doubles, swaps, inserts and cuts lines and files.
func TestAgreeStructure(t *testing.T) {
	k := makeKit(t, origin)
	names := slices.Sorted(maps.Keys(k.segments))
	for _, name := range names {
		lines := strings.SplitAfter(string(k.segments[name]), "\n")
		lines = lines[:len(lines)-1]
		try := func(what string, lines ...string) {
			t.Helper()
			m := maps.Clone(k.segments)
			m[name] = []byte(strings.Join(lines, ""))
			k.fill(t, m)
			k.both(t, name+": "+what, nil)
		}
		for i, l := range lines {
			at := fmt.Sprintf("line %d ", i+1)
			with := func(s ...string) []string { return slices.Concat(lines[:i], s, lines[i+1:]) }
			try(at+"deleted", with()...)
			try(at+"doubled", with(l, l)...)
			try(at+"after an empty one", with("\n", l)...)
			try(at+"after a NUL", with("\x00", l)...)
			try(at+"cut in two", with(l[:len(l)/2], "\n", l[len(l)/2:])...)
			try(at+"replaced by JSON", with("{}\n")...)
			try(at+"in other case", with(strings.ToUpper(l))...)
			try(at+"with white space", with(" "+l)...)
			try(at+"with NULs for the first half",
				with(strings.Repeat("\x00", len(l)/2), l[len(l)/2:])...)
			try(at+"and on cut off", lines[:i]...)
			try(at+"cut off in the middle", append(slices.Clone(lines[:i]), l[:len(l)/2])...)
			try(at+"cut off in the middle, newline",
				append(slices.Clone(lines[:i]), l[:len(l)/2]+"\n")...)
			try(at+"NULs to the end", append(slices.Clone(lines[:i]),
				strings.Repeat("\x00", 100))...)
			if i+1 < len(lines) {
				try(at+"swapped", slices.Concat(lines[:i], []string{lines[i+1], l}, lines[i+2:])...)
			}
		}
		m := maps.Clone(k.segments)
		delete(m, name)
		k.fill(t, m)
		k.both(t, name+" deleted", nil)
		m["1.jsonl"] = k.segments[name]
		k.fill(t, m)
		k.both(t, name+" renamed", nil)
		for _, other := range names {
			m := maps.Clone(k.segments)
			m[name] = k.segments[other]
			k.fill(t, m)
			k.both(t, name+" replaced by "+other, nil)
		}
	}
}

func TestUsage(t *testing.T) {
	k := makeKit(t, origin)
	elsewhere := makeKit(t, "maskgate/elsewhere")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, other, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{8}, 64)), origin)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want int
	}{
		{"key", []string{"-key", k.vkey, k.dir}, 0},
		{"key file", []string{"-key-file", file("keys", other+"\n"+k.vkey+"\n"), k.dir}, 0},
		{"both", []string{"-key", other, "-key", k.vkey, k.dir}, 0},
		{"other key", []string{"-key", other, k.dir}, 1},
		{"no key", []string{k.dir}, 2},
		{"empty key file", []string{"-key-file", file("none", ""), k.dir}, 2},
		{"bad key", []string{"-key", "x", k.dir}, 2},
		{"bad key file", []string{"-key-file", file("bad", "x"), k.dir}, 2},
		{"missing key file", []string{"-key-file", dir + "/x", k.dir}, 2},
		{"no directory", []string{"-key", k.vkey}, 2},
		{"two directories", []string{"-key", k.vkey, k.dir, k.dir}, 2},
		{"missing directory", []string{"-key", k.vkey, dir + "/x"}, 2},
		{"unknown flag", []string{"-x", k.dir}, 2},
		{"bad checkpoint", []string{"-key", k.vkey, "-checkpoint", file("cp", "x"), k.dir}, 2},
		{"empty checkpoint", []string{"-key", k.vkey, "-checkpoint", file("cp", ""), k.dir}, 2},
		{"two checkpoints", []string{"-key", k.vkey, "-checkpoint", file("cps", k.kept+k.kept),
			k.dir}, 2},
		{"half a checkpoint", []string{"-key", k.vkey, "-checkpoint",
			file("half", strings.TrimSuffix(k.kept, "\n")), k.dir}, 2},
		{"checkpoint of another log",
			[]string{"-key", k.vkey, "-key", elsewhere.vkey, "-checkpoint",
				file("other", elsewhere.kept), k.dir}, 1},
		{"missing checkpoint", []string{"-key", k.vkey, "-checkpoint", dir + "/x", k.dir}, 2},
	}
	for _, tt := range tests {
		var out, errOut strings.Builder
		if got := run(tt.args, &out, &errOut); got != tt.want {
			t.Errorf("%s: run(%q) = %d, want %d (%s%s)",
				tt.name, tt.args, got, tt.want, out.String(), errOut.String())
		}
		if (tt.want == 0) != (errOut.Len() == 0) {
			t.Errorf("%s: run(%q) prints %q on standard error", tt.name, tt.args, errOut.String())
		}
	}
}
