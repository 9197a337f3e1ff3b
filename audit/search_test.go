package audit

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func seqs(t *testing.T, dir string, q Query) []int64 {
	t.Helper()
	var list []int64
	for e, err := range Search(dir, q) {
		if err != nil {
			t.Fatalf("Search(%+v): %v", q, err)
		}
		list = append(list, e.Seq)
	}
	return list
}

func TestSearch(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	o.SegmentSize = 700
	l := mustOpen(t, o)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	about := func(s ...string) []Profile {
		return []Profile{{Kind: "envelope"}, {Kind: "$", Subjects: s}}
	}
	for _, r := range []Record{
		{Event: EventStart, Time: day(1)},
		{Event: EventAccess, Time: day(2), Access: &Access{
			ID: "a", Caller: &Caller{ID: "u1"}, Purpose: "p", Decision: Released,
			Profiles: about("s1:A", "s1:B")}},
		{Event: EventAccess, Time: day(3), Access: &Access{
			ID: "b", Caller: &Caller{ID: "u2"}, Decision: Refused, Profiles: about("s2:A")}},
		{Event: EventAccess, Time: day(1), Note: "s1:A", Access: &Access{
			ID: "c", Caller: &Caller{ID: "u1", TokenID: "u2"}, Decision: Released}},
		{Event: EventStop, Time: day(4), Note: "u1"},
	} {
		mustAppend(t, l, r)
	}
	tests := []struct {
		name  string
		query Query
		want  []int64
	}{
		{"all", Query{}, []int64{0, 1, 2, 3, 4}},
		{"subject", Query{Subjects: []string{"s1:A"}}, []int64{1}},
		{"second subject", Query{Subjects: []string{"s1:B"}}, []int64{1}},
		{"subject, two versions", Query{Subjects: []string{"s1:A", "s2:A"}}, []int64{1, 2}},
		{"no such subject", Query{Subjects: []string{"s1:C"}}, nil},
		{"part of a subject", Query{Subjects: []string{"s1:"}}, nil},
		{"empty subject", Query{Subjects: []string{""}}, nil},
		{"caller", Query{Caller: "u1"}, []int64{1, 3}},
		{"no such caller", Query{Caller: "u"}, nil},
		{"since", Query{Since: day(2)}, []int64{1, 2, 4}},
		{"until", Query{Until: day(2)}, []int64{0, 3}},
		{"since and until", Query{Since: day(2), Until: day(4)}, []int64{1, 2}},
		{"id", Query{ID: "b"}, []int64{2}},
		{"event", Query{Event: EventStop}, []int64{4}},
		{"purpose", Query{Purpose: "p"}, []int64{1}},
		{"decision", Query{Decision: Refused}, []int64{2}},
		{"caller and since", Query{Caller: "u1", Since: day(2)}, []int64{1}},
		{"caller and subject", Query{Caller: "u2", Subjects: []string{"s1:A"}}, nil},
	}
	for _, tt := range tests {
		if got := seqs(t, o.Dir, tt.query); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Search = %v, want %v", tt.name, got, tt.want)
		}
	}
	for e, err := range Search(o.Dir, Query{ID: "b"}) {
		line := splitLines(files(t, o.Dir)[e.File])[e.Line-1]
		if err != nil || !strings.HasPrefix(line, `{"seq":2,`) {
			t.Errorf("Search yields %s line %d, %v, which is %s", e.File, e.Line, err, line)
		}
	}
	n := 0
	for range Search(o.Dir, Query{}) {
		if n++; n == 2 {
			break
		}
	}
	for _, err := range Search(filepath.Join(o.Dir, "missing"), Query{}) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Search of no log = %v, want not exist", err)
		}
		n++
	}
	if n != 3 {
		t.Error("Search of no log yields nothing, want an error")
	}
}

// TestUnreadableDirectory: what cannot be listed neither verifies nor is empty.
func TestUnreadableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"missing": file + "-no", "a file": file} {
		sum, err := Verify(dir, testVerifiers(t))
		if err == nil || errors.As(err, new(*CorruptError)) {
			t.Errorf("%s: Verify = %+v, %v, want an error of reading", name, sum, err)
		}
		n := 0
		for _, err := range Search(dir, Query{}) {
			if err == nil {
				t.Errorf("%s: Search yields a record", name)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: Search yields %d times, want an error alone", name, n)
		}
		if origin, err := ReadOrigin(dir); err == nil {
			t.Errorf("%s: ReadOrigin = %q, want an error", name, origin)
		}
	}
}

// TestReadWhileWritten: a reader sees a prefix of what is being written.
func TestReadWhileWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	clean := makeLog(t, dir)
	whole := files(t, dir)
	all := names(whole)
	name := all[len(all)-1]
	data := whole[name]
	for _, cut := range cuts(data) {
		if cut == len(data) {
			continue // it is whole
		}
		whole[name] = data[:cut]
		fill(t, dir, whole)
		sum, err := Verify(dir, testVerifiers(t))
		if err != nil || sum.Records >= clean.Records {
			t.Fatalf("Verify while byte %d is written = %+v, %v", cut, sum, err)
		}
		if got := seqs(t, dir, Query{}); int64(len(got)) != sum.Records {
			t.Fatalf("Search while byte %d is written yields %d records, want the %d committed",
				cut, len(got), sum.Records)
		}
	}
}

// An entry is encoded as the line that it was read from, with what a terminal obeys still escaped.
func TestEntryMarshalJSON(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	l := mustOpen(t, o)
	for _, note := range []string{"plain", "<a&b>", "\u202ereversed\u2028\x7f\u0085", `"\`} {
		mustAppend(t, l, Record{Event: EventStop, Note: note})
	}
	mustAppend(t, l, Record{Event: EventAccess, Access: &Access{
		Latency: time.Millisecond, Caller: &Caller{ID: "\u2066张三"},
	}})
	log, err := os.ReadFile(filepath.Join(o.Dir, segmentName(0)))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for e, err := range Search(o.Dir, Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		found++
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil || !strings.Contains(string(log), "\n"+b.String()) {
			t.Errorf("Encode(entry %d) = %s, %v, which is no line of the log",
				e.Seq, b.String(), err)
		}
	}
	if found != 5 {
		t.Errorf("%d entries, want 5", found)
	}
}

func TestSearchCorrupt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir)
	whole := files(t, dir)
	name := names(whole)[1]
	whole[name] = []byte(strings.Replace(string(whole[name]), "released", "refused!", 1))
	fill(t, dir, whole)
	var n int64
	var last error
	for e, err := range Search(dir, Query{}) {
		if last = err; err == nil {
			if e.Seq != n {
				t.Errorf("Search yields %d, want %d", e.Seq, n)
			}
			n++
		}
	}
	var corrupt *CorruptError
	if !errors.As(last, &corrupt) || corrupt.Seq != 6 || n != 6 {
		t.Errorf("Search yields %d records, then %v, want 6 and a CorruptError for record 6",
			n, last)
	}
}
