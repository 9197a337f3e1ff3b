package gateway

import (
	"runtime/debug"
	"strings"
	"sync"
)

// Version returns which Maskgate the binary is, as access records have it: the version of its
// module and, where that does not name the commit, the commit behind a plus sign. It is
//
//	v0.4.0                         by a module proxy, or in somebody else's build
//	v0.4.0+replaced                in somebody else's build that replaces the module
//	v0.4.0+6bd503212345            from a checkout of a tag
//	(devel)+6bd503212345           from a checkout that has no version
//	(devel)+6bd503212345.modified  from files that differ from the commit
//	(devel)+unknown                not from a checkout (go run, -buildvcs=false)
//	unknown                        if the binary does not say
//
// Many goroutines may call it at once.
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
