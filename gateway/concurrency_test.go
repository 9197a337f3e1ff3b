package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestEachCallerTheirOwnView mixes routes and callers. Each answer is compared whole, so none can
// hold another's data.
func TestEachCallerTheirOwnView(t *testing.T) {
	t.Parallel()
	const clients = 64
	each := 50
	if os.Getenv("MASKGATE_LONG") == "1" {
		each = 200
	}
	// The path of a customer says whose it is: a<agent>-<number>. Their name has letters for the
	// digits.
	name := strings.NewReplacer("0", "零", "1", "一", "2", "二", "3", "三", "4", "四",
		"5", "五", "6", "六", "7", "七", "8", "八", "9", "九").Replace
	record := func(id string) string {
		a, _, _ := strings.Cut(id, "-")
		return fmt.Sprintf(`{"id":%q,"name":"张%s","pin":"1","agentId":%q,"pad":%q}`, id, name(id),
			a, strings.Repeat(id, len(id)%7*100))
	}
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
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
		officer.Roles, officer.Purposes = []string{"credit-officer"}, []string{"loan-review"}
		officer.AMR = []string{"mfa"}
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
					{"/v1/people/" + id, "loan-review", officerToken, 200,
						fmt.Sprintf(`{"id":%q,"name":"张%s","agentId":%q}`, id, name(id), who.ID)},
					{"/v1/people/zz9-1", "customer-service", agentToken, 403, ""},
					{"/v1/people?q=" + id, "customer-service", agentToken, 200,
						`{"items":[` + masked + `]}`},
					{"/v1/public", "", agentToken, 200, "[1]"},
					{"/v1/people/" + id + "bad", "customer-service", agentToken, 502, ""},
					{"/v1/none", "", agentToken, 404, ""},
				}[i%7]
				r, err := http.NewRequest("GET", "http://"+w.addr+tt.path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+tt.token)
				r.Header.Set("Maskgate-Purpose", tt.purpose)
				got, err := ask(r)
				if err != nil || got.status != tt.status ||
					tt.want != "" && string(got.body) != tt.want ||
					bytes.Contains(got.body, []byte("zz9")) {
					t.Errorf("GET %s: %d %v %s, want %d %s", tt.path, got.status, err, got.body,
						tt.status, tt.want)
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
	for _, r := range w.records("") {
		if ids[r.ID] != r.Caller.ID {
			t.Fatalf("record %s is of %s, the answer was %s's", r.ID, r.Caller.ID, ids[r.ID])
		}
		delete(ids, r.ID)
	}
	if len(ids) > 0 {
		t.Errorf("%d answers are not on record", len(ids))
	}
}

// TestSlowUploads: callers that stop sending hold neither goroutines nor connections for longer
// than the timeout.
func TestSlowUploads(t *testing.T) {
	t.Parallel()
	whole := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}
	early := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }
	for _, tt := range []struct {
		name     string
		way      string
		upstream http.HandlerFunc
	}{
		{"own transport", "own transport", whole},
		{"guarded", "guarded", whole},
		{"early answer", "own transport", early},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32 // connections of the data service that are open
			up := httptest.NewUnstartedServer(tt.upstream)
			up.Config.ConnState, up.Config.ErrorLog = counted(&asked), log.New(io.Discard, "", 0)
			up.Start()
			t.Cleanup(up.Close)
			w := start(t, up.URL, ways[tt.way],
				func(w *world) { w.handler.Timeout = 300 * time.Millisecond })
			var all sync.WaitGroup
			for i := range 300 {
				head := w.head("POST /v1/people/C1 HTTP/1.1",
					[]string{"Content-Length: 1000", "Transfer-Encoding: chunked"}[i%2])
				head = strings.Replace(head, "Connection: close\r\n", "", 1)
				if i%3 == 0 {
					// It is refused before the upstream is asked.
					head = strings.Replace(head, "Bearer", "None", 1)
				}
				all.Go(func() {
					answer := w.raw(head + "\r\n5\r\nhel")
					if status := statusOf(answer); status == 0 || status == 200 {
						t.Errorf("answer %q", answer)
					}
				})
			}
			begin := time.Now()
			all.Wait()
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("connections were held for %v", took)
			}
			eventually(t, "requests and connections end", func() bool {
				w.idle() // one that was dialled for a request that ended first becomes idle late
				return w.serving.Load() == 0 && w.open.Load() == 0 && asked.Load() == 0
			})
		})
	}
}

// TestSlowReader: a caller that does not read its answer is hung up on.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const size = 2 << 20
	w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(make([]byte, size))
	}), func(w *world) {
		// The timeout is the data service's too, which must make it on a busy machine.
		w.handler.Timeout, w.handler.MaxResponse, w.narrow = 4*time.Second, 64<<20, true
	})
	c := w.reluctant("GET /v1/public HTTP/1.1")
	eventually(t, "the answer is on record", func() bool { return len(w.records("")) == 1 })
	if r := w.records("")[0]; r.Decision != "released" {
		t.Fatalf("record %+v, want a release", r)
	}
	eventually(t, "the gateway gives up", func() bool { return w.serving.Load() == 0 })
	_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := io.Copy(io.Discard, c); n >= size || errors.Is(err, net.ErrClosed) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// TestSlowReaderOfStream: a caller that stops reading a stream is hung up on, and the data service
// is let go.
func TestSlowReaderOfStream(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	w := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(letGo)
		w.Header().Set("Content-Type", "application/x-ndjson")
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprintln(w, nth(i, "张三丰"))
		}
	}, testPolicy, func(w *world) { w.handler.Timeout, w.narrow = 2*time.Second, true })
	w.reluctant("GET /v1/lines HTTP/1.1")
	eventually(t, "a window is on record", func() bool { return len(w.records("")) > 0 })
	eventually(t, "the gateway gives up", func() bool { return w.serving.Load() == 0 })
	records := w.records("")
	last := records[len(records)-1]
	if last.Decision != "refused" || last.Reason != "caller_gone" || last.Part != len(records) {
		t.Errorf("the last of %d records is %+v, want a refusal for caller_gone", len(records),
			last)
	}
	eventually(t, "the data service is let go", func() bool { return ended(letGo) })
}

// reluctant sends a request and reads nothing.
func (w *world) reluctant(line string) net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	if _, err := io.WriteString(c, w.head(line)+"\r\n"); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// TestCallerGoesAway: it is on record as that, and not as a fault of the upstream.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	for way, change := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 1)
			w := start(t, upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			}), change)
			c, err := net.Dial("tcp", w.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, w.head("GET /v1/people/C1 HTTP/1.1")+"\r\n")
			<-asked
			c.Close()
			eventually(t, "it is on record", func() bool { return len(w.records("")) == 1 })
			if r := w.records("")[0]; r.Reason != "caller_gone" || r.Status != 499 {
				t.Errorf("record %+v", r)
			}
			if strings.Contains(w.logged(), `"level":"error"`) {
				t.Errorf("it is logged as an error: %s", w.logged())
			}
		})
	}
}
