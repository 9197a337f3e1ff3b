// Command maskgate is Caddy with Maskgate's modules and those of Caddy's that a sidecar needs: the
// HTTP server with TLS, reverse_proxy for several upstreams, headers and log encoders, and metrics.
// Its commands are Maskgate's (package command), the demo and its tokens, and Caddy's.
package main

import (
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/maskgate/maskgate/gateway"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
	_ "github.com/maskgate/maskgate/caddymodule"
)

func main() {
	caddy.CustomBinaryName = "maskgate"
	if caddy.CustomVersion == "" { // a linker's flag may have set it
		caddy.CustomVersion = "maskgate " + gateway.Version() + ", Caddy"
	}
	os.Exit(exitStatus(newRoot().Execute()))
}
