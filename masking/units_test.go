package masking

import (
	"slices"
	"testing"
)

// A unit is looked at once, however it drips in. So the test overwrites what was seen of it with
// bytes that would end it.
func TestUnitsGoOn(t *testing.T) {
	for _, test := range []struct {
		name    string
		framing Framing
		in      string
		want    []int // sizes of the units
	}{
		{"lines", Lines, "{}\n\n{\"a\":1}\n{}", []int{3, 1, 8}},
		{"texts", Sequence, "\x1e{}\n\x1e\n\x1e{\"a\":1}\n\x1e{}\n", []int{4, 2, 9}},
		{"texts without a separator in front", Sequence, "{}\n\x1e{}\n\x1e", []int{3, 4}},
		{"events", Events, "data: {}\n\ndata: 1\ndata: 2\n\n\ndata: 3\n", []int{10, 17, 1}},
		{"events, CR", Events, "data: {}\r\rdata: 1\rdata: 2\r\rdata: 3\r", []int{10, 17}},
		{"events, CRLF", Events, "data: {}\r\n\r\ndata: 1\r\n\r\n:\r\n", []int{12, 11}},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := units{framing: test.framing}
			var src []byte
			var sizes []int
			for i := range len(test.in) {
				src = append(src, test.in[i])
				if size := u.next(src); size > 0 {
					sizes = append(sizes, size)
					src = src[size:]
					continue
				}
				if u.seen < len(src)-1 { // a CR is looked at again, with what follows
					t.Fatalf("next(%q) has seen %d bytes of %d", src, u.seen, len(src))
				}
				for j := range min(u.seen, len(src)) {
					src[j] = "\n\x1e"[j%2]
				}
			}
			if !slices.Equal(sizes, test.want) {
				t.Errorf("next(%q), byte by byte: units of %v bytes, want %v", test.in, sizes,
					test.want)
			}
		})
	}
}
