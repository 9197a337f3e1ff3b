package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/maskgate/maskgate/rules"
)

// each lists the errors that an error joins, those that these join, and so on; the error itself if it joins none.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, each(e)...)
	}
	return list
}

// faultsOf lists the faults that an error joins, each a text of its own.
func faultsOf(err error) []string {
	var list []string
	for _, e := range each(err) {
		list = append(list, e.Error())
	}
	return list
}

// placesOf lists where faults are, without what they quote of the files.
func placesOf(err error) []string {
	var list []string
	for _, e := range each(err) {
		if fault, ok := errors.AsType[*rules.Fault](e); ok {
			list = append(list, fmt.Sprintf("%s:%d:%d", fault.File, fault.Line, fault.Column))
		}
	}
	return list
}

// findings are what an error says of files, as rules check has it: each fault at its place, and what has none, such as a file that
// cannot be read, in line 0.
func findings(err error) []rules.Finding {
	var list []rules.Finding
	for _, e := range each(err) {
		if fault, ok := errors.AsType[*rules.Fault](e); ok {
			list = append(list, fault.Finding())
			continue
		}
		f := rules.Finding{Code: rules.Invalid, Severity: rules.Error, Message: e.Error()}
		if path, ok := errors.AsType[*fs.PathError](e); ok {
			f.File = path.Path
		}
		list = append(list, f)
	}
	return list
}
