package treatment_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// declared says how many characters of a value each treatment may show at most, in half-width and
// upper case, stars and separators not counted. bucket, round and geo_point are not here: they make
// numbers, and a number that is coarse already comes out as it is. TestTransforms,
// TestMoreTransforms and TestTypeMasks have their vectors.
var declared = map[string]func(value string) int{
	"mask":                            atMost(0),
	"mask(keep_first=3, keep_last=4)": atMost(7),
	"mask(keep_first=1, stars=same)":  atMost(1),
	"mask(hide=4-7)":                  allBut(4),
	"mask(keep=2-4)":                  atMost(3),
	"mask(keep_first=1, after=@)": func(v string) int {
		return 1 + utf8.RuneCountInString(v[max(0, strings.LastIndex(v, "@")):])
	},
	"mask(before=-)":              func(v string) int { return max(0, strings.Index(v, "-")+1) },
	`regex('(.{2}).*', '$1****')`: atMost(2),
	"person_name":                 atMost(2),
	"cn_id_card":                  atMost(2),
	"cn_id_card(keep_first=6)":    atMost(7),
	"cn_mobile":                   atMost(7),
	"landline":                    atMost(8),
	"email": func(v string) int {
		return 1 + utf8.RuneCountInString(v[max(0, strings.Index(v, "@")):])
	},
	"address":                            allBut(1),
	"bank_card":                          atMost(10),
	"bank_card(keep_first=0, plain=yes)": atMost(4),
	"licence_plate":                      atMost(4),
	"passport":                           atMost(4),
	"hkmo_permit":                        atMost(4),
	"tw_permit":                          atMost(4),
	"officer_card":                       atMost(7),
	"uscc":                               atMost(10),
	"ip_address":                         atMost(10),
	"birth_date":                         atMost(9),
	"date(to=year)":                      atMost(4),
	"date(to=month)":                     atMost(7),
	"hash":                               atMost(0),
	"hash(sm3)":                          atMost(0),
	"encrypt":                            atMost(0),
	"encrypt(sm4)":                       atMost(0),
	"encrypt(siv)":                       atMost(0),
	"token":                              atMost(0),
	"token(keep_first=2, keep_last=2)":   atMost(4),
	"token(alphabet=alnum)":              atMost(0),
	"null":                               atMost(0),
	"type":                               atMost(0),
	"redact":                             atMost(0),
	"redact(length=8)":                   atMost(0),
	"constant(已隐藏)":                      atMost(0),
}

func atMost(n int) func(string) int { return func(string) int { return n } }

func allBut(n int) func(string) int {
	return func(v string) int { return utf8.RuneCountInString(v) - n }
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// stirred returns random values: of the shapes that transforms know, distorted, and of none.
func stirred(rng *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(rng.IntN(10))
		}
		return string(b)
	}
	han := []rune("张王李欧阳诸葛司马浙江省杭州市西湖区县旗盟路街号栋小社北京上海东莞自治龘𠮷")
	var v string
	switch rng.IntN(20) {
	case 0:
		v = digits(rng.IntN(24))
	case 1:
		v = "1" + digits(10)
	case 2:
		v = pick(rng, "+86 ", "0086", "86") + "1" + digits(10)
	case 3:
		v = digits(17) + pick(rng, "X", "x", "1", "Ｘ")
	case 4:
		v = digits(4) + " " + digits(4) + "-" + digits(4) + " " + digits(4+rng.IntN(3))
	case 5:
		v = "0" + digits(2+rng.IntN(2)) + pick(rng, "-", "", " ") + digits(7+rng.IntN(2)) +
			pick(rng, "", "-123", "转8001")
	case 6:
		v = pick(rng, "zhangsan", "z", "a.b", "张三") + pick(rng, "@", "@@", "") +
			pick(rng, "example.com", "x", "例子.公司", "a..b")
	case 7:
		v = strconv.Itoa(rng.IntN(300)) + "." + strconv.Itoa(rng.IntN(300)) + "." + digits(2) +
			"." + digits(1)
	case 8:
		v = pick(rng, "2001:db8::", "::ffff:", "fe80::", "1:2:3:4:5:6:7:") +
			pick(rng, "1", "10.0.0.1", "", "g")
	case 9:
		v = strconv.Itoa(1900+rng.IntN(120)) + pick(rng, "-", "/", "", "年") +
			pick(rng, "12", "1", "02", "13") + pick(rng, "-", "/", "", "月") +
			pick(rng, "31", "05", "9", "30") + pick(rng, "", "日", "T00:00:00Z", " 08:00")
	case 10:
		v = pick(rng, "京", "沪", "粤", "x") + pick(rng, "A", "b", "·") + digits(rng.IntN(7)) +
			pick(rng, "", "港", "D")
	case 11:
		v = pick(rng, "E", "H", "M", "EA", "") + digits(5+rng.IntN(6))
	case 12:
		v = pick(rng, "军字第", "武", "士字", "", "张三字第") + digits(rng.IntN(12)) +
			pick(rng, "号", "", "号x")
	case 13:
		v = "91" + digits(6) + pick(rng, "M", "m", "I") + digits(9)
	case 14:
		v = digits(2) + "." + digits(6) + pick(rng, "", ","+digits(3)+"."+digits(4))
	case 15:
		v = pick(rng, "浙江省", "北京市", "广东", "新疆维吾尔自治区", "") +
			pick(rng, "杭州市", "东莞市", "海淀区", "伊犁哈萨克自治州", "") +
			pick(rng, "西湖区", "伊宁市", "小区", "一区", "") + digits(rng.IntN(3))
	case 16, 17:
		for range 1 + rng.IntN(12) {
			v += string(han[rng.IntN(len(han))])
		}
	default:
		for range rng.IntN(12) {
			v += string(pick(rng, []rune("ab1@-. \"\\\n\u2028é😀　１·*")...))
		}
	}
	if runes := []rune(v); rng.IntN(4) == 0 && len(runes) > 0 {
		i := rng.IntN(len(runes))
		switch rng.IntN(3) {
		case 0: // a digit in full width
			if r := runes[i]; '0' <= r && r <= '9' {
				runes[i] = r + 0xFEE0
			}
		case 1:
			runes = append(runes[:i], runes[i+1:]...)
		default:
			runes[i] = han[rng.IntN(len(han))]
		}
		v = string(runes)
	}
	return v
}

