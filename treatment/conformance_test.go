package treatment

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"hash"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// conformance reads a file of test vectors, which lie outside the repository: beside it, or where
// MASKGATE_CONFORMANCE says.
func conformance(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("MASKGATE_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "conformance")
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("the vectors are not at hand: %v", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type hexBytes []byte

func (b *hexBytes) UnmarshalJSON(text []byte) error {
	var s string
	err := json.Unmarshal(text, &s)
	if err == nil {
		*b, err = hex.DecodeString(s)
	}
	return err
}

// wycheproof is what the files of project Wycheproof have in common.
type wycheproof[T any] struct {
	NumberOfTests int
	TestGroups    []struct {
		IVSize, TagSize, Radix int
		Alphabet               string
		Tests                  []struct {
			TcID                     int
			Comment                  string
			Key, Tweak, IV, AAD, Tag hexBytes
			Msg, CT                  T
			Result                   string
		}
	}
}

// counted checks that no test was left out.
func counted(t *testing.T, name string, want int, passed map[string]int) {
	t.Helper()
	if got := passed["valid"] + passed["invalid"]; got != want || want == 0 {
		t.Errorf("%s: %d tests, want %d", name, got, want)
	}
	t.Logf("%s: %d valid, %d invalid", name, passed["valid"], passed["invalid"])
}

// numerals are a text of FF1: a string over an alphabet, or a list of numbers.
type numerals struct {
	text string
	list []int
}

func (n *numerals) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &n.text)
	}
	return json.Unmarshal(text, &n.list)
}

// bytes returns the numerals. A numeral that is beyond a byte or not in the alphabet becomes 255.
func (n *numerals) bytes(alphabet string) []byte {
	x := []byte{}
	for _, numeral := range n.list {
		if numeral < 0 || numeral > 255 {
			numeral = 255
		}
		x = append(x, byte(numeral))
	}
	for _, c := range n.text {
		if i := strings.IndexRune(alphabet, c); i >= 0 {
			x = append(x, byte(i))
		} else {
			x = append(x, 255)
		}
	}
	return x
}

func TestWycheproofFF1(t *testing.T) {
	for _, name := range []string{"aes_ff1_radix10_test.json", "aes_ff1_base36_test.json",
		"aes_ff1_radix62_test.json"} {
		var file wycheproof[numerals]
		conformance(t, "wycheproof/"+name, &file)
		passed := map[string]int{}
		var s ff1State
		for _, group := range file.TestGroups {
			radix := group.Radix
			if radix == 0 {
				radix = len(group.Alphabet)
			}
			for _, test := range group.Tests {
				plain, sealed := test.Msg.bytes(group.Alphabet), test.CT.bytes(group.Alphabet)
				f, err := newFF1(radix, test.Key)
				x := bytes.Clone(plain)
				ok := err == nil && f.crypt(&s, x, test.Tweak, false)
				if ok != (test.Result == "valid") || ok && !bytes.Equal(x, sealed) {
					t.Errorf("%s %d (%s): encrypted %v to %v, want %s %v", name, test.TcID,
						test.Comment, ok, x, test.Result, sealed)
					continue
				}
				if !ok && !bytes.Equal(x, plain) {
					t.Errorf("%s %d: refused, but changed", name, test.TcID)
				}
				if ok && (!f.crypt(&s, x, test.Tweak, true) || !bytes.Equal(x, plain)) {
					t.Errorf("%s %d: decrypted to %v, want %v", name, test.TcID, x, plain)
					continue
				}
				passed[test.Result]++
			}
		}
		counted(t, name, file.NumberOfTests, passed)
	}
}

