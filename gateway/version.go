package gateway

import (
	"runtime/debug"
	"strings"
	"sync"
)

// Version says which Maskgate the binary is, as access records have it: the version of its module and,
// where that does not name the commit, the commit behind a plus sign: v0.4.0, (devel)+6bd503212345,
// (devel)+6bd503212345.modified if files differed from the commit, (devel)+unknown if the binary was
// not built from a checkout (go run, -buildvcs=false).
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionOf(info)
})

func versionOf(info *debug.BuildInfo) string {
	const (
		module = "github.com/maskgate/maskgate"
		devel  = "(devel)"
		digits = 12 // of a commit, as Go's pseudo-versions have them
	)
	if info.Main.Path != module {
		for _, dep := range info.Deps {
			if dep.Path != module {
				continue
			}
			if dep.Replace != nil { // whatever its version, it is another's text
				return dep.Version + "+replaced"
			}
			return dep.Version
		}
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version, revision := info.Main.Version, settings["vcs.revision"]
	if version == "" {
		version = devel
	}
	revision = revision[:min(digits, len(revision))]
	switch {
	case revision == "" && version == devel:
		return version + "+unknown"
	case revision == "" || strings.Contains(version, revision):
		return version
	case settings["vcs.modified"] == "true":
		revision += ".modified"
	}
	return version + "+" + revision
}
