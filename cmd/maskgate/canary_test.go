package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
)

// planter is the demo service with a canary in the place of every scalar, and in headers, trailers
// and an early hint.
type planter struct {
	service http.Handler
	numbers bool // plant numbers rather than strings
	random  *rand.Rand

	mu       sync.Mutex
	canaries map[string]string // path by canary, of the last response; guarded by mu
}

// kept are the values that rules read: without them nobody is admitted to anything.
var kept = []string{"customerId", "agentId"}

func (p *planter) canary(path string) string {
	const letters = "ghijkmnpqrstuvwxyzGHJKLMNPQRSTUVWXYZ"
	b := make([]byte, 16)
	for i := range b {
		b[i] = letters[p.random.IntN(len(letters))]
	}
	if p.numbers {
		for i := range b {
			b[i] = "123456789"[p.random.IntN(9)]
		}
	}
	p.canaries[string(b)] = path
	return string(b)
}

func (p *planter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.canaries)
	recorded := httptest.NewRecorder()
	p.service.ServeHTTP(recorded, r)
	w.Header().Set("Link", "</"+p.canary("early hint")+">")
	w.WriteHeader(http.StatusEarlyHints)
	h := w.Header()
	h.Set("Content-Type", recorded.Header().Get("Content-Type"))
	for _, name := range []string{"Link", "X-Customer", "Set-Cookie", "Location", "Etag",
		"Content-Disposition", "Server-Timing"} {
		h.Set(name, p.canary("header "+name))
	}
	h.Set("Trailer", "X-Sum")
	w.WriteHeader(recorded.Code)
	for i, line := range bytes.SplitAfter(recorded.Body.Bytes(), []byte("\n")) {
		if len(bytes.TrimSpace(line)) > 0 {
			line = append(p.plant(line, fmt.Sprintf("line%d", i), ""), '\n')
		}
		_, _ = w.Write(line)
	}
	h.Set("X-Sum", p.canary("trailer"))
	h.Set(http.TrailerPrefix+"X-More", p.canary("unannounced trailer"))
}

// plant replaces the scalars of a document, except those that rules read. within is put in front of
// their paths.
func (p *planter) plant(document []byte, line, within string) []byte {
	tokens, err := tokenise(document)
	if err != nil {
		panic(err)
	}
	var out []byte
	for _, t := range tokens {
		agent := agentOf(tokens, t.path)
		out = append(out, t.gap...)
		var text string
		// JSON may stand in a string.
		if json.Unmarshal([]byte(t.raw), &text) == nil && strings.HasPrefix(text, "{") {
			quoted, err := json.Marshal(string(p.plant([]byte(text), line+agent, t.path+".")))
			if err != nil {
				panic(err)
			}
			out = append(out, quoted...)
			continue
		}
		name := t.path[strings.LastIndexAny(t.path, ".")+1:]
		isKept := false
		for _, k := range kept {
			isKept = isKept || name == k
		}
		switch {
		case t.role != "value" || isKept:
			out = append(out, t.raw...)
		case p.numbers:
			out = append(out, p.canary(line+agent+"/"+within+t.path)...)
		default:
			out = append(out, '"')
			out = append(out, p.canary(line+agent+"/"+within+t.path)...)
			out = append(out, '"')
		}
	}
	return out
}

// agentOf names the agent of the list item, or else of the document, that a path lies in:
// @agent-07, or nothing.
func agentOf(tokens []token, path string) string {
	agent := "agentId"
	if item, _, ok := strings.Cut(path, "]."); ok && strings.HasPrefix(item, "data.items[") {
		agent = item + "]." + agent
	}
	for _, t := range tokens {
		if t.role == "value" && t.path == agent {
			return "@" + strings.Trim(t.raw, `"`)
		}
	}
	return ""
}

// disguises are the ways in which a canary might be written. It has no character that JSON or URLs
// would escape by need.
func disguises(canary string) []string {
	list := []string{canary, hex.EncodeToString([]byte(canary)),
		strings.ToUpper(hex.EncodeToString([]byte(canary)))}
	var unicode, percent strings.Builder
	for _, c := range []byte(canary) {
		fmt.Fprintf(&unicode, `\u%04x`, c)
		fmt.Fprintf(&percent, `%%%02x`, c)
	}
	list = append(list, unicode.String(), percent.String(), strings.ToUpper(percent.String()))
	for shift := range 3 { // base64 of any text that holds it
		text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), canary...))
		list = append(list, text[4:len(text)-4])
	}
	return list
}

func shows(haystack []byte, canary string) bool {
	for _, d := range disguises(canary) {
		if bytes.Contains(haystack, []byte(d)) {
			return true
		}
	}
	return false
}

