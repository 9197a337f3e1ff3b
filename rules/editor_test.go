package rules_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// editor is a client of yaml-language-server, as editors are (Language Server Protocol 3.17).
type editor struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	next int
}

// startEditor starts the server; the test is skipped where it is not installed.
func startEditor(t *testing.T) *editor {
	t.Helper()
	path, err := filepath.Abs("../tools/editor/node_modules/.bin/yaml-language-server")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("yaml-language-server"); err != nil {
			const how = "yaml-language-server is not here; install it with tools/install-editor " +
				"(Node.js and npm)"
			if os.Getenv("CI") != "" {
				t.Fatal(how)
			}
			t.Skip(how)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, "--stdio")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() }) // the test's context has killed it
	e := &editor{t: t, in: in, out: bufio.NewReader(out)}
	e.ask("initialize", map[string]any{"processId": os.Getpid(), "rootUri": nil,
		"capabilities": map[string]any{
			"textDocument": map[string]any{"hover": map[string]any{
				"contentFormat": []string{"plaintext"}}, "completion": map[string]any{}},
		}})
	e.tell("initialized", map[string]any{})
	return e
}

func (e *editor) send(message map[string]any) {
	e.t.Helper()
	message["jsonrpc"] = "2.0"
	body, err := json.Marshal(message)
	if err == nil {
		_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	if err != nil {
		e.t.Fatalf("asking yaml-language-server: %v", err)
	}
}

func (e *editor) tell(method string, params any) {
	e.send(map[string]any{"method": method, "params": params})
}

// message is what the server sends.
type message struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

// until reads messages up to one that is wanted, and answers the server's own questions.
func (e *editor) until(wanted func(message) bool) message {
	e.t.Helper()
	for {
		header, err := textproto.NewReader(e.out).ReadMIMEHeader()
		if err != nil {
			e.t.Fatalf("reading from yaml-language-server: %v", err)
		}
		n, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			e.t.Fatal(err)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(e.out, body); err != nil {
			e.t.Fatal(err)
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			e.t.Fatal(err)
		}
		switch {
		case m.Method != "" && m.ID != nil: // workspace/configuration and the like
			e.send(map[string]any{"id": m.ID, "result": []any{}})
		case wanted(m):
			return m
		}
	}
}

func (e *editor) ask(method string, params any) json.RawMessage {
	e.t.Helper()
	e.next++
	id := strconv.Itoa(e.next)
	e.send(map[string]any{"id": e.next, "method": method, "params": params})
	m := e.until(func(m message) bool { return m.Method == "" && string(m.ID) == id })
	if m.Error != nil {
		e.t.Fatalf("%s: %s", method, m.Error)
	}
	return m.Result
}

// open opens a text under a name, and returns what the server reports about it.
func (e *editor) open(name, text string) []string {
	e.t.Helper()
	schema, err := filepath.Abs("../rules.schema.json")
	if err != nil {
		e.t.Fatal(err)
	}
	uri := "file:///" + name
	text = strings.ReplaceAll(text, "# yaml-language-server:", "#")
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": uri, "languageId": "yaml", "version": 1,
		"text": "# yaml-language-server: $schema=file://" + schema + "\n" + text,
	}})
	var published struct {
		URI         string
		Diagnostics []struct{ Message string }
	}
	e.until(func(m message) bool {
		return m.Method == "textDocument/publishDiagnostics" &&
			json.Unmarshal(m.Params, &published) == nil && published.URI == uri
	})
	var list []string
	for _, d := range published.Diagnostics {
		list = append(list, d.Message)
	}
	return list
}

func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// position is a place in an open text as the protocol counts, from 0. It counts the line that open
// puts in front, which names the schema.
func position(name string, line, character int) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": "file:///" + name},
		"position": map[string]any{"line": line + 1, "character": character}}
}

// With the published schema, editors take good files, refuse what a schema can, complete keys and
// words, and explain keys.
func TestEditor(t *testing.T) {
	e := startEditor(t)
	schema := compileSchema(t)
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, path := range goodFiles(t) {
		if faults := e.open(strings.ReplaceAll(path, "/", "_"), read(path)); len(faults) > 0 {
			t.Errorf("%s: %q, want nothing", path, faults)
		}
	}
	bad, _ := filepath.Glob("testdata/*.bad.yaml")
	for _, path := range bad {
		if fault, _ := validate(t, schema, path); fault == nil {
			continue
		}
		if faults := e.open(filepath.Base(path), read(path)); len(faults) == 0 &&
			len(strings.TrimSpace(withoutComments(read(path)))) > 0 {
			t.Errorf("%s: nothing, want a fault", path)
		}
	}

	const service = "kind: service\nname: s\nowner: o\nroutes:\n  - match: GET /a\n    fields:\n" +
		"      $.a: \n    un\n"
	const policy = "kind: policy\nname: p\nroles:\n  agent:\n    purposes: [care]\n" +
		"    treat: {C2: ma}\n    req\n"
	e.open("service.yaml", service)
	e.open("policy.yaml", policy)
	for _, test := range []struct {
		name, file      string
		line, character int
		want            string
	}{
		{"a key of a route", "service.yaml", 7, 6, "unlisted"},
		{"a type", "service.yaml", 6, 11, "cn_id_card"},
		{"a key of a role", "policy.yaml", 6, 7, "require"},
		{"a treatment", "policy.yaml", 5, 18, "mask"},
	} {
		var list struct{ Items []struct{ Label string } }
		result := e.ask("textDocument/completion", position(test.file, test.line, test.character))
		if err := json.Unmarshal(result, &list); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, item := range list.Items {
			found = found || item.Label == test.want
		}
		if !found {
			t.Errorf("%s: completion has %v, want %s", test.name, list.Items, test.want)
		}
	}
	for _, test := range []struct {
		file string
		line int
		want string
	}{
		{"policy.yaml", 4, "The purposes that the role serves."},
		{"service.yaml", 4, "Method and path"},
	} {
		// Markdown puts backslashes before punctuation.
		hover := strings.ReplaceAll(
			string(e.ask("textDocument/hover", position(test.file, test.line, 6))), `\\`, "")
		if !strings.Contains(hover, test.want) {
			t.Errorf("hover over line %d of %s: %s, want %s", test.line+1, test.file, hover,
				test.want)
		}
	}
}
