package discover

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sample is one answer of a service.
type Sample struct {
	Method    string
	Path      string   // as requested, or a template: /v1/customers/{id}
	Query     []string // names of parameters
	MediaType string
	Body      []byte
	From      string // where it was read, for errors: a file, and of a HAR file which entry
}

// Samples reads a file of answers. A HAR file (HTTP archive 1.2) gives its successful JSON answers.
// Any other file is the body of an answer, and its path says which request it answers:
//
//	samples/GET/v1/customers/C00000052.json
//	samples/GET/v1/customers?page=1&size=20.json
//
// If method and path are not empty, they say so instead. The extension ndjson or jsonl means
// application/x-ndjson, any other application/json. Errors hold no data of the file.
func Samples(name string, data []byte, method, path string) ([]Sample, error) {
	if entries, ok := harEntries(data); ok {
		return harSamples(name, entries)
	}
	s := Sample{Method: method, Path: path, MediaType: "application/json", Body: data, From: name}
	extension := strings.ToLower(filepath.Ext(name))
	if extension == ".ndjson" || extension == ".jsonl" {
		s.MediaType = "application/x-ndjson"
	}
	if path == "" {
		if err := s.named(filepath.ToSlash(name)); err != nil {
			return nil, err
		}
	}
	return []Sample{s}, nil
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// named reads the request from the path of the file.
func (s *Sample) named(name string) error {
	for _, extension := range []string{".json", ".ndjson", ".jsonl"} {
		name = strings.TrimSuffix(name, extension)
	}
	parts := strings.Split(name, "/")
	for i, part := range parts[:len(parts)-1] {
		if slices.Contains(methods, part) {
			target, query, _ := strings.Cut("/"+strings.Join(parts[i+1:], "/"), "?")
			s.Method, s.Path = part, target
			values, err := url.ParseQuery(query)
			if err != nil {
				return errors.New("the query in the name of the file cannot be read; name it as " +
					"in GET/v1/customers?page=1.json")
			}
			for key := range values {
				s.Query = append(s.Query, key)
			}
			return nil
		}
	}
	return errors.New("nothing says which request the file answers; name it as in " +
		"GET/v1/customers/C00000052.json, or give --route 'GET /v1/customers/{id}'")
}

// AddSamples adds samples to a recording, each under the template of its path. Segments that are
// data become a parameter, {id}: a segment that has digits (but not v1), is long or is not ASCII,
// and a segment in which more than three paths differ that are alike otherwise.
func (r *Recording) AddSamples(samples []Sample) error {
	templates := templatesOf(samples)
	for i, s := range samples {
		documents, err := Documents(s.MediaType, s.Body)
		if err == nil {
			err = r.Add(s.Method+" "+templates[i], s.MediaType, s.Query, documents)
		}
		if err != nil {
			return fmt.Errorf("%s: an answer of %s %s: %w", s.From, s.Method, templates[i], err)
		}
	}
	return nil
}

// Documents takes a body apart into JSON texts. It knows application/json, application/x-ndjson and
// application/json-seq.
func Documents(mediaType string, body []byte) ([][]byte, error) {
	separator := "\n"
	switch mediaType {
	case "application/json":
		return [][]byte{body}, nil
	case "application/x-ndjson":
	case "application/json-seq":
		separator = "\x1e"
	default:
		return nil, fmt.Errorf("%s is not read; want application/json, application/x-ndjson or "+
			"application/json-seq", mediaType)
	}
	var documents [][]byte
	for part := range bytes.SplitSeq(body, []byte(separator)) {
		if part = bytes.TrimSpace(part); len(part) > 0 {
			documents = append(documents, part)
		}
	}
	return documents, nil
}

// templatesOf returns a template for the path of each sample.
func templatesOf(samples []Sample) []string {
	paths := make([][]string, len(samples))
	for i, s := range samples {
		paths[i] = strings.Split(s.Path, "/")
		for k, segment := range paths[i] {
			if isData(segment) {
				paths[i][k] = "{}"
			}
		}
	}
	// If many paths are alike but for a segment, the segment is data.
	for k, longer := 0, true; longer; k++ {
		longer = false
		differ := map[string]map[string]bool{}
		likeness := make([]string, len(paths))
		for i, p := range paths {
			if k >= len(p) {
				continue
			}
			longer = true
			key := fmt.Sprintf("%s %q %q", samples[i].Method, p[:k], p[k+1:])
			if likeness[i] = key; differ[key] == nil {
				differ[key] = map[string]bool{}
			}
			differ[key][p[k]] = true
		}
		for i, p := range paths {
			if len(differ[likeness[i]]) > 3 {
				p[k] = "{}"
			}
		}
	}
	templates := make([]string, len(paths))
	for i, p := range paths {
		n := 0
		for k, segment := range p {
			if segment != "{}" {
				continue
			}
			if n++; n == 1 {
				p[k] = "{id}"
			} else {
				p[k] = fmt.Sprintf("{id%d}", n)
			}
		}
		templates[i] = strings.Join(p, "/")
	}
	return templates
}

// isData reports whether a segment of a path is data, and no word of the service: it has digits
// (but is no version), is long or is not ASCII.
func isData(segment string) bool {
	if len(segment) > 1 && (segment[0] == 'v' || segment[0] == 'V') &&
		strings.Trim(segment[1:], "0123456789.") == "" {
		return false
	}
	if strings.HasPrefix(segment, "{") {
		return false
	}
	return len(segment) > 32 || strings.IndexFunc(segment, func(r rune) bool {
		return unicode.IsDigit(r) || r >= utf8.RuneSelf || strings.ContainsRune("%@+=,;:", r)
	}) >= 0
}

// harEntry is one exchange of an HTTP archive.
type harEntry struct {
	Request struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
	Response struct {
		Status  int `json:"status"`
		Content struct {
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

func harEntries(data []byte) ([]harEntry, bool) {
	var file struct {
		Log struct {
			Version string     `json:"version"`
			Entries []harEntry `json:"entries"`
		} `json:"log"`
	}
	err := json.Unmarshal(data, &file)
	return file.Log.Entries, err == nil && file.Log.Version != "" && file.Log.Entries != nil
}

func harSamples(name string, entries []harEntry) ([]Sample, error) {
	var samples []Sample
	for i, e := range entries {
		mediaType, _, err := mime.ParseMediaType(e.Response.Content.MimeType)
		if err != nil || e.Response.Status < 200 || e.Response.Status > 203 ||
			!slices.Contains(methods, e.Request.Method) {
			continue
		}
		if _, err := Documents(mediaType, nil); err != nil {
			continue
		}
		u, err := url.Parse(e.Request.URL)
		if err != nil {
			return nil, fmt.Errorf("entry %d: the address of the request cannot be read", i+1)
		}
		body := []byte(e.Response.Content.Text)
		if e.Response.Content.Encoding == "base64" {
			if body, err = base64.StdEncoding.DecodeString(e.Response.Content.Text); err != nil {
				return nil, fmt.Errorf("entry %d: the answer is not base64, as it says", i+1)
			}
		}
		s := Sample{Method: e.Request.Method, Path: cmp.Or(u.EscapedPath(), "/"),
			MediaType: mediaType, Body: body}
		s.From = fmt.Sprintf("%s: entry %d", name, i+1)
		for name := range u.Query() {
			s.Query = append(s.Query, name)
		}
		samples = append(samples, s)
	}
	return samples, nil
}
