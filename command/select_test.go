package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	doc := `{"people":[{"ids":[{"type":"id","value":"1101<&>"},{"type":"phone","value":1.50}]}],
	"o": {
		"a" : [ 1, "\t" ]
	}}`
	file := filepath.Join(t.TempDir(), "doc.json")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	const id = `$..[?@.type=="id"].value`
	tests := []struct {
		name  string
		stdin string
		args  []string
		want  string
		err   string // "" if there is none
	}{
		{"a file", "", []string{id, file}, "$['people'][0]['ids'][0]['value']\t\"1101<&>\"\n", ""},
		{"standard input", doc, []string{id}, "$['people'][0]['ids'][0]['value']\t\"1101<&>\"\n",
			""},
		{"standard input by name", doc, []string{id, "-"},
			"$['people'][0]['ids'][0]['value']\t\"1101<&>\"\n", ""},
		{"JSON lines", doc, []string{"--json", "$..value"},
			`{"path":"$['people'][0]['ids'][0]['value']","value":"1101<&>"}` + "\n" +
				`{"path":"$['people'][0]['ids'][1]['value']","value":1.50}` + "\n", ""},
		{"one line a value", doc, []string{"$.o"}, "$['o']\t" + `{"a":[1,"\t"]}` + "\n", ""},
		{"a path of one line", `{"a\n\tb": 1}`, []string{"$.*"}, `$['a\n\tb']` + "\t1\n", ""},
		{"nothing", doc, []string{"$.x", file}, "", "status 3"},
		{"no selector", doc, []string{"$.people[?@.a=1]"}, "",
			"selector $.people[?@.a=1], column 14: want =="},
		{"no JSON", `{"a":1,"a":2}`, []string{"$.a"}, "", "invalid JSON at byte 7"},
		{"no file", "", []string{"$", file + "x"}, "", "reading the document"},
		{"no expression", "", nil, "", "accepts between 1 and 2 arg"},
		{"too much", "", []string{"$", file, file}, "", "accepts between 1 and 2 arg"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := run(t, test.stdin, append([]string{"select"}, test.args...)...)
			if out != test.want || (err == nil) != (test.err == "") || err != nil &&
				!strings.Contains(err.Error(), test.err) {
				t.Errorf("select %q = %q, %v, want %q, %q", test.args, out, err, test.want,
					test.err)
			}
		})
	}
}

// Standard output may be a pipe that somebody closed.
func TestSelectReportsWriteErrors(t *testing.T) {
	t.Parallel()
	for _, jsonLines := range []bool{false, true} {
		doc := []byte("[" + strings.Repeat("1,", 10_000) + "1]")
		if _, err := printSelected(failingWriter{}, "$.*", doc, jsonLines); !errors.Is(err,
			errWriter) {
			t.Errorf("printSelected = %v, want %v", err, errWriter)
		}
	}
}
