// Package caddymodule puts Maskgate into Caddy: the app "maskgate", which owns what requests share, and the handler
// "maskgate", which stands in front of a data service. Importing the package is all that another Caddy build needs.
//
// A request goes through the handler in this order, and is refused at the first step that fails: the caller's token
// becomes a caller (package auth); the route and purpose are admitted (package rules); the upstream is asked; its response
// is rewritten (package masking, with rules deciding each record); the access record is written durably (package audit);
// and only then does a byte leave. Every refusal is a problem document (RFC 9457) and is on record too.
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
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/rules"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App holds what the requests of all handlers share: rules, token verification, keys and the access log. Keys and log
// outlive a reload of the configuration; rules and verification do not, so that a request is decided, rewritten and
// recorded under the configuration that it began with. Rules are also taken anew whenever their files change; a request goes
// on under those that it began with.
type App struct {
	// DataDir is the directory of the key file (keys.json) and the access log (audit), as package keys specifies it. It is
	// made on first start. Required.
	DataDir string `json:"data_dir,omitempty"`

	// Rules are the rule files, or directories of them. Required.
	Rules []string `json:"rules,omitempty"`

	// Shadow are the rule files, or directories of them, of a set that is not in force: each request is decided under it too,
	// and where that comes to something else is counted. It alters no response. Default: none.
	Shadow []string `json:"shadow,omitempty"`

	// Watch says how changes of rule files are noticed.
	Watch Watch `json:"watch,omitzero"`

	// Drift is for how many responses of a route a selector may match nothing before that is reported; below 0 neither that nor
	// members that no rule lists are looked for. Default: 1000.
	Drift int `json:"drift,omitempty"`

	// Token says which tokens are accepted. Required.
	Token *Token `json:"token,omitempty"`

	// PurposeHeader is the request header that names the purpose of an access, where the route does not fix one.
	// Default: Maskgate-Purpose.
	PurposeHeader string `json:"purpose_header,omitempty"`

	// Gateway names this gateway in the access log. It must not change during a log's life. Default: the host's name.
	Gateway string `json:"gateway,omitempty"`

	ctx      caddy.Context
	logger   *zap.Logger
	ruling   atomic.Pointer[ruling]
	verifier *auth.Verifier
	jwks     *auth.JWKS
	metrics  *metrics
	acquired string // key of shared in the pool

	source       *source // of rules
	shadowSource *source // nil without a shadow
	watching     func()  // ends it; nil if rule files are not watched
	shadowJobs   shadowJobs

	shared  atomic.Pointer[shared] // nil until Start
	settled chan struct{}          // closed once it is known whether Start succeeded
	settle  sync.Once
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "maskgate", New: func() caddy.Module { return &App{settled: make(chan struct{})} }}
}

// Provision loads rules and keys for tokens. It opens neither the access log nor the key file, so that a configuration
// can be validated beside a running gateway.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	a.logger = ctx.Logger()
	if a.PurposeHeader == "" {
		a.PurposeHeader = "Maskgate-Purpose"
	}
	if a.Gateway == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("naming the gateway: %w; set gateway", err)
		}
		a.Gateway = host
	}
	a.Watch.complete()
	if a.Drift == 0 {
		a.Drift = 1000
	}
	var faults []error
	if !rules.IsHeaderName(a.PurposeHeader) {
		faults = append(faults, errors.New("maskgate: purpose_header: want the name of a header"))
	}
	if a.DataDir == "" {
		faults = append(faults, errors.New("maskgate: set data, the directory for keys and the access log"))
	}
	if len(a.Rules) == 0 {
		faults = append(faults, errors.New("maskgate: set rules, the rule files or their directory"))
	} else if err := a.loadRules(); err != nil {
		faults = append(faults, err)
	}
	if a.Token == nil {
		faults = append(faults, errors.New("maskgate: set token, which tokens are accepted"))
	} else if err := a.openVerifier(); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	var err error
	a.metrics, err = newMetrics(ctx.GetMetricsRegistry(), a)
	return err
}

func (a *App) openVerifier() error {
	config, err := a.Token.config()
	if err != nil {
		return err
	}
	a.jwks, err = auth.OpenJWKS(a.ctx, a.Token.Keys, auth.JWKSOptions{
		AllowLocal: a.Token.AllowLocalKeys,
		Report:     func(err error) { a.logger.Warn("token keys", zap.Error(err)) },
	})
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	a.verifier, err = auth.New(config, a.jwks)
	return err
}

// Pseudonym implements [rules.Keys]: a key for each purpose, so that pseudonyms cannot be joined across purposes.
func (a *App) Pseudonym(purpose string) (key []byte, version int) {
	k := a.shared.Load().keys.Pseudonym(purpose)
	return k.Secret, k.Version
}

// Start opens the access log and the keys, or takes them over from the configuration before.
func (a *App) Start() error {
	dir, err := filepath.Abs(a.DataDir)
	if err != nil {
		return err
	}
	key := dir + "\x00" + a.Gateway
	value, reused, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return openShared(dir, a.Gateway) })
	if err != nil {
		return err
	}
	a.acquired = key
	s := value.(*shared)
	if reused {
		a.logger.Info("access log taken over")
	} else if n := s.log.Recovered(); n > 0 {
		a.logger.Warn("the access log ended in a write that was cut short; nothing in it had been acknowledged", zap.Int64("bytes_set_aside", n))
	}
	if err := s.begin(a); err != nil {
		return err
	}
	a.shared.Store(s)
	a.settle.Do(func() { close(a.settled) })
	a.watchRules()
	return nil
}

// Stop lets the rules be. Requests may still be in flight, so it is Cleanup that releases what Start took.
func (a *App) Stop() error {
	a.stopWatching()
	if s := a.shared.Load(); s != nil {
		return s.end(a)
	}
	return nil
}

// Cleanup releases what this instance acquired.
func (a *App) Cleanup() error {
	var faults []error
	a.stopWatching()
	if a.settled != nil {
		a.settle.Do(func() { close(a.settled) })
	}
	if a.jwks != nil {
		faults = append(faults, a.jwks.Close())
	}
	if a.acquired != "" {
		_, err := pool.Delete(a.acquired)
		faults = append(faults, err)
		a.acquired = ""
	}
	return errors.Join(faults...)
}

// startWait is how long a request waits for the app to start.
const startWait = 10 * time.Second

// ready reports whether the app has started. Caddy starts apps in no certain order and may listen a moment before, on every
// reload too: a request that comes so early waits.
func (a *App) ready(ctx context.Context) bool {
	if a.shared.Load() != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	select {
	case <-a.settled:
	case <-ctx.Done():
	}
	return a.shared.Load() != nil
}

// version is the version of the module that the binary was built from.
var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	const module = "github.com/maskgate/maskgate"
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "unknown"
})

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ rules.Keys         = (*App)(nil)
)
