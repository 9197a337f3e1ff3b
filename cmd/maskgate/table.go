package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/maskgate/maskgate/examples/demo"
)

// leaf is one scalar of a document and where it lies: accounts[0].cardNo.
type leaf struct{ path, text string }

// leaves lists the scalars of a JSON document, in order.
func leaves(body []byte) ([]leaf, error) {
	var list []leaf
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value func(path string) error
	value = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			for d.More() {
				name, err := d.Token()
				if err != nil {
					return err
				}
				member := strings.TrimPrefix(fmt.Sprintf("%s.%s", path, name), ".")
				if err := value(member); err != nil {
					return err
				}
			}
			_, err = d.Token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				if err := value(fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
			_, err = d.Token()
		default:
			list = append(list, leaf{path, fmt.Sprint(token)})
		}
		return err
	}
	if err := value(""); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one document")
	}
	return list, nil
}

// flatten maps the scalars of a document by where they lie.
func flatten(body []byte) (map[string]string, error) {
	list, err := leaves(body)
	fields := make(map[string]string, len(list))
	for _, l := range list {
		fields[l.path] = l.text
	}
	return fields, err
}

// show prints the customer as it is and as each caller sees it, side by side.
func (d *demonstration) show(upstream sight, seen []sight) {
	rows := [][]string{{"field", "in the data service"}}
	for _, p := range demo.People {
		rows[0] = append(rows[0], p.ID+", "+roleOf(p))
	}
	list, _ := leaves([]byte(upstream.body)) // parsed before
	for _, l := range list {
		row := []string{l.path, l.text}
		for _, s := range seen {
			text, ok := s.Fields[l.path]
			switch {
			case s.Status != 200:
				text = fmt.Sprintf("%d %s", s.Status, s.Fields["reason"])
			case !ok:
				text = "-"
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-width(cell)+2))
		}
		fmt.Fprintln(d.out, strings.TrimRight(line.String(), " "))
	}
}

// width is how many columns of a terminal a text takes: two for each Chinese character.
func width(text string) int {
	columns := 0
	for _, r := range text {
		columns++
		if r >= 0x2e80 {
			columns++
		}
	}
	return columns
}
