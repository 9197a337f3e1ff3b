package treatment_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// testKey is as long as a key must be.
var testKey = []byte("0123456789abcdef0123456789abcdef")

func environment(typ string, key []byte, version int) treatment.Environment {
	return treatment.Environment{Type: typ,
		PseudonymKey: func() ([]byte, int) { return key, version }}
}

func treatmentOf(t testing.TB, expression string) masking.Treatment {
	t.Helper()
	e, err := treatment.ParseExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	built, err := e.Treatment(environment("test", testKey, 1))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// deciderFunc is a decider that minds no context.
type deciderFunc func(records []masking.Record, profiles []*masking.Profile) error

func (f deciderFunc) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	return f(records, profiles)
}

// applied returns what the engine makes of a JSON value in a record of C00000001 that has a
// treatment, or "dropped".
func applied(t testing.TB, built masking.Treatment, value string) string {
	t.Helper()
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{
		Select: "$", Subject: "$.id", Fields: []string{"$.v"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	profile := &masking.Profile{Treatments: []masking.Treatment{built}}
	d := deciderFunc(func(_ []masking.Record, profiles []*masking.Profile) error {
		for i := range profiles {
			if profiles[i] = profile; i == 0 {
				profiles[i] = &masking.Profile{}
			}
		}
		return nil
	})
	src := []byte(`{"v":` + value + `,"id":"C00000001"}`)
	out, err := layout.Append(context.Background(), nil, src, masking.Document, d, nil)
	if err != nil {
		t.Fatalf("Append(%s): %v", value, err)
	}
	if !json.Valid(out) {
		t.Fatalf("Append(%s) = %s, want JSON", value, out)
	}
	text, ok := strings.CutPrefix(string(out), `{"v":`)
	if !ok {
		return "dropped"
	}
	return strings.TrimSuffix(text, "}")
}

func TestTransforms(t *testing.T) {
	for _, test := range []struct{ expression, value, want string }{
		{"mask", `"张三丰"`, `"****"`},
		{"mask", `""`, `"****"`},
		{"mask(keep_first=3, keep_last=4)", `"13812345678"`, `"138****5678"`},
		{"mask(keep_first=3, keep_last=4)", `13812345678`, `"138****5678"`},
		{"mask(keep_first=1, stars=2)", `"张三丰"`, `"张**"`},
		{"mask(keep_first=1, stars=2)", `"\u5f20三丰"`, `"张**"`},
		{"mask(keep_first=1, stars=1)", `"\ud842\udfb7田"`, `"𠮷*"`},
		{"mask(keep_first=1, keep_last=1)", `"𠮷a😀"`, `"𠮷****😀"`},
		{"mask(keep_first=1, keep_last=1)", `"e\u0301te\u0301"`, "\"e****\u0301\""},
		{"mask(keep_first=6, keep_last=4, stars=same)", `"6222021234567890128"`,
			`"622202*********0128"`},
		{"mask(keep_first=6, keep_last=4, stars=same)", `6222021234567890128`,
			`"622202*********0128"`},
		{"mask(stars=same)", `"𠮷𠮷"`, `"**"`},
		{"mask(stars=100)", `"a"`, `"` + strings.Repeat("*", 100) + `"`},
		{"mask(stars=same)", `"` + strings.Repeat("x", 200) + `"`, `"` + strings.Repeat("*", 200) +
			`"`},
		{"mask(keep_first=3, keep_last=4)", `"1381234"`, `"****"`},
		{"mask(keep_first=3, keep_last=4)", `"13812345"`, `"138****2345"`},
		{"mask(keep_first=3, keep_last=4, min=11)", `"1381234567"`, `"****"`},
		{"mask(keep_first=3, keep_last=4, min=11)", `"13812345678"`, `"138****5678"`},
		{"mask(keep_first=3, stars=same, min=9)", `"12345678"`, `"****"`},
		{"mask(keep_first=2, keep_last=2)", `-1.5e+10`, `"-1****10"`},
		{"mask(keep_first=3, keep_last=2)", `"\"\\\u0001 x y\n\t"`, `"\"\\\u0001****\n\t"`},
		{"mask(keep_first=1, keep_last=1)", `"\u002f..\/"`, `"/****/"`},
		{"mask(keep_first=1, keep_last=1)", `"\u007f..\u2028"`, "\"\u007f****\u2028\""},
		{"mask(keep_first=1)", `true`, `dropped`},
		{"mask(keep_first=1)", `null`, `dropped`},
		{"mask(keep_first=1)", `{"a":1}`, `dropped`},
		{"mask(keep_first=1)", `["a"]`, `dropped`},

		{"bucket(size=10000)", `12345.67`, `"10000-20000"`},
		{"bucket(size=10000)", `"12345.67"`, `"10000-20000"`},
		{"bucket(size=10000)", `0`, `"0-10000"`},
		{"bucket(size=10000)", `-0`, `"0-10000"`},
		{"bucket(size=10000)", `-0.01`, `"-10000-0"`},
		{"bucket(size=10000)", `-1`, `"-10000-0"`},
		{"bucket(size=10000)", `-10000`, `"-10000-0"`},
		{"bucket(size=10000)", `-10001`, `"-20000--10000"`},
		{"bucket(size=10000)", `9999.999`, `"0-10000"`},
		{"bucket(size=10000)", `10000`, `"10000-20000"`},
		{"bucket(size=10000)", `1e3`, `"0-10000"`},
		{"bucket(size=10000)", `1E+5`, `"100000-110000"`},
		{"bucket(size=10000)", `1e-400`, `"0-10000"`},
		{"bucket(size=10000)", `1e400`, `dropped`},
		{"bucket(size=10000)", `"1e400"`, `dropped`},
		{"bucket(size=10000)", `1e15`, `"1000000000000000-1000000000010000"`},
		{"bucket(size=10000)", `-1e15`, `"-1000000000000000--999999999990000"`},
		{"bucket(size=10000)", `1.0000000000000002e15`, `dropped`},
		{"bucket(size=3)", `999999999999999.9`, `"999999999999999-1000000000000002"`},
		{"bucket(size=49)", `48.99999999999999`, `"0-49"`},
		{"bucket(size=1)", `7`, `"7-8"`},
		{"bucket(size=1000000000)", `7`, `"0-1000000000"`},
		{"bucket(size=10000)", `"Inf"`, `dropped`},
		{"bucket(size=10000)", `"-Inf"`, `dropped`},
		{"bucket(size=10000)", `"NaN"`, `dropped`},
		{"bucket(size=10000)", `"0x10"`, `dropped`},
		{"bucket(size=10000)", `"1_000"`, `dropped`},
		{"bucket(size=10000)", `"1,000"`, `dropped`},
		{"bucket(size=10000)", `"+1"`, `dropped`},
		{"bucket(size=10000)", `"01"`, `dropped`},
		{"bucket(size=10000)", `"1."`, `dropped`},
		{"bucket(size=10000)", `".5"`, `dropped`},
		{"bucket(size=10000)", `"-"`, `dropped`},
		{"bucket(size=10000)", `"1e"`, `dropped`},
		{"bucket(size=10000)", `" 1"`, `dropped`},
		{"bucket(size=10000)", `"1 "`, `dropped`},
		{"bucket(size=10000)", `""`, `dropped`},
		{"bucket(size=10000)", `"１２"`, `dropped`},
		{"bucket(size=10000)", `"\u0031\u0032"`, `"0-10000"`},
		{"bucket(size=10000)", `true`, `dropped`},
		{"bucket(size=10000)", `null`, `dropped`},
		{"bucket(size=10000)", `[1]`, `dropped`},
		{"bucket(size=10000)", `{}`, `dropped`},

		{"hash", `true`, `dropped`},
		{"hash", `null`, `dropped`},
		{"hash", `{"a":1}`, `dropped`},
		{"hash", `["a"]`, `dropped`},

		{"constant(已隐藏)", `"a"`, `"已隐藏"`},
		{"constant(已隐藏)", `1`, `"已隐藏"`},
		{"constant(已隐藏)", `null`, `"已隐藏"`},
		{"constant(已隐藏)", `{"a":[1]}`, `"已隐藏"`},
		{"constant(已隐藏)", `[{"a":1}]`, `"已隐藏"`},
		{"constant(a \"b\" \\ c)", `1`, `"a \"b\" \\ c"`},
		{"constant(a\tb\x01)", `1`, `"a\tb\u0001"`},

		{"clear", `"\u0061"`, `"\u0061"`},
		{"drop", `"a"`, `dropped`},
	} {
		if got := applied(t, treatmentOf(t, test.expression), test.value); got != test.want {
			t.Errorf("%s of %s = %s, want %s", test.expression, test.value, got, test.want)
		}
	}
}

// A pseudonym is what anybody with the key, and a standard library, gets.
func TestHash(t *testing.T) {
	pseudonym := func(typ string, key []byte, version int, value string) string {
		t.Helper()
		built, err := treatment.Expression{Name: "hash"}.Treatment(environment(typ, key, version))
		if err != nil {
			t.Fatal(err)
		}
		return applied(t, built, value)
	}
	mac := hmac.New(sha256.New, testKey)
	mac.Write([]byte("cn_id_card\x0011010519491231002X"))
	want := `"p7:` + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16]) + `"`
	first := pseudonym("cn_id_card", testKey, 7, `"11010519491231002X"`)
	if first != want {
		t.Errorf("hash = %s, want %s", first, want)
	}
	otherKey := append([]byte("x"), testKey...)
	for name, got := range map[string]string{
		"type":    pseudonym("passport", testKey, 7, `"11010519491231002X"`),
		"key":     pseudonym("cn_id_card", otherKey, 7, `"11010519491231002X"`),
		"version": pseudonym("cn_id_card", testKey, 8, `"11010519491231002X"`),
		"value":   pseudonym("cn_id_card", testKey, 7, `"11010519491231002x"`),
	} {
		if got == first {
			t.Errorf("hash with another %s is the same, want another", name)
		}
	}
	a := pseudonym("loan", testKey, 1, `12.50`)
	if b := pseudonym("loan", testKey, 1, `"12.\u0035\u0030"`); a != b {
		t.Errorf("hash of a number = %s, of the string of the same text = %s, want the same", a, b)
	}
	hash := treatment.Expression{Name: "hash"}
	for _, key := range [][]byte{nil, {}, testKey[:treatment.MinKey-1]} {
		if _, err := hash.Treatment(environment("t", key, 1)); err == nil {
			t.Errorf("hash with a key of %d bytes: no error, want one", len(key))
		}
	}
	if _, err := hash.Treatment(treatment.Environment{}); err == nil {
		t.Error("hash without keys: no error, want one")
	}
}

