package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// keeping is a server's writer that fails, and still reads what it was given, as that of HTTP/2 may
// once a deadline has passed.
type keeping struct {
	http.ResponseWriter
	panics bool
	given  []byte
}

func (k *keeping) Write(b []byte) (int, error) {
	k.given = b
	if k.panics {
		panic(http.ErrAbortHandler)
	}
	return 0, errors.New("deadline exceeded")
}

func (k *keeping) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// TestBuffersOfFailedWrite shows that what a server was given to write when it failed is not
// written to again: another caller's data would go out on that connection.
func TestBuffersOfFailedWrite(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64 // no two answers are the same
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		one := person(fmt.Sprintf("C%06d", asked.Add(1)), "张三丰")
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/v1/people":
			fmt.Fprintf(w, `{"items":[%s]}`, one)
		case "/v1/lines":
			w.Header().Set("Content-Type", "application/x-ndjson")
			fmt.Fprint(w, strings.Repeat(one+"\n", 100))
		default:
			fmt.Fprint(w, one)
		}
	}), func(w *world) {
		w.streams, w.handler.MaxResponse = true, 4096
		w.options.Shadow = w.options.Rules
	})
	serve := func(writer http.ResponseWriter, path string) {
		r := w.request("GET", path)
		r.RequestURI, r.RemoteAddr = path, "127.0.0.1:1"
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
		defer func() { _ = recover() }() // a server ends the connection
		w.handler.Serve(writer, r, w.upstream)
	}
	for _, tt := range []struct {
		name, path string
		panics     bool
	}{
		{"rewritten", "/v1/people", false},
		{"rewritten, and the writer panics", "/v1/people", true},
		{"public", "/v1/public", false},
		{"streamed", "/v1/lines", false},
		{"streamed, and the writer panics", "/v1/lines", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			shadow := w.gateway.ruling.Load().shadow
			judged := func() int64 {
				eventually(t, "the shadow is done",
					func() bool { return shadow.gateway.shadowJobs.running.Load() == 0 })
				return shadow.same.Load() + shadow.differing.Load() + shadow.failed.Load()
			}
			before := judged()
			skipped := shadow.skipped.Load()
			writer := &keeping{ResponseWriter: httptest.NewRecorder(), panics: tt.panics}
			serve(writer, tt.path)
			given := bytes.Clone(writer.given)
			if len(given) == 0 {
				t.Fatal("nothing was written")
			}
			if after, got := judged(), shadow.skipped.Load(); got != skipped+1 || after != before {
				t.Errorf("the shadow skipped %d requests, want it to skip this one", got-skipped)
			}
			for range 100 {
				serve(httptest.NewRecorder(), tt.path)
				if !bytes.Equal(writer.given, given) {
					t.Fatalf("what the server may still send is now %.200q, was %.200q",
						writer.given, given)
				}
			}
		})
	}
}