// folded returns what a value's owner would know it by: half-width, upper case, without spaces,
// dashes and stars.
func folded(s string) []rune {
	var out []rune
	for _, r := range strings.ToUpper(s) {
		if 0xFF01 <= r && r <= 0xFF5E {
			r -= 0xFEE0
		}
		if !strings.ContainsRune(" -*　", r) {
			out = append(out, r)
		}
	}
	return out
}

// longestCommon returns the length of the longest text that both have.
func longestCommon(a, b []rune) int {
	best := 0
	row := make([]int, len(b)+1)
	for i := range a {
		for j := len(b); j > 0; j-- {
			if row[j] = 0; a[i] == b[j-1] {
				row[j] = row[j-1] + 1
				best = max(best, row[j])
			}
		}
	}
	return best
}

// A transform returns one JSON value, in which neither the value that it was given nor a longer
// piece of it than is declared stands in clear. If it does not take a value it appends nothing.
func TestNoTransformShowsMoreThanItDeclares(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	treatments := map[string]masking.Transform{}
	for expression := range declared {
		treatments[expression] = treatmentOf(t, expression).Transform
	}
	shown := map[string]int{}
	for range 8_000 {
		value := stirred(rng)
		v := masking.Value{Kind: masking.String, Text: []byte(value)}
		for expression, transform := range treatments {
			out, ok := transform.Append([]byte("x"), v)
			if !bytes.Equal(v.Text, []byte(value)) {
				t.Fatalf("%s changed its input %q", expression, value)
			}
			if !ok {
				if string(out) != "x" {
					t.Fatalf("%s of %q = %q, false, want nothing appended", expression, value, out)
				}
				continue
			}
			var result any
			if err := json.Unmarshal(out[1:], &result); err != nil {
				t.Fatalf("%s of %q = %s: %v", expression, value, out, err)
			}
			text, isString := result.(string)
			if !isString {
				continue // null
			}
			if text == value && !strings.Contains(value, "*") {
				t.Fatalf("%s of %q returns it in clear", expression, value)
			}
			random := strings.HasPrefix(expression, "token") ||
				strings.HasPrefix(expression, "encrypt") || strings.HasPrefix(expression, "hash")
			if random { // they share short pieces by chance
				if a := folded(value); len(a) >= 8 &&
					longestCommon(a, folded(text)) > declared[expression](value)+5 {
					t.Fatalf("%s of %q = %q: shows a piece of it", expression, value, text)
				}
				continue
			}
			if text == "****" || expression == "type" || strings.HasPrefix(expression, "constant") {
				continue
			}
			shown[expression]++
			if n := longestCommon(folded(value), folded(text)); n > declared[expression](value) {
				t.Fatalf("%s of %q = %q: shows %d characters on end, declares %d", expression,
					value, text, n, declared[expression](value))
			}
			// All that is shown, in pieces or not.
			if strings.Contains(expression, "mask") || strings.Contains(expression, "(keep") ||
				strings.HasSuffix(expression, "_card") || strings.HasSuffix(expression, "mobile") {
				if n := len(folded(text)); n > declared[expression](value) &&
					!strings.Contains(value, "*") {
					t.Fatalf("%s of %q = %q: shows %d characters, declares %d", expression, value,
						text, n, declared[expression](value))
				}
			}
		}
	}
	for expression := range declared {
		switch e, _ := treatment.ParseExpression(expression); {
		case e.Rank() != masking.RankMask || expression == "mask":
		case shown[expression] < 20:
			t.Errorf("%s showed part of a value only %d times: the values do not try it",
				expression, shown[expression])
		}
	}
}

// A value too short for a mask, or in no shape that it knows, is hidden whole, whatever its JSON
// kind.
func TestOddValuesAreHiddenWhole(t *testing.T) {
	for expression := range declared {
		transform := treatmentOf(t, expression).Transform
		for _, text := range []string{"", "x", "\x00", "?!", "\u202e张"} {
			out, ok := transform.Append(nil,
				masking.Value{Kind: masking.String, Text: []byte(text)})
			if ok && text != "" && strings.Contains(string(out), text) && text != "x" {
				t.Errorf("%s of %q = %s, which has it inside", expression, text, out)
			}
		}
		for _, kind := range []masking.Kind{masking.Null, masking.Bool, masking.Object} {
			out, ok := transform.Append(nil,
				masking.Value{Kind: kind, Text: []byte(`{"a":"secret"}`)})
			if ok && strings.Contains(string(out), "secret") {
				t.Errorf("%s of a value of kind %s = %s", expression, kind, out)
			}
		}
	}
}
