package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flag is the text of a flag that a command has.
func flag(cmd *cobra.Command, name string) string { return cmd.Flag(name).Value.String() }

// onlyOnce makes it an error to give a flag twice, unless the flag collects values: of two, pflag would take the last in silence.
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

// givenTwice is the error of a flag.
type givenTwice struct{ name string }

func (g *givenTwice) Error() string { return fmt.Sprintf("--%s is given twice; give it once", g.name) }

// flagFault is what is wrong with the flags of a call. A flag that is given twice is no fault of its second value, which pflag
// would quote.
func flagFault(err error) error {
	if twice, ok := errors.AsType[*givenTwice](err); ok {
		err = twice
	}
	return Misuse(err)
}
