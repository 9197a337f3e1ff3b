package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flag returns the value of a command's flag as text.
func flag(cmd *cobra.Command, name string) string { return cmd.Flag(name).Value.String() }

// onlyOnce makes it an error to give a flag twice, unless the flag collects values. Left alone,
// pflag takes the last value in silence.
func onlyOnce(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		switch f.Value.Type() {
		case "stringArray", "stringToString":
		default:
			f.Value = &single{f.Value, f}
		}
	})
}

// single is the value of a flag that may be given once.
type single struct {
	pflag.Value
	flag *pflag.Flag
}

// Set implements [pflag.Value].
func (s *single) Set(text string) error {
	if s.flag.Changed {
		return &givenTwice{s.flag.Name}
	}
	return s.Value.Set(text)
}

// givenTwice is the error of a flag that is given twice.
type givenTwice struct{ name string }

func (g *givenTwice) Error() string {
	return fmt.Sprintf("--%s is given twice; give it once", g.name)
}

// flagFault returns the error of a call whose flags pflag cannot take. If a flag is given twice,
// the fault is not in its second value, which pflag would quote.
func flagFault(err error) error {
	if twice, ok := errors.AsType[*givenTwice](err); ok {
		err = twice
	}
	return Misuse(err)
}
