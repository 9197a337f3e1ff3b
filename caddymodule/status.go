package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/gateway"
)

func init() {
	caddy.RegisterModule(new(Status))
}

// Status tells operators and orchestrators how the gateway is, in JSON, at three paths. A request
// for any other path goes to the next handler. Status asks for no token, so it belongs on a
// listener that callers do not reach, as metrics do. It shows digests, names of routes, roles,
// purposes and fields, and where rule files have faults; never a value, and no text of a rule file.
//
//   - /live: 200, or 503 once the access log can no longer be written: only a restart helps then.
//   - /ready: 200 if requests are served, 503 if not. Broken rules on disk leave the old rules in
//     force, so the status stays 200 then, and "rules" says "stale".
//   - /shadow: how the shadow decides requests; 404 without a shadow.
type Status struct {
	gateway *gateway.Gateway
}

// CaddyModule returns the Caddy module information.
func (*Status) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.maskgate_status",
		New: func() caddy.Module { return new(Status) },
	}
}

// UnmarshalCaddyfile sets up the handler from its directive:
//
//	maskgate_status
func (s *Status) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // maskgate_status
	if d.NextArg() {
		return d.ArgErr()
	}
	return options(d, func(option string) error {
		return d.Errf("unknown option %q; maskgate_status has none", option)
	})
}

// Provision implements caddy.Provisioner.
func (s *Status) Provision(ctx caddy.Context) error {
	app, err := ctx.App("maskgate")
	if err != nil {
		return fmt.Errorf("loading the maskgate app: %w", err)
	}
	s.gateway = app.(*App).gateway
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var body any
	var ok bool
	otherwise := http.StatusServiceUnavailable
	switch r.URL.Path {
	case "/live":
		body, ok = s.gateway.Live()
	case "/ready":
		body, ok = s.gateway.Ready()
	case "/shadow":
		otherwise = http.StatusNotFound
		if body, ok = s.gateway.Shadow(); !ok {
			body = gateway.Health{Status: "no shadow"}
		}
	default:
		return next.ServeHTTP(w, r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if ok {
		w.WriteHeader(http.StatusOK)
	} else {
		w.WriteHeader(otherwise)
	}
	_, _ = w.Write(append(text, '\n')) // it fails if the caller went away
	return nil
}

var (
	_ caddy.Provisioner           = (*Status)(nil)
	_ caddyfile.Unmarshaler       = (*Status)(nil)
	_ caddyhttp.MiddlewareHandler = (*Status)(nil)
)
