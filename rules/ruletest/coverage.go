package ruletest

import (
	"slices"

	"github.com/maskgate/maskgate/rules"
)

// Coverage is what the tests of one set of rules exercise.
type Coverage struct {
	Rules  []string `json:"rules"` // paths
	Digest string   `json:"rules_digest"`
	Routes Share    `json:"routes"` // that a request reached
	Fields Share    `json:"fields"` // of which an answer that left had a value
	// Roles are the roles that permit a record of an answer that left, be it nothing of the record.
	Roles Share `json:"roles"`
}

// Share is a part of a whole.
type Share struct {
	Covered int      `json:"covered"`
	Total   int      `json:"total"`
	Missing []string `json:"missing,omitempty"`
}

// Percent is rounded down. If there is nothing to cover, it is 100.
func (s Share) Percent() int {
	if s.Total == 0 {
		return 100
	}
	return s.Covered * 100 / s.Total
}

// counter notes what tests exercise.
type counter struct {
	suite  *suite
	routes map[*rules.Route]bool
	fields map[routeField]bool
	roles  map[string]bool
}

type routeField struct {
	route *rules.Route
	name  rules.FieldName
}

func newCounter(s *suite) *counter {
	return &counter{s, map[*rules.Route]bool{}, map[routeField]bool{}, map[string]bool{}}
}

func (c *counter) count(o *Outcome) {
	if o.Route != nil {
		c.routes[o.Route] = true
	}
	for _, s := range o.Shown {
		if s.Records == 0 {
			continue
		}
		for _, path := range s.Occurred {
			c.fields[routeField{o.Route, rules.FieldName{Kind: s.Profile.Kind, Path: path}}] = true
		}
		for _, role := range s.Profile.Roles {
			c.roles[role] = true
		}
	}
}

func (c *counter) coverage() Coverage {
	out := Coverage{Rules: c.suite.rules, Digest: c.suite.set.Digest()}
	for _, r := range c.suite.set.Routes() {
		route := r.Service + " " + r.Match
		out.Routes.add(c.routes[r], route)
		for _, name := range r.Fields() {
			text := route + ": "
			if name.Kind != "$" {
				text += name.Kind + " "
			}
			out.Fields.add(c.fields[routeField{r, name}], text+name.Path)
		}
	}
	for _, role := range c.suite.set.Roles() {
		out.Roles.add(c.roles[role], role)
	}
	slices.Sort(out.Rules)
	return out
}

func (s *Share) add(covered bool, name string) {
	s.Total++
	if covered {
		s.Covered++
	} else {
		s.Missing = append(s.Missing, name)
	}
}
