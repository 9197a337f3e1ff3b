package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strconv"
)

// ErrorBody is the body of a 400 or 404. It names nobody.
type ErrorBody struct {
	Code    int    `json:"code"` // the HTTP status
	Message string `json:"message"`
}

// responder writes JSON bodies.
type responder struct{ indent string }

// json writes a whole body, with its length. It ends with the last brace, not with a new line.
func (r responder) json(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := newEncoder(&body)
	enc.SetIndent("", r.indent)
	if err := enc.Encode(v); err != nil {
		panic("demo: writing a body: " + err.Error()) // all bodies are types of this package
	}
	b := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client has gone: nobody to tell
}

func (r responder) fail(w http.ResponseWriter, status int, message string) {
	r.json(w, status, ErrorBody{Code: status, Message: message})
}

// ndjson writes one customer a line as it is made, without a length.
func ndjson(w http.ResponseWriter, customers iter.Seq[Customer]) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := newEncoder(w)
	for c := range customers {
		if enc.Encode(c) != nil {
			return // the client has gone
		}
	}
}

// newEncoder returns an encoder that leaves <, > and & as they are.
func newEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
