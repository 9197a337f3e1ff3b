package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/maskgate/maskgate/gateway"
)

// following is an upstream that is the next handler of Caddy's chain, such as reverse_proxy.
func following(next caddyhttp.Handler) gateway.Upstream {
	return gateway.Guarded(func(w http.ResponseWriter, r *http.Request) error {
		err := next.ServeHTTP(w, r)
		var status caddyhttp.HandlerError
		if errors.As(err, &status) && status.StatusCode == http.StatusGatewayTimeout {
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return err
	})
}
