package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/discover"
)

// recordedShapes is a recording in a file, of two routes that no rule file has and one that a rule
// file has.
type recordedShapes struct {
	*Recording
	file   string
	shapes *Shapes
}

// isNoRoute reports whether an answer is the refusal of a route that no rule file has.
func isNoRoute(got seen) bool {
	return got.status == http.StatusNotFound &&
		strings.Contains(string(got.body), `"reason":"no_route"`)
}

func recordShapes(t testing.TB) *recordedShapes {
	t.Helper()
	r := &recordedShapes{file: filepath.Join(t.TempDir(), "shapes.json")}
	var err error
	if r.Recording, err = OpenRecording(r.file, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	r.shapes, err = NewShapes(r.Recording, []string{
		"GET /v2/claims/{id}", "GET /v2/claims", "GET /v1/people",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// of has a world's handler take part.
func (r *recordedShapes) of(w *world) { w.handler.Shapes = r.shapes }

// saved ends the world and the recording, and returns the file.
func (r *recordedShapes) saved(w *world) []byte {
	w.t.Helper()
	w.stop()
	if err := r.Close(); err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// TestRecordShapesHoldsNoValue: the upstream plants a canary wherever a value can stand. Neither
// the recording nor the log nor an answer to a route that is only recorded has it; and an answer to
// a route that has rules is what it was.
func TestRecordShapesHoldsNoValue(t *testing.T) {
	t.Parallel()
	const canary = "Xk3Fq9Lm2Vt7Bz1c"
	var mu sync.Mutex
	asked := map[string]int{}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.Method+" "+r.URL.RequestURI()]++
		mu.Unlock()
		w.Header().Set("X-Canary", canary)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/broken"):
			fmt.Fprintf(w, `{"certNo":"%s","certNo":"%s"}`, canary, canary)
		case strings.HasSuffix(r.URL.Path, "/failed"):
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"certNo":"%s"}`, canary)
		case strings.HasSuffix(r.URL.Path, "/large"):
			fmt.Fprintf(w, `{"certNo":"%s","x":"%s"}`, canary, strings.Repeat("x", 2<<20))
		case strings.HasPrefix(r.URL.Path, "/v1/people/"):
			fmt.Fprint(w, person("C1", canary))
		default:
			fmt.Fprintf(w, `{"certNo":"%[1]s","%[1]s":1,"by":{"%[1]s":{"phone":"%[1]s"}},`+
				`"list":["%[1]s",[{"%[1]s":"%[1]s"}]]}`, canary)
		}
	})
	plain := start(t, up)
	want := string(plain.get("/v1/people/C1").body)
	plain.stop()

	recording := recordShapes(t)
	w := start(t, up, recording.of)
	mu.Lock()
	clear(asked)
	mu.Unlock()
	if got := string(w.get("/v1/people/C1").body); got != want {
		t.Errorf("recorded: %s, want %s", got, want)
	}
	var answers []byte
	none := w.get("/v3/none")
	for _, path := range []string{
		"/v2/claims/" + canary, "/v2/claims/1?" + canary + "=" + canary + "&page=1", "/v2/claims",
		"/v2/claims/broken", "/v2/claims/failed", "/v2/claims/large",
	} {
		got := w.get(path)
		if !isNoRoute(got) {
			t.Errorf("GET %s: %d %s, want 404 no_route", path, got.status, got.body)
		}
		if a, b := len(got.body), len(none.body); a != b {
			t.Errorf("GET %s: %d bytes, want the %d of a route that nobody knows", path, a, b)
		}
		answers = fmt.Append(answers, got.header, string(got.body))
	}
	mu.Lock()
	seven := len(asked)
	mu.Unlock()
	if seven != 7 {
		t.Errorf("the upstream was asked %v, want 7 requests", asked)
	}
	// None of these asks the upstream: nothing says that it may be.
	for _, r := range []*http.Request{
		w.request("GET", "/v2/other"), w.request("GET", "/v2/claims/1/more"),
		w.request("POST", "/v2/claims/1"), w.request("DELETE", "/v2/claims/1"),
		w.request("GET", "/v2/claims/1", header("Authorization")),
		w.request("GET", "/v2/claims/1", header("Upgrade", "websocket")),
		w.request("GET", "/v1/people?unlisted=1"),
		w.request("GET", "/v1/people", header("Maskgate-Purpose")),
		w.request("GET", "/v2/claims//1"), w.request("GET", "/V2/claims/1"),
		w.request("GET", "/v2/claims/1%2f2"),
	} {
		if got := w.do(r); got.status < 400 || got.status >= 500 {
			t.Errorf("%s %s: %d, want a refusal", r.Method, r.URL.Path, got.status)
		}
	}
	mu.Lock()
	if len(asked) != seven {
		t.Errorf("the upstream was asked %v", asked)
	}
	mu.Unlock()

	saved := recording.saved(w)
	var got struct {
		Routes []struct {
			Match   string
			Answers int
			Unread  map[string]int
			Query   map[string]int
			Shape   struct{ Members map[string]json.RawMessage }
		}
	}
	if err := json.Unmarshal(saved, &got); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, r := range got.Routes {
		names += fmt.Sprintln(r.Match, r.Answers, r.Query, r.Unread, len(r.Shape.Members))
	}
	const recorded = "GET /v1/people/{id} 1 map[] map[] 5\nGET /v2/claims 1 map[] map[] 3\n" +
		"GET /v2/claims/{id} 2 map[page:1] " +
		"map[invalid_json:1 response_too_large:1 upstream_status:1] 3\n"
	if names != recorded {
		t.Errorf("the recording has\n%swant\n%s", names, recorded)
	}
	proposed := string(discover.Propose("service", "team", recording.Routes()).YAML())
	if !strings.Contains(proposed, "- match: GET /v2/claims/{id}\n") {
		t.Errorf("discover proposes\n%s", proposed)
	}
	for what, text := range map[string][]byte{
		"the recording": saved, "the answers": answers,
		"the log": []byte(w.log.String()), "the proposal": []byte(proposed),
	} {
		for _, form := range []string{
			canary,
			base64.StdEncoding.EncodeToString([]byte(canary)),
			hex.EncodeToString([]byte(canary)),
		} {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("%s has the canary", what)
			}
		}
	}
}

// TestRecordShapesRefusesAlike: whatever the handler behind the gateway does, the refusal is the
// same.
func TestRecordShapesRefusesAlike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(http.ResponseWriter, *http.Request) error
	}{
		{"an answer", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := fmt.Fprint(w, `{"certNo":"11010519491231002X"}`)
			return err
		}},
		{"a panic", func(http.ResponseWriter, *http.Request) error { panic("11010519491231002X") }},
		{"an abort", func(http.ResponseWriter, *http.Request) error {
			panic(http.ErrAbortHandler)
		}},
		{"an error", func(http.ResponseWriter, *http.Request) error { return errors.New("no") }},
		{"an upgrade", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusSwitchingProtocols)
			return nil
		}},
		{"nothing", func(http.ResponseWriter, *http.Request) error { return nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			recording := recordShapes(t)
			w := start(t, "", recording.of, func(w *world) { w.upstream = Guarded(tt.do) })
			got := w.get("/v2/claims/1")
			if !isNoRoute(got) {
				t.Errorf("%d %s, want 404 no_route", got.status, got.body)
			}
			records := w.records(got.header.Get(correlationHeader))
			if len(records) != 1 || records[0].Decision != "refused" ||
				records[0].Reason != "no_route" {
				t.Errorf("on record: %+v, want one refusal, no_route", records)
			}
			if saved := recording.saved(w); bytes.Contains(saved, []byte("11010519491231002X")) {
				t.Errorf("the recording has a value:\n%s", saved)
			}
		})
	}
}

// TestRecordShapesUnderLoad: a reload goes on with the recording, and many may be recorded at once.
func TestRecordShapesUnderLoad(t *testing.T) {
	t.Parallel()
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	recording := recordShapes(t)
	w := start(t, up, recording.of)
	ask := func() {
		var group sync.WaitGroup
		for range 8 {
			r := []*http.Request{
				w.request("GET", "/v1/people/C1"), w.request("GET", "/v2/claims/1"),
			}
			group.Go(func() {
				for i := range 20 {
					resp, err := client.Do(r[i%2].Clone(t.Context()))
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					if want := []int{200, 404}[i%2]; resp.StatusCode != want {
						t.Errorf("status %d, want %d", resp.StatusCode, want)
					}
				}
			})
		}
		group.Wait()
	}
	ask()
	if err := w.reload(); err != nil {
		t.Fatal(err)
	}
	ask()
	if saved := recording.saved(w); bytes.Count(saved, []byte(`"answers": 160,`)) != 2 {
		t.Errorf("want 160 answers of each route:\n%s", saved)
	}
}

// TestRecordShapesRefuses: what cannot be recorded is refused at once.
func TestRecordShapesRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(`{"kind":"service"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(dir, "a")
	for _, tt := range []struct {
		name   string
		file   string
		routes []string
		want   string
	}{
		{"another file", other, nil, "no recording of shapes"},
		{"a method that changes something", fresh, []string{"POST /v2/claims"}, "want GET"},
		{"a path that is none", fresh, []string{"GET v2/claims"}, "want a method in capitals"},
		{"a path twice", fresh, []string{"GET /v2/{a}", "GET /v2/{b}"},
			"matches the same requests"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := OpenRecording(tt.file, slog.New(slog.DiscardHandler))
			if err == nil {
				defer r.Close()
				_, err = NewShapes(r, tt.routes)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("recording to %s: %v, want %s", tt.file, err, tt.want)
			}
		})
	}
}
