package treatment

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// arguments hands out an expression's arguments, each once, and collects what is wrong with them.
type arguments struct {
	left   []Argument // not taken yet
	names  []string   // of the arguments that were asked for
	faults []error
}

// take takes the first argument of a name, or reports that there is none.
func (a *arguments) take(name string) (string, bool) {
	if name != "" && !slices.Contains(a.names, name) {
		a.names = append(a.names, name)
	}
	i := slices.IndexFunc(a.left, func(arg Argument) bool { return arg.Name == name })
	if i < 0 {
		return "", false
	}
	value := a.left[i].Value
	a.left = slices.Delete(a.left, i, i+1)
	return value, true
}

// count takes a whole number from least to most. It returns missing if the argument is not given.
func (a *arguments) count(name string, missing, least, most int) int {
	text, ok := a.take(name)
	if !ok {
		return missing
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		a.fault("%s=%s: want a whole number from %d to %d", name, text, least, most)
		return missing
	}
	return n
}

// word takes a word that must be among words. It returns missing if the argument is not given.
func (a *arguments) word(name, missing string, words ...string) string {
	text, ok := a.take(name)
	if !ok {
		return missing
	}
	if !slices.Contains(words, text) {
		a.fault("%s=%s: want one of %s", name, text, strings.Join(words, ", "))
		return missing
	}
	return text
}

// stars takes how many * stand for a hidden part; 0 stands for one for each hidden character. It
// returns missing if the argument is not given.
func (a *arguments) stars(missing int) int {
	text, ok := a.take("stars")
	if !ok {
		return missing
	}
	if text == "same" {
		return 0
	}
	a.left = append(a.left, Argument{"stars", text})
	return a.count("stars", 4, 1, mostKept)
}

// character takes one character. It returns nil if the argument is not given.
func (a *arguments) character(name string) []byte {
	text, ok := a.take(name)
	if !ok {
		return nil
	}
	if r, size := utf8.DecodeRuneInString(text); size != len(text) || r == utf8.RuneError {
		a.fault("%s=%s: want one character", name, text)
		return nil
	}
	return []byte(text)
}

// purposeKey returns the purpose's key and the key's version. If there is no key it returns nil,
// with a fault.
func (a *arguments) purposeKey(env Environment) ([]byte, int) {
	if env.PseudonymKey == nil {
		a.fault("no key for pseudonyms is at hand")
		return nil, 0
	}
	key, version := env.PseudonymKey()
	if len(key) < MinKey {
		a.fault("the key for pseudonyms has %d bytes; want at least %d", len(key), MinKey)
		return nil, 0
	}
	return key, version
}

// fault notes what is wrong with the arguments.
func (a *arguments) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

// done returns all faults, joined. An argument that was not taken is a fault.
func (a *arguments) done() error {
	want := "remove it"
	if len(a.names) > 0 {
		want = "want " + strings.Join(a.names, ", ") + ", each at most once"
	}
	for _, arg := range a.left {
		if arg.Name == "" {
			a.fault("unexpected argument %q; %s", arg.Value, want)
		} else {
			a.fault("unknown or repeated argument %q; %s", arg.Name, want)
		}
	}
	return errors.Join(a.faults...)
}