func TestWycheproofGCM(t *testing.T) {
	for name, newCipher := range map[string]func([]byte) (cipher.Block, error){
		"aes_gcm_test.json": aesGCM.cipher,
		"sm4_gcm_test.json": sm4GCM.cipher,
	} {
		var file wycheproof[hexBytes]
		conformance(t, "wycheproof/"+name, &file)
		passed := map[string]int{}
		for _, group := range file.TestGroups {
			for _, test := range group.Tests {
				aead, err := newGCM(newCipher, test.Key, len(test.IV))
				if err != nil {
					if test.Result == "valid" {
						t.Errorf("%s %d: %v", name, test.TcID, err)
						continue
					}
					passed[test.Result]++
					continue
				}
				sealed := append(bytes.Clone(test.CT), test.Tag...)
				plain, err := aead.Open(nil, test.IV, sealed, test.AAD)
				valid := test.Result == "valid"
				if (err == nil) != valid || valid && !bytes.Equal(plain, test.Msg) {
					t.Errorf("%s %d (%s): opened %x, %v, want %s", name, test.TcID, test.Comment,
						plain, err, test.Result)
					continue
				}
				out := aead.Seal(nil, test.IV, test.Msg, test.AAD)
				if valid && !bytes.Equal(out, sealed) {
					t.Errorf("%s %d (%s): sealed %x, want %x", name, test.TcID, test.Comment, out,
						sealed)
					continue
				}
				passed[test.Result]++
			}
		}
		counted(t, name, file.NumberOfTests, passed)
	}
}

func TestWycheproofSIV(t *testing.T) {
	var file wycheproof[hexBytes]
	conformance(t, "wycheproof/aes_siv_cmac_test.json", &file)
	passed := map[string]int{}
	var state sivState
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			valid := test.Result == "valid"
			s, err := newSIV(test.Key)
			if err != nil {
				t.Errorf("%d: %v", test.TcID, err)
				continue
			}
			plain, ok := s.open(&state, nil, test.CT, test.AAD)
			if ok != valid || valid && !bytes.Equal(plain, test.Msg) {
				t.Errorf("%d (%s): opened %x, %v, want %s", test.TcID, test.Comment, plain, ok,
					test.Result)
				continue
			}
			if out := s.seal(&state, nil, test.Msg, test.AAD); valid != bytes.Equal(out, test.CT) {
				t.Errorf("%d (%s): sealed %x, want %s %x", test.TcID, test.Comment, out,
					test.Result, test.CT)
				continue
			}
			passed[test.Result]++
		}
	}
	counted(t, "aes_siv_cmac_test.json", file.NumberOfTests, passed)
}

func TestWycheproofHMAC(t *testing.T) {
	for name, function := range map[string]func() hash.Hash{
		"hmac_sha256_test.json": sha256.New,
		"hmac_sm3_test.json":    sm3.New,
	} {
		var file wycheproof[hexBytes]
		conformance(t, "wycheproof/"+name, &file)
		passed := map[string]int{}
		for _, group := range file.TestGroups {
			for _, test := range group.Tests {
				sum := newMAC(function, test.Key).compute(test.Msg)
				equal := bytes.Equal(sum[:group.TagSize/8], test.Tag)
				if equal != (test.Result == "valid") {
					t.Errorf("%s %d (%s): %x, want %s %x", name, test.TcID, test.Comment, sum,
						test.Result, test.Tag)
					continue
				}
				passed[test.Result]++
			}
		}
		counted(t, name, file.NumberOfTests, passed)
	}
}

