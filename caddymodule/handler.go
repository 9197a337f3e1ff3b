package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/gateway"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler stands in front of a data service: it authenticates the caller, decides what they may
// see, rewrites the response, and records the access before a byte of the response leaves.
type Handler struct {
	// Upstream is the address of the data service: scheme and host, as in http://127.0.0.1:9001. If
	// it is empty, the gateway asks the next handler instead (reverse_proxy, say), through a guard:
	// nothing that the next handler writes reaches the caller directly.
	Upstream string `json:"upstream,omitempty"`

	// Services are the services (name, in their service files) whose routes this handler serves. It
	// refuses requests for the routes of all other services, as for routes that do not exist. List
	// services where handlers ask different data services, so that no data service is asked under
	// the rules of another. Default: all.
	Services []string `json:"services,omitempty"`

	// Timeout bounds how long the data service may take to answer, its body included; how long a
	// caller may take to send a body; and how long they may take to read the answer. Default: 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// MaxResponse is how many bytes of a response may be buffered. A longer response is refused,
	// unless it may stream. Default: 1 MiB.
	MaxResponse int64 `json:"max_response,omitempty"`

	// Stream lets a longer response through in windows: the gateway decides, records and releases
	// its records batch by batch. If the response turns bad midway, the connection is aborted.
	// It lets event streams (text/event-stream) through too. It needs Upstream.
	Stream bool `json:"stream,omitempty"`

	// MaxRequest is how many bytes a request's body may have. Default: 1 MiB.
	MaxRequest int64 `json:"max_request,omitempty"`

	// RequestHeaders are request headers that the data service gets beyond Accept-Language,
	// Content-Type, Traceparent and Tracestate. List Authorization if the service needs the
	// caller's token.
	RequestHeaders []string `json:"request_headers,omitempty"`

	// ResponseHeaders are headers of the data service's response that may leave, besides those that
	// a route lists. Their values are passed on unread: list only headers free of personal data.
	// Content-Type, Content-Length, Cache-Control and Vary are Maskgate's own. Default: none.
	ResponseHeaders []string `json:"response_headers,omitempty"`

	// RecordShapes records what answers look like, for the command rules discover. Off unless set.
	RecordShapes *RecordShapes `json:"record_shapes,omitempty"`

	handler  *gateway.Handler
	service  *gateway.Service // nil: the next handler is asked
	acquired string           // the pool's key of the recording of shapes; "" without one
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.maskgate",
		New: func() caddy.Module { return new(Handler) },
	}
}

// RecordShapes records what answers look like: for each route the names of members, and how many of
// their values each detector recognised. It keeps no value, and no name that looks like a value.
// It looks at up to 1,000 answers of each route, of those that fit the buffer; they are decided as
// ever.
//
// It can record a service that has no rules yet. A request for one of Routes is refused as ever
// (404), but the data service is asked first, and its answer recorded.
type RecordShapes struct {
	// File is where the recording is saved, every ten seconds and at the end. A recording that the
	// file already has goes on. Required.
	File string `json:"file,omitempty"`

	// Routes are routes that no rule file has, as rule files write them: GET /v2/claims/{id}. Only
	// GET.
	Routes []string `json:"routes,omitempty"`
}

// Provision implements caddy.Provisioner. Its error joins all faults.
func (h *Handler) Provision(ctx caddy.Context) error {
	app, err := ctx.App("maskgate")
	if err != nil {
		return fmt.Errorf("loading the maskgate app: %w", err)
	}
	h.handler = &gateway.Handler{
		Gateway: app.(*App).gateway, Name: h.Upstream, Services: h.Services,
		Timeout: time.Duration(h.Timeout), MaxResponse: h.MaxResponse, MaxRequest: h.MaxRequest,
		RequestHeaders: h.RequestHeaders, ResponseHeaders: h.ResponseHeaders, Logger: ctx.Slogger(),
	}
	var faults []error
	if h.Upstream != "" {
		if h.service, err = gateway.NewService(h.Upstream, h.Stream); err != nil {
			faults = append(faults, err)
		}
	} else if h.Stream {
		faults = append(faults, errors.New(
			"stream needs an upstream of Maskgate's own, as in maskgate http://127.0.0.1:9001"))
	} else if guardsNothing(ctx) {
		faults = append(faults, errors.New(
			"nothing stands behind the guard: name the data service, as in "+
				"maskgate http://127.0.0.1:9001, or put a handler that answers behind it, "+
				"as in reverse_proxy"))
	}
	if h.RecordShapes != nil {
		if err := h.openRecording(ctx.Slogger()); err != nil {
			faults = append(faults, err)
		}
	}
	if err := h.handler.Complete(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("maskgate: %w", errors.Join(faults...))
	}
	if unknown, known := h.handler.UnknownServices(); len(unknown) > 0 {
		ctx.Slogger().Warn("services names what no rule file in force has; "+
			"its requests are refused (no_route)",
			slog.Any("services", unknown), slog.Any("in_rule_files", known))
	}
	return nil
}

// openRecording opens the recording of shapes, or takes it over from another handler.
func (h *Handler) openRecording(logger *slog.Logger) error {
	if h.RecordShapes.File == "" {
		return errors.New("record_shapes: name the file")
	}
	path, err := filepath.Abs(h.RecordShapes.File)
	if err != nil {
		return err
	}
	key := "recording\x00" + path
	recording, _, err := acquire(key, func() (*gateway.Recording, error) {
		return gateway.OpenRecording(path, logger)
	})
	if err != nil {
		return err
	}
	h.acquired = key
	h.handler.Shapes, err = gateway.NewShapes(recording, h.RecordShapes.Routes)
	return err
}

// Cleanup closes connections to the upstream as they become idle, and saves what was recorded.
func (h *Handler) Cleanup() error {
	if h.service != nil {
		h.service.Retire()
	}
	if h.acquired != "" {
		return release(h.acquired)
	}
	return nil
}

// ServeHTTP answers the request itself in every case: no error reaches Caddy's error routes, which
// would write past the guard.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.service != nil {
		h.handler.Serve(w, r, h.service)
	} else {
		h.handler.Serve(w, r, following(next))
	}
	return nil
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
