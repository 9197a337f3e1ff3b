package command

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every flag of every command may be given once, or its help says that it may be repeated.
func TestFlagsTwice(t *testing.T) {
	t.Parallel()
	values := map[string]string{"bool": "true", "int": "1", "int64": "1", "string": "text",
		"stringArray": "text", "stringToString": "a=b"}
	seen := 0
	var look func(cmd *cobra.Command, words []string)
	look = func(cmd *cobra.Command, words []string) {
		words = append(slices.Clone(words), cmd.Name())
		for _, below := range cmd.Commands() {
			look(below, words)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			seen++
			arg := "--" + f.Name + "=" + values[f.Value.Type()]
			_, errs, err := run(t, "", append(slices.Clone(words), arg, arg)...)
			refused := strings.HasPrefix(errs,
				"maskgate: --"+f.Name+" is given twice; give it once\nusage: ")
			if repeatable := strings.Contains(f.Usage, "may be repeated"); refused == repeatable ||
				refused && ExitStatus(err) != 2 {
				t.Errorf("%s %s %s: %s, %v", strings.Join(words, " "), arg, arg, errs, err)
			}
		})
	}
	for _, cmd := range All() {
		look(cmd, nil)
	}
	if seen < 40 {
		t.Errorf("%d flags, want all", seen)
	}
}
