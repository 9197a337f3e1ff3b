package treatment_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

func reverserOf(t testing.TB, expression, typ string, key []byte, version int) treatment.Reverser {
	t.Helper()
	e, err := treatment.ParseExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	built, err := e.Treatment(environment(typ, key, version))
	if err != nil {
		t.Fatal(err)
	}
	r, ok := built.Transform.(treatment.Reverser)
	if !ok {
		t.Fatalf("%s cannot be reversed", expression)
	}
	return r
}

func text(t testing.TB, jsonText []byte) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(jsonText, &s); err != nil {
		t.Fatalf("%s: %v", jsonText, err)
	}
	return s
}

func stringValue(s string) masking.Value {
	return masking.Value{Kind: masking.String, Text: []byte(s)}
}

func luhnValid(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func idValid(s string) bool {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(s[i]-'0')
	}
	return "10X98765432"[sum%11] == s[17]
}

// TestToken shows that a token keeps the length of a value, the characters that are to be kept, and
// whether the check digit is right; that it turns back; and that no two values share one.
func TestToken(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	const digits = "0123456789"
	for _, test := range []struct {
		expression, typ string
		value           func() string
		first, last     int
		valid           func(string) bool
	}{
		{"token", "test", func() string { return random(digits, 6+rng.IntN(20)) }, 0, 0, nil},
		{"token(keep_first=3, keep_last=2)", "test",
			func() string { return random(digits, 11+rng.IntN(9)) }, 3, 2, nil},
		{"token", "bank_card", func() string { return random(digits, 13+rng.IntN(7)) }, 0, 0,
			luhnValid},
		{"token(keep_first=6)", "bank_card",
			func() string { return random(digits, 13+rng.IntN(7)) }, 6, 0, luhnValid},
		{"token(keep_first=6, keep_last=4)", "bank_card",
			func() string { return random(digits, 16+rng.IntN(4)) }, 6, 4, luhnValid},
		{"token", "cn_id_card", func() string { return random(digits, 17) + random(digits+"X", 1) },
			0, 0, idValid},
		{"token(keep_first=6)", "cn_id_card",
			func() string { return random(digits, 17) + random(digits+"X", 1) }, 6, 0, idValid},
		{"token(keep_first=6, keep_last=4)", "cn_id_card",
			func() string { return random(digits, 17) + random(digits+"X", 1) }, 6, 4, idValid},
		{"token", "cn_id_card", func() string { return random(digits, 15) }, 0, 0, nil},
		{"token(check=none)", "bank_card", func() string { return random(digits, 16) }, 0, 0, nil},
		{"token(alphabet=upper)", "test",
			func() string { return random(digits+"ABCXYZ", 4+rng.IntN(20)) }, 0, 0, nil},
		{"token(alphabet=lower)", "test",
			func() string { return random(digits+"abcxyz", 4+rng.IntN(20)) }, 0, 0, nil},
		{"token(alphabet=alnum, keep_first=1)", "test",
			func() string { return random(digits+"AZaz", 5+rng.IntN(20)) }, 1, 0, nil},
	} {
		r := reverserOf(t, test.expression, test.typ, testKey, 1)
		seen := map[string]string{}
		valid, same := 0, 0
		for range 1000 {
			value := test.value()
			if test.valid != nil && rng.IntN(2) == 0 { // make it right
				for _, c := range digits + "X" {
					made := value[:len(value)-1] + string(c)
					if c != 'X' || test.typ == "cn_id_card" {
						if test.valid(made) {
							value = made
							break
						}
					}
				}
			}
			out, ok := r.Append(nil, stringValue(value))
			if !ok {
				t.Fatalf("%s of %s: not taken", test.expression, value)
			}
			made := text(t, out)
			if len(made) != len(value) || made[:test.first] != value[:test.first] ||
				made[len(made)-test.last:] != value[len(value)-test.last:] {
				t.Fatalf("%s of %s = %s: want as long, and the ends kept", test.expression, value,
					made)
			}
			if test.valid != nil && test.valid(made) != test.valid(value) {
				t.Fatalf("%s of %s = %s: check digit right %v, want %v", test.expression, value,
					made, test.valid(made), test.valid(value))
			}
			if test.valid != nil && test.valid(made) {
				valid++
			}
			if made == value {
				same++
			}
			if other, ok := seen[made]; ok && other != value {
				t.Fatalf("%s: %s and %s are both %s", test.expression, other, value, made)
			}
			seen[made] = value
			if again, _ := r.Append(nil, stringValue(value)); string(again) != string(out) {
				t.Fatalf("%s of %s = %s, then %s", test.expression, value, out, again)
			}
			back, ok := r.Reverse(nil, stringValue(made))
			if !ok || text(t, back) != value {
				t.Fatalf("%s of %s = %s, reversed %s, %v", test.expression, value, made, back, ok)
			}
		}
		if test.valid != nil && valid < 400 || same > 1 {
			t.Errorf("%s: %d valid, %d unchanged", test.expression, valid, same)
		}
	}

	r := reverserOf(t, "token(keep_first=4)", "bank_card", testKey, 1)
	grouped, _ := r.Append(nil, stringValue("6222 0212-3456 7890 128"))
	plain, _ := r.Append(nil, stringValue("6222021234567890128"))
	wide, _ := r.Append(nil, stringValue("６２２２０２１２３４５６７８９０１２８"))
	if strings.NewReplacer(" ", "", "-", "").Replace(string(grouped)) != string(plain) ||
		string(wide) != string(plain) || grouped[5] != ' ' {
		t.Errorf("grouped %s, plain %s, full-width %s: want the same digits", grouped, plain, wide)
	}
	number, ok := r.Append(nil, masking.Value{Kind: masking.Number,
		Text: []byte("6222021234567890128")})
	if !ok || string(number) != string(plain) {
		t.Errorf("of a number: %s, want %s", number, plain)
	}
	lower, _ := reverserOf(t, "token", "cn_id_card", testKey, 1).Append(nil,
		stringValue("11010519491231002x"))
	upper, _ := reverserOf(t, "token", "cn_id_card", testKey, 1).Append(nil,
		stringValue("11010519491231002X"))
	if string(lower) != string(upper) {
		t.Errorf("of x %s, of X %s: want the same", lower, upper)
	}
	otherKey := append([]byte("x"), testKey...)
	for name, other := range map[string]treatment.Reverser{
		"type":  reverserOf(t, "token(keep_first=4, check=luhn)", "test", testKey, 1),
		"key":   reverserOf(t, "token(keep_first=4)", "bank_card", otherKey, 1),
		"tweak": reverserOf(t, "token(keep_first=4, tweak=x)", "bank_card", testKey, 1),
	} {
		out, _ := other.Append(nil, stringValue("6222021234567890128"))
		if string(out) == string(plain) {
			t.Errorf("another %s, the same token", name)
		}
	}
	const tweaked = "token(tweak=bank_card, keep_first=4, check=luhn)"
	other := reverserOf(t, tweaked, "test", testKey, 1)
	shared, _ := other.Append(nil, stringValue("6222021234567890128"))
	if string(shared) != string(plain) {
		t.Errorf("with the same tweak %s, want %s", shared, plain)
	}
	for _, value := range []string{"", "1", "12345", "1234567890123456 7", "+6222021234567890128",
		strings.Repeat("1", 2000), "６"} {
		token := reverserOf(t, "token(keep_first=12, check=none)", "bank_card", testKey, 1)
		out, ok := token.Append([]byte("x"), stringValue(value))
		if ok || string(out) != "x" {
			t.Errorf("%q: %s, %v, want it dropped", value, out, ok)
		}
	}
}

