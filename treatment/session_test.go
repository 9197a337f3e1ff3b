package treatment

import (
	"bytes"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// No key seals more values than it may: a new salt takes over, and what was sealed before still opens.
func TestEncryptChangesItsKey(t *testing.T) {
	defer func(n uint64) { mostSealed = n }(mostSealed)
	mostSealed = 3
	key := bytes.Repeat([]byte("k"), MinKey)
	e := Expression{Name: "encrypt"}
	treatment, err := e.Treatment(Environment{Type: "t", PseudonymKey: func() ([]byte, int) { return key, 1 }})
	if err != nil {
		t.Fatal(err)
	}
	transform := treatment.Transform.(*encrypt)
	salts := map[string]int{}
	for range 10 {
		out, ok := transform.Append(nil, masking.Value{Kind: masking.String, Text: []byte("张三丰")})
		if !ok {
			t.Fatal("not taken")
		}
		salts[string(transform.session.Load().salt)]++
		back, ok := transform.Reverse(nil, masking.Value{Kind: masking.String, Text: out[1 : len(out)-1]})
		if !ok || string(back) != `"张三丰"` {
			t.Fatalf("reversed %s, %v", back, ok)
		}
	}
	if len(salts) != 4 {
		t.Errorf("%d salts for 10 values, want 4 of at most 3 each", len(salts))
	}
	for _, n := range salts {
		if n > 3 {
			t.Errorf("a salt served %d values, want at most 3", n)
		}
	}
}
