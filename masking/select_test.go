package masking_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/maskgate/maskgate/masking"
)

func ExampleSelect() {
	doc := `{"people":[{"ids":[{"type":"id","value":"11010519491231002X"},{"type":"phone",` +
		`"value":"13800138000"}]}]}`
	err := masking.Select(`$..[?@.type=="id"].value`, []byte(doc),
		func(path string, value []byte) bool {
			fmt.Printf("%s\t%s\n", path, value)
			return true
		})
	fmt.Println(err)
	// Output:
	// $['people'][0]['ids'][0]['value']	"11010519491231002X"
	// <nil>
}

func TestSelect(t *testing.T) {
	tests := []struct{ name, query, doc, want string }{
		{"the root", "$", ` [1] `, "$=[1]"},
		{"document order", "$['b','a']", `{"a":1,"b":2}`, "$['a']=1 $['b']=2"},
		{"each once", "$[0,0,*,-1,:]", `[7]`, "$[0]=7"},
		{"a value and its inside", "$..*", `{"a":[1]}`, "$['a']=[1] $['a'][0]=1"},
		{"escaped names", "$.*", `{"'\\\b\t\n\f\r\u0001\u000b\u001f\u007f/\"\u00e9😀":1}`,
			"$['\\'\\\\\\b\\t\\n\\f\\r\\u0001\\u000b\\u001f\u007f/\"é😀']=1"},
		{"reversed slice", "$[::-2]", `[0,1,2,3]`, "$[1]=1 $[3]=3"},
		{"last", "$..[-1]", `{"a":[[1,2],[3]]}`, "$['a'][0][1]=2 $['a'][1]=[3] $['a'][1][0]=3"},
		{"a filter within a filter", "$[?@[?@.x==$[0].y]]", `[{"y":3},[{"x":3}],[{"x":4}]]`,
			"$[1]=[{\"x\":3}]"},
		{"members too", "$[?@>1]", `{"a":1,"b":2}`, "$['b']=2"},
		{"nothing", "$[?@.a]", `[1]`, ""},

		{"exact numbers", "$[?@==9007199254740993]",
			`[9007199254740992,9007199254740993,9007199254740993.0,90071992547409930e-1]`,
			"$[1]=9007199254740993 $[2]=9007199254740993.0 $[3]=90071992547409930e-1"},
		{"huge numbers", "$[?@>1e400]",
			`[1e400,1e401,0.1e402,-1e401,10e399,1e999999999999999999999]`,
			"$[1]=1e401 $[2]=0.1e402 $[5]=1e999999999999999999999"},
		{"tiny numbers", "$[?@<1e-400 && @>0]",
			`[1e-400,1e-401,0e5,-1e-401,0.000,1e-999999999999999999999]`,
			"$[1]=1e-401 $[5]=1e-999999999999999999999"},
		{"zeros", "$[?@==0]", `[0,-0,0.00,-0e9,1e-9]`, "$[0]=0 $[1]=-0 $[2]=0.00 $[3]=-0e9"},
		{"negative numbers", "$[?@<-1.5]", `[-1.5,-1.50001,-2,-15e-1,-1]`, "$[1]=-1.50001 $[2]=-2"},
		{"trailing zeros", "$[?@==1200]", `[1200,1.2e3,0.0120e+5,120,12e2,1200.0]`,
			`$[0]=1200 $[1]=1.2e3 $[2]=0.0120e+5 $[4]=12e2 $[5]=1200.0`},
		{"strings by scalar value", `$[?@<"\uFFFF"]`, `["\ud83d\ude00","a","\u00e9"]`,
			`$[1]="a" $[2]="\u00e9"`},
		{"strings as they mean", `$[?@=='a\u0062']`, `["ab","\u0061b","aB"]`,
			`$[0]="ab" $[1]="\u0061b"`},
		{"deep equality", "$[?@==$[0]]",
			`[{"a":[1,{"b":null}],"c":"\u0078"},{"c":"x","\u0061":[1.0,{"b":null}]},{"c":"x",` +
				`"a":[1,{"b":0}]},{"c":"x","a":[{"b":null},1]},{"c":"x","a":[1]}]`,
			`$[0]={"a":[1,{"b":null}],"c":"\u0078"} $[1]={"c":"x","\u0061":[1.0,{"b":null}]}`},
		{"not a part", "$[?@==$[0]]",
			`[{"a":1,"b":2},{"a":1},{"a":1,"b":2,"c":3},{},{"b":2,"a":1}]`,
			`$[0]={"a":1,"b":2} $[4]={"b":2,"a":1}`},
		{"not a prefix", "$[?@==$[0]]", `[[1,2],[1],[1,2,3],[],[1,2]]`, `$[0]=[1,2] $[4]=[1,2]`},
		{"nothing is nothing", "$[?@.x==@.y]", `[{},{"x":null},{"x":1,"y":1},3]`,
			`$[0]={} $[2]={"x":1,"y":1} $[3]=3`},
		{"less than nothing", "$[?@.x<=@.y]",
			`[{},{"x":1},{"x":true,"y":true},{"x":null,"y":null},{"x":[],"y":[]},{"x":false,` +
				`"y":true}]`,
			`$[0]={} $[2]={"x":true,"y":true} $[3]={"x":null,"y":null} $[4]={"x":[],"y":[]}`},
		{"length in characters", "$[?length(@)==2]", `["é😀","ab","abc",[1,2],{"a":1,"b":2},12]`,
			`$[0]="é😀" $[1]="ab" $[3]=[1,2] $[4]={"a":1,"b":2}`},
		{"count counts twice", "$[?count(@['a','a'])==2]", `[{"a":1}]`, `$[0]={"a":1}`},
		{"value of many", "$[?value(@.*)==1]", `[[1],[1,1],[]]`, "$[0]=[1]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			err := masking.Select(test.query, []byte(test.doc),
				func(path string, value []byte) bool {
					got = append(got, path+"="+string(value))
					return true
				})
			if err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("Select(%q, %q) yields %s, %v, want %s", test.query, test.doc,
					strings.Join(got, " "), err, test.want)
			}
		})
	}
}

