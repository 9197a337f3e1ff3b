package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func copyAll(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, r) }

// TestEachCallerTheirOwnView mixes routes and callers. Each answer is compared whole, so none can hold another's data.
func TestEachCallerTheirOwnView(t *testing.T) {
	const clients, each = 64, 200
	// The path of a customer says whose it is: a<agent>-<number>. Their name has letters for the digits.
	name := strings.NewReplacer("0", "零", "1", "一", "2", "二", "3", "三", "4", "四", "5", "五", "6", "六", "7", "七", "8", "八", "9", "九").Replace
	record := func(id string) string {
		a, _, _ := strings.Cut(id, "-")
		return fmt.Sprintf(`{"id":%q,"name":"张%s","pin":"1","agentId":%q,"pad":%q}`, id, name(id), a, strings.Repeat(id, len(id)%7*100))
	}
	g := start(t, "maskgate "+upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch id, single := strings.CutPrefix(r.URL.Path, "/v1/people/"); {
		case r.URL.Path == "/v1/public":
			fmt.Fprint(w, "[1]")
		case r.URL.Path == "/v1/lines":
			w.Header().Set("Content-Type", "application/x-ndjson")
			fmt.Fprintf(w, "%s\n%s\n", record("a1-x"), record("a2-x"))
		case !single:
			q := r.URL.Query().Get("q")
			fmt.Fprintf(w, `{"items":[%s,%s]}`, record(q), record("zz9-1"))
		case strings.HasSuffix(id, "bad"):
			fmt.Fprint(w, record(id)[1:])
		default:
			fmt.Fprint(w, record(id))
		}
	}))
	var mu sync.Mutex
	ids := map[string]string{} // caller by correlation identifier
	var all sync.WaitGroup
	for c := range clients {
		who := agent
		who.ID = fmt.Sprintf("a%d", c)
		officer := who
		officer.Roles, officer.Purposes, officer.AMR = []string{"credit-officer"}, []string{"loan-review"}, []string{"mfa"}
		agentToken, officerToken := token(t, who), token(t, officer)
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%s-%d", who.ID, i)
				masked := fmt.Sprintf(`{"id":%q,"name":"张**","agentId":%q}`, id, who.ID)
				tt := []struct {
					path, purpose, token string
					status               int
					want                 string
				}{
					{"/v1/people/" + id, "customer-service", agentToken, 200, masked},
					{"/v1/people/" + id, "loan-review", officerToken, 200, fmt.Sprintf(`{"id":%q,"name":"张%s","agentId":%q}`, id, name(id), who.ID)},
					{"/v1/people/zz9-1", "customer-service", agentToken, 403, ""},
					{"/v1/people?q=" + id, "customer-service", agentToken, 200, `{"items":[` + masked + `]}`},
					{"/v1/public", "", agentToken, 200, "[1]"},
					{"/v1/people/" + id + "bad", "customer-service", agentToken, 502, ""},
					{"/v1/none", "", agentToken, 404, ""},
				}[i%7]
				r, err := http.NewRequest("GET", "http://"+g.addr+tt.path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+tt.token)
				r.Header.Set("Maskgate-Purpose", tt.purpose)
				got, err := ask(r)
				if err != nil || got.status != tt.status || tt.want != "" && string(got.body) != tt.want || bytes.Contains(got.body, []byte("zz9")) {
					t.Errorf("GET %s: %d %v %s, want %d %s", tt.path, got.status, err, got.body, tt.status, tt.want)
					return
				}
				mu.Lock()
				ids[got.header.Get(correlationHeader)] = who.ID
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(ids) != clients*each && !t.Failed() {
		t.Errorf("%d correlation identifiers for %d requests", len(ids), clients*each)
	}
	for _, r := range g.records("") {
		if ids[r.ID] != r.Caller.ID {
			t.Fatalf("record %s is of %s, the answer was %s's", r.ID, r.Caller.ID, ids[r.ID])
		}
		delete(ids, r.ID)
	}
	if len(ids) > 0 {
		t.Errorf("%d answers are not on record", len(ids))
	}
}

// TestSlowUploads: callers that stop sending hold neither goroutines nor connections for longer than the timeout.
func TestSlowUploads(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	early := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for kind, site := range map[string]string{
		"own transport": "maskgate " + up + " {\n timeout 300ms\n}",
		"reverse_proxy": "maskgate {\n timeout 300ms\n}\nreverse_proxy " + strings.TrimPrefix(up, "http://"),
		"early answer":  "maskgate " + early + " {\n timeout 300ms\n}",
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, site)
			before := runtime.NumGoroutine()
			var all sync.WaitGroup
			for i := range 300 {
				head := g.head("POST /v1/people/C1 HTTP/1.1", []string{"Content-Length: 1000", "Transfer-Encoding: chunked"}[i%2])
				head = strings.Replace(head, "Connection: close\r\n", "", 1)
				if i%3 == 0 {
					head = strings.Replace(head, "Bearer", "None", 1) // refused before the upstream is asked
				}
				all.Go(func() {
					if answer := g.raw(head + "\r\n5\r\nhel"); statusOf(answer) == 0 || statusOf(answer) == 200 {
						t.Errorf("answer %q", answer)
					}
				})
			}
			begin := time.Now()
			all.Wait()
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("connections were held for %v", took)
			}
			eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+10 })
		})
	}
}

// TestSlowReader: a caller that does not read its answer is hung up on.
func TestSlowReader(t *testing.T) {
	const size = 32 << 20
	g := start(t, "maskgate "+upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(make([]byte, size))
	})+" {\n timeout 500ms\n max_response 64MiB\n}")
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	_, _ = io.WriteString(c, g.head("GET /v1/public HTTP/1.1")+"\r\n")
	eventually(t, "the answer is on record", func() bool { return len(g.records("")) == 1 })
	eventually(t, "the gateway gives up", func() bool {
		stacks := make([]byte, 1<<20)
		return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*exchange).serve"))
	})
	_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := io.Copy(io.Discard, c); n >= size || errors.Is(err, net.ErrClosed) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// TestCallerGoesAway: it is on record as that, and not as a fault of the upstream.
func TestCallerGoesAway(t *testing.T) {
	asked := make(chan struct{}, 1)
	for kind, site := range map[string]string{"own transport": "maskgate %s", "reverse_proxy": "maskgate\nreverse_proxy %s"} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, fmt.Sprintf(site, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			})))
			c, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, g.head("GET /v1/people/C1 HTTP/1.1")+"\r\n")
			<-asked
			c.Close()
			eventually(t, "it is on record", func() bool { return len(g.records("")) == 1 })
			if r := g.records("")[0]; r.Reason != "caller_gone" || r.Status != 499 {
				t.Errorf("record %+v", r)
			}
			if strings.Contains(captured.String(), `"level":"error"`) {
				t.Errorf("it is logged as an error: %s", captured.String())
			}
		})
	}
}
