package gateway

import (
	"strings"
	"testing"
)

func TestHandlerComplete(t *testing.T) {
	t.Parallel()
	request := func(names ...string) Handler { return Handler{RequestHeaders: names} }
	response := func(names ...string) Handler { return Handler{ResponseHeaders: names} }
	for name, tt := range map[string]struct {
		h    Handler
		want []string // of the error; none: it is complete
	}{
		"empty": {Handler{}, nil},
		"header": {Handler{
			RequestHeaders:  []string{"authorization", "x-tenant"},
			ResponseHeaders: []string{"x-page", "Set-Cookie"},
		}, nil},

		"negative timeout": {Handler{Timeout: -1}, []string{"timeout: want a positive value"}},
		"negative max_response": {
			Handler{MaxResponse: -1}, []string{"max_response: want a positive value"},
		},
		"negative max_request": {
			Handler{MaxRequest: -1}, []string{"max_request: want a positive value"},
		},
		"too much to buffer": {
			Handler{MaxResponse: 100 << 30}, []string{"max_response: want at most 1GiB"},
		},

		"range":           {request("range"), []string{"request header range is never passed on"}},
		"method override": {request("x-http-method-override"), []string{"never passed on"}},
		"connection":      {request("Connection"), []string{"never passed on"}},
		"no name":         {request("a b"), []string{"want names of headers"}},
		"empty name":      {request(""), []string{"want names of headers"}},
		"etag":            {response("etag"), []string{"response_headers: "}},
		"encoding":        {response("content-encoding"), []string{"response_headers: "}},
		"trailer":         {response("trailer"), []string{"response_headers: "}},
		"trailer prefix":  {response("Trailer:X-A"), []string{"response_headers: "}},
		"surrogate":       {response("Surrogate-Control"), []string{"response_headers: "}},
		"CDN": {
			response("cloudflare-cdn-cache-control"), []string{"response_headers: "},
		},

		"all at once": {
			Handler{
				Timeout: -1, MaxResponse: 1 << 40,
				RequestHeaders: []string{"range", "a b"}, ResponseHeaders: []string{"etag"},
			},
			[]string{
				"timeout: ", "max_response: ", "header range", `have "a b"`, "response_headers: ",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.h.Complete()
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("Complete() = %v, want %q", err, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Complete() = %v, want it to say %q", err, want)
				}
			}
			if err == nil && (tt.h.Timeout == 0 || tt.h.Now == nil ||
				tt.h.MaxResponse != 1<<20 || tt.h.MaxRequest != 1<<20) {
				t.Errorf("Complete() leaves %+v", tt.h)
			}
		})
	}
}

func TestUnknownServices(t *testing.T) {
	t.Parallel()
	w := start(t, "http://127.0.0.1:1")
	w.handler.Services = []string{"people", "claim"}
	unknown, known := w.handler.UnknownServices()
	if strings.Join(unknown, " ") != "claim" || strings.Join(known, " ") != "people" {
		t.Errorf("UnknownServices() = %q, %q, want claim, people", unknown, known)
	}
}
