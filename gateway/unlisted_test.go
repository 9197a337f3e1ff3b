package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// TestUnlisted: what is told of the members of responses, each of which is about somebody else
// unless the row says so.
func TestUnlisted(t *testing.T) {
	t.Parallel()
	const (
		each = "each" // of enough responses has the names
		once = "once" // one response has them
		same = "same" // as each, but all responses are about the same person
	)
	wide := func(n int, format string) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf(format, 'a'+i/26, 'a'+i%26))
		}
		return list
	}
	most, tooMany := wide(enoughSeen, "n%c%c"), wide(enoughSeen+1, "n%c%c")
	type had struct {
		when, place string
		names       []string
	}
	for name, tt := range map[string]struct {
		had  []had
		want string
	}{
		"a name": {[]had{{each, "$", []string{"idCard"}}}, "$.idCard"},
		"seldom": {
			[]had{{once, "$", []string{"idCard"}}, {once, "$", []string{"idCard"}}}, "",
		},
		"of one person only": {[]had{{same, "$", []string{"zhangsan"}}}, ""},
		"in two places": {
			[]had{{each, "$.a", []string{"x"}}, {each, "$.items[*].b", []string{"x"}}},
			"$.a.x $.items[*].b.x",
		},
		"counted by place": {[]had{
			{once, "$.a", []string{"x"}}, {once, "$.b", []string{"x"}},
			{once, "$.c", []string{"x"}},
		}, ""},
		"dashes and dollars": {
			[]had{{each, "$.a", []string{"x-y", "$ref"}}}, "$.a['x-y'] $.a['$ref']",
		},
		"anywhere": {[]had{{each, "$.a..", []string{"x"}}}, "$.a..x"},
		"a number": {[]had{{once, "$.a", []string{"13912345678"}}}, "$.a.*"},
		"numbers and a name": {
			[]had{{each, "$.a", []string{"13912345678", "310110198901292790", "x"}}},
			"$.a.* $.a.x",
		},
		"as many as are told": {[]had{{each, "$", most}}, "$." + strings.Join(most, " $.")},
		"many":                {[]had{{each, "$.a", tooMany}}, "$.a.*"},
		"many over time": {[]had{
			{once, "$.a", most}, {once, "$.a", []string{"x"}}, {each, "$.a", []string{"naa"}},
		}, "$.a.*"},
		"many that are data": {[]had{
			{once, "$.a", wide(enoughSeen, "1390000%c%c")}, {each, "$.a", []string{"zhangsan"}},
		}, "$.a.*"},
		"many in one place": {
			[]had{{each, "$.a", tooMany}, {each, "$.b", []string{"x"}}}, "$.a.* $.b.x",
		},
		"a route with too many": {
			[]had{{each, "$.a", most}, {each, "$.b", most}},
			"$.a." + strings.Join(most, " $.a.") +
				" $.b." + strings.Join(most[:maxNames-enoughSeen], " $.b.") + " *",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &unlisted{}
			var told []string
			person := uint64(0)
			about := func() uint64 { return person }
			for _, h := range tt.had {
				for i := range enoughMet {
					if h.when == once && i > 0 {
						break
					}
					if h.when != same || i == 0 {
						person++
					}
					for _, name := range h.names {
						shown, fresh := n.add(h.place, []byte(`"`+name+`"`), about)
						if fresh {
							told = append(told, shown)
						}
					}
				}
				next := &unlisted{} // at a change of the rules
				next.inherit(n)
				n = next
			}
			if got := strings.Join(told, " "); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
			if n.len() != len(told) {
				t.Errorf("len() = %d, want %d", n.len(), len(told))
			}
		})
	}
}

func TestShowable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		`"idCard"`: "idCard", `"id_card"`: "id_card", `"x-y"`: "x-y", `"$ref"`: "$ref",
		`"f1"`: "*", `"张"`: "*", `"a.b"`: "*", `"a b"`: "*", `"\u0061"`: "*",
		`""`: "*", `"unfinished`: "*",
		`"` + strings.Repeat("a", 40) + `"`: strings.Repeat("a", 40),
		`"` + strings.Repeat("a", 41) + `"`: "*",
	} {
		if got := showable([]byte(name)); got != want {
			t.Errorf("showable(%s) = %s, want %s", name, got, want)
		}
	}
}