// A ciphertext turns back into the value, kind and all, with the same key, type and form only.
func TestEncrypt(t *testing.T) {
	otherKey := append([]byte("x"), testKey...)
	prefixes := map[string]string{
		"encrypt": "e1:7:", "encrypt(sm4)": "e2:7:", "encrypt(siv)": "e3:7:",
	}
	for form := range prefixes {
		r := reverserOf(t, form, "person_name", testKey, 7)
		for _, v := range []masking.Value{
			stringValue("张三丰"), stringValue(""), stringValue("a \"b\" \\ \n\x00\x80"[:9]),
			stringValue(strings.Repeat("长", 500)), stringValue("\x00\x00"),
			{Kind: masking.Number, Text: []byte("-12.50e3")},
		} {
			out, ok := r.Append(nil, v)
			if !ok {
				t.Fatalf("%s: not taken", form)
			}
			made := text(t, out)
			if !strings.HasPrefix(made, prefixes[form]) {
				t.Errorf("%s = %s: not its form", form, made)
			}
			back, ok := r.Reverse(nil, stringValue(made))
			if v.Kind == masking.String {
				if !ok || text(t, back) != string(v.Text) {
					t.Errorf("%s of %q, reversed %s, %v", form, v.Text, back, ok)
				}
			} else if !ok || string(back) != string(v.Text) {
				t.Errorf("%s of %s, reversed %s, %v", form, v.Text, back, ok)
			}
			again, _ := r.Append(nil, v)
			if same := string(again) == string(out); same != (form == "encrypt(siv)") {
				t.Errorf("%s twice: the same %v", form, same)
			}
			for name, other := range map[string]treatment.Reverser{
				"type":    reverserOf(t, form, "cn_id_card", testKey, 7),
				"key":     reverserOf(t, form, "person_name", otherKey, 7),
				"version": reverserOf(t, form, "person_name", testKey, 8),
			} {
				back, ok := other.Reverse([]byte("x"), stringValue(made))
				if ok || string(back) != "x" {
					t.Errorf("%s with another %s: %s, %v", form, name, back, ok)
				}
			}
			instance := reverserOf(t, form, "person_name", testKey, 7)
			fresh, ok := instance.Reverse(nil, stringValue(made))
			if !ok || string(fresh) != string(back) {
				t.Errorf("%s: another instance reverses it to %s, %v", form, fresh, ok)
			}
		}
		out, _ := r.Append(nil, stringValue("张三丰"))
		made := text(t, out)
		for i := range made {
			changed := []byte(made)
			if changed[i]++; changed[i] == 'z'+1 {
				changed[i] = 'A'
			}
			if back, ok := r.Reverse(nil, stringValue(string(changed))); ok {
				t.Errorf("%s with byte %d changed: %s", form, i, back)
			}
			if back, ok := r.Reverse(nil, stringValue(made[:i])); ok {
				t.Errorf("%s cut to %d bytes: %s", form, i, back)
			}
		}
		// The length shows in steps of 16 bytes only.
		short, _ := r.Append(nil, stringValue("a"))
		long, _ := r.Append(nil, stringValue("abcdefghijklmn"))
		if len(short) != len(long) {
			t.Errorf("%s of 1 and 14 bytes: %d and %d bytes", form, len(short), len(long))
		}
	}
}

