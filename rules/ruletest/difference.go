package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one place where two bodies differ.
type Difference struct {
	// Path is where the bodies differ: a value, as in $.name; a value of one of several JSON texts,
	// as in text 2: $.name; or the first byte that differs, as in byte 7.
	Path string `json:"path"`
	Want string `json:"want,omitempty"` // JSON; "" for nothing
	Have string `json:"have,omitempty"`
}

// differences returns the values in which two bodies differ. If one is not JSON, or if the same
// values are written differently, it returns the first byte that differs.
func differences(want, have []byte) []Difference {
	w, err := texts(want)
	h, err2 := texts(have)
	var list []Difference
	if err == nil && err2 == nil {
		for i := range max(len(w), len(h)) {
			path := "$"
			if max(len(w), len(h)) > 1 {
				path = fmt.Sprintf("text %d: $", i+1)
			}
			list = compare(list, path, at(w, i), at(h, i))
		}
	}
	if len(list) > 0 {
		return list
	}
	i := 0
	for i < min(len(want), len(have)) && want[i] == have[i] {
		i++
	}
	return []Difference{{fmt.Sprintf("byte %d", i), excerpt(want, i), excerpt(have, i)}}
}

// missing stands for a value that is not there.
type missing struct{}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return missing{}
}

// texts returns the JSON texts of a body. Numbers keep their text.
func texts(body []byte) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(body, []byte{0x1e}, nil))) // RFC 7464
	d.UseNumber()
	var list []any
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// compare appends the differences between two values at a path.
func compare(list []Difference, path string, want, have any) []Difference {
	if reflect.DeepEqual(want, have) {
		return list
	}
	switch w := want.(type) {
	case map[string]any:
		if h, ok := have.(map[string]any); ok {
			names := maps.Clone(w)
			maps.Copy(names, h)
			for _, name := range slices.Sorted(maps.Keys(names)) {
				list = compare(list, path+member(name), valueOf(w, name), valueOf(h, name))
			}
			return list
		}
	case []any:
		if h, ok := have.([]any); ok {
			return compareElements(list, path, w, h)
		}
	}
	return append(list, Difference{path, encoded(want), encoded(have)})
}

// compareElements compares two arrays. If one is longer, it passes over equal elements at the end,
// so that a missing element does not make all behind it differ.
func compareElements(list []Difference, path string, want, have []any) []Difference {
	from := 0
	for from < min(len(want), len(have)) && reflect.DeepEqual(want[from], have[from]) {
		from++
	}
	if len(want) != len(have) {
		for len(want) > from && len(have) > from &&
			reflect.DeepEqual(want[len(want)-1], have[len(have)-1]) {
			want, have = want[:len(want)-1], have[:len(have)-1]
		}
	}
	for i := from; i < max(len(want), len(have)); i++ {
		list = compare(list, fmt.Sprintf("%s[%d]", path, i), at(want, i), at(have, i))
	}
	return list
}

func valueOf(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	return missing{}
}

// member writes a name as a segment of a JSONPath.
func member(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r < 0x80
	}) && (name[0] < '0' || name[0] > '9') {
		return "." + name
	}
	return "['" + strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), "'", `\'`) + "']"
}

// maxShown is how many bytes of a value are shown.
const maxShown = 400

func encoded(v any) string {
	if _, ok := v.(missing); ok {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // impossible: it was decoded
		panic(err)
	}
	return cut(strings.TrimSuffix(b.String(), "\n"))
}

func cut(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + " …"
}

// excerpt quotes what stands around a byte.
func excerpt(body []byte, i int) string {
	around := string(body[max(0, i-20):min(len(body), i+40)])
	return fmt.Sprintf("%q", strings.ToValidUTF8(around, "…"))
}
