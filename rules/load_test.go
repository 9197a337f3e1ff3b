package rules_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maskgate/maskgate/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// faults are the lines of Load's error. Each must be a Fault.
func faults(t *testing.T, files ...rules.File) string {
	t.Helper()
	set, err := rules.Load(files, fixedKeys{})
	if (set == nil) != (err != nil) {
		t.Fatalf("Load = %v, %v, want a set or an error", set, err)
	}
	if err == nil {
		return ""
	}
	var b strings.Builder
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var f *rules.Fault
		if !errors.As(e, &f) {
			t.Errorf("Load: error %v is no Fault", e)
		} else if f.Line < 1 || f.Column < 1 || strings.Contains(f.Message, "\n") {
			t.Errorf("Load: fault %q is not one line with a place", f)
		}
		b.WriteString(e.Error() + "\n")
	}
	return b.String()
}

// Each *.bad.yaml of testdata, loaded alone, has the faults of its *.bad.txt.
func TestFaults(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.bad.yaml")
	if len(paths) == 0 {
		t.Fatal("no testdata/*.bad.yaml")
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			have := faults(t, rules.File{Name: name, Data: data})
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(have), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if have == "" {
				t.Error("Load: no error, want some")
			}
			if diff := cmp.Diff(string(want), have); diff != "" {
				t.Errorf("Load: faults (-want +have):\n%s", diff)
			}
		})
	}
}

func TestGoodFiles(t *testing.T) {
	files, err := rules.ReadFiles("testdata/service.good.yaml", "testdata/policy.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(files, fixedKeys{})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if got, want := len(set.Routes()), 6; got != want {
		t.Errorf("len(Routes()) = %d, want %d", got, want)
	}
	if got := set.Roles(); !slices.Equal(got, []string{"agent"}) {
		t.Errorf("Roles() = %v, want [agent]", got)
	}
	// No finding is left that is not accepted, and each acceptance fits a finding.
	for _, f := range check(t, files) {
		t.Errorf("Check of testdata/*.good.yaml: %v", f)
	}
}

// check returns what Check finds that is not accepted.
func check(t *testing.T, files []rules.File) []rules.Finding {
	t.Helper()
	_, findings := rules.Check(files)
	return slices.DeleteFunc(findings, func(f rules.Finding) bool { return f.Accepted != "" })
}

