package discover

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Recording is what is known of the answers of routes: shapes, verdicts and counts, never a value.
// It is safe for concurrent use.
//
// Its file is a JSON object: "maskgate" is "shapes/1", and "routes" a list of [Route].
type Recording struct {
	seed maphash.Seed

	mu     sync.Mutex
	routes map[string]*Route // guarded by mu, as is all that follows
	dirty  bool              // whether there is something that Save has not written
}

// Route is what is known of the answers of one route.
type Route struct {
	// Match is the route's method and template, as rule files have them.
	Match string `json:"match"`
	// Answers is how many answers were read. Documents is how many JSON texts they had.
	Answers   int `json:"answers"`
	Documents int `json:"documents"`
	// MediaTypes counts answers by media type. Query counts them by the names of the query
	// parameters of their requests.
	MediaTypes map[string]int `json:"media_types,omitempty"`
	Query      map[string]int `json:"query,omitempty"`
	// Unread counts answers that were not read, by the reason why they were refused.
	Unread map[string]int `json:"unread,omitempty"`
	Shape  *Shape         `json:"shape"`
}

const (
	format = "shapes/1"

	// MaxAnswers is how many answers of a route are looked at. Later answers cost nothing.
	MaxAnswers = 1000
	maxRoutes  = 500
	maxQuery   = 50
)

// New returns an empty recording.
func New() *Recording {
	return &Recording{seed: maphash.MakeSeed(), routes: map[string]*Route{}}
}

// Open reads a recording from a file, or returns an empty one if there is no such file.
func Open(path string) (*Recording, error) {
	r := New()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the recording: %w", err)
	}
	if err := r.Read(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.dirty = false
	return r, nil
}

// stored is a recording's file.
type stored struct {
	Maskgate string   `json:"maskgate"`
	Routes   []*Route `json:"routes"`
}

// IsRecording reports whether a file holds a recording, of any version.
func IsRecording(data []byte) bool {
	var file struct{ Maskgate string }
	return json.Unmarshal(data, &file) == nil && file.Maskgate != ""
}

// Read adds what the file of another recording holds.
func (r *Recording) Read(data []byte) error {
	var file stored
	if err := json.Unmarshal(data, &file); err != nil || file.Maskgate != format {
		return fmt.Errorf("this is no recording of shapes (%s); name another file", format)
	}
	for _, route := range file.Routes {
		if route != nil && route.Shape != nil {
			r.merge(route)
		}
	}
	return nil
}

// Full reports whether a route has as many answers as are read.
func (r *Recording) Full(match string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.routes[match]
	return known != nil && known.Answers+sum(known.Unread) >= MaxAnswers ||
		known == nil && len(r.routes) >= maxRoutes
}

// Add adds an answer: its media type, the names of the query parameters of its request, and its
// JSON texts. Its error holds no value; an answer with an error is not added.
func (r *Recording) Add(match, mediaType string, query []string, documents [][]byte) error {
	if r.Full(match) {
		return nil
	}
	o := newObserver(r.seed)
	for _, doc := range documents {
		if err := o.observe(doc); err != nil {
			return err
		}
	}
	route := &Route{Match: match, Answers: 1, Documents: len(documents),
		MediaTypes: map[string]int{mediaType: 1}, Query: map[string]int{}, Shape: o.shape}
	for _, name := range query {
		if len(route.Query) < maxQuery && presentable(name) {
			route.Query[name] = 1
		}
	}
	r.merge(route)
	return nil
}

// Skip counts an answer that cannot be read. There must be few reasons, and none may have data in
// it.
func (r *Recording) Skip(match, reason string) {
	if !r.Full(match) {
		r.merge(&Route{Match: match, Unread: map[string]int{reason: 1}, Shape: &Shape{}})
	}
}

func (r *Recording) merge(route *Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dirty = true
	known := r.routes[route.Match]
	if known == nil {
		if len(r.routes) < maxRoutes {
			r.routes[route.Match] = route
		}
		return
	}
	known.Answers += route.Answers
	known.Documents += route.Documents
	addCounts(&known.MediaTypes, route.MediaTypes, maxQuery)
	addCounts(&known.Query, route.Query, maxQuery)
	addCounts(&known.Unread, route.Unread, maxQuery)
	room := maxShapes - known.Shape.size()
	known.Shape.add(route.Shape, &room)
}

func addCounts(to *map[string]int, counts map[string]int, most int) {
	if *to == nil && len(counts) > 0 {
		*to = map[string]int{}
	}
	for name, n := range counts {
		if _, known := (*to)[name]; known || len(*to) < most {
			(*to)[name] += n
		}
	}
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// Routes returns the routes, sorted by path and method. They must not be altered, and nothing may
// be added while they are in use.
func (r *Recording) Routes() []*Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sorted()
}

func (r *Recording) sorted() []*Route {
	return slices.SortedFunc(maps.Values(r.routes), func(a, b *Route) int {
		return cmp.Compare(a.Match, b.Match)
	})
}

// Save writes the recording to a file, whole or not at all, if there is something new. Only the
// user may read the file.
func (r *Recording) Save(path string) error {
	r.mu.Lock()
	if !r.dirty {
		r.mu.Unlock()
		return nil
	}
	data, err := json.MarshalIndent(stored{format, r.sorted()}, "", " ")
	r.dirty = false
	r.mu.Unlock()
	if err == nil {
		err = replace(path, append(data, '\n'))
	}
	if err != nil {
		r.mu.Lock()
		r.dirty = true
		r.mu.Unlock()
		return fmt.Errorf("saving the recording: %w", err)
	}
	return nil
}

// replace writes a file by renaming a new one, so that readers see the old content or the new.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".recording-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
