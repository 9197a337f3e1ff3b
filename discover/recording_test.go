package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// Each place of a document where a value can stand has a canary. None of them is in the recording
// or in what is proposed from it.
func TestRecordingHoldsNoValue(t *testing.T) {
	const canary = "Xk3Fq9Lm2Vt7Bz1c"
	values := []string{canary, "11010519491231002X", "6222021234567890128", "13812345678", "张三丰",
		"zhangsan@example.com", "北京市海淀区马连洼街道289号",
		"12345.67", "2001-02-03", "987654321", "机密内容甲乙丙"}
	var docs [][]byte
	for _, v := range values {
		quoted, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, fmt.Appendf(nil, `{"name":%[1]s,"plain":[%[1]s,[%[1]s]],`+
			`"deep":{"x":{"y":%[1]s}},"number":987654321,"half":12345.67,`+
			`"list":[{"certNo":%[1]s}]}`, quoted))
	}
	for _, v := range values {
		inner, err := json.Marshal(map[string]any{"certNo": v, canary: v})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(map[string]any{"payload": string(inner)})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	for _, key := range []string{canary, "11010519491231002X", "13812345678", "张三丰",
		"zhangsan@example.com"} {
		docs = append(docs, fmt.Appendf(nil, `{"by":{%q:1},"inside":{%q:{"phone":"13812345678"}}}`,
			key, key))
	}
	// The names of these members are words, but the object is a map.
	docs = append(docs, []byte(`{"people":{"zhangsan":{"a":1},"lisi":{"a":2},"wangwu":{"a":3}}}`))
	values = append(values, "zhangsan", "lisi", "wangwu")

	r := New()
	if err := r.Add("GET /v1/x", "application/json", []string{"page", "13812345678"},
		docs); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shapes.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	proposed := Propose("x", "y", r.Routes())
	inJSON, err := json.Marshal(proposed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(saved, []byte(`"certNo"`)) || !bytes.Contains(saved, []byte(`"page"`)) ||
		!bytes.Contains(saved, []byte(`"embedded"`)) {
		t.Errorf("nothing was recorded: %s", saved)
	}
	for _, v := range values {
		for what, text := range map[string][]byte{"the recording": saved,
			"the proposal": proposed.YAML(), "the proposal in JSON": inJSON} {
			if bytes.Contains(text, []byte(v)) {
				t.Errorf("%s holds %q:\n%s", what, v, text)
			}
		}
	}
}

// A recording that is saved and opened again goes on as if it had been kept open.
func TestRecordingGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shapes.json")
	add := func(r *Recording, from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			doc := fmt.Appendf(nil, `{"customerId":"C%d","mobile":"1381234567%d","tags":["a",%d],`+
				`"m%d":1}`, i, i%10, i, i%3)
			if err := r.Add("GET /v1/x", "application/json", []string{"page"},
				[][]byte{doc}); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	add(first, 0, 20)
	if err := first.Save(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info.Mode(), err)
	}
	second, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	add(second, 20, 30)
	whole := New()
	add(whole, 0, 30)
	forget := func(r *Recording) any {
		data, err := json.Marshal(r.Routes())
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				delete(v, "distinct") // a lower bound, since the values are forgotten
				for _, m := range v {
					walk(m)
				}
			case []any:
				for _, e := range v {
					walk(e)
				}
			}
		}
		walk(v)
		return v
	}
	if got, want := forget(second), forget(whole); !reflect.DeepEqual(got, want) {
		t.Errorf("opened again: %v\nwant %v", got, want)
	}
	if err := os.WriteFile(path, []byte(`{"kind":"service"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "no recording") {
		t.Errorf("Open of another file: %v", err)
	}
}

// A recording is bounded whatever answers bring, and may be used by many at once.
func TestRecordingIsBounded(t *testing.T) {
	r := New()
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 260 {
				var b strings.Builder
				for k := range 10 {
					fmt.Fprintf(&b, `"m%s%s":{"%s":[{"b":1}]},`, letters(worker*260+i), letters(k),
						letters(k))
				}
				doc := []byte("{" + strings.TrimSuffix(b.String(), ",") + "}")
				if err := r.Add("GET /v1/"+letters(worker*260+i), "application/json", nil,
					[][]byte{doc}); err != nil {
					t.Error(err)
				}
				if err := r.Add("GET /v1/same", "application/json", nil,
					[][]byte{doc}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	routes := r.Routes()
	if len(routes) > maxRoutes {
		t.Errorf("%d routes, want %d at most", len(routes), maxRoutes)
	}
	for _, route := range routes {
		if n := route.Shape.size(); n > maxShapes+1 {
			t.Errorf("%s has %d shapes, want %d at most", route.Match, n, maxShapes)
		}
		if route.Answers > MaxAnswers+4 {
			t.Errorf("%s has %d answers, want %d and one for each that was under way", route.Match,
				route.Answers, MaxAnswers)
		}
	}
	if !r.Full("GET /v1/same") {
		t.Errorf("Full = false after %d answers", 4*260)
	}
}

// letters writes a number without digits, which would look like data.
func letters(n int) string {
	b := []byte{'q'}
	for ; n > 0; n /= 20 {
		b = append(b, "bcdfghjklmnprstvwxyz"[n%20])
	}
	return string(b)
}

func TestAddRefuses(t *testing.T) {
	for _, tt := range []struct{ name, doc, want string }{
		{"no JSON", `{"a":13812345678`, "invalid JSON at byte"},
		{"a name twice", `{"a":1,"a":13812345678}`, "invalid JSON at byte"},
		{"not UTF-8", "\"13812345678\xff\"", "invalid JSON at byte"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New()
			err := r.Add("GET /", "application/json", nil, [][]byte{[]byte(`{"b":1}`),
				[]byte(tt.doc)})
			if err == nil || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "138") {
				t.Errorf("Add(%q) = %v, want %s and no value", tt.doc, err, tt.want)
			}
			if len(r.Routes()) > 0 {
				t.Errorf("part of it was added")
			}
		})
	}
}