// TestCiphertext shows that a text says by which treatment it is reversed, and by which version of
// the key.
func TestCiphertext(t *testing.T) {
	for made, want := range map[string]string{
		"encrypt": "encrypt(aes)", "encrypt(aes)": "encrypt(aes)",
		"encrypt(sm4)": "encrypt(sm4)", "encrypt(siv)": "encrypt(siv)",
	} {
		out, ok := reverserOf(t, made, "person_name", testKey, 7).Append(nil, stringValue("张三丰"))
		if !ok {
			t.Fatalf("%s: not taken", made)
		}
		sealed := text(t, out)
		e, version, ok := treatment.Ciphertext(sealed)
		if !ok || e.String() != want || version != 7 {
			t.Errorf("Ciphertext(%s) = %s, %d, %v, want %s, 7", sealed, e, version, ok, want)
			continue
		}
		again := reverserOf(t, e.String(), "person_name", testKey, version)
		if back, ok := again.Reverse(nil, stringValue(sealed)); !ok || text(t, back) != "张三丰" {
			t.Errorf("%s reverses %s to %s, %v", e, sealed, back, ok)
		}
	}
	for _, text := range []string{
		"", "张三丰", "e1", "e1:", "e1:7", "e1::x", "e1:x:x", "e4:7:x", "p1:7:x",
	} {
		if e, version, ok := treatment.Ciphertext(text); ok {
			t.Errorf("Ciphertext(%q) = %s, %d, want none", text, e, version)
		}
	}
}

// Transforms with state serve many responses at once.
func TestReversersAreConcurrent(t *testing.T) {
	for _, expression := range []string{"token(check=luhn, keep_last=4)", "encrypt", "encrypt(sm4)",
		"encrypt(siv)", "hash(sm3)"} {
		transform := treatmentOf(t, expression).Transform
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := range 50 {
					value := fmt.Sprintf("%016d", 1_000_000*worker+i)
					out, ok := transform.Append(nil, stringValue(value))
					if r, isReverser := transform.(treatment.Reverser); ok && isReverser {
						back, ok := r.Reverse(nil, stringValue(strings.Trim(string(out), `"`)))
						if !ok || string(back) != `"`+value+`"` {
							t.Errorf("%s of %s = %s, reversed %s", expression, value, out, back)
						}
					} else if !ok {
						t.Errorf("%s of %s: not taken", expression, value)
					}
				}
			})
		}
		wg.Wait()
	}
}

func ExampleReverser() {
	key := []byte("0123456789abcdef0123456789abcdef") // of a purpose; from a key file
	e, err := treatment.ParseExpression("token(keep_first=6, keep_last=4)")
	if err != nil {
		panic(err)
	}
	built, err := e.Treatment(treatment.Environment{Type: "bank_card",
		PseudonymKey: func() ([]byte, int) { return key, 1 }})
	if err != nil {
		panic(err)
	}
	token, _ := built.Transform.Append(nil,
		masking.Value{Kind: masking.String, Text: []byte("6222021234567890128")})
	fmt.Println(string(token))
	value, _ := built.Transform.(treatment.Reverser).Reverse(nil,
		masking.Value{Kind: masking.String, Text: token[1 : len(token)-1]})
	fmt.Println(string(value))
	// Output:
	// "6222023773121260128"
	// "6222021234567890128"
}
