package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler stands in front of a data service: it authenticates the caller, decides what they may see, rewrites the
// response, and records the access before a byte of it leaves.
type Handler struct {
	// Upstream is the address of the data service: scheme and host, as in http://127.0.0.1:9001. If it is empty, the next
	// handler is asked instead (reverse_proxy, say), through a guard that keeps all it writes.
	Upstream string `json:"upstream,omitempty"`

	// Services are the services (name, in their service files) whose routes this handler answers for; a route of another is none
	// to it. List them where handlers ask different data services, so that none is asked under another's rules. Default: all.
	Services []string `json:"services,omitempty"`

	// Timeout bounds how long the data service may take, its body included, and how long a caller may take to send
	// theirs, and again to read the answer. Default: 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// MaxResponse is how many bytes of a response may be buffered; a longer one is refused, unless it may stream. Default: 1 MiB.
	MaxResponse int64 `json:"max_response,omitempty"`

	// Stream lets a longer response through in windows: records one by one, decided, recorded and released in batches. If it
	// turns bad midway the connection is aborted. It needs an upstream; also for event streams (text/event-stream).
	Stream bool `json:"stream,omitempty"`

	// MaxRequest is how many bytes a request's body may have. Default: 1 MiB.
	MaxRequest int64 `json:"max_request,omitempty"`

	// RequestHeaders are request headers that the data service gets beyond Accept-Language, Content-Type, Traceparent and
	// Tracestate. Authorization is not among those: list it if the service needs the caller's token.
	RequestHeaders []string `json:"request_headers,omitempty"`

	// ResponseHeaders are headers of the data service's response that may leave, besides those that a route lists. Default: none; Content-Type, Content-Length,
	// Cache-Control and Vary are Maskgate's own. Their values are passed on unread: list only those free of personal data.
	ResponseHeaders []string `json:"response_headers,omitempty"`

	// RecordShapes keeps what answers look like, for the command rules discover. Off unless set.
	RecordShapes *RecordShapes `json:"record_shapes,omitempty"`

	app      *App
	service  *service  // nil: the next handler is asked
	recorder *recorder // nil: nothing is recorded
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.maskgate", New: func() caddy.Module { return new(Handler) }}
}

// heldBack are request headers that no configuration passes on: they steer the connection, ask for something other than
// the whole, plain answer, or are the gateway's to set.
var heldBack = []string{
	"Accept", "Accept-Encoding", "User-Agent", correlationHeader, "Host", "Content-Length", "Content-Encoding", "Transfer-Encoding",
	"Trailer", "Te", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Upgrade", "Http2-Settings", "Expect",
	"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"X-Http-Method", "X-Http-Method-Override", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url",
}

// Provision implements caddy.Provisioner.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	app, err := ctx.App("maskgate")
	if err != nil {
		return fmt.Errorf("loading the maskgate app: %w", err)
	}
	h.app = app.(*App)
	if h.Timeout == 0 {
		h.Timeout = caddy.Duration(30 * time.Second)
	}
	if h.MaxResponse == 0 {
		h.MaxResponse = 1 << 20
	}
	if h.MaxRequest == 0 {
		h.MaxRequest = 1 << 20
	}
	if h.Upstream != "" {
		if h.service, err = newService(h.Upstream); err != nil {
			return err
		}
		h.service.streams = h.Stream
	}
	if h.RecordShapes != nil {
		h.recorder, err = openRecorder(h.RecordShapes, h.logger)
	}
	return err
}

// Validate implements caddy.Validator.
func (h *Handler) Validate() error {
	if h.Timeout < 0 || h.MaxResponse < 0 || h.MaxRequest < 0 {
		return fmt.Errorf("maskgate: want positive limits")
	}
	if h.Stream && h.Upstream == "" {
		return fmt.Errorf("maskgate: stream needs an upstream of Maskgate's own, as in maskgate http://127.0.0.1:9001")
	}
	for _, name := range h.ResponseHeaders {
		if err := rules.CheckHeader(name); err != nil {
			return fmt.Errorf("maskgate: response_headers: %w", err)
		}
	}
	for _, name := range h.RequestHeaders {
		if slices.Contains(heldBack, http.CanonicalHeaderKey(name)) {
			return fmt.Errorf("maskgate: request header %s is never passed on; remove it from request_headers", name)
		}
		if !rules.IsHeaderName(name) {
			return fmt.Errorf("maskgate: request_headers: want names of headers; have %q", name)
		}
	}
	return nil
}

// route finds the route of a request among those of the handler's services.
func (h *Handler) route(set *rules.Set, r *http.Request, path string) (*rules.Route, error) {
	found, err := route(set, r.Method, r.Host, path)
	if err == nil && len(h.Services) > 0 && !slices.Contains(h.Services, found.Service) {
		return nil, noRoute.because(reasonNoRoute)
	}
	return found, err
}

// Cleanup closes connections to the upstream as they become idle, and saves what was recorded.
func (h *Handler) Cleanup() error {
	if h.service != nil {
		h.service.retire()
	}
	if h.recorder != nil {
		return h.recorder.close()
	}
	return nil
}

// ServeHTTP answers the request itself in every case: no error reaches Caddy's error routes, which would write past the
// guard.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var up upstream = following{next}
	if h.service != nil {
		up = h.service
	}
	h.serve(w, r, up, time.Now)
	return nil
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, up upstream, now func() time.Time) {
	x := exchange{handler: h, app: h.app, ruling: h.app.ruling.Load(), upstream: up, request: r, begin: now(), now: now}
	defer x.abort()
	x.serve(w)
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
