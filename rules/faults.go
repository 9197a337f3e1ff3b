package rules

import (
	"errors"
	"fmt"
	"io/fs"
)

// each returns the errors that an error joins, those that these join, and so on; only the error
// itself if it joins none.
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

// Faults lists the faults that an error of [Load] or [ReadFiles] joins, each a text of its own.
func Faults(err error) []string {
	var list []string
	for _, e := range each(err) {
		list = append(list, e.Error())
	}
	return list
}

// Places returns where the faults are that an error joins, as file:line:column, without what they
// quote of the files.
func Places(err error) []string {
	var list []string
	for _, e := range each(err) {
		if fault, ok := errors.AsType[*Fault](e); ok {
			list = append(list, fmt.Sprintf("%s:%d:%d", fault.File, fault.Line, fault.Column))
		}
	}
	return list
}

// Findings returns what an error says of files, as rules check has it: each fault at its place, and
// what has no place, such as a file that cannot be read, in line 0.
func Findings(err error) []Finding {
	var list []Finding
	for _, e := range each(err) {
		if fault, ok := errors.AsType[*Fault](e); ok {
			list = append(list, fault.Finding())
			continue
		}
		f := Finding{Code: Invalid, Severity: Error, Message: e.Error()}
		if path, ok := errors.AsType[*fs.PathError](e); ok {
			f.File = path.Path
		}
		list = append(list, f)
	}
	return list
}
