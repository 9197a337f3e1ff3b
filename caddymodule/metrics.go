package caddymodule

import (
	"strings"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/gateway"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the gateway's observer. They are registered anew with each configuration. Every label
// takes its values from configuration, rules or code, never from a request.
type metrics struct {
	requests *prometheus.CounterVec
	fields   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	reloads  *prometheus.CounterVec
	stages   *prometheus.HistogramVec
}

// buckets resolve 10 µs at the bottom, for the engine, and end at 10 s, for upstreams.
var buckets = []float64{
	10e-6, 20e-6, 30e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 750e-6,
	1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 250e-3, 500e-3,
	1, 2.5, 5, 10,
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		requests: counter("maskgate_requests_total",
			"Requests by route, decision (released or refused) and the role that served them.",
			"route", "decision", "role"),
		fields: counter("maskgate_fields_total",
			"Values of listed fields by what happened to them; withheld ones did not fit their "+
				"transform, unlisted ones no field lists.",
			"treatment"),
		refusals: counter("maskgate_refusals_total",
			"Refused requests by reason; docs/problems.md explains each.",
			"reason"),
		reloads: counter("maskgate_rules_reloads_total",
			"Changes of rule files (rules or shadow) by what came of them: taken, restored (again "+
				"as those in use), broken, or unrecorded (the access log took no record).",
			"set", "result"),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "maskgate_stage_duration_seconds",
			Help:    "How long the stages of requests take.",
			Buckets: buckets,
		}, []string{"stage"}),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.fields, m.refusals, m.reloads, m.stages}
}

// register registers these metrics, and the metrics of the rules in force.
func (m *metrics) register(to prometheus.Registerer, g *gateway.Gateway) error {
	for _, c := range append(m.collectors(), inForce{g}) {
		if err := to.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Took implements [gateway.Observer].
func (m *metrics) Took(stage gateway.Stage, d time.Duration) {
	m.stages.WithLabelValues(string(stage)).Observe(d.Seconds())
}

// Released implements [gateway.Observer]. It counts a response once, and the fields of each window.
func (m *metrics) Released(record *audit.Record, role string) {
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

// Refused implements [gateway.Observer].
func (m *metrics) Refused(route, role, reason string) {
	m.requests.WithLabelValues(route, string(audit.Refused), role).Inc()
	m.refusals.WithLabelValues(reason).Inc()
}

// Reloaded implements [gateway.Observer]. It deletes the series of routes that are gone.
func (m *metrics) Reloaded(set, result string, gone []string) {
	m.reloads.WithLabelValues(set, result).Inc()
	for _, route := range gone {
		m.requests.DeletePartialMatch(prometheus.Labels{"route": route})
	}
}

// inForce are the metrics of the rules in force. Each scrape reads them from the gateway, so they
// come and go with the rules.
type inForce struct{ *gateway.Gateway }

var (
	rulesInfo = prometheus.NewDesc("maskgate_rules_info",
		"1 for each set of rules in use (rules: in force; shadow: beside it), by its digest.",
		[]string{"set", "digest"}, nil)
	rulesSince = prometheus.NewDesc("maskgate_rules_since_timestamp_seconds",
		"When the set came into use.", []string{"set"}, nil)
	rulesStale = prometheus.NewDesc("maskgate_rules_stale",
		"1 while the files on disk are not what is in use: they are broken, or the change could "+
			"not be recorded. The log has all faults.", []string{"set"}, nil)
	shadowRequests = prometheus.NewDesc("maskgate_shadow_requests_total",
		"Requests by what the shadow made of them: same, different, skipped (not wholly compared) "+
			"or failed.", []string{"result"}, nil)
	shadowDifferences = prometheus.NewDesc("maskgate_shadow_differences_total",
		"Requests in which rules in force and shadow treat a place differently. At most 1000 "+
			"series; what is beyond is counted under other.",
		[]string{"route", "role", "purpose", "field", "in_force", "shadow"}, nil)
	driftSelectors = prometheus.NewDesc("maskgate_drift_silent_selectors",
		"Selectors of the route that have matched nothing for the configured number of responses "+
			"in a row.", []string{"route"}, nil)
	driftNames = prometheus.NewDesc("maskgate_drift_unlisted_names_total",
		"Members that no rule of the route lists, so that they are dropped; all of an object "+
			"whose names may be data are one.", []string{"route"}, nil)
)

// Describe implements prometheus.Collector.
func (inForce) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		rulesInfo, rulesSince, rulesStale, shadowRequests, shadowDifferences, driftSelectors,
		driftNames,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g inForce) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	for name, set := range g.Sets() {
		stale := 0.0
		if set.Stale != nil {
			stale = 1
		}
		gauge(rulesStale, stale, name)
		if set.Digest != "" {
			gauge(rulesInfo, 1, name, set.Digest)
			gauge(rulesSince, float64(set.Since.Unix()), name)
		}
	}
	if shadow, ok := g.Shadow(); ok {
		counter(shadowRequests, shadow.Same, "same")
		counter(shadowRequests, shadow.Different, "different")
		counter(shadowRequests, shadow.Skipped, "skipped")
		counter(shadowRequests, shadow.Failed, "failed")
		for _, d := range shadow.Differences {
			counter(shadowDifferences, d.Requests,
				d.Route, d.Role, d.Purpose, d.Field, d.InForce, d.Shadow)
		}
		if shadow.More > 0 {
			counter(shadowDifferences, shadow.More,
				"other", "other", "other", "other", "other", "other")
		}
	}
	for _, d := range g.Drift() {
		gauge(driftSelectors, float64(d.Silent), d.Route)
		counter(driftNames, int64(d.Unlisted), d.Route)
	}
}

var (
	_ gateway.Observer     = (*metrics)(nil)
	_ prometheus.Collector = inForce{}
)
