package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/keys"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// What a gateway with a data directory made, reveal turns back; with another purpose, type or key
// it does not.
func TestReveal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := keys.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	set := data.Keys()
	made := func(set *keys.Set, purpose, typ, expression, value string) string {
		t.Helper()
		e, err := treatment.ParseExpression(expression)
		if err != nil {
			t.Fatal(err)
		}
		// As the application derives it for rules.
		k := set.Pseudonym(purpose)
		tr, err := e.Treatment(treatment.Environment{Type: typ,
			PseudonymKey: func() ([]byte, int) { return k.Secret, k.Version }})
		if err != nil {
			t.Fatal(err)
		}
		out, ok := tr.Transform.Append(nil,
			masking.Value{Kind: masking.String, Text: []byte(value)})
		if !ok {
			t.Fatalf("%s does not take the value", expression)
		}
		return strings.Trim(string(out), `"`)
	}
	const card = "6222021234567890128"
	name := made(set, "loan-review", "person_name", "encrypt", "张\"三丰")
	sm4 := made(set, "loan-review", "person_name", "encrypt(sm4)", "张三丰")
	siv := made(set, "loan-review", "person_name", "encrypt(siv)", "张三丰")
	token := made(set, "loan-review", "bank_card", "token(keep_first=6, keep_last=4)", card)
	other := made(set, "loan-review", "bank_card", "token", card)
	oldToken := token
	first := fmt.Sprint(set.Subject().Version)

	base := []string{"reveal", "--data", dir, "--purpose", "loan-review", "--type"}
	revealed := func(input string, args ...string) (string, error) {
		out, _, err := run(t, input, append(append([]string{}, base...), args...)...)
		return out, err
	}
	check := func(want, input string, args ...string) {
		t.Helper()
		out, err := revealed(input, args...)
		if err != nil || out != want {
			t.Errorf("reveal %q = %q, %v, want %q", args, out, err, want)
		}
	}
	check("\"张\\\"三丰\"\n\"张三丰\"\n\"张三丰\"\n", "", "person_name", name, sm4, siv)
	check("\"张三丰\"\n\"张三丰\"\n", sm4+"\n"+siv+"\n", "person_name", "-")
	check("\""+card+"\"\n", "", "bank_card", "--treatment", "token(keep_first=6, keep_last=4)",
		token)
	check("\""+card+"\"\n", "", "bank_card", other)

	if set, err = data.Rotate(); err != nil {
		t.Fatal(err)
	}
	check("\"张三丰\"\n", "", "person_name", siv) // a ciphertext names its key
	check("\""+card+"\"\n", "", "bank_card", "--treatment", "token(keep_first=6, keep_last=4)",
		"--key-version", first, oldToken)
	newToken := made(set, "loan-review", "bank_card", "token(keep_first=6, keep_last=4)", card)
	check("\""+card+"\"\n", "", "bank_card", "--treatment", "token(keep_first=6, keep_last=4)",
		newToken)

	for _, tt := range []struct {
		want string
		args []string
	}{
		{"value 1: encrypt did not make it", append(base, "cn_id_card", name)},
		{"value 2: encrypt did not make it",
			append(base, "person_name", siv, siv[:len(siv)-1]+"_")},
		{"value 1: encrypt did not make it",
			[]string{"reveal", "--data", dir, "--purpose", "care", "--type", "person_name", name}},
		{"no version 9",
			append(base, "person_name", strings.Replace(name, "e1:"+first, "e1:9", 1))},
		{"no version 9", append(base, "bank_card", "--key-version", "9", token)},
		{"value 1: token did not make it", append(base, "bank_card", "secret-value")},
		{"hash cannot be turned back", append(base, "bank_card", "--treatment", "hash", token)},
		{"drop cannot be turned back", append(base, "bank_card", "--treatment", "drop", token)},
		{"unknown treatment", append(base, "bank_card", "--treatment", "none", token)},
		{"want --purpose and --type", []string{"reveal", "--data", dir, token}},
		{"does not exist",
			[]string{"reveal", "--data", t.TempDir(), "--purpose", "p", "--type", "t", token}},
		{"requires at least 1 arg", append(base, "bank_card")},
	} {
		out, _, err := run(t, "", tt.args...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q = %q, %v, want an error with %q", tt.args, out, err, tt.want)
			continue
		}
		for _, value := range []string{name, token, siv, "secret-value", "张三丰"} {
			if strings.Contains(err.Error(), value) {
				t.Errorf("%q: the error holds a value: %v", tt.args, err)
			}
		}
	}
}