func TestSelectStops(t *testing.T) {
	calls := 0
	err := masking.Select("$..*", []byte(`[[1,2],3]`), func(string, []byte) bool {
		calls++
		return calls < 2
	})
	if err != nil || calls != 2 {
		t.Errorf("%d calls, %v, want 2", calls, err)
	}
}

func TestSelectErrors(t *testing.T) {
	var selector *masking.SelectorError
	if err := masking.Select("$[", nil, nil); !errors.As(err, &selector) {
		t.Errorf("Select of no selector = %v", err)
	}
	for _, doc := range []string{"", "[1", `[{"a":1,"a":2}]`, `[1]x`, `[{"a":[1}]`, "[\"\xff\"]"} {
		_, err := selectPaths("$[?@.a==$[0],-1].b", []byte(doc))
		if class(err) != "syntax" {
			t.Errorf("Select on %q = %v, want a SyntaxError", doc, err)
		}
	}
}

// TestSelectionError refuses responses that have a value of which the selectors do not say what it
// is.
func TestSelectionError(t *testing.T) {
	tests := []struct {
		name    string
		records []string
		src     string
		pointer string // of the fault; - if there is none
	}{
		{"one kind", []string{"$.a[?@.x]", "$.a[?@.y]"}, `{"a":[{"x":1},{"y":1}]}`, "-"},
		{"two kinds", []string{"$.a[?@.x]", "$.a[?@.y]"}, `{"a":[{"x":1},{"y":1,"x":"CANARY"}]}`,
			"/a/1"},
		{"two kinds of null", []string{"$.a[?@==null]", "$.a[?!@.y]"}, `{"a":[null]}`, "-"},
		{"two kinds below a value", []string{"$[?@.x].b", "$[?@.y].b"},
			`{"CANARY":{"x":1,"y":2,"b":3}}`, "/*/b"},
		{"two kinds below a value that has none", []string{"$[?@.x].b", "$[?@.y].b"},
			`{"CANARY":{"x":1,"y":2}}`, "-"},
		{"two slices", []string{"$[:2]", "$[1:]"}, `[0,1]`, "/1"},
		{"two slices apart", []string{"$[:2]", "$[2:]"}, `[0,1,2]`, "-"},
		{"first and last", []string{"$[0]", "$[-1]"}, `["CANARY"]`, "/0"},
		{"first and last apart", []string{"$[0]", "$[-1]"}, `[1,2]`, "-"},
		{"a pattern too large", []string{"$.a[?match(@, $.p)]"}, `{"a":["x"],"p":"CANARY{1001}"}`,
			"/a/0"},
		{"a pattern too long", []string{"$.a[?search(@, $.p)]"}, `{"a":["x"],"p":"` +
			strings.Repeat("C", 4097) + `"}`, "/a/0"},
		{"a pattern too deep", []string{"$.a[?search(@, $.p)]"}, `{"a":["x"],"p":"` +
			strings.Repeat("(", 201) + `"}`, "/a/0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := masking.Spec{Unlisted: masking.UnlistedPass}
			for _, r := range test.records {
				spec.Records = append(spec.Records, masking.RecordSpec{Select: r})
			}
			layout, err := masking.Compile(spec)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				d := starsChooserFor(len(test.records))
				out, err := layout.Append(t.Context(), nil, []byte("["), masking.Document, d, nil)
				if class(err) != "syntax" {
					t.Errorf("Append = %q, %v, want a SyntaxError", out, err)
				}
				// What an error leaves behind must not serve the next response.
				out, err = layout.Append(t.Context(), nil, []byte(test.src), masking.Document,
					d, nil)
				var fault *masking.SelectionError
				switch {
				case test.pointer == "-" && err != nil:
					t.Errorf("Append = %v", err)
				case test.pointer == "-":
				case !errors.As(err, &fault) || len(out) > 0:
					t.Fatalf("Append = %q, %v, want a SelectionError", out, err)
				case fault.Pointer != test.pointer || strings.Contains(err.Error(), "CANARY"):
					t.Errorf("Append = %v, want pointer %s", err, test.pointer)
				}
			}
		})
	}
}