// The examples load, and nothing is found in them that they do not accept.
func TestExamplesAreInOrder(t *testing.T) {
	paths, _ := filepath.Glob("../examples/*/policy.yaml")
	if len(paths) < 2 {
		t.Fatalf("examples: %v, want more", paths)
	}
	for _, path := range paths {
		files, err := rules.ReadFiles(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range check(t, files) {
			t.Errorf("Check: %v", f)
		}
	}
}

// A file that cannot be read may declare what others name, so they are not blamed for that.
func TestUnreadFiles(t *testing.T) {
	for _, broken := range []string{"kind: policy\n\tname: p\n", "kind: polici\n", ""} {
		have := faults(t, rules.File{Name: "p.yaml", Data: []byte(broken)},
			rules.File{Name: "s.yaml", Data: []byte(
				"kind: service\nname: s\nowner: o\n" +
					"routes: [{match: GET /a, purpose: care, fields: {$.a: own_type, $.: " +
					"public}}]\n")})
		if strings.Contains(have, "unknown") || !strings.HasPrefix(have, "p.yaml:") ||
			!strings.Contains(have, "\ns.yaml:4:65: fields: selector $., column 3") {
			t.Errorf("Load with %q: %s, want its fault and the selector's only", broken, have)
		}
	}
}

// All faults of all files come at once, ordered by file, line and column, whatever the order of the
// files.
func TestFaultsOfSeveralFiles(t *testing.T) {
	files := []rules.File{
		{Name: "z.yaml", Data: []byte("kind: servic\n")},
		{Name: "dir/a.yaml", Data: []byte("kind: policy\nname: p\n" +
			"purposes: {care: {basis: contract}, x: {basis: y}}\n" +
			"roles: {r: {purposes: [care], treat: {}}}\n")},
		{Name: "b.yaml", Data: []byte("kind: policy\nname: p\n" +
			"purposes: {care: {basis: contract}}\nroles: {r: {purposes: [care], treat: {}}}\n" +
			"bad: 1\n")},
		{Name: "other/b.yaml", Data: []byte("kind: service\nname: s\nowner: o\n" +
			"routes: [{match: GET /a, fields: {}}]\n")},
		{Name: "c.yaml", Data: []byte("kind: service\nname: s\nowner: o\n" +
			"routes: [{match: GET /a, fields: {}}]\n")},
	}
	want := `b.yaml:5:1: policy: unknown key "bad"; want one of ` +
		"kind, name, time_zone, types, purposes, roles, caps, owner, reviewer, justification, " +
		`accept
c.yaml:2:7: service s is declared at b.yaml:2 too; give one another name
c.yaml:4:18: match: the route at b.yaml:4 matches the same requests; remove one
dir/a.yaml:3:48: purpose x: basis: want consent, contract, legal_duty, emergency, ` +
		`public_interest, disclosed or law; have "y"
other/b.yaml:1:1: b.yaml has the same name, by which access records cite rules; rename one
z.yaml:1:1: want kind: service or kind: policy; have "servic"
`
	// a.yaml is the first by base name, so it is b.yaml that declares anew.
	want = strings.Replace(want, "b.yaml:5:1", "b.yaml:3:12: purpose care is declared in another "+
		"policy too; remove one\nb.yaml:4:9: role r is declared in another policy too; remove "+
		"one\nb.yaml:5:1", 1)
	for range len(files) {
		files = append(files[1:], files[0])
		if diff := cmp.Diff(want, faults(t, files...)); diff != "" {
			t.Errorf("Load: faults (-want +have):\n%s", diff)
		}
	}
}

func TestDigest(t *testing.T) {
	load := func(files ...rules.File) *rules.Set {
		t.Helper()
		set, err := rules.Load(files, nil)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	a, b := rules.File{Name: "a.yaml", Data: []byte(policy)}, rules.File{Name: "b.yaml",
		Data: []byte(service)}
	moved := rules.File{Name: "elsewhere/a.yaml", Data: a.Data}
	renamed := rules.File{Name: "c.yaml", Data: a.Data}
	changed := rules.File{Name: "a.yaml", Data: append(a.Data, "# more\n"...)}
	want := load(a, b).Digest()
	if len(want) != len("sha256:")+64 {
		t.Errorf("Digest() = %q, want sha256: and 64 digits", want)
	}
	for _, test := range []struct {
		name  string
		files []rules.File
		same  bool
	}{
		{"another order", []rules.File{b, a}, true},
		{"another directory", []rules.File{moved, b}, true},
		{"another name", []rules.File{renamed, b}, false},
		{"another comment", []rules.File{changed, b}, false},
	} {
		if got := load(test.files...).Digest(); (got == want) != test.same {
			t.Errorf("%s: Digest() = %s, first %s, want same %v", test.name, got, want, test.same)
		}
	}
}

// A digest names one behaviour: which of two equally open permits wins must not depend on the order
// of files.
func TestOrderOfFiles(t *testing.T) {
	role := func(name, treat string) []byte {
		return []byte("kind: policy\nname: " + name + "\nroles: {" + name +
			": {purposes: [care], treat: {person_name: " + treat + "}}}\n")
	}
	files := []rules.File{
		{Name: "a.yaml", Data: role("one", `"mask(keep_first=1)"`)},
		{Name: "b.yaml", Data: role("two", `"mask(keep_last=1)"`)},
		{Name: "policy.yaml", Data: []byte(policy)}, {Name: "service.yaml", Data: []byte(service)},
	}
	for range len(files) {
		files = append(files[1:], files[0])
		set, err := rules.Load(files, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := admit(t, set, rules.Caller{Roles: []string{"one", "two"}, Purposes: []string{"care"}})
		if got := fieldOf(t, a.Profile(0, nil), "$.name"); got.Rule != "a.yaml:3" {
			t.Errorf("first file %s: rule = %s, want a.yaml:3", files[0].Name, got.Rule)
		}
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yml", "c_test.yaml", "d_test.yml", ".e.yaml",
		"f.txt", "sub/g.yaml", "..data/h.yaml", "empty/readme"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..data/h.yaml", filepath.Join(dir, "h.yaml")); err != nil {
		t.Fatal(err)
	}
	files, err := rules.ReadFiles(dir, filepath.Join(dir, "c_test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.Name))
	}
	if want := []string{"a.yaml", "b.yml", "h.yaml", "c_test.yaml"}; !slices.Equal(names, want) {
		t.Errorf("ReadFiles = %v, want %v", names, want)
	}
	for _, paths := range [][]string{nil, {filepath.Join(dir, "missing")},
		{dir, filepath.Join(dir, "empty")}} {
		if _, err := rules.ReadFiles(paths...); err == nil {
			t.Errorf("ReadFiles(%v): no error, want one", paths)
		}
	}
}

// Load never panics, and what it takes can decide.
func FuzzLoad(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.yaml")
	more, _ := filepath.Glob("../examples/customer/*.yaml")
	for _, path := range append(paths, more...) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 16<<10 {
			return // what takes long is only large
		}
		faults(t, rules.File{Name: "fuzz.yaml", Data: data})
		faults(t, rules.File{Name: "fuzz.yaml", Data: data}, rules.File{Name: "p.yaml",
			Data: []byte(policy)}, rules.File{Name: "s.yaml", Data: []byte(service)})
		set, err := rules.Load([]rules.File{{Name: "fuzz.yaml", Data: data},
			{Name: "p.yaml", Data: []byte(policy)}}, fixedKeys{})
		if err != nil {
			return
		}
		for _, r := range set.Routes() {
			if r.Public != "" {
				continue
			}
			a, err := set.Admit(r,
				request(rules.Caller{Roles: set.Roles(), Purposes: []string{"care"},
					AMR: []string{"mfa"}}, "care"))
			if err == nil {
				a.Profile(-1, nil)
			}
		}
	})
}
