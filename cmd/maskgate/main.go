// Command maskgate is Caddy with Maskgate's modules and those of Caddy's that a sidecar needs: the HTTP server with TLS,
// reverse_proxy for several upstreams, headers and log encoders, and metrics. Its own commands are demo, token, rules, select, reveal, keys and audit.
package main

import (
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/maskgate/maskgate/caddymodule"
	"github.com/maskgate/maskgate/gateway"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
)

func main() {
	caddy.CustomBinaryName = "maskgate"
	caddy.CustomLongDescription = "Maskgate stands in front of a data service: it decides what each caller may see of each record, " +
		"masks the rest, and writes a tamper-evident access record before a byte leaves.\n\n" +
		"Begin with:  maskgate demo"
	if caddy.CustomVersion == "" { // a linker's flag may have set it
		caddy.CustomVersion = "maskgate " + gateway.Version() + ", Caddy"
	}
	caddymodule.RegisterCommand(demoCommand)
	caddymodule.RegisterCommand(tokenCommand)
	caddycmd.Main()
}
