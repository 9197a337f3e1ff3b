package treatment

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// No key seals more values than it may: a new salt takes over, and what was sealed before still
// opens.
func TestEncryptChangesItsKey(t *testing.T) {
	const most, values = 3, 10
	key := bytes.Repeat([]byte("k"), MinKey)
	for name, form := range map[string]encryption{"aes": aesGCM, "sm4": sm4GCM} {
		transform, err := newEncrypt(form, key, 1, "t", most)
		if err != nil {
			t.Fatal(err)
		}
		salts := map[string]int{}
		var sealed []masking.Value
		for range values {
			v := masking.Value{Kind: masking.String, Text: []byte("张三丰")}
			out, ok := transform.Append(nil, v)
			if !ok {
				t.Fatalf("%s: not taken", name)
			}
			text := strings.Trim(string(out), `"`)
			_, encoded, _ := strings.Cut(strings.TrimPrefix(text, form.prefix), ":")
			raw, err := base64.RawURLEncoding.DecodeString(encoded)
			if err != nil || len(raw) < 16 {
				t.Fatalf("%s: %s is no ciphertext: %v", name, out, err)
			}
			salts[string(raw[:16])]++
			sealed = append(sealed, masking.Value{Kind: masking.String, Text: []byte(text)})
		}
		if want := (values + most - 1) / most; len(salts) != want {
			t.Errorf("%s: %d salts for %d values, want %d", name, len(salts), values, want)
		}
		for _, n := range salts {
			if n > most {
				t.Errorf("%s: a salt served %d values, want at most %d", name, n, most)
			}
		}
		// Another process has the key, but not the session.
		other, err := newEncrypt(form, key, 1, "t", mostSealed)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range sealed {
			if back, ok := other.Reverse(nil, v); !ok || string(back) != `"张三丰"` {
				t.Errorf("%s: Reverse(%s) = %s, %v", name, v.Text, back, ok)
			}
		}
	}
}
