package gateway

import (
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// drift notices that an upstream has changed: that a selector matches nothing any more, or that
// answers have a member that no rule lists and that they did not have before. It looks at every
// response that is released, and keeps only counts and selectors. Many goroutines may use it at
// once.
type drift struct {
	after  int64 // responses without a match
	logger *slog.Logger
	routes map[*rules.Route]*routeDrift // the map is not altered
}

// routeDrift is what the responses of one route had.
type routeDrift struct {
	match    string
	kinds    []kindDrift
	unlisted unlisted
}

// kindDrift counts the responses in a row in which the selector of a kind of record, or of a field,
// matched nothing.
type kindDrift struct {
	name   string
	silent atomic.Int64
	fields []fieldDrift
}

type fieldDrift struct {
	path   string
	silent atomic.Int64
	within []int // fields of the kind that enclose it; once one is treated, what it holds is unseen
}

// newDrift begins to look at the routes of a set. It takes over what old, which may be nil, knows
// of the same places.
func newDrift(set *rules.Set, after int, old *drift, logger *slog.Logger) *drift {
	d := &drift{after: int64(after), logger: logger, routes: map[*rules.Route]*routeDrift{}}
	before := map[string]*routeDrift{}
	if old != nil {
		for _, r := range old.routes {
			before[r.match] = r
		}
	}
	for _, route := range set.Routes() {
		kinds := route.Kinds()
		r := &routeDrift{match: route.Match, kinds: make([]kindDrift, len(kinds))}
		for i, k := range kinds {
			r.kinds[i].name = k.Name
			r.kinds[i].fields = make([]fieldDrift, len(k.Fields))
			for j, path := range k.Fields {
				r.kinds[i].fields[j] = fieldDrift{path: path, within: enclosing(k.Fields, path)}
			}
		}
		r.inherit(before[r.match])
		d.routes[route] = r
	}
	return d
}

// enclosing finds the fields that hold what path selects, as far as their texts tell.
func enclosing(fields []string, path string) []int {
	var within []int
	for i, f := range fields {
		rest, ok := strings.CutPrefix(path, f)
		// A space stands before the bar that leads into a string.
		if ok && rest != "" && strings.IndexByte(".[ ", rest[0]) >= 0 {
			within = append(within, i)
		}
	}
	return within
}

// inherit takes over what was known of the route.
func (r *routeDrift) inherit(old *routeDrift) {
	if old == nil {
		return
	}
	r.unlisted.inherit(&old.unlisted)
	for i := range r.kinds {
		k := &r.kinds[i]
		for j := range old.kinds {
			before := &old.kinds[j]
			if k.name != before.name {
				continue
			}
			k.silent.Store(before.silent.Load())
			known := map[string]int64{}
			for f := range before.fields {
				known[before.fields[f].path] = before.fields[f].silent.Load()
			}
			for f := range k.fields {
				k.fields[f].silent.Store(known[k.fields[f].path])
			}
		}
	}
}

// observe looks at what was released of a response. later says that this is a window of a document,
// behind the first: then a match counts, and a missing match does not, since an earlier window may
// have had it.
func (d *drift) observe(decided *decider, report *masking.Report, later bool) {
	if d == nil || len(report.Tallies) == 0 {
		return
	}
	r := d.routes[decided.admission.route]
	if r == nil {
		return
	}
	for i := range r.kinds {
		d.kind(r, &r.kinds[i], decided, report, later)
	}
	var fresh []string
	for i := range report.Names.Len() {
		place, name := report.Names.Place(i), report.Names.At(i)
		if shown, first := r.unlisted.add(place, name, decided.people); first {
			fresh = append(fresh, shown)
		}
	}
	if len(fresh) > 0 {
		d.logger.Warn("an upstream sends what no rule lists, so it is dropped; "+
			"list it in the route's service file, as its type or as secret",
			slog.String("route", r.match), slog.Any("names", fresh))
	}
}

// kind looks at the records of one kind. unsure says that there may have been others, unseen.
func (d *drift) kind(
	r *routeDrift, k *kindDrift, decided *decider, report *masking.Report, unsure bool,
) {
	var tallies [8]tallied // of the kind; more of them are rare
	list, records := tallies[:0], 0
	for _, g := range decided.groups {
		if g.profile.Kind != k.name || g.records == 0 {
			continue
		}
		records += g.records
		if t := report.Of(&g.profile.Profile); t != nil && !t.Profile.Denied {
			list = append(list, tallied{t})
		}
	}
	if decided.denied > 0 && len(r.kinds) > 2 {
		unsure = true // records that were denied may have held records of other kinds
	}
	d.note(&k.silent, records > 0, unsure, r, k.name, "")
	if len(list) == 0 {
		return
	}
	for i := range k.fields {
		f := &k.fields[i]
		matched, hidden := false, false
		for _, t := range list {
			matched = matched || t.has(i)
			for _, j := range f.within {
				hidden = hidden || t.has(j) && t.Profile.Treatments[j].Rank != masking.RankClear
			}
		}
		d.note(&f.silent, matched, unsure || hidden, r, k.name, f.path)
	}
}

// tallied is the tally of a profile.
type tallied struct{ *masking.Tally }

func (t tallied) has(field int) bool { return t.Treated[field]+t.Withheld[field] > 0 }

// note counts a response in which a selector matched, or did not. It logs when the selector has
// matched nothing for too long, and when it matches again. unsure says that a match may have gone
// unseen.
func (d *drift) note(
	silent *atomic.Int64, matched, unsure bool, r *routeDrift, kind, field string,
) {
	switch {
	case matched:
		if n := silent.Load(); n > 0 {
			silent.Store(0)
			if n >= d.after {
				d.logger.Info("a selector matches again", slog.String("route", r.match),
					slog.String("record", kind), slog.String("field", field))
			}
		}
	case unsure:
	case silent.Add(1) == d.after:
		d.logger.Warn("a selector matches nothing any more: the upstream may have changed, "+
			"so look at its answers and at the route's service file",
			slog.String("route", r.match), slog.String("record", kind), slog.String("field", field),
			slog.Int64("responses", d.after))
	}
}

// silent counts the selectors of a route that have matched nothing for too long.
func (d *drift) silent(r *routeDrift) int {
	n := 0
	for i := range r.kinds {
		k := &r.kinds[i]
		if k.silent.Load() >= d.after {
			n++
		}
		for j := range k.fields {
			if k.fields[j].silent.Load() >= d.after {
				n++
			}
		}
	}
	return n
}