// TestNoKey shows that no treatment that needs a key is built without one.
func TestNoKey(t *testing.T) {
	for _, text := range []string{
		"hash", "hash(sm3)", "shift(days=30)", "token", "encrypt", "encrypt(sm4)", "encrypt(siv)",
	} {
		e, err := treatment.ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		built, err := e.Treatment(treatment.Environment{Type: "bank_card"})
		if err == nil || !strings.Contains(err.Error(), "no key for pseudonyms is at hand") {
			t.Errorf("%s without a key = %v, %v, want an error that says so", text, built, err)
		}
	}
}

// A transform may serve many responses at once.
func TestHashIsConcurrent(t *testing.T) {
	built := treatmentOf(t, "hash")
	want := applied(t, built, `"a"`)
	done := make(chan string)
	for range 8 {
		go func() {
			var out []byte
			for range 200 {
				out, _ = built.Transform.Append(out[:0],
					masking.Value{Kind: masking.String, Text: []byte("a")})
				if string(out) != want {
					break
				}
			}
			done <- string(out)
		}()
	}
	for range 8 {
		if got := <-done; got != want {
			t.Errorf("hash = %s, want %s", got, want)
		}
	}
}

func TestParseExpression(t *testing.T) {
	long := strings.Repeat("x", 1025)
	const names = "address, bank_card, birth_date, bucket, clear, cn_id_card, cn_mobile, " +
		"constant, date, drop, email, encrypt, geo_point, hash, " +
		"hkmo_permit, ip_address, landline, licence_plate, mask, null, officer_card, passport, " +
		"person_name, redact, regex, round, shift, token, tw_permit, type, uscc"
	for _, test := range []struct{ text, printed, fault string }{
		{"clear", "clear", ""},
		{" drop ", "drop", ""},
		{"clear()", "clear", ""},
		{"mask( )", "mask", ""},
		{"mask (keep_first = 1 ,stars= 2)", "mask(keep_first=1, stars=2)", ""},
		{"constant(已 隐藏)", "constant(已 隐藏)", ""},
		{"constant(a=b)", "constant(a=b)",
			`treatment constant(a=b): want the text to show, as in constant(已隐藏); unknown or ` +
				`repeated argument "a"; remove it`},
		{"constant(a, b)", "constant(a, b)",
			`treatment constant(a, b): unexpected argument "b"; remove it`},
		{"constant()", "constant",
			"treatment constant: want the text to show, as in constant(已隐藏)"},
		{"clear(1)", "clear(1)", `treatment clear(1): unexpected argument "1"; remove it`},
		{"drop(a=1)", "drop(a=1)",
			`treatment drop(a=1): unknown or repeated argument "a"; remove it`},
		{"hash(sha1)", "hash(sha1)", `treatment hash(sha1): unexpected argument "sha1"; remove it`},
		{"mask(keep_first=1, keep_first=2)", "mask(keep_first=1, keep_first=2)",
			`treatment mask(keep_first=1, keep_first=2): unknown or repeated argument ` +
				`"keep_first"; want before, after, hide, keep, keep_first, keep_last, min, stars,` +
				` with, each at most once`},
		{"mask(keep_first=-1)", "mask(keep_first=-1)",
			"treatment mask(keep_first=-1): keep_first=-1: want a whole number from 0 to 1024"},
		{"mask(keep_last=1025)", "mask(keep_last=1025)",
			"treatment mask(keep_last=1025): keep_last=1025: want a whole number from 0 to 1024"},
		{"mask(keep_first=99999999999999999999)", "mask(keep_first=99999999999999999999)",
			"treatment mask(keep_first=99999999999999999999): keep_first=99999999999999999999: " +
				"want a whole number from 0 to 1024"},
		{"mask(keep_first=)", "mask(keep_first=)",
			"treatment mask(keep_first=): keep_first=: want a whole number from 0 to 1024"},
		{"mask(stars=0)", "mask(stars=0)",
			"treatment mask(stars=0): stars=0: want a whole number from 1 to 1024"},
		{"mask(stars=many)", "mask(stars=many)",
			"treatment mask(stars=many): stars=many: want a whole number from 1 to 1024"},
		{"mask(keep_first=3, min=3)", "mask(keep_first=3, min=3)",
			"treatment mask(keep_first=3, min=3): min=3: want more than the 3 characters that " +
				"are kept"},
		{"mask(min=0)", "mask(min=0)",
			"treatment mask(min=0): min=0: want more than the 0 characters that are kept"},
		{"mask(4)", "mask(4)",
			`treatment mask(4): unexpected argument "4"; want before, after, hide, keep, ` +
				`keep_first, keep_last, min, stars, with, each at most once`},
		{"bucket", "bucket",
			"treatment bucket: want the width of a range, as in bucket(size=10000)"},
		{"bucket(size=0)", "bucket(size=0)",
			"treatment bucket(size=0): size=0: want a whole number from 1 to 1000000000"},
		{"bucket(size=1.5)", "bucket(size=1.5)",
			"treatment bucket(size=1.5): size=1.5: want a whole number from 1 to 1000000000"},
		{"bucket(size=1, step=2)", "bucket(size=1, step=2)",
			`treatment bucket(size=1, step=2): unknown or repeated argument "step"; want size, ` +
				`each at most once`},
		{"", "", `unknown treatment ""; want one of ` + names},
		{"Mask", "Mask", `unknown treatment "Mask"; want one of ` + names},
		{"constant('a, b')", "constant('a, b')", ""},
		{`constant("a (b)")`, "constant('a (b)')", ""},
		{"constant('it''s, so')", `constant("it's, so")`, ""},
		{`constant("say ""it's"", so")`, `constant('say "it''s", so')`, ""},
		{"constant(' a ')", "constant(' a ')", ""},
		{"constant('a')", "constant(a)", ""},
		{"constant('')", "constant('')", ""},
		{"constant('a=b')", "constant('a=b')", ""},
		{"constant( 'a' )", "constant(a)", ""},
		{"constant('a)", "constant",
			`treatment "constant('a)": a quote is not closed; inside quotes, a quote is written ` +
				`twice`},
		{"constant('a' b)", "constant",
			`treatment "constant('a' b)": want a comma or the closing parenthesis behind a ` +
				`quoted value`},
		{"constant('a')b", "constant",
			`treatment "constant('a')b": want its arguments in one pair of parentheses`},
		{"constant('a'", "constant",
			`treatment "constant('a'": want its arguments in one pair of parentheses`},
		{`regex('(\d{3})\d+', '$1****')`, `regex('(\d{3})\d+', $1****)`, ""},
		{`regex('(', x)`, `regex('(', x)`,
			"treatment regex('(', x): the pattern is no RE2 expression: error parsing regexp: " +
				"missing closing ): `(`"},
		{`regex('a)|(b', x)`, `regex('a)|(b', x)`,
			"treatment regex('a)|(b', x): the pattern is no RE2 expression: error parsing " +
				"regexp: unexpected ): `a)|(b`"},
		{`regex(a, $1)`, `regex(a, $1)`,
			"treatment regex(a, $1): the replacement names group 1, which the pattern does not " +
				"have"},
		{`regex('(?P<n>a)', ${m})`, `regex('(?P<n>a)', ${m})`,
			"treatment regex('(?P<n>a)', ${m}): the replacement names group m, which the pattern " +
				"does not have"},
		{"regex(a, " + long + ")", "regex(a, " + long + ")",
			"treatment regex(a, " + long + "): want a pattern and a replacement of at most 1024 " +
				"bytes"},
		{`regex(a)`, `regex(a)`,
			`treatment regex(a): want a pattern and a replacement, as in regex('(\d{3})\d+', ` +
				`'$1****')`},
		{`regex('(a{1000}){1000}', x)`, `regex('(a{1000}){1000}', x)`,
			"treatment regex('(a{1000}){1000}', x): the pattern is no RE2 expression: error " +
				"parsing regexp: invalid repeat count: `{1000}`"},
		{`regex('\w{900}', x)`, `regex(\w{900}, x)`, ""},
		{`regex('(\w\w){900}', x)`, `regex('(\w\w){900}', x)`,
			`treatment regex('(\w\w){900}', x): the pattern is too large: want at most 1000 ` +
				`instructions`},
		{"mask(hide=4-7)", "mask(hide=4-7)", ""},
		{"mask(hide=7-4)", "mask(hide=7-4)",
			"treatment mask(hide=7-4): hide=7-4: want the first and the last character, from 1 " +
				"to 1024, as in hide=4-7"},
		{"mask(keep=4)", "mask(keep=4)",
			"treatment mask(keep=4): keep=4: want the first and the last character, from 1 to " +
				"1024, as in keep=4-7"},
		{"mask(hide=4-7, min=6)", "mask(hide=4-7, min=6)",
			"treatment mask(hide=4-7, min=6): min=6: want at least 7, which the range asks for"},
		{"mask(hide=1-2, keep=1-2)", "mask(hide=1-2, keep=1-2)",
			"treatment mask(hide=1-2, keep=1-2): hide and keep: want one of them"},
		{"mask(keep_first=1, before=a)", "mask(keep_first=1, before=a)",
			"treatment mask(keep_first=1, before=a): keep_first: does not go with before, hide " +
				"or keep"},
		{"mask(after=@, hide=1-2)", "mask(after=@, hide=1-2)",
			"treatment mask(after=@, hide=1-2): before and after do not go with hide or keep"},
		{"mask(after=ab)", "mask(after=ab)",
			"treatment mask(after=ab): after=ab: want one character"},
		{"mask(with=0)", "mask(with=0)",
			"treatment mask(with=0): with=0: want a character that is seen and no digit"},
		{"bank_card(keep_last=17)", "bank_card(keep_last=17)",
			"treatment bank_card(keep_last=17): keep_last=17: want a whole number from 0 to 16"},
		{"bank_card(plain=perhaps)", "bank_card(plain=perhaps)",
			"treatment bank_card(plain=perhaps): plain=perhaps: want one of yes, no"},
		{"person_name(1)", "person_name(1)",
			`treatment person_name(1): unexpected argument "1"; remove it`},
		{"round", "round",
			"treatment round: want how many decimals to keep, as in round(digits=2)"},
		{"round(digits=10)", "round(digits=10)",
			"treatment round(digits=10): digits=10: want a whole number from -9 to 9"},
		{"date", "date",
			"treatment date: want what to truncate to, as in date(to=month): year, quarter or " +
				"month"},
		{"date(to=day)", "date(to=day)",
			"treatment date(to=day): to=day: want one of year, quarter, month"},
		{"encrypt(des)", "encrypt(des)",
			`treatment encrypt(des): unexpected argument "des"; remove it`},
		{"token(alphabet=greek)", "token(alphabet=greek)",
			"treatment token(alphabet=greek): alphabet=greek: want one of digits, upper, lower, " +
				"alnum"},
		{"token(alphabet=upper, check=luhn)", "token(alphabet=upper, check=luhn)",
			"treatment token(alphabet=upper, check=luhn): check=luhn: want alphabet=digits"},
		{"mask(", "mask", `treatment "mask(": want its arguments in one pair of parentheses`},
		{"mask(a", "mask", `treatment "mask(a": want its arguments in one pair of parentheses`},
		{"mask()x", "mask", `treatment "mask()x": want its arguments in one pair of parentheses`},
		{"mask(())", "mask", `treatment "mask(())": want its arguments in one pair of parentheses`},
		{"mask)", "mask)", `unknown treatment "mask)"; want one of ` + names},
	} {
		e, err := treatment.ParseExpression(test.text)
		if err == nil {
			_, err = e.Treatment(environment("test", testKey, 1))
		}
		fault := ""
		if err != nil {
			fault = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if e.String() != test.printed || fault != test.fault {
			t.Errorf("ParseExpression(%q) = %q, fault %q, want %q, fault %q", test.text, e, fault,
				test.printed, test.fault)
		}
	}
	none := treatment.Expression{Name: "none"}
	if _, err := none.Treatment(treatment.Environment{}); err == nil {
		t.Error("Treatment of an unknown name: no error, want one")
	}
}

// FuzzParseExpression shows that an expression that is printed and parsed again is the same, and
// that a treatment makes JSON of every value.
func FuzzParseExpression(f *testing.F) {
	for _, text := range []string{
		"clear", "mask(keep_first=1, stars=2)", "mask(keep_last=4,stars=same,min=9)",
		"bucket(size=10)", "constant(已隐藏)", "hash()", "mask(=,)", "drop(", "constant(\x00\xff\")",
		"constant('a, ''b')", `constant("x")`, `regex('(.)(.*)', '$1')`,
		"mask(after=@, keep_first=1)", "mask(hide=2-3)", "mask(keep=2-3, with=x)", "person_name",
		"cn_id_card", "cn_mobile(keep_last=3)", "landline", "email", "address",
		"bank_card(plain=yes)", "licence_plate", "passport", "hkmo_permit", "tw_permit",
		"officer_card", "uscc", "ip_address", "birth_date", "geo_point", "date(to=quarter)",
		"round(digits=-2)", "hash(sm3)", "token(alphabet=alnum)", "token(check=luhn, keep_last=4)",
		"encrypt", "encrypt(sm4)", "encrypt(siv)", "null", "type", "redact",
	} {
		f.Add(text, "张三 13812345678")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		e, err := treatment.ParseExpression(text)
		if err != nil {
			return
		}
		again, err := treatment.ParseExpression(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("ParseExpression(%q) = %q, %v, want %q", e, again, err, e)
		}
		built, err := e.Treatment(environment("fuzz", testKey, 1))
		if (built.Transform == nil) != (err != nil || built.Rank == masking.RankClear ||
			built.Rank == masking.RankDrop) {
			t.Fatalf("Treatment of %s = %+v, %v", e, built, err)
		}
		if built.Transform == nil || !utf8.ValidString(value) || !utf8.ValidString(text) {
			return
		}
		out, ok := built.Transform.Append([]byte("x"),
			masking.Value{Kind: masking.String, Text: []byte(value)})
		if !bytes.HasPrefix(out, []byte("x")) || !ok && len(out) != 1 || ok &&
			!json.Valid(out[1:]) {
			t.Fatalf("%s of %q = %s, %v", e, value, out, ok)
		}
		reverser, isReverser := built.Transform.(treatment.Reverser)
		if !ok || !isReverser {
			return
		}
		var made string
		if err := json.Unmarshal(out[1:], &made); err != nil {
			t.Fatal(err)
		}
		back, ok := reverser.Reverse(nil, masking.Value{Kind: masking.String, Text: []byte(made)})
		if !ok || !json.Valid(back) {
			t.Fatalf("%s of %q = %s, reversed %s, %v", e, value, out, back, ok)
		}
	})
}