// TestNoCanaryEscapes plants a canary in every value of every endpoint, and looks for it in all
// that leaves the gateway, for every caller, and in all that it keeps: logs, metrics, access
// records, temporary files.
func TestNoCanaryEscapes(t *testing.T) {
	for _, numbers := range []bool{false, true} {
		t.Run(fmt.Sprintf("numbers=%v", numbers), func(t *testing.T) {
			p := &planter{
				service: demo.New(demo.DefaultSeed, demo.DefaultCustomers).Handler(),
				numbers: numbers, random: rand.New(rand.NewPCG(1, 2)),
				canaries: map[string]string{},
			}
			upstream := httptest.NewServer(p)
			defer upstream.Close()
			g := newProcess(t, upstream.URL)
			g.start()
			planted := map[string]string{}
			for _, e := range endpoints(t) {
				for caller, person := range demo.People {
					purpose := person.Purposes[0]
					all := g.raw(e.path, g.token(person), purpose)
					want := fmt.Sprintf("HTTP/1.1 %d ", e.status[caller])
					if !bytes.HasPrefix(all, []byte(want)) {
						t.Errorf("%s as %s: have %.40q, want %s", e.name, person.Short, all, want)
					}
					p.mu.Lock()
					for canary, path := range p.canaries {
						planted[canary] = e.name + " " + path
						_, field, inBody := strings.Cut(path, "/")
						mayShow := inBody && e.status[caller] == 200 &&
							(e.public || caller < 2 && e.treatment(field, caller) == clear_)
						inRecord := e.name == "export" || strings.HasPrefix(field, "data.items")
						if e.mixed && caller == 0 && inRecord {
							mayShow = mayShow && strings.Contains(path, "@agent-07")
						}
						if shown := shows(all, canary); shown && !mayShow {
							t.Errorf("%s as %s: the canary of %s escaped", e.name, person.Short,
								path)
						} else if !shown && mayShow {
							t.Errorf("%s as %s: %s is not shown", e.name, person.Short, path)
						}
					}
					p.mu.Unlock()
				}
			}
			t.Logf("%d canaries planted", len(planted))
			if len(planted) < 1000 {
				t.Errorf("only %d canaries were planted", len(planted))
			}
			keeps := map[string][]byte{"metrics": scrape(t, g),
				"standard error": []byte(g.stderr.String())}
			g.stop()
			keeps["standard error at the end"] = []byte(g.stderr.String())
			for _, dir := range []string{g.data, g.temp} {
				addFiles(t, keeps, dir)
			}
			if len(keeps["audit"]) == 0 {
				t.Error("no access log was looked at")
			}
			for place, content := range keeps {
				for canary, path := range planted {
					if shows(content, canary) {
						t.Errorf("%s keeps the canary of %s", place, path)
					}
				}
			}
		})
	}
}

func scrape(t *testing.T, g *process) []byte {
	t.Helper()
	resp, err := http.Get("http://127.0.0.1:" + g.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(text, []byte("maskgate_requests_total")) {
		t.Fatalf("metrics: %v", err)
	}
	return text
}

// addFiles adds the content of all files below dir, by the name of their directory.
func addFiles(t *testing.T, to map[string][]byte, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		name := filepath.Base(filepath.Dir(path))
		to[name] = append(to[name], content...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// token is one token of a JSON text: a name, a value or a bracket.
type token struct {
	path string // accounts[0].cardNo
	role string // name, value, open, close
	gap  string // white space, commas and colons in front of it
	raw  string
}

func (t token) key() string { return t.role + " " + t.path }

// tokenise takes a JSON text apart with encoding/json, losing no byte but what follows the last
// token.
func tokenise(text []byte) ([]token, error) {
	var list []token
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	end := 0
	next := func(path, role string) (json.Token, error) {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		region := string(text[end:d.InputOffset()])
		end = int(d.InputOffset())
		raw := strings.TrimLeft(region, " \t\r\n,:")
		list = append(list, token{path, role, region[:len(region)-len(raw)], raw})
		return t, nil
	}
	var value func(path string) error
	value = func(path string) error {
		t, err := next(path, "value")
		if err != nil {
			return err
		}
		closing := "close"
		switch t {
		case json.Delim('{'):
			list[len(list)-1].role = "open"
			for d.More() {
				i := len(list)
				name, err := next("", "name")
				if err != nil {
					return err
				}
				inner := strings.TrimPrefix(fmt.Sprintf("%s.%s", path, name), ".")
				list[i].path = inner
				if err := value(inner); err != nil {
					return err
				}
			}
			_, err = next(path, closing)
		case json.Delim('['):
			list[len(list)-1].role = "open"
			for i := 0; d.More(); i++ {
				if err := value(fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
			_, err = next(path, closing)
		}
		return err
	}
	return list, value("")
}
