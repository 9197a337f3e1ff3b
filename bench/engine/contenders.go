package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/bytedance/sonic"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/maskgate/maskgate/masking"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

type contender struct {
	name string
	run  func()
}

const (
	sonicValid   = "sonic.Valid"
	gjsonValid   = "gjson.ValidBytes"
	encodingJSON = "encoding/json, decode, edit, encode"
)

func all(doc []byte) []contender {
	layout, p := engine(0)
	out := make([]byte, 0, len(doc))
	var report masking.Report
	list := []contender{
		{"maskgate: check, mask, drop", func() {
			_, err := layout.Append(context.Background(), out, doc, masking.Document, p, &report)
			must(err)
		}},
		{sonicValid, func() { valid(sonic.Valid(doc)) }},
		{gjsonValid, func() { valid(gjson.ValidBytes(doc)) }},
		{encodingJSON, func() { tree(doc, json.Unmarshal, json.Marshal) }},
		{"sonic, decode, edit, encode", func() { tree(doc, sonic.Unmarshal, sonic.Marshal) }},
		{"jsontext, token copy", func() { tokens(doc) }},
	}
	if len(doc) < 100_000 { // each edit copies the document: larger ones would take seconds
		list = append(list, contender{"gjson and sjson", func() { edits(doc) }})
	}
	return list
}

func valid(ok bool) {
	if !ok {
		panic("the document is not valid")
	}
}

// tree decodes into a tree, edits it and encodes it again.
func tree(doc []byte, unmarshal func([]byte, any) error, marshal func(any) ([]byte, error)) {
	var root map[string]any
	must(unmarshal(doc, &root))
	for _, item := range root["data"].(map[string]any)["items"].([]any) {
		record := item.(map[string]any)
		for _, name := range []string{"name", "idCard", "mobile", "email", "address"} {
			if text, ok := record[name].(string); ok {
				record[name] = stars(text)
			}
		}
		for _, account := range record["accounts"].([]any) {
			account.(map[string]any)["cardNo"] = stars(account.(map[string]any)["cardNo"].(string))
		}
		delete(record, "queryPin")
	}
	_, err := marshal(root)
	must(err)
}

func stars(text string) string { return text[:1] + "****" + text[len(text)-1:] }

// tokens copies the document token by token, and edits nothing.
func tokens(doc []byte) {
	d := jsontext.NewDecoder(bytes.NewReader(doc))
	e := jsontext.NewEncoder(io.Discard)
	for {
		t, err := d.ReadToken()
		if err == io.EOF {
			return
		}
		must(err)
		must(e.WriteToken(t))
	}
}

// edits sets each masked value and deletes each dropped one, by its path.
func edits(doc []byte) {
	count := int(gjson.GetBytes(doc, "data.items.#").Int())
	edited := append([]byte(nil), doc...)
	set := func(path string) {
		if v := gjson.GetBytes(edited, path); v.Type == gjson.String && v.Str != "" {
			var err error
			options := &sjson.Options{ReplaceInPlace: true}
			edited, err = sjson.SetBytesOptions(edited, path, stars(v.Str), options)
			must(err)
		}
	}
	for i := range count {
		record := fmt.Sprintf("data.items.%d.", i)
		for _, name := range strings.Fields("name idCard mobile email address") {
			set(record + name)
		}
		for j := range int(gjson.GetBytes(edited, record+"accounts.#").Int()) {
			set(fmt.Sprintf("%saccounts.%d.cardNo", record, j))
		}
		var err error
		edited, err = sjson.DeleteBytes(edited, record+"queryPin")
		must(err)
	}
}
