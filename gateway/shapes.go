package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/maskgate/maskgate/discover"
	"github.com/maskgate/maskgate/rules"
)

// Shapes are a handler's part in a recording of what answers look like. Many goroutines may use
// them at once.
type Shapes struct {
	recording *Recording
	routes    *rules.Set // those that no rule file has, without rules; nil if there are none
}

// NewShapes makes a handler's part in a recording. routes are routes that no rule file has, as rule
// files write them, of GET only: a request for one is refused as ever, but its answer is looked at.
// An error says which route is not in order.
func NewShapes(r *Recording, routes []string) (*Shapes, error) {
	s := &Shapes{recording: r}
	if len(routes) == 0 {
		return s, nil
	}
	var err error
	s.routes, err = routesToRecord(routes)
	return s, err
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
			return nil, fmt.Errorf("record_shapes: route %s: want GET, which asks for no change "+
				"(RFC 9110 section 9.2.1)", m)
		}
		types := []string{"application/json", "application/x-ndjson", "application/json-seq"}
		routes = append(routes, route{m, types, map[string]string{}})
	}
	file, err := json.Marshal(map[string]any{ // YAML takes it
		"kind": "service", "name": "recording", "owner": "gateway", "routes": routes,
	})
	if err != nil {
		return nil, err
	}
	set, err := rules.Load([]rules.File{{Name: "record_shapes", Data: file}}, nil)
	if err != nil {
		return nil, fmt.Errorf("record_shapes: the routes are not in order:\n%w", err)
	}
	return set, nil
}

// A Recording is a file of shapes and the goroutine that saves it, every 10 s. Handlers share it.
type Recording struct {
	*discover.Recording
	path          string
	logger        *slog.Logger
	stop, stopped chan struct{}
}

// saveEvery is how much of a recording a crash can cost.
const saveEvery = 10 * time.Second

// OpenRecording opens a recording, which goes on if the file is there. It writes nothing at first,
// so that a configuration can be validated beside a running gateway. Faults of saving go to the
// logger.
func OpenRecording(path string, logger *slog.Logger) (*Recording, error) {
	shapes, err := discover.Open(path)
	if err != nil {
		return nil, fmt.Errorf("record_shapes: %w", err)
	}
	r := &Recording{shapes, path, logger, make(chan struct{}), make(chan struct{})}
	go r.keepSaving()
	return r, nil
}

func (r *Recording) keepSaving() {
	defer close(r.stopped)
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
			if err := r.Save(r.path); err != nil {
				r.logger.Error("record_shapes", slog.Any("error", err))
			}
		}
	}
}

// Close saves what is left. No handler may use the recording any more.
func (r *Recording) Close() error {
	close(r.stop)
	<-r.stopped
	return r.Save(r.path)
}

// record records the shape of a document. query is the query with which its route was asked.
func (s *Shapes) record(doc *document, query string) {
	match := doc.route.Match
	if s.recording.Full(match) {
		return
	}
	var names []string
	if values, err := url.ParseQuery(query); err == nil {
		for name := range values {
			names = append(names, name)
		}
	}
	documents, err := discover.Documents(doc.mediaType, doc.body)
	if err != nil {
		s.recording.Skip(match, string(reasonMediaType))
		return
	}
	if err := s.recording.Add(match, doc.mediaType, names, documents); err != nil {
		s.recording.Skip(match, ReasonOf(err))
	}
}

// look records the answer to a request that was refused because no rule file has its route, if the
// route is to be recorded. It returns nothing: whatever comes of it, the refusal says the same.
func (s *Shapes) look(x *exchange, why error) {
	r := x.request
	if s.routes == nil || ReasonOf(why) != string(reasonNoRoute) || x.body != nil {
		return
	}
	path, err := targetPath(r)
	if err != nil {
		return
	}
	route, err := routeOf(s.routes, r.Method, r.Host, path)
	if err != nil || s.recording.Full(route.Match) {
		return
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		return
	}
	defer func() {
		if recover() != nil { // a handler's panic, or ours: it must not become another refusal
			s.recording.Skip(route.Match, string(reasonPanic))
		}
	}()
	query := values.Encode()
	ctx, cancel := context.WithTimeout(r.Context(), x.handler.Timeout)
	defer cancel()
	defer x.buffers.upstream.Reset()
	doc, err := s.ask(x, ctx, route, query)
	switch {
	case err != nil:
		s.recording.Skip(route.Match, ReasonOf(err))
	case doc.mediaType != "":
		s.record(doc, query)
	}
}

// ask asks the data service for a route that no rule file has.
func (s *Shapes) ask(
	x *exchange, ctx context.Context, route *rules.Route, query string,
) (*document, error) {
	body := &x.buffers.upstream
	a, err := x.upstream.Ask(x.outgoing(ctx, route, query), body, x.handler.MaxResponse)
	if a.Rest != nil {
		return nil, errors.Join(upstreamRefused.because(reasonTooLarge), a.Rest.Close())
	}
	if err != nil {
		return nil, err
	}
	return a.open(route, body.Bytes())
}
