package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/examples/demo"
)

// TestKillUnderLoad kills the gateway under load, again and again, and then looks for the record of
// every response of which a client saw a body byte. MASKGATE_KILLS says how often; CI kills 100
// times.
func TestKillUnderLoad(t *testing.T) {
	kills := 5
	if text := os.Getenv("MASKGATE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	upstream := httptest.NewServer(demo.New(demo.DefaultSeed, demo.DefaultCustomers).Handler())
	defer upstream.Close()
	g := newProcess(t, upstream.URL)
	officer, _ := demo.Find("credit-officer")
	token := g.token(officer)
	seen := map[string]bool{}
	torn := 0
	for range kills {
		g.start()
		saw := make(chan string, 1024)
		var clients sync.WaitGroup
		stop := make(chan struct{})
		for range 16 {
			clients.Go(func() { ask(g.port, token, saw, stop) })
		}
		for range 100 { // under load, until so many answers have been seen
			seen[<-saw] = true
		}
		g.kill()
		close(stop)
		go func() { clients.Wait(); close(saw) }()
		for id := range saw {
			seen[id] = true
		}
	}
	g.start()
	g.stop()
	log, err := command.OpenAccessLog(g.data)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := log.Verify()
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	for e, err := range log.Search(audit.Query{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		if start := e.Record.Start; start != nil && start.RecoveredBytes > 0 {
			torn++
		}
		if access := e.Record.Access; access != nil {
			recorded[access.ID] = access.Decision == audit.Released
		}
	}
	missing := 0
	for id := range seen {
		if !recorded[id] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d responses that a client saw are not on record", missing, len(seen))
	}
	t.Logf("%d kills, %d of which tore a write; %d responses seen, %d on record of %d records, "+
		"all verified", kills, torn, len(seen), len(seen)-missing, summary.Records)
}

// ask asks for the tour's customer until the gateway is gone, and says of which responses it saw a
// body byte.
func ask(port, token string, saw chan<- string, stop <-chan struct{}) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	for {
		select {
		case <-stop:
			return
		default:
		}
		req, err := http.NewRequest(http.MethodGet,
			"http://127.0.0.1:"+port+"/v1/customers/"+demo.TourCustomerID, nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Maskgate-Purpose", "loan-review")
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		if _, err := bufio.NewReaderSize(resp.Body, 16).ReadByte(); err == nil {
			saw <- resp.Header.Get("X-Correlation-Id")
		}
		_, _ = io.Copy(io.Discard, resp.Body) // it may be cut short
		resp.Body.Close()
	}
}
