package discover_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/discover"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/rules"
	"go.yaml.in/yaml/v4"
)

// file is a service file, as far as proposals are compared with it.
type file struct {
	Routes []struct {
		Match, Record, Subject string
		Envelope, Fields       map[string]any
		Records                []struct {
			Record, Subject string
			Fields          map[string]any
		}
		Query      []string
		MediaTypes []string `yaml:"media_types"`
	}
}

// fieldTypes returns the type of each field of a service file that rules.Load accepts, by route,
// record and path. The subject of a record is a field too, called "subject".
func fieldTypes(t *testing.T, data []byte) (types map[string]string, routes []string) {
	t.Helper()
	if _, err := rules.Load([]rules.File{{Name: "service.yaml", Data: data}}, nil); err != nil {
		t.Fatalf("rules.Load: %v\n%s", err, data)
	}
	var f file
	if err := yaml.Load(data, &f); err != nil {
		t.Fatal(err)
	}
	types = map[string]string{}
	for _, r := range f.Routes {
		routes = append(routes, r.Match)
		add := func(record, subject string, fields map[string]any) {
			if record == "" {
				record = "$"
			}
			if subject != "" {
				types[r.Match+" "+record+" subject"] = subject
			}
			var list func(prefix string, fields map[string]any)
			list = func(prefix string, fields map[string]any) {
				for path, typ := range fields {
					if name, ok := typ.(string); ok {
						types[prefix+path] = name
					} else { // JSON in strings
						inside := typ.(map[string]any)["embedded_json"].(map[string]any)
						list(prefix+path+" | ", inside)
					}
				}
			}
			list(r.Match+" "+record+" ", fields)
		}
		add("envelope", "", r.Envelope)
		if r.Records == nil {
			add(r.Record, r.Subject, r.Fields)
		}
		for _, k := range r.Records {
			add(k.Record, k.Subject, k.Fields)
		}
	}
	return types, routes
}

// compare checks a proposal against a service file written by hand: the proposal has every field
// with a type, with that type, and has no type for a public field. extra are the fields for which
// the proposal has a type and which the file leaves out.
func compare(
	t *testing.T, proposed, byHand []byte, skip func(route string) bool,
) (extra []string) {
	t.Helper()
	got, _ := fieldTypes(t, proposed)
	want, routes := fieldTypes(t, byHand)
	if len(routes) == 0 {
		t.Fatal("there is nothing to compare")
	}
	for field, typ := range want {
		if slices.ContainsFunc(routes, func(r string) bool {
			return strings.HasPrefix(field, r+
				" ") && skip(r)
		}) {
			continue
		}
		switch {
		case typ == "public":
			if got[field] != "" && got[field] != "public" {
				t.Errorf("%s = %s, want public or left out", field, got[field])
			}
		case got[field] != typ:
			t.Errorf("%s = %q, want %q", field, got[field], typ)
		}
	}
	for field, typ := range got {
		if want[field] == "" && typ != "public" {
			extra = append(extra, field)
		}
		if want[field] != "" && want[field] != "public" && typ == "public" {
			t.Errorf("%s = public, want %s", field, want[field])
		}
	}
	slices.Sort(extra)
	if t.Failed() {
		t.Logf("proposed:\n%s", proposed)
	}
	return extra
}

// answers asks a service for the targets, and returns its answers as samples.
func answers(t *testing.T, h http.Handler, targets ...string) []discover.Sample {
	t.Helper()
	var samples []discover.Sample
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d", target, w.Code)
		}
		samples = append(samples, discover.Sample{
			Method: "GET", Path: u.Path, Query: slices.Collect(maps.Keys(u.Query())),
			MediaType: w.Header().Get("Content-Type"), Body: w.Body.Bytes(),
		})
	}
	return samples
}

func proposal(t *testing.T, name string, samples []discover.Sample) []byte {
	t.Helper()
	r := discover.New()
	if err := r.AddSamples(samples); err != nil {
		t.Fatal(err)
	}
	return discover.Propose(name, name+"-team", r.Routes()).YAML()
}

// The demo's answers yield the service file that was written for it by hand.
func TestProposeDemo(t *testing.T) {
	byHand, err := os.ReadFile("../examples/customer/customer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	service := demo.New(demo.DefaultSeed, 0).Handler()
	// This route always fails, so there is no answer to learn from.
	const failing = "GET /v1/customers/{id}/risk-score"
	w := httptest.NewRecorder()
	service.ServeHTTP(w, httptest.NewRequest("GET", "/v1/customers/C00000001/risk-score", nil))
	if w.Code != http.StatusInternalServerError {
		t.Fatalf("risk-score answers %d: compare it too", w.Code)
	}
	for _, n := range []int{10, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var targets []string
			for i := range n {
				id := "/v1/customers/" + fmt.Sprintf("C%08d", 1+i*37)
				targets = append(targets, id, id+"/transactions", id+"/notices", id+
					"/credit-report", fmt.Sprintf("/v1/customers?agent=agent-07&page=%d&size=20",
					1+i%10))
			}
			targets = append(targets, "/v1/exports/customers?branch=BJ-001")
			text := proposal(t, "customer", answers(t, service, targets...))
			extra := compare(t, text, byHand, func(route string) bool { return route == failing })
			// By hand, an export carries less, and the customer's number in each of their
			// transactions is left out.
			for _, field := range extra {
				if !strings.HasPrefix(field, "GET /v1/exports/customers $ ") &&
					field != "GET /v1/customers/{id}/transactions $ $.items[*].customerId" {
					t.Errorf("%s is proposed, and not in the file", field)
				}
			}
			for _, want := range []string{"query: [agent, page, size]", "query: [branch]",
				"media_types: [application/x-ndjson]"} {
				if !strings.Contains(string(text), want) {
					t.Errorf("the proposal has no %s", want)
				}
			}
		})
	}
}