// starsChooserFor is a decider for kinds of record without fields.
func starsChooserFor(kinds int) *chooser {
	c := &chooser{profiles: map[int][]*masking.Profile{masking.Envelope: {{}}}}
	for k := range kinds {
		c.profiles[k] = []*masking.Profile{{}}
	}
	return c
}

// TestFilterWork bounds what a filter may cost.
func TestFilterWork(t *testing.T) {
	doc := []byte("[" + strings.Repeat(`{"a":1},`, 20_000) + "1]")
	if _, err := selectPaths("$[?$[?@.a==2]]", doc); err != nil { // absolute queries are asked once
		t.Errorf("%v", err)
	}
	doc = []byte("[" + strings.Repeat("[", 100) + strings.Repeat("1,", 20_000) + "1" +
		strings.Repeat("]", 100) + "]")
	if _, err := selectPaths("$[?count(@..*..*..*)==1]", doc); class(err) != "selection" {
		t.Errorf("Select = %v, want a SelectionError", err)
	}
}

// TestRootOfFilters shows that $ in a filter is what it is in front of the selector: the record for
// fields.
func TestRootOfFilters(t *testing.T) {
	spec := masking.Spec{
		Envelope: []string{"$.k"},
		Records: []masking.RecordSpec{{Select: "$.r[?@.id==$.k]",
			Fields: []string{"$.list[?@.k==$.id].v"}}},
	}
	src := `{"k":2,"r":[{"id":1,"list":[{"k":1,"v":"a"}]},{"id":2,"list":[{"k":1,"v":"b"},{"k":2,` +
		`"v":"c"}]}]}`
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	d := profilesOf(spec)
	out, err := layout.Append(t.Context(), nil, []byte(src), masking.Document, d, nil)
	if want := `{"k":2,"r":[{"list":[{"v":"c"}]}]}`; err != nil || string(out) != want {
		t.Errorf("Append = %s, %v, want %s", out, err, want)
	}
}

