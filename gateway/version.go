package gateway

import (
	"runtime/debug"
	"sync"
)

// Version is the version of Maskgate's module in the binary, as access records have it: "(devel)" if
// the binary was not built from a version.
var Version = sync.OnceValue(func() string {
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
