package command

import (
	"strings"
	"testing"

	"github.com/maskgate/maskgate/keys"
)

func TestTreat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := keys.OpenDirectory(dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range []call{
		{"texts", "treat 'mask(keep_first=3, keep_last=4)' 13812345678 '138\"1234\"5678'", "", 0,
			[]string{"\"138****5678\"\n\"138****5678\"\n"}, nil},
		{"JSON", `treat --json 'bucket(size=100)' 250 '{"a":1}' null`, "", 0,
			[]string{"\"200-300\"\ndropped\ndropped\n"}, nil},
		{"as it was written", `treat --json clear '"\u8bb8"'`, "", 0, []string{`"\u8bb8"` + "\n"},
			nil},
		{"dropped", "treat drop 许波泽", "", 0, []string{"dropped\n"}, nil},
		{"by a key", "treat --data DIR --purpose care --type person_name hash 许波泽", "", 0,
			[]string{`"p1:`}, nil},
		{"of a subject", "treat --data DIR --purpose care --subject C1 'shift(days=30)' 2020-03-10",
			"", 0, []string{`"2020-0`}, nil},

		{"without a key", "treat hash 许波泽", "", 2, nil,
			[]string{"maskgate: treatment hash: ", "; if it wants a key, give --purpose\n"}},
		{"no such treatment", "treat maks 许波泽", "", 2, nil,
			[]string{`maskgate: unknown treatment "maks"; want one of `}},
		{"a wrong argument", "treat --data DIR --purpose care 'bucket(size=0)' 1", "", 2, nil,
			[]string{"maskgate: treatment bucket(size=0): "}},
		{"no JSON", `treat --json clear '1,"value":2'`, "", 2, nil,
			[]string{"maskgate: value 1 is not JSON; write texts in double quotes"}},
		{"no value", "treat clear", "", 2, nil,
			[]string{"maskgate: requires at least 2 arg(s)", "usage: treat "}},
		{"no data directory", "treat --data DIR/none --purpose care hash x", "", 2, nil,
			[]string{"maskgate: DIR/none/keys.json does not exist: want the gateway's data " +
				"directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(t, dir)
		})
	}
}

// What a token stands for, reveal tells.
func TestTreatReveal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := keys.OpenDirectory(dir); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--data", dir, "--purpose", "care", "--type", "bank_card"}
	token, _, err := run(t, "", append(append([]string{"treat"}, flags...),
		"token(keep_first=6, keep_last=4)", "6222021234567890128")...)
	if err != nil || strings.Contains(token, "6222021234567890128") {
		t.Fatalf("treat = %s, %v, want a token", token, err)
	}
	flags = append(flags, "--treatment", "token(keep_first=6, keep_last=4)", "-")
	value, _, err := run(t, strings.Trim(token, "\"\n"), append([]string{"reveal"}, flags...)...)
	if err != nil || value != "\"6222021234567890128\"\n" {
		t.Errorf("reveal = %s, %v, want the value", value, err)
	}
}