// The vectors of standards.
func TestVectors(t *testing.T) {
	var file struct {
		FF1 struct {
			Vectors []struct {
				N          int
				Key, Tweak hexBytes
				Radix      int
				PT, CT     string
			}
		} `json:"ff1_nist"`
		SM3 struct {
			Vectors []struct {
				Digest hexBytes
			}
		}
		HMAC struct {
			Key hexBytes
			Msg string `json:"msg_ascii"`
			MAC hexBytes
		} `json:"hmac_sm3"`
		ECB struct {
			Key, PT, CT hexBytes
			Million     hexBytes `json:"after_1000000"`
		} `json:"sm4_ecb"`
		GCM struct {
			Key, IV, AAD, PT, CT, Tag hexBytes
		} `json:"sm4_gcm"`
		Valid     []string          `json:"id_card_valid"`
		Invalid   []string          `json:"id_card_invalid_but_common_in_blogs"`
		Fifteen   map[string]string `json:"id_card_15_to_18"`
		LuhnValid []string          `json:"luhn_valid"`
		LuhnWrong []string          `json:"luhn_invalid"`
	}
	conformance(t, "vectors.json", &file)

	if len(file.FF1.Vectors) != 9 {
		t.Errorf("%d samples of FF1, want NIST's nine", len(file.FF1.Vectors))
	}
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	var s ff1State
	for _, v := range file.FF1.Vectors {
		f, err := newFF1(v.Radix, v.Key)
		if err != nil {
			t.Fatal(err)
		}
		x := (&numerals{text: v.PT}).bytes(alphabet)
		want := (&numerals{text: v.CT}).bytes(alphabet)
		if !f.crypt(&s, x, v.Tweak, false) || !bytes.Equal(x, want) {
			t.Errorf("FF1 sample %d: encrypted to %v, want %v", v.N, x, want)
		}
		if !f.crypt(&s, x, v.Tweak, true) ||
			!bytes.Equal(x, (&numerals{text: v.PT}).bytes(alphabet)) {
			t.Errorf("FF1 sample %d: decrypted to %v", v.N, x)
		}
	}

	for i, message := range []string{"abc", strings.Repeat("abcd", 16)} {
		if sum := sm3.Sum([]byte(message)); !bytes.Equal(sum[:], file.SM3.Vectors[i].Digest) {
			t.Errorf("SM3(%s) = %x, want %x", message, sum, file.SM3.Vectors[i].Digest)
		}
	}
	sum := newMAC(sm3.New, file.HMAC.Key).compute([]byte(file.HMAC.Msg))
	if !bytes.Equal(sum, file.HMAC.MAC) {
		t.Errorf("HMAC-SM3 = %x, want %x", sum, file.HMAC.MAC)
	}
	block, err := sm4.NewCipher(file.ECB.Key)
	if err != nil {
		t.Fatal(err)
	}
	x := bytes.Clone(file.ECB.PT)
	block.Encrypt(x, x)
	if !bytes.Equal(x, file.ECB.CT) {
		t.Errorf("SM4 = %x, want %x", x, file.ECB.CT)
	}
	for range 999_999 {
		block.Encrypt(x, x)
	}
	if !bytes.Equal(x, file.ECB.Million) {
		t.Errorf("SM4, a million times = %x, want %x", x, file.ECB.Million)
	}
	aead, err := newGCM(sm4GCM.cipher, file.GCM.Key, nonceSize)
	if err != nil {
		t.Fatal(err)
	}
	got := aead.Seal(nil, file.GCM.IV, file.GCM.PT, file.GCM.AAD)
	if !bytes.Equal(got, append(bytes.Clone(file.GCM.CT), file.GCM.Tag...)) {
		t.Errorf("SM4-GCM = %x, want %x", got, file.GCM.CT)
	}

	for _, id := range file.Valid {
		if offset := checkOffset("cn_id_card", []byte(id)); offset != 0 {
			t.Errorf("check character of %s is off by %d", id, offset)
		}
	}
	for _, id := range file.Invalid {
		if checkOffset("cn_id_card", []byte(id)) == 0 {
			t.Errorf("check character of %s is right, want wrong", id)
		}
	}
	for old, id := range file.Fifteen {
		body := []byte(old[:6] + "19" + old[6:])
		if got := string(body) + string("0123456789X"[idCheck(body)]); got != id {
			t.Errorf("%s with its century and check character = %s, want %s", old, got, id)
		}
	}
	for _, card := range file.LuhnValid {
		if checkOffset("luhn", []byte(card)) != 0 {
			t.Errorf("check digit of %s is wrong, want right", card)
		}
	}
	for _, card := range file.LuhnWrong {
		if checkOffset("luhn", []byte(card)) == 0 {
			t.Errorf("check digit of %s is right, want wrong", card)
		}
	}
}

