// Package watch tells when files may have changed on disk: written in place, replaced by a rename
// as editors do, made, removed, or swapped behind a symbolic link as Kubernetes does with the files
// of a ConfigMap.
//
//	w := watch.Open([]string{"/etc/maskgate/rules"}, 10*time.Second)
//	defer w.Close()
//	for range w.Changes() {
//		// Read the files, and compare them with what was read before.
//	}
//
// Events of the file system make it quick. Not all file systems have events (NFS, FUSE and some
// overlays do not), so a Watcher also asks for a look now and then. A signal means that a look is
// worth it, and no more: it may come without a change, and several changes may share a signal.
// After each change that lasts there is a signal.
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
	events  *fsnotify.Watcher // nil where the system gives none; err says why
	err     error
	places  map[string]bool // directories that events watches; for the goroutine only
	changes chan struct{}

	once    sync.Once
	stop    chan struct{}
	stopped chan struct{}
}

// Open watches paths of files or directories, which need not exist. It sees the entries of a
// directory, and not what lies in subdirectories. poll is the time without an event after which the
// Watcher asks for a look; it must be positive.
func Open(paths []string, poll time.Duration) *Watcher {
	w := &Watcher{
		poll: poll, places: map[string]bool{}, changes: make(chan struct{}, 1),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, path := range paths {
		// Without a working directory this fails, and polling has to do.
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		w.paths = append(w.paths, path)
	}
	w.events, w.err = fsnotify.NewWatcher()
	w.follow()
	go w.run()
	return w
}

// Changes yields a value when files may have changed. [Watcher.Close] closes the channel.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Err says why there are no events, so that polling has to do; nil if there are events.
func (w *Watcher) Err() error { return w.err }

// Close ends the watching, and returns when it has ended.
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
		case <-lost: //nolint:errcheck // too many events to queue; each asks for a look
		case <-tick.C:
		}
		// Follow before telling: what changes after the look that a signal asks for is then an
		// event of a place that is watched already.
		w.follow()
		select {
		case w.changes <- struct{}{}:
		default: // a signal is waiting already
		}
	}
}

// follow watches the directories through which the paths lead now, and no others.
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
		// To add a directory again does nothing, unless another directory has taken its place. A
		// directory that cannot be watched is polled.
		if err := w.events.Add(dir); err != nil {
			delete(now, dir)
		}
	}
	w.places = now
}

// maxLinks is how long a chain of symbolic links may be, as in Linux.
const maxLinks = 40

// places adds the directories whose entries decide what is at a path: the directory of each link of
// the path's chain, and of the file at the end. If that is a directory, places adds it too, and
// the directories of the chain of each link in it.
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

// chain follows a chain of links to its end, and returns the path and the file there; nil if there
// is none. It adds the directory of each link.
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
