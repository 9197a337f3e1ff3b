package caddymodule

import "github.com/prometheus/client_golang/prometheus"

// standing are the metrics of the rules in force, read from them whenever they are asked for, so that they go with them.
type standing struct{ app *App }

var (
	rulesInfo = prometheus.NewDesc("maskgate_rules_info",
		"1 for each set of rules in use (rules: in force; shadow: beside it), by its digest.", []string{"set", "digest"}, nil)
	rulesSince = prometheus.NewDesc("maskgate_rules_since_timestamp_seconds",
		"When the set came into use.", []string{"set"}, nil)
	rulesStale = prometheus.NewDesc("maskgate_rules_stale",
		"1 while the files on disk are not what is in use: they are broken, or the change could not be recorded. The log has all faults.", []string{"set"}, nil)
	shadowRequests = prometheus.NewDesc("maskgate_shadow_requests_total",
		"Requests by what the shadow made of them: same, different, skipped (not wholly compared) or failed.", []string{"result"}, nil)
	shadowDifferences = prometheus.NewDesc("maskgate_shadow_differences_total",
		"Requests in which rules in force and shadow treat a place differently. At most 1000 series; what is beyond is counted under other.",
		[]string{"route", "role", "purpose", "field", "in_force", "shadow"}, nil)
	driftSelectors = prometheus.NewDesc("maskgate_drift_silent_selectors",
		"Selectors of the route that have matched nothing for the configured number of responses in a row.", []string{"route"}, nil)
	driftNames = prometheus.NewDesc("maskgate_drift_unlisted_names_total",
		"Members that no rule of the route lists, so that they are dropped; all of an object whose names may be data are one.", []string{"route"}, nil)
)

// Describe implements prometheus.Collector.
func (standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{rulesInfo, rulesSince, rulesStale, shadowRequests, shadowDifferences, driftSelectors, driftNames} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s standing) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	in := s.app.ruling.Load()
	if in == nil { // the configuration is still being loaded
		return
	}
	for name, from := range map[string]*source{"rules": s.app.source, "shadow": s.app.shadowSource} {
		if from == nil {
			continue
		}
		stale := 0.0
		if from.stale.Load() != nil {
			stale = 1
		}
		gauge(rulesStale, stale, name)
	}
	gauge(rulesInfo, 1, "rules", in.Digest())
	gauge(rulesSince, float64(in.since.Unix()), "rules")
	if shadow := in.shadow; shadow != nil {
		gauge(rulesInfo, 1, "shadow", shadow.set.Digest())
		gauge(rulesSince, float64(shadow.since.Unix()), "shadow")
		counter(shadowRequests, shadow.same.Load(), "same")
		counter(shadowRequests, shadow.differing.Load(), "different")
		counter(shadowRequests, shadow.skipped.Load(), "skipped")
		counter(shadowRequests, shadow.failed.Load(), "failed")
		differences, more := shadow.list()
		for _, d := range differences {
			counter(shadowDifferences, d.Requests, d.Route, d.Role, d.Purpose, d.Field, d.InForce, d.Shadow)
		}
		if more > 0 {
			counter(shadowDifferences, more, "other", "other", "other", "other", "other", "other")
		}
	}
	if in.drift != nil {
		for _, r := range in.drift.routes {
			if len(r.kinds) > 0 { // public routes have none
				gauge(driftSelectors, float64(in.drift.silent(r)), r.match)
				counter(driftNames, int64(r.names.len()), r.match)
			}
		}
	}
}
