package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/discover"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

// RecordShapes keeps what answers look like: for each route the names of members, with counts of what detectors said of their values.
// No value is kept, nor a name that looks like one. The answers are decided as ever, and up to 1,000 of each route are looked at, if they
// fit the buffer.
//
// A service that has no rules yet can be recorded too: a request for one of Routes that no rule file has is refused as ever (404), but
// the data service is asked first, and its answer recorded.
type RecordShapes struct {
	// File is where the recording is saved, every ten seconds and at the end. A recording that is there goes on. Required.
	File string `json:"file,omitempty"`

	// Routes are routes that no rule file has, as rule files write them: GET /v2/claims/{id}. Only GET.
	Routes []string `json:"routes,omitempty"`
}

// saveEvery is how much of a recording a crash can cost.
const saveEvery = 10 * time.Second

// recorder is one handler's part in a recording, which handlers and configurations share.
type recorder struct {
	*sharedRecording
	key    string
	routes *rules.Set // without rules; nil if there are none
}

// openRecorder opens the recording. It writes nothing, so that a configuration can be validated beside a running gateway.
func openRecorder(c *RecordShapes, logger *zap.Logger) (*recorder, error) {
	if c.File == "" {
		return nil, errors.New("record_shapes: name the file")
	}
	path, err := filepath.Abs(c.File)
	if err != nil {
		return nil, err
	}
	r := &recorder{key: "recording\x00" + path}
	if len(c.Routes) > 0 {
		if r.routes, err = routesToRecord(c.Routes); err != nil {
			return nil, err
		}
	}
	value, _, err := pool.LoadOrNew(r.key, func() (caddy.Destructor, error) {
		recording, err := discover.Open(path)
		if err != nil {
			return nil, fmt.Errorf("record_shapes: %w", err)
		}
		s := &sharedRecording{Recording: recording, path: path, logger: logger, stop: make(chan struct{}), stopped: make(chan struct{})}
		go s.keepSaving()
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	r.sharedRecording = value.(*sharedRecording)
	return r, nil
}

// routesToRecord reads routes as a service file would.
func routesToRecord(matches []string) (*rules.Set, error) {
	type route struct {
		Match      string            `json:"match"`
		MediaTypes []string          `json:"media_types"`
		Fields     map[string]string `json:"fields"`
	}
	var routes []route
	for _, m := range matches {
		if !strings.HasPrefix(m, "GET ") {
			return nil, fmt.Errorf("record_shapes: route %s: want GET, which asks for no change (RFC 9110 section 9.2.1)", m)
		}
		routes = append(routes, route{m, []string{"application/json", "application/x-ndjson", "application/json-seq"}, map[string]string{}})
	}
	file, err := json.Marshal(map[string]any{"kind": "service", "name": "recording", "owner": "gateway", "routes": routes}) // YAML takes it
	if err != nil {
		return nil, err
	}
	set, err := rules.Load([]rules.File{{Name: "record_shapes", Data: file}}, nil)
	if err != nil {
		return nil, fmt.Errorf("record_shapes: the routes are not in order:\n%w", err)
	}
	return set, nil
}

func (r *recorder) close() error {
	_, err := pool.Delete(r.key)
	return err
}

// sharedRecording is a recording and the goroutine that saves it.
type sharedRecording struct {
	*discover.Recording
	path          string
	logger        *zap.Logger
	stop, stopped chan struct{}
}

func (s *sharedRecording) keepSaving() {
	defer close(s.stopped)
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			if err := s.Save(s.path); err != nil {
				s.logger.Error("record_shapes", zap.Error(err))
			}
		}
	}
}

// Destruct saves what is left, once no configuration uses the recording.
func (s *sharedRecording) Destruct() error {
	close(s.stop)
	<-s.stopped
	return s.Save(s.path)
}

// recordShape records the buffered answer of a route that was asked with the query.
func (x *exchange) recordShape(route *rules.Route, mediaType, query string) {
	if x.handler.recorder == nil || x.handler.recorder.Full(route.Match) {
		return
	}
	var names []string
	if values, err := url.ParseQuery(query); err == nil {
		for name := range values {
			names = append(names, name)
		}
	}
	documents, err := discover.Documents(mediaType, x.buffers.upstream.Bytes())
	if err != nil {
		x.handler.recorder.Skip(route.Match, string(reasonMediaType))
		return
	}
	if err := x.handler.recorder.Add(route.Match, mediaType, names, documents); err != nil {
		x.handler.recorder.Skip(route.Match, string(refusalOf(err).reason))
	}
}

// watch records the answer to a request that was refused because no rule file has its route, if it is one to record. It returns nothing:
// whatever comes of it, the request is refused, and the refusal says the same.
func (x *exchange) watch(why error) {
	var refused *refusal
	rec, r := x.handler.recorder, x.request
	if rec == nil || rec.routes == nil || !errors.As(why, &refused) || refused.reason != reasonNoRoute || r.ContentLength != 0 {
		return
	}
	path, err := targetPath(r)
	if err != nil {
		return
	}
	watched, err := route(rec.routes, r.Method, r.Host, path)
	if err != nil || rec.Full(watched.Match) {
		return
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		return
	}
	defer func() {
		if recover() != nil { // a handler's, or ours: it must not become another refusal
			rec.Skip(watched.Match, string(reasonPanic))
		}
	}()
	query := values.Encode()
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(x.handler.Timeout))
	defer cancel()
	a, err := x.upstream.ask(x.outgoing(ctx, watched, query), &x.buffers.upstream, x.handler.MaxResponse)
	defer x.buffers.upstream.Reset()
	if a.rest != nil {
		a.rest.Close()
		err = upstreamRefused.because(reasonTooLarge)
	}
	mediaType := ""
	if err == nil {
		mediaType, err = a.check(watched)
	}
	switch {
	case err != nil:
		rec.Skip(watched.Match, string(refusalOf(err).reason))
	case a.status != http.StatusNoContent:
		x.recordShape(watched, mediaType, query)
	}
}
