package gateway

import (
	"time"

	"github.com/maskgate/maskgate/rules"
)

// A Health is how a gateway is, for operators and orchestrators. It has digests, and the places
// where rule files have faults, but no text of a rule file.
type Health struct {
	Status string     `json:"status"`           // alive, ready, or why not
	Rules  *SetHealth `json:"rules,omitempty"`  // of Ready
	Shadow *SetHealth `json:"shadow,omitempty"` // of Ready; nil without a shadow
}

// A SetHealth is how a set of rules is.
type SetHealth struct {
	// Status is current; stale: the files on disk are not what is in use; or missing: no set is.
	Status string    `json:"status"`
	Digest string    `json:"digest,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Routes int       `json:"routes,omitempty"`
	Stale  *Stale    `json:"stale,omitempty"`
}

// Stale is since when, and where, the files on disk have faults. The gateway's log has the texts.
type Stale struct {
	Since  time.Time `json:"since"`
	Faults int       `json:"faults"`
	At     []string  `json:"at,omitempty"` // file:line:column, of the first 20
}

// Live reports whether the gateway can go on. If it cannot, since its log takes no record any more,
// only a restart helps.
func (g *Gateway) Live() (h Health, ok bool) {
	if s := g.state.Load(); s != nil && s.log.Err() != nil {
		return Health{Status: string(reasonLog)}, false
	}
	return Health{Status: "alive"}, true
}

// Ready reports whether requests are served. Broken rules on disk leave the old set in force, so
// the gateway is ready then, and its rules are stale.
func (g *Gateway) Ready() (h Health, ok bool) {
	s := g.state.Load()
	if s == nil {
		return Health{Status: string(reasonNotReady)}, false
	}
	sets := g.Sets()
	h = Health{Status: "ready", Rules: sets[setRules], Shadow: sets[setShadow]}
	if s.log.Err() != nil {
		h.Status = string(reasonLog)
		return h, false
	}
	return h, true
}

// Sets returns how the sets of rules are, by name: "rules", and "shadow" if there is to be one. It
// is empty until the rules are loaded.
func (g *Gateway) Sets() map[string]*SetHealth {
	sets := map[string]*SetHealth{}
	in := g.ruling.Load()
	if in == nil { // they are still being loaded
		return sets
	}
	sets[setRules] = g.source.health(in.Digest(), in.since, len(in.Routes()))
	switch shadow := in.shadow; {
	case g.shadowSource == nil:
	case shadow == nil:
		sets[setShadow] = g.shadowSource.health("", time.Time{}, 0)
	default:
		set := shadow.set
		sets[setShadow] = g.shadowSource.health(set.Digest(), shadow.since, len(set.Routes()))
	}
	return sets
}

// health returns how the set is that a source has yielded. digest, since and routes are those of
// the set in use; digest is "" if none is.
func (s *source) health(digest string, since time.Time, routes int) *SetHealth {
	h := &SetHealth{Status: "current", Digest: digest, Since: since, Routes: routes}
	if digest == "" {
		h.Status = "missing"
	}
	if stale := s.stale.Load(); stale != nil {
		if digest != "" {
			h.Status = "stale"
		}
		places := rules.Places(stale.fault)
		h.Stale = &Stale{stale.since, len(rules.Faults(stale.fault)), places[:min(20, len(places))]}
	}
	return h
}

// A ShadowReport is what the shadow made of requests.
type ShadowReport struct {
	Digest      string              `json:"digest"`
	InForce     string              `json:"in_force"`
	Since       time.Time           `json:"since"`
	Same        int64               `json:"same"` // requests, as in the next three
	Different   int64               `json:"different"`
	Skipped     int64               `json:"skipped"`
	Failed      int64               `json:"failed"`
	Differences []CountedDifference `json:"differences"`
	More        int64               `json:"more,omitempty"` // differences that had no room
}

// Shadow returns what the shadow made of requests; false if there is no shadow.
func (g *Gateway) Shadow() (r ShadowReport, ok bool) {
	in := g.ruling.Load()
	if in == nil || in.shadow == nil {
		return r, false
	}
	s := in.shadow
	r = ShadowReport{
		Digest: s.set.Digest(), InForce: in.Digest(), Since: s.since,
		Same: s.same.Load(), Different: s.differing.Load(),
		Skipped: s.skipped.Load(), Failed: s.failed.Load(),
	}
	r.Differences, r.More = s.list()
	return r, true
}

// A RouteDrift is what has been noticed of the answers for a route.
type RouteDrift struct {
	Route    string
	Silent   int // selectors that have matched nothing for too many responses in a row
	Unlisted int // members that no rule lists; those of an object whose names may be data are one
}

// Drift returns what has been noticed of the answers for each route that is not public, in no
// order; nil if nobody looks.
func (g *Gateway) Drift() []RouteDrift {
	in := g.ruling.Load()
	if in == nil || in.drift == nil {
		return nil
	}
	var list []RouteDrift
	for _, r := range in.drift.routes {
		if len(r.kinds) > 0 { // public routes have none
			list = append(list, RouteDrift{r.match, in.drift.silent(r), r.unlisted.len()})
		}
	}
	return list
}
