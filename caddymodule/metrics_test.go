package caddymodule

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

func TestMetrics(t *testing.T) {
	g := start(t, "maskgate "+gatewaytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/broken") {
			w.WriteHeader(500)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, gatewaytest.Person("C1", "张三丰"))
	}))
	random := func() string { return "Z" + rand.Text() }
	visit := func(n int) {
		for range n {
			who := agent
			who.ID, who.Org = random(), random()
			who.Roles = []string{random(), "customer-service"}
			who.Purposes = []string{random(), "customer-service"}
			someone := as(t, func(p *demo.Person) { *p = who })
			g.get("/v1/people/"+random(), someone)
			g.get("/v1/people/C1", someone, gatewaytest.Header("Maskgate-Purpose", who.Purposes[0]))
			g.get("/v1/"+random(), someone, gatewaytest.Header("User-Agent", random()))
			g.get("/v1/people?"+random()+"=1", gatewaytest.Header("X-"+random(), random()))
			g.do(g.request(random(), "/v1/people/C1"))
			g.get("/v1/people/C1", gatewaytest.Header("Authorization", "Bearer "+random()))
		}
	}
	series := func() []string {
		return regexp.MustCompile(`(?m)^maskgate_.*`).FindAllString(g.scrape(), -1)
	}
	g.get("/v1/people/C1")
	g.get("/v1/people/broken")
	visit(10)
	first := series()
	visit(160)
	last := series()
	if len(first) != len(last) {
		t.Errorf("%d series, and %d after 1000 more requests", len(first), len(last))
	}
	text := strings.Join(last, "\n")
	found := regexp.MustCompile(`Z[A-Z2-7]{26}`).FindString(text)
	if found != "" || strings.Contains(text, "张") || strings.Contains(text, agent.ID) {
		t.Errorf("metrics hold %q of requests or answers:\n%s", found, text)
	}
	for _, want := range []string{
		`maskgate_requests_total{decision="released",role="customer-service",` +
			`route="GET /v1/people/{id}"} 1`,
		`maskgate_requests_total{decision="refused",role="none",route="none"} `,
		`maskgate_fields_total{treatment="person_name"} 1`,
		`maskgate_fields_total{treatment="drop"} 1`,
		`maskgate_fields_total{treatment="unlisted"} 1`,
		`maskgate_refusals_total{reason="no_route"} `,
		`maskgate_refusals_total{reason="token_malformed"} 170`,
		`maskgate_refusals_total{reason="upstream_status"} 1`,
		`maskgate_stage_duration_seconds_bucket{stage="auth",le="1e-05"} `,
		`maskgate_stage_duration_seconds_bucket{stage="auth",le="2e-05"} `,
		`maskgate_stage_duration_seconds_count{stage="upstream"} `,
		`maskgate_stage_duration_seconds_count{stage="rewrite"} `,
		`maskgate_stage_duration_seconds_count{stage="decide"} `,
		`maskgate_stage_duration_seconds_count{stage="append"} `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no series %s in\n%s", want, text)
		}
	}
	g.load() // a reload registers them anew
	if got := series(); len(got) > 0 && strings.Contains(strings.Join(got, ""), "token_malformed") {
		t.Errorf("the old registry is still shown")
	}
}
