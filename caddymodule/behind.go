package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// guardsNothing reports whether a guard, a maskgate handler without an upstream, is surely the last
// handler of its chain, so that nobody can answer. It reads the routes that the HTTP app is
// still provisioning, this handler's own among them: Caddy shows a handler the next one only with a
// request.
func guardsNothing(ctx caddy.Context) bool {
	for _, module := range ctx.Modules() {
		app, ok := module.(*caddyhttp.App)
		if !ok {
			continue
		}
		for _, server := range app.Servers {
			if endsInGuard(server.Routes) {
				return true
			}
		}
	}
	return false
}

// endsInGuard reports whether a list of routes, behind which nothing stands, has a guard in last
// place.
func endsInGuard(routes caddyhttp.RouteList) bool {
	for i, route := range routes {
		if n := len(route.HandlersRaw); n > 0 && (route.Terminal || i == len(routes)-1) {
			var last struct {
				Handler  string              `json:"handler"`
				Upstream string              `json:"upstream"`
				Routes   caddyhttp.RouteList `json:"routes"`
			}
			if json.Unmarshal(route.HandlersRaw[n-1], &last) != nil {
				continue // another handler, whose members are of other types
			}
			switch last.Handler {
			case "maskgate":
				if last.Upstream == "" {
					return true
				}
			case "subroute":
				if endsInGuard(last.Routes) {
					return true
				}
			}
		}
	}
	return false
}
