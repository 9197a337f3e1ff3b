package caddymodule

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// recording gives a handler's line the option record_shapes, for two routes that no rule file has and one that a rule file has.
func recording(up, file string) string {
	return fmt.Sprintf("maskgate %s {\n record_shapes %s {\n route GET /v2/claims/{id}\n route GET /v2/claims\n route GET /v1/people\n }\n}", up, file)
}

// The upstream plants a canary wherever a value can stand. Neither the recording nor the log nor an answer to a route that is only recorded
// has it; and an answer to a route that has rules is what it was.
func TestRecordShapesHoldsNoValue(t *testing.T) {
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
			fmt.Fprintf(w, `{"certNo":"%[1]s","%[1]s":1,"by":{"%[1]s":{"phone":"%[1]s"}},"list":["%[1]s",[{"%[1]s":"%[1]s"}]]}`, canary)
		}
	})
	plain := start(t, "maskgate "+up)
	want := string(plain.get("/v1/people/C1").body)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "shapes.json")
	g := start(t, recording(up, file))
	clear(asked)
	if got := string(g.get("/v1/people/C1").body); got != want {
		t.Errorf("recorded: %s, want %s", got, want)
	}
	var answers []byte
	none := g.get("/v3/none")
	for _, path := range []string{"/v2/claims/" + canary, "/v2/claims/1?" + canary + "=" + canary + "&page=1", "/v2/claims", "/v2/claims/broken",
		"/v2/claims/failed", "/v2/claims/large"} {
		got := g.get(path)
		if got.status != http.StatusNotFound || !strings.Contains(string(got.body), `"reason":"no_route"`) {
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
		g.request("GET", "/v2/other"), g.request("GET", "/v2/claims/1/more"), g.request("POST", "/v2/claims/1"), g.request("DELETE", "/v2/claims/1"),
		g.request("GET", "/v2/claims/1", func(r *http.Request) { r.Header.Del("Authorization") }),
		g.request("GET", "/v1/people?unlisted=1"), g.request("GET", "/v1/people", func(r *http.Request) { r.Header.Del("Maskgate-Purpose") }),
		g.request("GET", "/v2/claims//1"), g.request("GET", "/V2/claims/1"), g.request("GET", "/v2/claims/1%2f2"),
		g.request("GET", "/v2/claims/1", func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }),
	} {
		if got := g.do(r); got.status < 400 || got.status >= 500 {
			t.Errorf("%s %s: %d, want a refusal", r.Method, r.URL.Path, got.status)
		}
	}
	mu.Lock()
	if len(asked) != seven {
		t.Errorf("the upstream was asked %v", asked)
	}
	mu.Unlock()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}

	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
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
		"GET /v2/claims/{id} 2 map[page:1] map[invalid_json:1 response_too_large:1 upstream_status:1] 3\n"
	if names != recorded {
		t.Errorf("the recording has\n%swant\n%s", names, recorded)
	}
	proposed, _, err := runCommand(t, "rules", "discover", file)
	if err != nil || !strings.Contains(proposed, "- match: GET /v2/claims/{id}\n") {
		t.Errorf("discover: %v\n%s", err, proposed)
	}
	for what, text := range map[string][]byte{"the recording": saved, "the answers": answers, "the log": []byte(captured.String()), "the proposal": []byte(proposed)} {
		for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary)), hex.EncodeToString([]byte(canary))} {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("%s has the canary", what)
			}
		}
	}
}

// Whatever the handler behind the gateway does, the refusal is the same.
func TestRecordShapesRefusesAlike(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shapes.json")
	g := start(t, recording("", file)+"\ntest_upstream")
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
		{"an abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }},
		{"an error", func(http.ResponseWriter, *http.Request) error { return caddyhttp.Error(403, errors.New("no")) }},
		{"an upgrade", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusSwitchingProtocols)
			return nil
		}},
		{"nothing", func(http.ResponseWriter, *http.Request) error { return nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			behave(tt.do)
			got := g.get("/v2/claims/1")
			if got.status != http.StatusNotFound || !strings.Contains(string(got.body), `"reason":"no_route"`) {
				t.Errorf("%d %s, want 404 no_route", got.status, got.body)
			}
			records := g.records(got.header.Get(correlationHeader))
			if len(records) != 1 || records[0].Decision != "refused" || records[0].Reason != "no_route" {
				t.Errorf("on record: %+v, want one refusal, no_route", records)
			}
		})
	}
}

// The example's recording is in order.
func TestRecordingExample(t *testing.T) {
	text, err := os.ReadFile("../examples/recording/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	_, handlers := adapted(t, string(text))
	var h Handler
	if len(handlers) != 1 || json.Unmarshal([]byte(handlers[0]), &h) != nil || h.RecordShapes == nil || len(h.RecordShapes.Routes) != 3 {
		t.Fatalf("handlers %v, want one that records three routes", handlers)
	}
	if _, err := routesToRecord(h.RecordShapes.Routes); err != nil {
		t.Error(err)
	}
}

// A reload goes on with the recording, and many may be recorded at once.
func TestRecordShapesUnderLoad(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, person("C1", "张三丰"))
	})
	file := filepath.Join(t.TempDir(), "shapes.json")
	g := start(t, recording(up, file))
	ask := func() {
		var group sync.WaitGroup
		for range 8 {
			r := []*http.Request{g.request("GET", "/v1/people/C1"), g.request("GET", "/v2/claims/1")}
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
	g.load()
	g.await(g.addr)
	ask()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(file)
	if err != nil || strings.Count(string(saved), `"answers": 160,`) != 2 {
		t.Errorf("%v, want 160 answers of each route:\n%s", err, saved)
	}
}

func TestRecordShapesRefuses(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(`{"kind":"service"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		shapes RecordShapes
		want   string
	}{
		{"no file", RecordShapes{}, "name the file"},
		{"another file", RecordShapes{File: other}, "no recording of shapes"},
		{"a method that changes something", RecordShapes{File: filepath.Join(dir, "a"), Routes: []string{"POST /v2/claims"}}, "want GET"},
		{"a path that is none", RecordShapes{File: filepath.Join(dir, "a"), Routes: []string{"GET v2/claims"}}, "want a method in capitals"},
		{"a path twice", RecordShapes{File: filepath.Join(dir, "a"), Routes: []string{"GET /v2/{a}", "GET /v2/{b}"}}, "matches the same requests"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openRecorder(&tt.shapes, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("openRecorder = %v, %v, want %s", r, err, tt.want)
			}
		})
	}
}
