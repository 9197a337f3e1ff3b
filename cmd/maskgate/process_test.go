package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/maskgate/maskgate/examples/demo"
)

// process is a maskgate that runs the default Caddyfile as an operator would, in a process of its
// own.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	port    string
	metrics string
	data    string
	temp    string // its TMPDIR
	stderr  syncBuffer
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newProcess prepares a gateway in front of an upstream, with a new data directory.
func newProcess(t *testing.T, upstream string) *process {
	t.Helper()
	p := &process{t: t, data: filepath.Join(t.TempDir(), "data"), temp: t.TempDir()}
	if _, err := demo.OpenIssuer(filepath.Join(p.data, "issuer")); err != nil {
		t.Fatal(err)
	}
	for _, port := range []*string{&p.port, &p.metrics} {
		var err error
		if *port, err = freePort(); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MASKGATE_UPSTREAM", upstream)
	t.Setenv("MASKGATE_DATA", p.data)
	t.Setenv("MASKGATE_KEYS", filepath.Join(p.data, "issuer", demo.JWKSFile))
	t.Setenv("MASKGATE_RULES", filepath.Join(root, "examples", "customer"))
	t.Setenv("MASKGATE_PORT", p.port)
	t.Setenv("MASKGATE_METRICS_PORT", p.metrics)
	t.Setenv("TMPDIR", p.temp)
	t.Setenv("HOME", p.temp)
	t.Cleanup(p.kill)
	return p
}

// start starts the gateway and waits until it answers for itself.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command("maskgate", "run", "--config", filepath.Join("..", "..", "Caddyfile"))
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := http.Get("http://127.0.0.1:" + p.port + "/")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusUnauthorized {
				return
			}
		}
		time.Sleep(5 * time.Millisecond) // polls another process
	}
	p.t.Fatalf("the gateway did not start:\n%s", p.stderr.String())
}

func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("stopping the gateway: %v\n%s", err, p.stderr.String())
	}
	p.cmd = nil
}

func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()         // it was killed
		p.cmd = nil
	}
}

// token mints a token for one of the demo's people, by index.
func (p *process) token(person demo.Person) string {
	p.t.Helper()
	issuer, err := demo.OpenIssuer(filepath.Join(p.data, "issuer"))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := issuer.Token(person, time.Hour, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// raw sends one request and returns every byte that came back.
func (p *process) raw(path, token, purpose string) []byte {
	p.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+p.port)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"+
			"Authorization: Bearer %s\r\nMaskgate-Purpose: %s\r\n\r\n", path, token, purpose)
	if err != nil {
		p.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

// get sends one request and returns status and body.
func (p *process) get(path, token, purpose string) (int, []byte) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+p.port+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Maskgate-Purpose", purpose)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, body
}
