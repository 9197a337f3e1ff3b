// Package maskgate holds the files that the binary carries: the default Caddyfile, and the rules of
// its demo. The code is in the packages below: docs/design.md has the map.
package maskgate

import "embed"

// Caddyfile is the default configuration.
//
//go:embed Caddyfile
var Caddyfile []byte

// Rules are the rule files of the example in examples/customer.
//
//go:embed examples/customer/*.yaml
var Rules embed.FS
