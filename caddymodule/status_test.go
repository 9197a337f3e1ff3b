package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/keys"
)

// TestStatus asks what operators and orchestrators ask, while the log is written and once it no
// longer can be.
func TestStatus(t *testing.T) {
	g := start(t, "maskgate "+gatewaytest.Serve(t, gatewaytest.OnePerson))
	if status, body := g.status("/live"); status != 200 || !strings.Contains(body, `"alive"`) {
		t.Errorf("/live: %d %s", status, body)
	}
	if status, h := g.readiness(); status != 200 || h.Status != "ready" || h.Shadow != nil ||
		h.Rules.Status != "current" || h.Rules.Routes != 5 {
		t.Errorf("/ready: %d %+v %+v", status, h, h.Rules)
	}
	if status, body := g.status("/shadow"); status != 404 || !strings.Contains(body, "no shadow") {
		t.Errorf("/shadow: %d %s", status, body)
	}
	if status, _ := g.status("/other"); status != 200 { // Caddy's own, for what nobody handles
		t.Errorf("/other: %d", status)
	}
	resp, err := gatewaytest.Fresh.Post("http://"+g.metrics+"/ready", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /ready: %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	segments, err := filepath.Glob(filepath.Join(keys.AuditDir(g.data()), "*.jsonl"))
	if err != nil || len(segments) != 1 || os.Remove(segments[0]) != nil {
		t.Fatalf("removing the log's segment: %v, %v", segments, err)
	}
	if got := g.get("/v1/people/C1"); got.Status != 503 {
		t.Errorf("without a log: %d %s", got.Status, got.Body)
	}
	if status, h := g.readiness(); status != 503 || h.Status != "log_unwritable" {
		t.Errorf("/ready: %d %+v", status, h)
	}
	status, body := g.status("/live")
	if status != 503 || !strings.Contains(body, `"log_unwritable"`) {
		t.Errorf("/live: %d %s", status, body)
	}
}

// awaited waits for what the operators' listener is about to say.
func (g *world) awaited(what string, is func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			g.t.Fatalf("%s: not within 10 s; /metrics:\n%s\nlog:\n%s",
				what, g.scrape(), captured.String())
		}
	}
}

// TestStatusOfShadowAndDrift: what a gateway notices is told to operators, as JSON and as metrics.
func TestStatusOfShadowAndDrift(t *testing.T) {
	g := start(t, "maskgate "+gatewaytest.Serve(t, gatewaytest.OnePerson), func(g *world) {
		dir := filepath.Join(g.dir, "shadow")
		g.options = quick + "drift 2\nshadow " + dir + "\n"
		shadow := strings.Replace(gatewaytest.PolicyFile, "C2: mask}", "C2: redact}", 1)
		gatewaytest.WriteRules(t, dir, gatewaytest.ServiceFile, shadow)
		service := strings.Replace(gatewaytest.ServiceFile,
			"$.pin: pin,", "$.pin: pin, $.nick: person_name,", 1)
		g.rules(service, gatewaytest.PolicyFile)
	})
	for range 3 {
		g.get("/v1/people/C1")
	}
	has := func(series string) func() bool {
		return func() bool { return strings.Contains(g.scrape(), series) }
	}
	g.awaited("the shadow", has(`maskgate_shadow_requests_total{result="different"} 3`))
	for _, series := range []string{
		`maskgate_shadow_differences_total{field="$.name",in_force="person_name",` +
			`purpose="customer-service",role="customer-service",route="GET /v1/people/{id}",` +
			`shadow="redact"} 3`,
		`maskgate_shadow_requests_total{result="same"} 0`,
		`maskgate_shadow_requests_total{result="skipped"} 0`,
		`maskgate_shadow_requests_total{result="failed"} 0`,
		`maskgate_drift_silent_selectors{route="GET /v1/people/{id}"} 1`,
		`maskgate_drift_unlisted_names_total{route="GET /v1/people/{id}"} 0`,
		`maskgate_rules_info{digest="` + g.inForce() + `",set="rules"} 1`,
		`maskgate_rules_stale{set="rules"} 0`,
		`maskgate_rules_stale{set="shadow"} 0`,
		`maskgate_rules_since_timestamp_seconds{set="shadow"} `,
	} {
		if !has(series)() {
			t.Errorf("no series %s in\n%s", series, g.scrape())
		}
	}
	var r gateway.ShadowReport
	status, body := g.status("/shadow")
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != 200 ||
		r.Different != 3 || len(r.Differences) != 1 || r.InForce != g.inForce() {
		t.Errorf("/shadow: %d %v %s", status, err, body)
	}
	g.rules(gatewaytest.ServiceFile, "kind: policy\nname: 13912345678\nrolls: {}\n")
	g.awaited("broken rules", has(`maskgate_rules_reloads_total{result="broken",set="rules"}`))
	g.awaited("stale rules", has(`maskgate_rules_stale{set="rules"} 1`))
	if status, h := g.readiness(); status != 200 || h.Rules.Status != "stale" ||
		h.Rules.Stale.Faults == 0 || len(h.Rules.Stale.At) == 0 {
		t.Errorf("/ready: %d %+v", status, h.Rules)
	}
	if _, text := g.status("/ready"); strings.Contains(text, "rolls") ||
		strings.Contains(text, "1391234") {
		t.Errorf("/ready quotes the rule files: %s", text)
	}
	// When a route is gone, its series are gone too.
	gone := `maskgate_requests_total{decision="released",role="customer-service",` +
		`route="GET /v1/people/{id}"}`
	if !has(gone)() {
		t.Errorf("no series %s", gone)
	}
	moved := strings.ReplaceAll(gatewaytest.ServiceFile, "/v1/people/{id}", "/v2/people/{id}")
	g.rules(moved, gatewaytest.PolicyFile)
	g.awaited("the series of a route that is gone", func() bool { return !has(gone)() })
}
