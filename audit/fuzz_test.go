package audit

import (
	"bytes"
	"path/filepath"
	"testing"
)

// FuzzVerify feeds arbitrary bytes as a segment. None may panic; what passes
// is, up to its tail, a log that the key's owner wrote.
func FuzzVerify(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "log")
	makeLog(f, dir)
	for name, data := range files(f, dir) {
		first, _ := parseSegmentName(name)
		f.Add(data, first)
		f.Add(data[:len(data)/2], first)
		f.Add(append(bytes.Clone(data), 0, '\n'), first)
	}
	f.Add([]byte{}, int64(0))
	f.Add([]byte("\n\n\x00"), int64(0))
	f.Add([]byte(`{"segment":{"first":1,"edge":["`), int64(1))
	v := testVerifiers(f)
	f.Fuzz(func(t *testing.T, data []byte, first int64) {
		if first < 0 {
			return
		}
		for _, s := range []*scanner{
			{first: first, last: true, trust: &trust{verifiers: v}},
			{first: first, last: false},
			{first: first, last: true, linked: true, tree: tree{n: first}},
		} {
			s.r, s.size = bytes.NewReader(data), int64(len(data))
			err := s.run()
			if err == nil && !s.tail && s.committed != s.size {
				t.Errorf("run checked %d bytes of %d", s.committed, s.size)
			}
			if s.committed > s.size || s.group > s.committed {
				t.Errorf("committed %d, last group at %d, of %d bytes",
					s.committed, s.group, s.size)
			}
		}
		if cp, err := parseCheckpoint(data); err == nil &&
			!bytes.Equal(appendCheckpoint(nil, cp.note, cp.leaves), data) {
			t.Errorf("parseCheckpoint accepts %q, which is not canonical", data)
		}
		if tr, err := parseHeader(data); err == nil && !bytes.Equal(appendHeader(nil, &tr), data) {
			t.Errorf("parseHeader accepts %q, which is not canonical", data)
		}
		openCheckpoint(string(data), v)
	})
}
