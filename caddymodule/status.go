package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/rules"
)

func init() {
	caddy.RegisterModule(new(Status))
}

// Status tells operators and orchestrators how the gateway is, in JSON, at three paths; any other goes to the next handler.
// It asks for no token, so it belongs on a listener that callers do not reach, as metrics do. It shows digests, names of routes,
// roles, purposes and fields, and where rule files have faults; never a value, nor a text of a rule file.
//
//   - /live: 200, or 503 once the access log can no longer be written: only a restart helps then.
//   - /ready: 200 if requests are served, 503 if not. Rules on disk that are broken leave the old ones in force, so the status stays
//     200 then, and "rules" says "stale".
//   - /shadow: what the shadow makes of requests; 404 without one.
type Status struct {
	app *App
}

// CaddyModule returns the Caddy module information.
func (*Status) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.maskgate_status", New: func() caddy.Module { return new(Status) }}
}

// UnmarshalCaddyfile sets up the handler from its directive:
//
//	maskgate_status
func (s *Status) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // maskgate_status
	if d.NextArg() {
		return d.ArgErr()
	}
	return options(d, func(option string) error { return d.Errf("unknown option %q; maskgate_status has none", option) })
}

// Provision implements caddy.Provisioner.
func (s *Status) Provision(ctx caddy.Context) error {
	app, err := ctx.App("maskgate")
	if err != nil {
		return fmt.Errorf("loading the maskgate app: %w", err)
	}
	s.app = app.(*App)
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var status int
	var body any
	switch r.URL.Path {
	case "/live":
		status, body = s.live()
	case "/ready":
		status, body = s.ready()
	case "/shadow":
		status, body = s.shadow()
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
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // it fails if the caller went away
	return nil
}

type health struct {
	Status string `json:"status"` // alive, ready, or why not
	// Rules and Shadow are of /ready.
	Rules  *setHealth `json:"rules,omitempty"`
	Shadow *setHealth `json:"shadow,omitempty"`
}

// setHealth is how a set of rules is.
type setHealth struct {
	Status string    `json:"status"` // current; stale: the files on disk are not what is in use; missing: nothing is
	Digest string    `json:"digest,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Routes int       `json:"routes,omitempty"`
	Stale  *staleAt  `json:"stale,omitempty"`
}

// staleAt is since when, and where, the files on disk have faults. The log has their texts.
type staleAt struct {
	Since  time.Time `json:"since"`
	Faults int       `json:"faults"`
	At     []string  `json:"at,omitempty"` // file:line:column, of the first 20
}

func (s *Status) live() (int, any) {
	if shared := s.app.shared.Load(); shared != nil && shared.log.Err() != nil {
		return http.StatusServiceUnavailable, health{Status: string(reasonLog)}
	}
	return http.StatusOK, health{Status: "alive"}
}

func (s *Status) ready() (int, any) {
	a := s.app
	shared, in := a.shared.Load(), a.ruling.Load()
	if shared == nil {
		return http.StatusServiceUnavailable, health{Status: string(reasonNotReady)}
	}
	h := health{Status: "ready", Rules: a.source.health(&use{in.Digest(), in.since, len(in.Routes())})}
	if a.shadowSource != nil {
		var u *use
		if in.shadow != nil {
			u = &use{in.shadow.set.Digest(), in.shadow.since, len(in.shadow.set.Routes())}
		}
		h.Shadow = a.shadowSource.health(u)
	}
	if shared.log.Err() != nil {
		h.Status = string(reasonLog)
		return http.StatusServiceUnavailable, h
	}
	return http.StatusOK, h
}

// use is a set in use.
type use struct {
	digest string
	since  time.Time
	routes int
}

func (s *source) health(u *use) *setHealth {
	h := &setHealth{Status: "missing"}
	if u != nil {
		h.Status, h.Digest, h.Since, h.Routes = "current", u.digest, u.since, u.routes
	}
	if stale := s.stale.Load(); stale != nil {
		if u != nil {
			h.Status = "stale"
		}
		h.Stale = &staleAt{Since: stale.since, Faults: len(rules.Faults(stale.fault)), At: rules.Places(stale.fault)}
		h.Stale.At = h.Stale.At[:min(20, len(h.Stale.At))]
	}
	return h
}

func (s *Status) shadow() (int, any) {
	in := s.app.ruling.Load()
	shadow := in.shadow
	if shadow == nil {
		return http.StatusNotFound, health{Status: "no shadow"}
	}
	list, more := shadow.list()
	return http.StatusOK, struct {
		Digest      string    `json:"digest"`
		InForce     string    `json:"in_force"`
		Since       time.Time `json:"since"`
		Same        int64     `json:"same"` // requests
		Different   int64     `json:"different"`
		Skipped     int64     `json:"skipped"`
		Failed      int64     `json:"failed"`
		Differences []counted `json:"differences"`
		More        int64     `json:"more,omitempty"` // differences for which there was no room
	}{shadow.set.Digest(), in.Digest(), shadow.since, shadow.same.Load(), shadow.differing.Load(), shadow.skipped.Load(), shadow.failed.Load(), list, more}
}

var (
	_ caddy.Provisioner           = (*Status)(nil)
	_ caddyfile.Unmarshaler       = (*Status)(nil)
	_ caddyhttp.MiddlewareHandler = (*Status)(nil)
)
