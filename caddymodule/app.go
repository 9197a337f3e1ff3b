// Package caddymodule puts Maskgate into Caddy: the app "maskgate", which owns what requests share,
// the handler "maskgate", which stands in front of a data service, and the handler
// "maskgate_status", for operators. Importing the package is all that another Caddy build needs.
//
// It has Caddy's side only: configuration and its syntax, what survives a reload, metrics, and the
// registration of commands. What a request goes through is package gateway's.
//
// The modules are app.go, handler.go and status.go; what of their configuration becomes options of
// package gateway, and which implementation of gateway's interfaces serves, is decided there.
// caddyfile.go has the syntax of all options, token.go the fields of those of tokens. metrics.go
// has all metrics: those that gateway's Observer counts, and those that are read from it. next.go
// makes an upstream of Caddy's next handler, and behind.go looks whether there is one. pool.go
// keeps what survives a reload. commands.go hands package command's commands to Caddy's main.
//
//	{
//		admin off
//		maskgate {
//			data ./maskgate-data
//			rules ./rules
//			token {
//				issuer https://idp.example
//				audience maskgate
//				keys https://idp.example/jwks
//			}
//		}
//	}
//	:8080 {
//		maskgate http://127.0.0.1:9001
//	}
package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/gateway"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App holds what the requests of all handlers share: rules, token verification, keys and the access
// log. Keys and log outlive a reload of the configuration; rules and verification do not, so that a
// request is decided, rewritten and recorded under the configuration that it began with. Rules are
// also taken anew whenever their files change; a request goes on under the rules that it began
// with.
type App struct {
	// DataDir is the directory of the key file (keys.json) and the access log (audit). It is made
	// on first start. Required.
	DataDir string `json:"data_dir,omitempty"`

	// Rules are the rule files, or directories of them. Required.
	Rules []string `json:"rules,omitempty"`

	// Shadow are the rule files, or directories of them, of a second set, which is not in force.
	// Each request is decided under it too, and the gateway counts where the two sets differ. It
	// alters no response. Default: none.
	Shadow []string `json:"shadow,omitempty"`

	// Watch says how changes of rule files are noticed.
	Watch Watch `json:"watch,omitzero"`

	// Drift is the number of responses of a route, one after another, in which a selector may match
	// nothing before the gateway reports it. Below 0, the gateway looks neither for such selectors
	// nor for members that no rule lists. Default: 1000.
	Drift int `json:"drift,omitempty"`

	// Token says which tokens are accepted. Required.
	Token *Token `json:"token,omitempty"`

	// PurposeHeader is the request header that names the purpose of an access, where the route does
	// not fix one. Default: Maskgate-Purpose.
	PurposeHeader string `json:"purpose_header,omitempty"`

	// Gateway names this gateway in the access log. It must not change during a log's life.
	// Default: the host's name.
	Gateway string `json:"gateway,omitempty"`

	gateway  *gateway.Gateway
	logger   *slog.Logger
	jwks     *auth.JWKS
	acquired string // the pool's key of the state; "" until Start has acquired it
}

// Watch says how changes of rule files are noticed.
type Watch struct {
	// Off leaves the files alone until the configuration is loaded again.
	Off bool `json:"off,omitempty"`
	// Settle is how long files must keep still before they are taken. Default: 250ms.
	Settle caddy.Duration `json:"settle,omitempty"`
	// Poll is how often files are looked at on file systems that tell of no changes. Default: 10s.
	Poll caddy.Duration `json:"poll,omitempty"`
}

func (w Watch) config() gateway.Watch {
	return gateway.Watch{
		Off: w.Off, Settle: time.Duration(w.Settle), Poll: time.Duration(w.Poll),
	}
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "maskgate", New: func() caddy.Module { return new(App) }}
}

// Provision loads rules and keys for tokens. It opens neither the access log nor the key file, so
// that a configuration can be validated beside a running gateway. Its error joins all faults.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = ctx.Slogger()
	var faults []error
	if a.DataDir == "" {
		faults = append(faults, errors.New("set data, the directory for keys and the access log"))
	}
	verifier, err := a.openVerifier(ctx)
	if err != nil {
		faults = append(faults, err)
	}
	m := newMetrics()
	a.gateway, err = gateway.New(ctx, gateway.Options{
		Name:          a.Gateway,
		Rules:         a.Rules,
		Shadow:        a.Shadow,
		Watch:         a.Watch.config(),
		Drift:         a.Drift,
		PurposeHeader: a.PurposeHeader,
		Authenticator: verifier,
		Observer:      m,
		Logger:        a.logger,
	})
	if err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("maskgate: %w", errors.Join(faults...))
	}
	return m.register(ctx.GetMetricsRegistry(), a.gateway)
}

func (a *App) openVerifier(ctx caddy.Context) (*auth.Verifier, error) {
	if a.Token == nil {
		return nil, errors.New("set token, which tokens are accepted")
	}
	config, err := a.Token.config()
	if err != nil {
		return nil, err
	}
	a.jwks, err = auth.OpenJWKS(ctx, a.Token.Keys, auth.JWKSOptions{
		AllowLocal: a.Token.AllowLocalKeys,
		Report:     func(err error) { a.logger.Warn("token keys", slog.Any("error", err)) },
	})
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return auth.New(config, a.jwks)
}

// Start opens the access log and the keys, or takes them over from the configuration before.
func (a *App) Start() error {
	dir, err := filepath.Abs(a.DataDir)
	if err != nil {
		return err
	}
	key := stateKey(dir, a.gateway.Name())
	state, reused, err := acquire(key, func() (*gateway.State, error) {
		return gateway.OpenState(dir, a.gateway.Name())
	})
	if err != nil {
		return err
	}
	a.acquired = key
	if reused {
		a.logger.Info("access log taken over")
	} else if n := state.Recovered(); n > 0 {
		a.logger.Warn("the access log ended in a write that was cut short; "+
			"nothing in it had been acknowledged", slog.Int64("bytes_set_aside", n))
	}
	return a.gateway.Start(state)
}

// Stop leaves the rules in force to the configuration that comes next, if one does. Requests may
// still be in flight, so Cleanup releases the state that Start acquired.
func (a *App) Stop() error { return a.gateway.Stop() }

// Cleanup releases what this instance acquired.
func (a *App) Cleanup() error {
	var faults []error
	if a.gateway != nil {
		a.gateway.Close()
	}
	if a.jwks != nil {
		faults = append(faults, a.jwks.Close())
	}
	if a.acquired != "" {
		faults = append(faults, release(a.acquired))
		a.acquired = ""
	}
	return errors.Join(faults...)
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
