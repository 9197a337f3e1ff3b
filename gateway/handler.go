package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/maskgate/maskgate/rules"
)

// A Handler stands in front of one data service. Its fields are set before it serves, and then not
// altered; many goroutines may use it at once.
type Handler struct {
	// Gateway is what it shares with other handlers. Required.
	Gateway *Gateway

	// Name is what access records call the data service: its address, or "".
	Name string

	// Services are those whose routes the handler answers for. Default: all.
	Services []string

	// Timeout bounds how long the data service may take, its body included, and how long a caller
	// may take to send theirs, and again to read the answer. Default: 30s.
	Timeout time.Duration

	// MaxResponse is how many bytes of a response may be buffered. Default: 1 MiB. At most 1 GiB.
	MaxResponse int64

	// MaxRequest is how many bytes a request's body may have. Default: 1 MiB.
	MaxRequest int64

	// RequestHeaders and ResponseHeaders name headers that pass, beside those that always do and
	// those that a route lists.
	RequestHeaders, ResponseHeaders []string

	// Shapes keeps what answers look like. Nil: nothing does.
	Shapes *Shapes

	// Now tells the time. Default: [time.Now].
	Now func() time.Time

	// Logger is for the handler's operators. Default: the gateway's.
	Logger *slog.Logger
}

// maxBuffer bounds MaxResponse, in bytes: with more, one caller could take a sidecar's memory.
const maxBuffer = 1 << 30

// Complete fills in defaults and checks the rest, before the handler serves. Its error joins all
// faults.
func (h *Handler) Complete() error {
	var faults []error
	for _, limit := range []struct {
		name   string
		value  int64
		preset func()
	}{
		{"timeout", int64(h.Timeout), func() { h.Timeout = 30 * time.Second }},
		{"max_response", h.MaxResponse, func() { h.MaxResponse = 1 << 20 }},
		{"max_request", h.MaxRequest, func() { h.MaxRequest = 1 << 20 }},
	} {
		switch {
		case limit.value < 0:
			faults = append(faults,
				fmt.Errorf("%s: want a positive value; have %d", limit.name, limit.value))
		case limit.value == 0:
			limit.preset()
		}
	}
	if h.MaxResponse > maxBuffer {
		faults = append(faults, fmt.Errorf(
			"max_response: want at most 1GiB, since it is held in memory for each request; "+
				"have %d bytes; for longer answers set stream", h.MaxResponse))
	}
	for _, name := range h.ResponseHeaders {
		if err := rules.CheckHeader(name); err != nil {
			faults = append(faults, fmt.Errorf("response_headers: %w", err))
		}
	}
	for _, name := range h.RequestHeaders {
		if err := checkRequestHeader(name); err != nil {
			faults = append(faults, err)
		}
	}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Gateway != nil && h.Logger == nil {
		h.Logger = h.Gateway.options.Logger
	}
	return errors.Join(faults...)
}

// UnknownServices returns those names of Services that no rule file in force has, and the services
// that the rule files have, in order. The handler refuses what is asked of an unknown service,
// until a rule file has it.
func (h *Handler) UnknownServices() (unknown, known []string) {
	for _, r := range h.Gateway.ruling.Load().Routes() {
		if !slices.Contains(known, r.Service) {
			known = append(known, r.Service)
		}
	}
	for _, name := range h.Services {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.SortFunc(known, strings.Compare)
	return unknown, known
}

// routeOf finds the route of a request among those of the handler's services.
func (h *Handler) routeOf(set *rules.Set, r *http.Request, path string) (*rules.Route, error) {
	found, err := routeOf(set, r.Method, r.Host, path)
	if err == nil && len(h.Services) > 0 && !slices.Contains(h.Services, found.Service) {
		return nil, noRoute.because(reasonNoRoute)
	}
	return found, err
}

// Serve answers a request in every case: with what the data service says and the rules let through,
// or with a problem document. If something fails once the answer has begun, Serve panics with
// [http.ErrAbortHandler], so that the server ends the connection. Many goroutines may call it at
// once.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, up Upstream) {
	x := h.exchange(r, up)
	to := newReply(w, x)
	defer x.abort()
	x.serve(to)
}
