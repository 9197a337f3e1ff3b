package gatewaytest

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
)

// Client keeps connections, as callers do; it follows no redirect and decodes no body.
var Client = &http.Client{
	Timeout: 20 * time.Second,
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 100, DisableCompression: true, DialContext: dial,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Fresh is a client that keeps no connection.
var Fresh = &http.Client{
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

// Request makes a request with a bearer token, for customer service, to a gateway at an address:
// host and port. The edits come last.
func Request(
	t testing.TB, method, addr, path, token string, edits ...func(*http.Request),
) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Maskgate-Purpose", "customer-service")
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// Header returns an edit of a request that gives a header these values, and no others.
func Header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// Seen is what a caller got, whole.
type Seen struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask sends a request by [Client]. With an error, Seen holds what came before it.
func Ask(r *http.Request) (Seen, error) {
	resp, err := Client.Do(r)
	if err != nil {
		return Seen{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return Seen{resp.StatusCode, resp.Header, body}, err
}

// Head is the head of a request as it is sent, for customer service and with a bearer token, but
// for the empty line at its end. It begins with the request line, and ends with the header lines.
func Head(requestLine, addr, token string, headerLines ...string) string {
	lines := append([]string{
		requestLine,
		"Host: " + addr,
		"Authorization: Bearer " + token,
		"Maskgate-Purpose: customer-service",
		"Connection: close",
	}, headerLines...)
	return strings.Join(lines, "\r\n") + "\r\n"
}

// Raw sends bytes to an address, and returns every byte that comes back until the connection ends,
// or 10 s have passed.
func Raw(t testing.TB, addr, text string) []byte {
	t.Helper()
	c, err := dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a reset is an end too
	return answer
}

// StatusOf returns the status of the first answer in the bytes that [Raw] returned; 0 if they hold
// none.
func StatusOf(answer []byte) int {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// FlatHeader returns a header's names, each with its values in one text, without the names that
// differ from run to run.
func FlatHeader(h http.Header, without ...string) map[string]string {
	flat := map[string]string{}
	for name, v := range maps.All(h) {
		flat[name] = strings.Join(v, " | ")
	}
	for _, name := range without {
		delete(flat, name)
	}
	return flat
}