// shownBy returns what a mask shows of a value of some length: how many characters at the ends, and
// whether it shows the length.
func shownBy(t *testing.T, e treatment.Expression, length int) (first, last int, size bool) {
	t.Helper()
	built, err := e.Treatment(treatment.Environment{})
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	text := []byte(strings.Repeat("x", length))
	out, ok := built.Transform.Append(nil, masking.Value{Kind: masking.String, Text: text})
	if !ok {
		t.Fatalf("%s does not take a string", e)
	}
	inner := string(out[1 : len(out)-1])
	first = len(inner) - len(strings.TrimLeft(inner, "x"))
	last = len(inner) - len(strings.TrimRight(inner, "x"))
	return first, last, strings.Contains(e.String(), "stars=same")
}

func TestMeet(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func() treatment.Expression {
		first, last := rng.IntN(4), rng.IntN(4)
		text := fmt.Sprintf("mask(keep_first=%d, keep_last=%d", first, last)
		switch rng.IntN(3) {
		case 0:
			text += ", stars=same"
		case 1:
			text += fmt.Sprintf(", stars=%d", 1+rng.IntN(4))
		}
		if rng.IntN(2) == 0 {
			text += fmt.Sprintf(", min=%d", first+last+1+rng.IntN(4))
		}
		e, err := treatment.ParseExpression(text + ")")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for range 2000 {
		a, b := random(), random()
		ab, ba := a.Meet(b), b.Meet(a)
		if ab.Rank() != masking.RankMask {
			t.Fatalf("%s meets %s: rank %s, want mask", a, b, ab.Rank())
		}
		for length := range 14 {
			f, l, s := shownBy(t, ab, length)
			f2, l2, s2 := shownBy(t, ba, length)
			if f != f2 || l != l2 || a.String() != b.String() && s != s2 {
				t.Fatalf("%s meets %s: %s, the other way round %s: not the same shown", a, b, ab,
					ba)
			}
			for _, e := range []treatment.Expression{a, b} {
				if fe, le, se := shownBy(t, e, length); f > fe || l > le || s && !se {
					t.Fatalf("%s meets %s: %s shows %d+%d of %d characters, %s only %d+%d", a, b,
						ab, f, l, length, e, fe, le)
				}
			}
		}
		if again := a.Meet(a); again.String() != a.String() {
			t.Fatalf("%s meets itself: %s", a, again)
		}
		if !a.Shows(ab) || !b.Shows(ab) {
			t.Fatalf("%s meets %s: %s, which one of them does not show", a, b, ab)
		}
	}
	for _, test := range []struct{ a, b, want string }{
		{"bucket(size=10)", "bucket(size=20)", "constant(****)"},
		{"bucket(size=10)", "bucket(size=10)", "bucket(size=10)"},
		{"bucket(size=10)", "mask(keep_first=1)", "constant(****)"},
		{"mask", "mask(keep_first=1)", "mask(keep_first=0, keep_last=0, min=2, stars=4)"},
		{"bank_card", "mask(keep_last=4)",
			"bank_card(keep_first=0, keep_last=4, min=5, stars=4, plain=yes)"},
		{"bank_card", "bank_card(keep_first=4)",
			"bank_card(keep_first=4, keep_last=4, min=0, stars=same)"},
		{"bank_card(plain=yes)", "bank_card(keep_first=4)",
			"bank_card(keep_first=4, keep_last=4, min=0, stars=same, plain=yes)"},
		{"cn_mobile", "mask(keep_first=3, keep_last=3, stars=same)",
			"cn_mobile(keep_first=3, keep_last=3, min=7, stars=4, plain=yes)"},
		{"bank_card", "cn_id_card", "constant(****)"},
		{"bank_card", "mask(with=x)", "constant(****)"},
		{"bank_card", "mask(hide=4-7)", "constant(****)"},
		{"mask(hide=4-7)", "mask(hide=4-8)", "constant(****)"},
		{"mask(hide=4-7)", "mask(hide=4-7)", "mask(hide=4-7)"},
		{"mask(with=x)", "mask(with=x, keep_first=1)",
			"mask(keep_first=0, keep_last=0, min=2, stars=4, with=x)"},
		{"mask(with=x)", "mask(keep_first=1)", "mask(keep_first=0, keep_last=0, min=2, stars=4)"},
		{"person_name", "mask(keep_first=1)", "constant(****)"},
		{"date(to=year)", "date(to=month)", "constant(****)"},
		{"hash", "hash(sm3)", "constant(****)"},
		{"constant(a)", "constant(b)", "constant(****)"},
		{"hash", "hash", "hash"},
		{"clear", "clear", "clear"},
	} {
		a, err := treatment.ParseExpression(test.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := treatment.ParseExpression(test.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Meet(b).String(); got != test.want {
			t.Errorf("%s meets %s = %s, want %s", a, b, got, test.want)
		}
		if got := b.Meet(a).String(); got != test.want {
			t.Errorf("%s meets %s = %s, want %s", b, a, got, test.want)
		}
	}
}

func TestTransformsDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 256)
	for _, expression := range []string{
		"mask(keep_first=3, keep_last=4)", "mask(keep_first=1, stars=same)", "bucket(size=10000)",
		"hash", "constant(已隐藏)", "mask(keep_first=1, after=@)", "mask(hide=2-3)",
		"mask(keep=2-3)", "person_name", "cn_id_card", "cn_mobile", "landline", "email", "address",
		"bank_card", "licence_plate", "passport", "hkmo_permit", "tw_permit", "officer_card",
		"uscc", "ip_address", "birth_date", "geo_point", "date(to=month)", "round(digits=2)",
		"hash(sm3)", "token", "token(check=luhn)", "token(keep_last=4, check=luhn)",
		"token(check=cn_id_card)", "encrypt", "encrypt(sm4)", "encrypt(siv)", "null", "type",
		"redact",
	} {
		transform := treatmentOf(t, expression).Transform
		for _, v := range []masking.Value{
			{Kind: masking.String, Text: []byte("12345678.25")},
			{Kind: masking.Number, Text: []byte("12345678.25")},
			{Kind: masking.String, Text: []byte("欧阳\"锋")},
			{Kind: masking.String, Text: []byte("欧阳锋")},
			{Kind: masking.String, Text: []byte("11010519491231002X")},
			{Kind: masking.String, Text: []byte("+86 138 1234 5678")},
			{Kind: masking.String, Text: []byte("6222 0212 3456 7890 128")},
			{Kind: masking.String, Text: []byte("0571-88168709")},
			{Kind: masking.String,
				Text: []byte("a.rather.long.local.part.of.a.mailbox@mail.example.com")},
			{Kind: masking.String, Text: []byte("浙江省杭州市西湖区文三路90号华星时代广场A座1001室")},
			{Kind: masking.String, Text: []byte("京A12345")},
			{Kind: masking.String, Text: []byte("E12345678")},
			{Kind: masking.String, Text: []byte("军字第12345678号")},
			{Kind: masking.String, Text: []byte("91350100M000100Y43")},
			{Kind: masking.String, Text: []byte("2001:0db8:85a3:0000:0000:8a2e:0370:7334")},
			{Kind: masking.String, Text: []byte("1949-12-31T08:00:00+08:00")},
			{Kind: masking.String, Text: []byte("39.908823,116.397470")},
			{Kind: masking.Array, Text: []byte("[116.397470,39.908823]")},
		} {
			// The garbage collector may empty the pools that transforms keep their buffers in, and
			// the race detector drops what is put there at random: the fewest of some calls count.
			n := testing.AllocsPerRun(1, func() { transform.Append(dst, v) })
			for i := 0; n > 0 && i < 30; i++ {
				n = min(n, testing.AllocsPerRun(1, func() { transform.Append(dst, v) }))
			}
			if n > 0 {
				t.Errorf("%s of a %s, %s: %v allocations, want 0", expression, v.Kind, v.Text, n)
			}
		}
	}
}
