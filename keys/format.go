package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// strict64 refuses what encodes the same bytes in another way.
var strict64 = base64.StdEncoding.Strict()

// format writes a key file.
func format(masters []master) []byte {
	type entry struct {
		Version int       `json:"version"`
		Created time.Time `json:"created"`
		Secret  []byte    `json:"secret"`
	}
	var file struct {
		Keys []entry `json:"keys"`
	}
	for _, m := range masters {
		file.Keys = append(file.Keys, entry{m.version, m.created, m.secret})
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		panic("keys: encoding key file: " + err.Error()) // only if a year had five digits
	}
	return append(data, '\n')
}

// parse reads a key file. No error shows what stands in the file, for it may
// be a secret.
func parse(data []byte) ([]master, error) {
	// Package json takes names in any case and the last of equal ones, so
	// members are read one by one.
	d := json.NewDecoder(bytes.NewReader(data))
	var masters []master
	err := object(d, []string{"keys"}, func(string) error {
		return array(d, func() error {
			m, err := parseMaster(d)
			if err != nil {
				return fmt.Errorf("key %d: %w", len(masters)+1, err)
			}
			for _, old := range masters {
				if m.version <= old.version {
					return fmt.Errorf("key %d: version is not greater than the one before; "+
						"list keys from oldest to newest", len(masters)+1)
				}
				if bytes.Equal(m.secret, old.secret) {
					return fmt.Errorf("key %d: secret is that of an older version; make a new one",
						len(masters)+1)
				}
			}
			masters = append(masters, m)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the object; remove it")
	}
	if len(masters) == 0 {
		return nil, errors.New("no key is listed; restore the file from a copy")
	}
	return masters, nil
}

func parseMaster(d *json.Decoder) (m master, err error) {
	err = object(d, []string{"version", "created", "secret"}, func(name string) error {
		t, err := d.Token()
		if err != nil {
			return errJSON
		}
		text, _ := t.(string)
		switch name {
		case "version":
			n, ok := t.(float64)
			if m.version = int(n); !ok || n < 1 || n > 1<<31-1 || float64(m.version) != n {
				return errors.New("version is not a positive integer")
			}
		case "created":
			if m.created, err = time.Parse(time.RFC3339, text); err != nil {
				return errors.New("created is not an RFC 3339 time")
			}
		case "secret":
			if m.secret, err = strict64.DecodeString(text); err != nil ||
				len(m.secret) != SecretSize {
				return fmt.Errorf("secret is not %d bytes of base64", SecretSize)
			}
		}
		return nil
	})
	return m, err
}

var errJSON = errors.New("not the JSON of a key file; restore it from a copy")

// object reads an object that has each of the members once, and no other.
// value reads the value of one.
func object(d *json.Decoder, members []string, value func(name string) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errJSON
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return errJSON
		}
		if seen[name] {
			return errors.New("a member stands twice in an object; remove one")
		}
		seen[name] = true
		known := false
		for _, m := range members {
			known = known || m == name
		}
		if !known {
			return fmt.Errorf("an object has a member other than %q; remove it", members)
		}
		if err := value(name); err != nil {
			return err
		}
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return errJSON
	}
	for _, m := range members {
		if !seen[m] {
			return fmt.Errorf("an object lacks its member %q", m)
		}
	}
	return nil
}

// array reads an array, each element by a call of element.
func array(d *json.Decoder, element func() error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errJSON
	}
	for d.More() {
		if err := element(); err != nil {
			return err
		}
	}
	if t, err := d.Token(); err != nil || t != json.Delim(']') {
		return errJSON
	}
	return nil
}
