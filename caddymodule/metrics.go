package caddymodule

import (
	"strings"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/rules"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are registered anew with each configuration. Every label takes its values from configuration, rules or code, never
// from a request.
type metrics struct {
	requests *prometheus.CounterVec
	fields   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	reloads  *prometheus.CounterVec
	stages   *prometheus.HistogramVec
}

// The stages of a request that are timed.
const (
	stageAuth     = "auth"     // token, route, admission
	stageUpstream = "upstream" // until the answer is there whole
	stageRewrite  = "rewrite"  // checking, deciding and rewriting
	stageDecide   = "decide"   // the part of rewrite that decides
	stageAppend   = "append"   // until the access record is durable
)

// buckets resolve 10 µs at the bottom, for the engine, and end at 10 s, for upstreams.
var buckets = []float64{
	10e-6, 20e-6, 30e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 750e-6,
	1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10,
}

func newMetrics(registry prometheus.Registerer, a *App) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskgate_requests_total",
			Help: "Requests by route, decision (released or refused) and the role that served them.",
		}, []string{"route", "decision", "role"}),
		fields: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskgate_fields_total",
			Help: "Values of listed fields by what happened to them; withheld ones did not fit their transform, unlisted ones no field lists.",
		}, []string{"treatment"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskgate_refusals_total",
			Help: "Refused requests by reason; docs/problems.md explains each.",
		}, []string{"reason"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskgate_rules_reloads_total",
			Help: "Changes of rule files (rules or shadow) by what came of them: taken, restored (again as those in use), broken, or unrecorded (the access log took no record).",
		}, []string{"set", "result"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "maskgate_stage_duration_seconds",
			Help:    "How long the stages of requests take.",
			Buckets: buckets,
		}, []string{"stage"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.fields, m.refusals, m.reloads, m.stages, standing{a}} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) since(stage string, begin time.Time) {
	m.stages.WithLabelValues(stage).Observe(time.Since(begin).Seconds())
}

// forget lets go of the series of routes that a new set does not have.
func (m *metrics) forget(old, now *rules.Set) {
	kept := map[string]bool{}
	for _, r := range now.Routes() {
		kept[r.Match] = true
	}
	for _, r := range old.Routes() {
		if !kept[r.Match] {
			m.requests.DeletePartialMatch(prometheus.Labels{"route": r.Match})
		}
	}
}

// count counts a released response.
func (m *metrics) count(record *audit.Record, role string) {
	if record.Part <= 1 {
		m.requests.WithLabelValues(record.Route, string(audit.Released), role).Inc()
	}
	for _, p := range record.Profiles {
		for _, f := range p.Fields {
			treatment, _, _ := strings.Cut(f.Treatment, "(")
			m.fields.WithLabelValues(treatment).Add(float64(f.Count))
			if f.Withheld > 0 {
				m.fields.WithLabelValues("withheld").Add(float64(f.Withheld))
			}
		}
	}
	if record.Unlisted > 0 {
		m.fields.WithLabelValues("unlisted").Add(float64(record.Unlisted))
	}
}

func (m *metrics) refused(route, role string, why reason) {
	m.requests.WithLabelValues(route, string(audit.Refused), role).Inc()
	m.refusals.WithLabelValues(string(why)).Inc()
}