// TestRootsOfOneFilter has one filter in one place that speaks for records, where $ is the
// document, and for a field, where $ is the record.
func TestRootsOfOneFilter(t *testing.T) {
	spec := masking.Spec{
		Records: []masking.RecordSpec{{Select: "$.r", Fields: []string{"$..x[?@.id==$.k]"}},
			{Select: "$..x[?@.id==$.k]"}},
		Unlisted: masking.UnlistedPass,
	}
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	c := starsChooserFor(2)
	c.profiles[0] = starsChooser().profiles[0]
	c.profiles[1] = []*masking.Profile{{Denied: true}}
	src := `{"k":1,"r":{"k":2,"x":[{"id":1},{"id":2},{"id":3}]}}`
	out, err := layout.Append(t.Context(), nil, []byte(src), masking.Document, c, nil)
	if want := `{"k":1,"r":{"k":2,"x":["***",{"id":3}]}}`; err != nil || string(out) != want {
		t.Errorf("Append = %s, %v, want %s", out, err, want)
	}
}

func TestPatterns(t *testing.T) {
	tests := []struct {
		pattern string
		match   string // texts that match whole, with blanks between them
		search  string // texts that match in part only
		none    string // texts that do not match at all
	}{
		{"a", "a", "ba ab", "b A"},
		{"", "", "a b", ""},
		{"a|bc", "a bc", "ab abc", "b c"},
		{"a||b", "a b", "c", ""},
		{"(a|b)*c", "c abac", "xc", "ab"},
		{"()a", "a", "ba", "b"},
		{"a{2}", "aa", "aaa baa", "a"},
		{"a{1,2}b", "ab aab", "aaab", "b"},
		{"a{2,}", "aa aaaa", "baa", "a"},
		{"a{02}", "aa", "aaa", "a"},
		{"a{0}b", "b", "ab", "a"},
		{"a?b+", "ab b bb", "aab", "a"},
		{".", "a é 😀 \u2028 \u0085", "ab", "\n \r"},
		{"[^a]", "b \n \r é", "ab", "a"},
		{"[a-cx]", "a b x", "dx", "d A -"},
		{"[a-]", "a -", "b-", "b"},
		{"[-a]", "a -", "b-", "b"},
		{"[^-a]", "b ^", "ab", "a -"},
		{"[-]", "-", "a-", "a"},
		{"[.*+?(){|}$^]", ". * ( ) { | } $ ^", "a.", "a"},
		{"[^]", "^", "a^", "a"},
		{"[a^]", "^ a", "b^", "b"},
		{`[\]\[\\\-\^]`, `] [ \ - ^`, "a]", "a"},
		{`[\n\t\r]`, "\n \t \r", "a\n", "n t r"},
		{`\.\*\\\n`, ".*\\\n", "a.*\\\n", "ab"},
		{`\(\)\[\]\{\}\|\?\+\-\^`, "()[]{}|?+-^", "", "a"},
		{`\p{L}\p{Nd}`, "a1 é٣ 张1", "xa1", "1a"},
		{`[\p{Lu}\P{L}]`, "A 1", "aA 张1", "a 张"},
		{`\p{C}`, "\u0001 \u00ad \U000e0080 \ue000", "a\u0001", "a 1"},
		{`\P{C}`, "a 1 张", "ab", "\u0001 \u0378"},
		{`[^\p{C}a]`, "b 1", "ab", "\u0001 \u0378 a"},
		{`\p{Cn}`, "\u0378", "a\u0378", "a \u0001"},
		{"-,~ ", "", "", "a"},
		{"~,-", "~,-", "a~,-", "~"},
		{"^a$", "a", "", "ba ab"},
		{"张.*", "张三丰 张", "三张", "三"},
		{"A", "A", "", "a"},

		// No I-Regexps: they match nothing.
		{`(a)\1`, "", "", "aa a1 a"}, // back reference
		{"(?:a)", "", "", "a"},
		{"(?i)a", "", "", "a A"},
		{"(?=a)a", "", "", "a"}, // look-ahead
		{"(?<!b)a", "", "", "a"},
		{"(?P<n>a)", "", "", "a"},
		{`\d`, "", "", "1 d"},
		{`\w`, "", "", "a w"},
		{`\s`, "", "", "s"},
		{`[\d]`, "", "", "1 d"},
		{`\bа`, "", "", "a b"},
		{`\A`, "", "", "A a"},
		{`\z`, "", "", "z"},
		{`\$`, "", "", "$"},
		{`\x41`, "", "", "A x41"},
		{`\u0041`, "", "", "A u0041"},
		{`\/`, "", "", "/"},
		{`\`, "", "", "a"},
		{"a*?", "", "", "a aa"},
		{"a++", "", "", "a aa"},
		{"a**", "", "", "a"},
		{"a{1}{2}", "", "", "aa"},
		{"*a", "", "", "a *a"},
		{"a{", "", "", "a a{"},
		{"a{,2}", "", "", "a a{,2}"},
		{"a{2,1}", "", "", "a aa"},
		{"a{x}", "", "", "a a{x}"},
		{"a}", "", "", "a}"},
		{"a]", "", "", "a]"},
		{"(a", "", "", "a"},
		{"a)", "", "", "a"},
		{"[a", "", "", "a"},
		{"[]", "", "", "a"},
		{"[]a]", "", "", "a ]"},
		{"[b-a]", "", "", "a b"},
		{"[a-b-c]", "", "", "a b c"},
		{"[a--]", "", "", "a -"},
		{`[a-\p{L}]`, "", "", "a -"},
		{"[[:alpha:]]", "", "", "a :"},
		{"[a-z-[aeiou]]", "", "", "b"}, // subtraction of XSD
		{`[a&&b]`, "a b &", "c&", "c"},
		{`\p{Lx}`, "", "", "a"},
		{`\p{Letter}`, "", "", "a"},
		{`\p{Greek}`, "", "", "α"},
		{`\p{IsGreek}`, "", "", "α"},
		{`\pL`, "", "", "a"},
		{`\p{^L}`, "", "", "a 1"},
		{`\p{`, "", "", "a"},
		{`\Qa\E`, "", "", "a"},
	}
	literal := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for _, test := range tests {
		t.Run(test.pattern, func(t *testing.T) {
			texts := func(list string, match, search bool) {
				for _, text := range strings.Split(list, " ") {
					if text == "" && !(test.pattern == "" && match) {
						continue
					}
					for function, want := range map[string]bool{"match": match, "search": search} {
						query := "$.t[?" + function + "(@, '" + literal.Replace(test.pattern) +
							"')]"
						fixed, err := selectPaths(query, []byte(`{"t":[`+quote(text)+`]}`))
						if err != nil || (len(fixed) > 0) != want {
							t.Errorf("%s(%q, %q) = %v, %v, want %v", function, text, test.pattern,
								len(fixed) > 0, err, want)
						}
						read, err := selectPaths("$.t[?"+function+"(@, $.p)]",
							[]byte(`{"p":`+quote(test.pattern)+`,"t":[`+quote(text)+`]}`))
						if diff := cmp.Diff(fixed, read, cmpopts.EquateEmpty()); err != nil ||
							diff != "" {
							t.Errorf("%s(%q, %q) with the pattern from the document: %v "+
								"(-literal +document)\n%s", function, text, test.pattern, err, diff)
						}
						reference := matchPattern(test.pattern, text, function == "match")
						if reference != want {
							t.Errorf("the reference: %s(%q, %q) = %v, want %v", function, text,
								test.pattern, reference, want)
						}
					}
				}
			}
			texts(test.match, true, true)
			texts(test.search, false, true)
			texts(test.none, false, false)
		})
	}
}

// TestManyPatterns brings more patterns than are kept.
func TestManyPatterns(t *testing.T) {
	var b strings.Builder
	var want []string
	for i := range 200 {
		fmt.Fprintf(&b, `,{"p":"a{%d}","t":"%s"}`, i%100, strings.Repeat("a", i/2))
		if i%100 == i/2 {
			want = append(want, fmt.Sprintf("$[%d]", i))
		}
	}
	got, err := selectPaths("$[?match(@.t, @.p)]", []byte("["+b.String()[1:]+"]"))
	if err != nil || !slices.Equal(got, want) || len(want) < 2 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
