package watch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// never is longer than any test, so that no signal comes from polling.
const never = time.Hour

func TestEvents(t *testing.T) {
	write := func(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
	for name, tt := range map[string]struct {
		watch  string // below the test's directory
		make   func(dir string) error
		change func(dir string) error
	}{
		"written in place": {"a.yaml",
			func(dir string) error { return write(dir+"/a.yaml", "1") },
			func(dir string) error { return write(dir+"/a.yaml", "2") }},
		"renamed over, as editors do": {"a.yaml",
			func(dir string) error { return write(dir+"/a.yaml", "1") },
			func(dir string) error {
				return errors.Join(write(dir+"/a.tmp", "2"), os.Rename(dir+"/a.tmp", dir+"/a.yaml"))
			}},
		"removed": {"a.yaml",
			func(dir string) error { return write(dir+"/a.yaml", "1") },
			func(dir string) error { return os.Remove(dir + "/a.yaml") }},
		"made where nothing was": {"a.yaml",
			func(string) error { return nil },
			func(dir string) error { return write(dir+"/a.yaml", "1") }},
		"made in a directory": {"rules",
			func(dir string) error { return os.Mkdir(dir+"/rules", 0o700) },
			func(dir string) error { return write(dir+"/rules/b.yaml", "1") }},
		"removed from a directory": {"rules",
			func(dir string) error {
				return errors.Join(os.Mkdir(dir+"/rules", 0o700), write(dir+"/rules/b.yaml", "1"))
			},
			func(dir string) error { return os.Remove(dir + "/rules/b.yaml") }},
		"a directory replaced": {"rules",
			func(dir string) error {
				return errors.Join(os.Mkdir(dir+"/rules", 0o700), write(dir+"/rules/b.yaml", "1"),
					os.Mkdir(dir+"/next", 0o700), write(dir+"/next/b.yaml", "2"))
			},
			func(dir string) error {
				return errors.Join(os.Rename(dir+"/rules", dir+"/old"),
					os.Rename(dir+"/next", dir+"/rules"))
			}},
		"a link to a directory": {"current",
			func(dir string) error {
				return errors.Join(os.MkdirAll(dir+"/releases/1", 0o700),
					os.MkdirAll(dir+"/releases/2", 0o700), os.Symlink("releases/1", dir+"/current"))
			},
			func(dir string) error {
				return errors.Join(os.Symlink("releases/2", dir+"/next"),
					os.Rename(dir+"/next", dir+"/current"))
			}},
		"a ConfigMap's files swapped": {"mount", configMap, swap},
		"one file of a ConfigMap":     {"mount/policy.yaml", configMap, swap},
		"what a link leads to": {"a.yaml",
			func(dir string) error {
				return errors.Join(os.Mkdir(dir+"/far", 0o700), write(dir+"/far/a.yaml", "1"),
					os.Symlink("far/a.yaml", dir+"/a.yaml"))
			},
			func(dir string) error { return write(dir+"/far/a.yaml", "2") }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.make(dir); err != nil {
				t.Fatal(err)
			}
			w := Open([]string{filepath.Join(dir, tt.watch)}, never)
			defer w.Close()
			wantEvents(t, w)
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			await(t, w)
		})
	}
}

// The files that a swap brings are watched too.
func TestSwappedAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	if err := configMap(dir); err != nil {
		t.Fatal(err)
	}
	w := Open([]string{dir + "/mount"}, never)
	defer w.Close()
	wantEvents(t, w)
	for range 5 {
		if err := swap(dir); err != nil {
			t.Fatal(err)
		}
		await(t, w)
		drain(w)
	}
	// The files that are linked now are watched.
	data, err := os.Readlink(dir + "/mount/..data")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mount", data, "policy.yaml"), []byte("edited"),
		0o600); err != nil {
		t.Fatal(err)
	}
	await(t, w)
}

func TestPoll(t *testing.T) {
	w := Open([]string{t.TempDir() + "/none/at/all"}, time.Millisecond)
	await(t, w)
	await(t, w)
	w.Close()
	w.Close()
	for range w.Changes() { // it is closed
	}
}

// configMap lays files out as Kubernetes mounts a ConfigMap: each a link through ..data, which is a
// link to a directory.
func configMap(dir string) error {
	return errors.Join(
		os.MkdirAll(dir+"/mount/..2026_11_21_1", 0o700),
		os.WriteFile(dir+"/mount/..2026_11_21_1/policy.yaml", []byte("1"), 0o600),
		os.Symlink("..2026_11_21_1", dir+"/mount/..data"),
		os.Symlink("..data/policy.yaml", dir+"/mount/policy.yaml"),
	)
}

// swap replaces the files as kubelet does: it makes a new directory, renames a new link over
// ..data, and removes the old directory.
func swap(dir string) error {
	old, err := os.Readlink(dir + "/mount/..data")
	if err != nil {
		return err
	}
	next := old + "1"
	return errors.Join(
		os.MkdirAll(dir+"/mount/"+next, 0o700),
		os.WriteFile(dir+"/mount/"+next+"/policy.yaml", []byte(next), 0o600),
		os.Symlink(next, dir+"/mount/..data_tmp"),
		os.Rename(dir+"/mount/..data_tmp", dir+"/mount/..data"),
		os.RemoveAll(dir+"/mount/"+old),
	)
}

func await(t *testing.T, w *Watcher) {
	t.Helper()
	select {
	case _, ok := <-w.Changes():
		if !ok {
			t.Fatal("the watcher is closed")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no signal within 10 s")
	}
}

// drain takes the signals that the last change still gives rise to, so that the next signal is of
// the next change.
func drain(w *Watcher) {
	for {
		select {
		case <-w.Changes():
		case <-time.After(20 * time.Millisecond):
			return
		}
	}
}

// wantEvents skips a test where the system has no events. In CI that is a failure.
func wantEvents(t *testing.T, w *Watcher) {
	t.Helper()
	switch {
	case w.Err() == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("this system has no events: %v", w.Err())
	default:
		t.Skipf("this system has no events: %v", w.Err())
	}
}
