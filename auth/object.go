package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may nest in a header, a payload or a JWKS.
const maxDepth = 16

var (
	errNotJSON   = errors.New("not one JSON object in UTF-8")
	errDuplicate = errors.New("duplicate member name")
	errTooDeep   = errors.New("nested deeper than " + strconv.Itoa(maxDepth) + " levels")
)

// parseObject parses one JSON object, strictly: RFC 8259 in UTF-8, no lone surrogates, no duplicate
// names at any depth (compared after unescaping; RFC 7515 section 4 and RFC 7519 section 4 permit
// it), nothing after it. Numbers are [json.Number], other values as encoding/json has them. Errors
// hold nothing of the data.
func parseObject(data []byte) (map[string]any, error) {
	// Decoder.Token alone is laxer than the grammar, and replaces what is not Unicode.
	if !utf8.Valid(data) || !json.Valid(data) || hasLoneSurrogate(data) {
		return nil, errNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	value, err := parseValue(dec, 0)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errNotJSON
	}
	return object, nil
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, errNotJSON
	}
	open, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxDepth {
		return nil, errTooDeep
	}
	if open == '[' {
		array := []any{}
		for dec.More() {
			value, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			array = append(array, value)
		}
		_, err = dec.Token()
		return array, err
	}
	object := map[string]any{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errNotJSON
		}
		if _, ok := object[name.(string)]; ok {
			return nil, errDuplicate
		}
		if object[name.(string)], err = parseValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = dec.Token()
	return object, err
}

// hasLoneSurrogate reports whether valid JSON has an escape of half a surrogate pair.
func hasLoneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if data[i] != 'u' {
			continue
		}
		r := hexRune(data[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		if len(data) < i+7 || data[i+1] != '\\' || data[i+2] != 'u' ||
			utf16.DecodeRune(r, hexRune(data[i+3:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// hexRune reads four hexadecimal digits, which the grammar has already checked.
func hexRune(data []byte) rune {
	n, err := strconv.ParseUint(string(data[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
