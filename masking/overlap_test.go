package masking_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

func TestOverlaps(t *testing.T) {
	for _, test := range []struct {
		a, b          string
		overlap, same bool
	}{
		{"$", "$", true, true},
		{"$.a", "$['a']", true, true},
		{"$.a", "$.b", false, false},
		{"$.a", "$.a.b", false, false},
		{"$.a[0]", "$['a'][0]", true, true},
		{"$.a", "$.*", true, false},
		{"$.a", "$['a','b']", true, false},
		{"$.*.b", "$.a.*", true, false},
		{"$.*.b", "$.a.c", false, false},
		{"$..a", "$.x.y.a", true, false},
		{"$..a", "$.a.b", false, false},
		{"$..a.b", "$.a.a.b", true, false},
		{"$..a.b", "$.a.a.c", false, false},
		{"$..a..b", "$.x.a.y.b", true, false},
		{"$..a", "$..b", false, false},
		{"$..*", "$.a[3]", true, false},
		{"$[0]", "$.a", false, false},
		{"$[0]", "$[1]", false, false},
		{"$[0]", "$[-1]", true, false},
		{"$[-1]", "$[-2]", false, false},
		{"$[0]", "$[1:]", false, false},
		{"$[3]", "$[1:]", true, false},
		{"$[3]", "$[1:8:2]", true, false},
		{"$[2]", "$[1:8:2]", false, false},
		{"$[-1]", "$[0:2]", true, false},
		{"$[0:2]", "$[2:]", false, false},
		{"$[0:3]", "$[2:]", true, false},
		{"$[:]", "$[::0]", false, false},
		{"$[0]", "$[::0]", false, false},
		{"$[?@.type=='id'].v", "$[?@.type=='phone'].v", false, false},
		{"$[?@.type=='id'].v", "$[?'id'==@['type']].v", true, false},
		{"$[?@.type=='id'].v", "$[?@.type!='id'].v", false, false},
		{"$[?@.type=='id'].v", "$[?@.type!='x'].v", true, false},
		{"$[?@.type=='id' || @.type=='p'].v", "$[?@.type=='q'].v", false, false},
		{"$[?@.type=='id' && @.n>1].v", "$[?@.type=='q'].v", false, false},
		{"$[?@.n==1.0].v", "$[?@.n==1].v", true, false},
		{"$[?@.n==1].v", "$[?@.n==true].v", false, false},
		{"$[?@.n==1].v", "$[?@.m==2].v", true, false},
		{"$[?@.n>1].v", "$[?@.n<1].v", true, false}, // only a response could tell
		{"$[?@.a]", "$.x", true, false},
		{"$[", "$[", false, false},
	} {
		want := []masking.Overlap(nil)
		if test.overlap {
			want = []masking.Overlap{{0, 1, test.same}}
		}
		for _, pair := range [][]string{{test.a, test.b}, {test.b, test.a}} {
			if got := masking.Overlaps(pair); !slices.Equal(got, want) {
				t.Errorf("Overlaps(%q) = %v, want %v", pair, got, want)
			}
		}
	}
}

// TestOverlapsMissNothing shows that two selectors overlap if both select one value of a document.
func TestOverlapsMissNothing(t *testing.T) {
	doc := []byte(`{"a":[{"b":1,"type":"id"},{"b":{"a":2},"type":"phone"},[3,4,5]],` +
		`"b":{"a":{"b":6},"b":[7]},"c":null}`)
	var list []string
	for _, first := range []string{".a", ".b", ".*", "..a", "..b", "..*", "['a','c']"} {
		for _, second := range []string{"", "[0]", "[-1]", "[1:]", "[0:2]", ".b", ".*", "..b",
			"[?@.type=='id']", "[?@.type=='phone'].b", "[?@.b]"} {
			list = append(list, "$"+first+second)
		}
	}
	found := map[[2]int]bool{}
	for _, o := range masking.Overlaps(list) {
		found[[2]int{o.First, o.Second}] = true
	}
	at := make([][]string, len(list))
	for i, text := range list {
		if err := masking.Select(text, doc, func(path string, value []byte) bool {
			at[i] = append(at[i], path)
			return !bytes.Equal(value, nil)
		}); err != nil {
			t.Fatalf("Select(%q): %v", text, err)
		}
	}
	met := 0
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			inOther := func(path string) bool { return slices.Contains(at[j], path) }
			if slices.ContainsFunc(at[i], inOther) {
				met++
				if !found[[2]int{i, j}] {
					t.Errorf("%s and %s both select a value of %s, but do not overlap", list[i],
						list[j], doc)
				}
			}
		}
	}
	if met < 500 || len(found) == len(list)*(len(list)-1)/2 {
		t.Errorf("%d of %d pairs met, %d are said to: this test asks too little", met,
			len(list)*(len(list)-1)/2, len(found))
	}
}
