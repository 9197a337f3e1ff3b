package treatment

import "testing"

// Code that looks at eight bytes at once must say of each byte what a look at the byte alone says.
func TestDigits(t *testing.T) {
	for i := range 16 {
		for c := range 0x100 {
			text := []byte("1381234567890123")
			text[i] = byte(c)
			want := i
			if '0' <= c && c <= '9' {
				want = len(text)
			}
			if got := digits(text); got != want {
				t.Errorf("digits(%q) = %d, want %d", text, got, want)
			}
		}
	}
}
