package gateway

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	const commit = "66210a5fd2d4a7e3c1b0998877665544332211aa"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified},
		}
	}
	main := func(version string) debug.Module {
		return debug.Module{Path: "github.com/maskgate/maskgate", Version: version}
	}
	other := debug.Module{Path: "caddy", Version: "(devel)"}
	dep := main("v0.4.0")
	replaced := main("v0.4.0")
	replaced.Replace = &debug.Module{Path: "../maskgate"}
	for _, tt := range []struct {
		name  string
		input debug.BuildInfo
		want  string
	}{
		{"a checkout",
			debug.BuildInfo{Main: main("(devel)"), Settings: vcs("false")},
			"(devel)+66210a5fd2d4"},
		{"a checkout, modified",
			debug.BuildInfo{Main: main("(devel)"), Settings: vcs("true")},
			"(devel)+66210a5fd2d4.modified"},
		{"no checkout", debug.BuildInfo{Main: main("(devel)")}, "(devel)+unknown"},
		{"no version at all", debug.BuildInfo{Main: main("")}, "(devel)+unknown"},
		{"a tag",
			debug.BuildInfo{Main: main("v0.4.0"), Settings: vcs("false")},
			"v0.4.0+66210a5fd2d4"},
		{"a version of a proxy", debug.BuildInfo{Main: main("v0.4.0")}, "v0.4.0"},
		{"a pseudo-version, which names the commit",
			debug.BuildInfo{
				Main:     main("v0.4.1-0.20261129154533-66210a5fd2d4+dirty"),
				Settings: vcs("true"),
			},
			"v0.4.1-0.20261129154533-66210a5fd2d4+dirty"},
		{"another's build, whose commit is not ours",
			debug.BuildInfo{
				Main: other, Deps: []*debug.Module{&other, &dep}, Settings: vcs("false"),
			},
			"v0.4.0"},
		{"another's build, replaced",
			debug.BuildInfo{Main: other, Deps: []*debug.Module{&replaced}},
			"v0.4.0+replaced"},
		{"another's build without us", debug.BuildInfo{Main: other}, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := versionOf(&tt.input); got != tt.want {
				t.Errorf("versionOf = %s, want %s", got, tt.want)
			}
		})
	}
}
