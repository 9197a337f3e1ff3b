// Package watch tells when files may have changed on disk: written in place, replaced by a rename as editors do, made, removed,
// or swapped behind a symbolic link as Kubernetes does with the files of a ConfigMap.
//
//	w := watch.Open([]string{"/etc/maskgate/rules"}, 10*time.Second)
//	defer w.Close()
//	for range w.Changes() {
//		// Read the files, and compare them with those read before.
//	}
//
// The file system's own events make it quick; not all file systems have them (NFS, FUSE and some overlays do not), so it also
// asks for a look now and then. A signal means that it is worth looking, no more: it may come without a change, and several
// changes may share one. No change that lasts goes without a signal after it.
package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher watches paths until it is closed.
type Watcher struct {
	paths   []string
	poll    time.Duration
	events  *fsnotify.Watcher // nil where the system has no events, or no more to give
	err     error             // why events is nil
	places  map[string]bool   // directories that events watches; the goroutine's own
	changes chan struct{}

	once    sync.Once
	stop    chan struct{}
	stopped chan struct{}
}

// Open watches paths, files or directories, which need not exist. Of a directory it sees the entries, not what lies in its
// subdirectories. poll is how often it asks for a look where no event came; it must be positive.
func Open(paths []string, poll time.Duration) *Watcher {
	w := &Watcher{
		poll: poll, places: map[string]bool{}, changes: make(chan struct{}, 1),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, path := range paths {
		if absolute, err := filepath.Abs(path); err == nil { // it fails where there is no working directory; then polls must do
			path = absolute
		}
		w.paths = append(w.paths, path)
	}
	w.events, w.err = fsnotify.NewWatcher()
	w.follow()
	go w.run()
	return w
}

// Changes yields a value when files may have changed. It is closed by [Watcher.Close].
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Err says why there are no events and polling must do; nil if there are.
func (w *Watcher) Err() error { return w.err }

// Close ends the watching and waits until it has.
func (w *Watcher) Close() {
	w.once.Do(func() { close(w.stop) })
	<-w.stopped
}

func (w *Watcher) run() {
	defer close(w.stopped)
	defer close(w.changes)
	var happened <-chan fsnotify.Event
	var lost <-chan error
	if w.events != nil {
		happened, lost = w.events.Events, w.events.Errors
		defer w.events.Close() //nolint:errcheck // nothing is written
	}
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-happened:
		case <-lost: //nolint:errcheck // events were too many to queue: a look is all they asked for
		case <-tick.C:
		}
		// First follow, then tell: what changes behind the look that follows is an event of a place that is watched.
		w.follow()
		select {
		case w.changes <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// follow makes the watched directories those through which the paths lead now.
func (w *Watcher) follow() {
	if w.events == nil {
		return
	}
	now := map[string]bool{}
	for _, path := range w.paths {
		places(path, now)
	}
	for dir := range w.places {
		if !now[dir] {
			_ = w.events.Remove(dir) // it may be gone
		}
	}
	for dir := range now {
		// Adding it again does nothing, unless another directory has taken its place. What cannot be watched is polled.
		if err := w.events.Add(dir); err != nil {
			delete(now, dir)
		}
	}
	w.places = now
}

// maxLinks bounds a chain of symbolic links, as Linux does.
const maxLinks = 40

// places adds the directories whose entries decide what is at a path: those of each link of its chain and of what it
// leads to, and, if that is a directory, itself and those of its entries.
func places(path string, into map[string]bool) {
	path, info := chain(path, into)
	if info == nil || !info.IsDir() {
		return
	}
	into[path] = true
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			chain(filepath.Join(path, e.Name()), into)
		}
	}
}

// chain follows a chain of links to its end, and returns what is there; nil if there is nothing.
func chain(path string, into map[string]bool) (string, fs.FileInfo) {
	for range maxLinks {
		into[filepath.Dir(path)] = true
		info, err := os.Lstat(path)
		if err != nil {
			return path, nil
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, info
		}
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return path, nil
}
