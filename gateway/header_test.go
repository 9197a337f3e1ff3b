package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// evil are headers of a caller that wants to steer more than they may.
const evil = "Range: bytes=0-1|If-Range: x|If-None-Match: x|If-Modified-Since: x|TE: trailers|" +
	"Expect: 100-continue|X-User: admin|X_User: admin|X-User-Id: admin|" +
	"X-Remote-User: admin|Forwarded: for=admin|X-Forwarded-For: 1.2.3.4|" +
	"X-Forwarded-Host: evil|X-Forwarded-Proto: https|X-Real-Ip: 1.2.3.4|Via: 1.1 evil|" +
	"Cookie: a=b|X-HTTP-Method-Override: DELETE|X-Method-Override: DELETE|" +
	"X-Original-URL: /v1/admin|X-Rewrite-URL: /v1/admin|X-Correlation-Id: mine|" +
	"Accept: text/csv|Accept-Encoding: gzip|User-Agent: evil|Referer: evil|Origin: evil|" +
	"Accept_Language: evil|Proxy-Authorization: x|Proxy-Connection: x|Keep-Alive: 1|" +
	"Trailer: X|Max-Forwards: 1|Idempotency-Key: 1|Accept-Language: zh|Tracestate: a=1|" +
	"Traceparent: 00-1|X-Tenant: t"

// TestUpstreamGets asserts the exact request that upstreams receive, whatever the caller sends.
func TestUpstreamGets(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var mu sync.Mutex
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = r.Clone(context.Background())
		got.Body = io.NopCloser(bytes.NewReader(b))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[]}`)
	})
	host := strings.TrimPrefix(up, "http://")
	for way, change := range ways {
		t.Run(way, func(t *testing.T) {
			w := start(t, up, change,
				func(w *world) { w.handler.RequestHeaders = []string{"X-Tenant"} })
			head := w.head("GET /v1/people?q=%31&page=2 HTTP/1.1", strings.Split(evil, "|")...)
			head = strings.NewReplacer(
				"Connection: close", "Connection: close, traceparent, x-tenant",
				"Host: "+w.addr, "Host: EVIL.example.:99",
			).Replace(head)
			all := w.raw(head + "\r\n")
			if statusOf(all) != 200 {
				t.Fatalf("answer %s", all)
			}
			id := regexp.MustCompile(`(?i)X-Correlation-Id: (\w+)`).FindSubmatch(all)
			want := map[string]string{
				"Accept": "application/json", "Accept-Encoding": "identity",
				"User-Agent": "maskgate", "X-Correlation-Id": string(id[1]),
				"Accept-Language": "zh", "Tracestate": "a=1",
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, headerOf(got.Header)); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if got.Host != host || got.RequestURI != "/v1/people?page=2&q=1" ||
				got.Method != "GET" || got.ContentLength != 0 {
				t.Errorf("%s %s to %s with %d bytes",
					got.Method, got.RequestURI, got.Host, got.ContentLength)
			}
		})
	}
}
