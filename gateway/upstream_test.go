package gateway

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestServiceRetires shows that a service that is retired keeps no connection, neither one that was
// idle nor one that was in use.
func TestServiceRetires(t *testing.T) {
	t.Parallel()
	var open atomic.Int32
	asked, goOn := make(chan struct{}, 1), make(chan struct{})
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			asked <- struct{}{}
			<-goOn
		}
		w.WriteHeader(http.StatusNoContent)
	}
	up := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	up.Config.ConnState, up.Config.ErrorLog = counted(&open), log.New(io.Discard, "", 0)
	up.Start()
	defer up.Close()
	s, err := NewService(up.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) {
		r := httptest.NewRequest("GET", path, nil)
		if _, err := s.Ask(r, new(bytes.Buffer), 100); err != nil {
			t.Errorf("asking for %s: %v", path, err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask("/slow")
	}()
	<-asked
	ask("/idle")
	if n := open.Load(); n != 2 {
		t.Fatalf("%d connections are open, want one in use and one idle", n)
	}
	s.Retire()
	eventually(t, "the idle connection is closed", func() bool { return open.Load() == 1 })
	ask("/late") // a request that came before the reload may ask after it
	close(goOn)
	<-done
	eventually(t, "all connections are closed", func() bool { return open.Load() == 0 })
}
