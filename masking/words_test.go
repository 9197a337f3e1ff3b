package masking

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// Code that looks at eight bytes at once must say of each byte what a look at the byte alone says.

func TestSpecial(t *testing.T) {
	plain := func(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2_000_000 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], rng.Uint64()&rng.Uint64()) // most bytes are ASCII
		want := 0
		for want < len(b) && plain(b[want]) {
			want++
		}
		if got := bits.TrailingZeros64(special(binary.LittleEndian.Uint64(b[:]))) / 8; got != want {
			t.Fatalf("special(%q) finds byte %d, want %d", b, got, want)
		}
	}
}

func TestWideEnd(t *testing.T) {
	check := func(text []byte) {
		want := 0
		for want >= 0 && text[want] >= utf8.RuneSelf {
			if r, size := utf8.DecodeRune(text[want:]); r == utf8.RuneError && size == 1 {
				want = -1
			} else {
				want += size
			}
		}
		if got := wideEnd(text, 0); got != want {
			t.Fatalf("wideEnd(%x) = %d, want %d", text, got, want)
		}
	}
	for first := range 0x80 { // every text of three bytes, in front of a Chinese character
		for rest := range 0x10000 {
			check([]byte{byte(first) | 0x80, byte(rest >> 8), byte(rest), 0xe5, 0xbc, 0xa0, '"', 0,
				0, 0})
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500_000 {
		text := []byte("赵钱孙李周吴郑王")
		text[rng.IntN(len(text))] = byte(rng.Uint32())
		text[rng.IntN(len(text))] |= byte(1 << rng.IntN(8))
		if text[0] >= utf8.RuneSelf {
			check(append(text[:rng.IntN(len(text)-1)+1:len(text)-1], `"`...))
		}
	}
}

// TestRunNames compares names of all lengths, and names that differ in one byte.
func TestRunNames(t *testing.T) {
	for size := range 40 {
		name := bytes.Repeat([]byte("n"), size)
		for i := -1; i < size; i++ {
			read := bytes.Clone(name)
			if i >= 0 {
				read[i] ^= 1
			}
			sh := shape{members: []shapeMember{newShapeMember(name, 0)}}
			src := []byte(`{"` + string(read) + `":1,"next":2}`)
			ends, at, follows := sh.runEnds(src, 1, 0, 0, nil)
			if same := i < 0; same != (len(ends) == 1) || same &&
				(int(ends[0]) != size+5 || at != size+6) || !follows {
				t.Errorf("run(%s) for %q = %v, %d, %v", src, name, ends, at, follows)
			}
		}
	}
}