// plainFF1 is FF1 written down from SP 800-38G, step by step, with big integers: the oracle of
// [ff1].
func plainFF1(key, tweak []byte, radix int, x []int, decrypt bool) []int {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	ciph := func(in []byte) []byte {
		out := make([]byte, 16)
		block.Encrypt(out, in)
		return out
	}
	num := func(x []int) *big.Int {
		n := new(big.Int)
		for _, digit := range x {
			n.Add(n.Mul(n, big.NewInt(int64(radix))), big.NewInt(int64(digit)))
		}
		return n
	}
	str := func(n *big.Int, m int) []int {
		x := make([]int, m)
		n = new(big.Int).Set(n)
		digit := new(big.Int)
		for i := m - 1; i >= 0; i-- {
			n.DivMod(n, big.NewInt(int64(radix)), digit)
			x[i] = int(digit.Int64())
		}
		return x
	}
	power := func(m int) *big.Int {
		return new(big.Int).Exp(big.NewInt(int64(radix)), big.NewInt(int64(m)), nil)
	}
	fixed := func(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }
	integer := func(n, size int) []byte { return fixed(big.NewInt(int64(n)), size) }

	n, t := len(x), len(tweak)
	u := n / 2 // step 1
	v := n - u
	a, b := append([]int{}, x[:u]...), append([]int{}, x[u:]...)          // step 2
	width := (new(big.Int).Sub(power(v), big.NewInt(1)).BitLen() + 7) / 8 // step 3
	d := 4*((width+3)/4) + 4                                              // step 4
	p := bytes.Join([][]byte{                                             // step 5
		{1, 2, 1}, integer(radix, 3), {10, byte(u % 256)}, integer(n, 4), integer(t, 4),
	}, nil)
	for step := range 10 {
		i := step
		if decrypt {
			i = 9 - step
		}
		m := v
		if i%2 == 0 {
			m = u
		}
		source := b
		if decrypt {
			source = a
		}
		pad := ((-t-width-1)%16 + 16) % 16
		q := bytes.Join([][]byte{ // step 6.i
			tweak, make([]byte, pad), {byte(i)}, fixed(num(source), width),
		}, nil)
		r := make([]byte, 16) // step 6.ii
		for _, part := range [][]byte{p, q} {
			for ; len(part) > 0; part = part[16:] {
				for k := range r {
					r[k] ^= part[k]
				}
				r = ciph(r)
			}
		}
		s := bytes.Clone(r) // step 6.iii
		for j := 1; len(s) < d; j++ {
			mixed := integer(j, 16)
			for k := range mixed {
				mixed[k] ^= r[k]
			}
			s = append(s, ciph(mixed)...)
		}
		y := new(big.Int).SetBytes(s[:d]) // step 6.iv
		if decrypt {
			c := new(big.Int).Sub(num(b), y)
			a, b = str(c.Mod(c, power(m)), m), a
		} else {
			c := new(big.Int).Add(num(a), y)
			a, b = b, str(c.Mod(c, power(m)), m)
		}
	}
	return append(a, b...)
}

func TestFF1AgreesWithTheStandardWrittenDown(t *testing.T) {
	rng := rand.New(rand.NewPCG(38, 1))
	var s ff1State
	for i := range 10_000 {
		radix := 2 + rng.IntN(61)
		least := 1
		for count := radix; count < minDomain; count *= radix {
			least++
		}
		n := least + rng.IntN(40)
		if i%50 == 0 {
			n += rng.IntN(300)
		}
		key := make([]byte, []int{16, 24, 32}[rng.IntN(3)])
		tweak := make([]byte, rng.IntN(40))
		for _, b := range [][]byte{key, tweak} {
			for k := range b {
				b[k] = byte(rng.Uint32())
			}
		}
		x, list := make([]byte, n), make([]int, n)
		for k := range x {
			switch rng.IntN(4) {
			case 0:
				x[k] = byte(radix - 1)
			case 1:
				x[k] = 0
			default:
				x[k] = byte(rng.IntN(radix))
			}
			list[k] = int(x[k])
		}
		f, err := newFF1(radix, key)
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Clone(x)
		if !f.crypt(&s, got, tweak, false) {
			t.Fatalf("case %d: refused %d numerals of radix %d", i, n, radix)
		}
		want := plainFF1(key, tweak, radix, list, false)
		back := plainFF1(key, tweak, radix, want, true)
		for k := range got {
			if int(got[k]) != want[k] || back[k] != list[k] {
				t.Fatalf("case %d, radix %d, key %x, tweak %x: %v to %v, want %v", i, radix, key,
					tweak, x, got, want)
			}
		}
		if !f.crypt(&s, got, tweak, true) || !bytes.Equal(got, x) {
			t.Fatalf("case %d: decrypted to %v, want %v", i, got, x)
		}
	}
}
