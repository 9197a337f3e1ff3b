package gateway

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"
)

// ways are the ways in which a data service may be asked, each a change of a world.
var ways = map[string]func(*world){
	"own transport": func(*world) {},
	"guarded":       func(w *world) { w.upstream, w.idle = proxied(w.t, w.handler.Name) },
}

// proxied asks the data service at an address by a reverse proxy behind the guard. idle closes its
// connections that are idle.
func proxied(t testing.TB, address string) (up Upstream, idle func()) {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	return Guarded(func(w http.ResponseWriter, r *http.Request) (failed error) {
		proxy := httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = to.Scheme, to.Host, ""
			},
			Transport:    transport,
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
			ErrorLog:     log.New(io.Discard, "", 0), // it quotes the answer
		}
		proxy.ServeHTTP(w, r)
		return failed
	}), transport.CloseIdleConnections
}

// person is a JSON answer about a customer of the agent.
func person(id, name string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"pin":"1234","agentId":%q,"other":"unlisted"}`,
		id, name, agent.ID)
}

// upstreamOf serves a handler over HTTP.
func upstreamOf(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s.URL
}

// script is an upstream that reads a request's head, answers with these bytes and ends the
// connection.
func script(t testing.TB, answer string) string { return scriptThen(t, answer, func(net.Conn) {}) }

func scriptThen(t testing.TB, answer string, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, answer)
					then(c)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
