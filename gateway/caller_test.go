package gateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/examples/demo"
)

// token makes a token for a person, which is valid for an hour.
func token(t testing.TB, p demo.Person) string {
	t.Helper()
	text, err := issuer.Token(p, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request makes a request by the agent, for customer service; edits come last.
func (w *world) request(method, path string, edits ...func(*http.Request)) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://"+w.addr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token(w.t, agent))
	r.Header.Set("Maskgate-Purpose", "customer-service")
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// client keeps connections, as callers do; it follows no redirect and decodes no body.
var client = &http.Client{
	Timeout: 20 * time.Second,
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 100, DisableCompression: true, DialContext: dial,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// fresh is a client that keeps no connection.
var fresh = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial},
}

// dial connects, and tries again where it could not: no answer was begun then.
func dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	for range 5 {
		if c, err = new(net.Dialer).DialContext(ctx, network, addr); err == nil {
			break
		}
	}
	return c, err
}

// seen is an answer, whole.
type seen struct {
	status int
	header http.Header
	body   []byte
}

func ask(r *http.Request) (seen, error) {
	resp, err := client.Do(r)
	if err != nil {
		return seen{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return seen{resp.StatusCode, resp.Header, body}, err
}

func (w *world) do(r *http.Request) seen {
	w.t.Helper()
	got, err := ask(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return got
}

func (w *world) get(path string, edits ...func(*http.Request)) seen {
	w.t.Helper()
	return w.do(w.request("GET", path, edits...))
}

// raw sends bytes and returns every byte that comes back until the connection ends, or nothing came
// for a while.
func (w *world) raw(text string) []byte {
	w.t.Helper()
	c, err := dial(w.t.Context(), "tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
	all, _ := io.ReadAll(c) // a reset is an end too
	return all
}

// statusOf is the status of the first answer in what came back; 0 if there is none.
func statusOf(all []byte) int {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// head is a request's head for raw, without the last line.
func (w *world) head(line string, more ...string) string {
	lines := append([]string{line, "Host: " + w.addr, "Authorization: Bearer " + token(w.t, agent),
		"Maskgate-Purpose: customer-service", "Connection: close"}, more...)
	return strings.Join(lines, "\r\n") + "\r\n"
}

// headerOf returns a header's names and values, but for those that differ from run to run.
func headerOf(h http.Header, without ...string) map[string]string {
	flat := map[string]string{}
	for name, v := range maps.All(h) {
		flat[name] = strings.Join(v, " | ")
	}
	for _, name := range without {
		delete(flat, name)
	}
	return flat
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// as has the request made by the agent with something about them changed.
func as(t testing.TB, change func(*demo.Person)) func(*http.Request) {
	p := agent
	change(&p)
	return header("Authorization", "Bearer "+token(t, p))
}
