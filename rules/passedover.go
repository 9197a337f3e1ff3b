package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// PassedOver is a file in or below a directory of rules that looks like a rule file, but that
// [ReadFiles] does not read.
type PassedOver struct {
	File string `json:"file"`
	Why  string `json:"why"` // and what to do
}

// FindPassedOver lists the files that ReadFiles passes over at the paths, so that nobody takes them
// for rules in force. It leaves out files of tests, hidden files, and directories that cannot be
// listed.
func FindPassedOver(paths ...string) []PassedOver {
	read := map[string]bool{}
	for _, path := range paths {
		read[filepath.Clean(path)] = true
		names, _ := ruleFilesIn(path) // none if path is a file
		for _, name := range names {
			read[name] = true
		}
	}
	var list []PassedOver
	for _, path := range paths {
		root := filepath.Clean(path)
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			continue
		}
		_ = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err != nil || name == root {
				return nil //nolint:nilerr // see above
			}
			if strings.HasPrefix(e.Name(), ".") {
				if e.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			ext := filepath.Ext(name)
			if e.IsDir() || read[name] || strings.HasSuffix(name, "_test"+ext) {
				return nil
			}
			switch lower := strings.ToLower(ext); {
			case lower != ".yaml" && lower != ".yml":
			case ext != lower:
				list = append(list,
					PassedOver{name, "its name must end in .yaml or .yml, in small letters"})
			default:
				list = append(list, PassedOver{name, "directories within a directory are not " +
					"read; give its own as a path too"})
			}
			return nil
		})
	}
	return list
}

// passedOverIn says, for an error about a directory without rule files, which files were passed
// over.
func passedOverIn(dir string) string {
	const most = 3
	all := FindPassedOver(dir)
	var names []string
	for _, p := range all[:min(most, len(all))] {
		names = append(names, p.File+" ("+p.Why+")")
	}
	if len(all) > most {
		names = append(names, fmt.Sprintf("and %d more", len(all)-most))
	}
	if names == nil {
		return ""
	}
	return "; passed over: " + strings.Join(names, ", ")
}
