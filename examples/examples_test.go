package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/maskgate/maskgate/caddymodule"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
	"github.com/maskgate/maskgate/rules/ruletest"
	"github.com/maskgate/maskgate/treatment"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"
)

var sets = []string{"claims", "credit", "customer"}

// maskgate runs a command as the binary does, and returns what it prints.
func maskgate(t *testing.T, args ...string) string {
	t.Helper()
	c := caddycmd.Commands()[args[0]]
	cmd := &cobra.Command{Use: c.Name, SilenceUsage: true}
	c.CobraFunc(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args[1:])
	if err := cmd.Execute(); err != nil {
		t.Errorf("maskgate %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	return out.String()
}

func TestRulesAreInOrder(t *testing.T) {
	for _, set := range sets {
		t.Run(set, func(t *testing.T) { maskgate(t, "rules", "check", set) })
	}
}

// Every route, every field and every role of an example is in a test.
func TestTestsPassAndCoverAll(t *testing.T) {
	for _, set := range sets {
		t.Run(set, func(t *testing.T) {
			var report ruletest.Report
			out := maskgate(t, "rules", "test", "--json", set)
			if err := json.Unmarshal([]byte(out), &report); err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				for _, f := range r.Failures {
					t.Errorf("%s: %s: %s %v", f.At, r.Name, f.Message, f.Differences)
				}
			}
			for _, c := range report.Coverage {
				for what, share := range map[string]ruletest.Share{
					"routes": c.Routes, "fields": c.Fields, "roles": c.Roles,
				} {
					if share.Covered != share.Total || share.Total == 0 {
						t.Errorf("%s: %d of %d %s are in a test; there is none of %q",
							set, share.Covered, share.Total, what, share.Missing)
					}
				}
			}
			if len(report.Coverage) != 1 {
				t.Errorf("%s: tests of %d sets of rules, want 1", set, len(report.Coverage))
			}
		})
	}
}

// leftOut are the fields of the samples that the rules do not name, by service and route, and why.
var leftOut = map[string][]string{
	// Free text: nobody can say what it holds. Of next, callers see that it is there.
	"claims GET /v1/claims/{claimNo}":          {"$.description", "$.repairer.manager"},
	"claims GET /v1/claims/{claimNo}/medical":  {"$.doctorNotes"},
	"claims GET /v1/events":                    {"$.next"},
	"claims GET /v1/exports/claims":            {"$.hint"},
	"credit GET /credit/v1/exports/overdues":   {"$.note"},
	"credit GET /credit/v1/reports/{reportNo}": {"$.remark"},
	"customer GET /v1/customers/{id}/notices":  {"$.items[*].payload | $.text"},
	"garage GET /garage/v1/orders/{orderNo}":   {"$.handover"},
	// Names of files say what the files are about.
	"credit GET /credit/v1/objections/{objectionNo}": {"$.attachments[*]"},
	// Of no use to a caller; the customer's number is the statement's; and free text.
	"credit GET /credit/v1/alerts":                 {"$.channel"},
	"customer GET /v1/customers/{id}/transactions": {"$.items[*].customerId", "$.items[*].memo"},
}

// Each field of each sample is named by the rules, or left out on purpose.
func TestSamplesAreAllNamed(t *testing.T) {
	unnamed := map[string]map[string]bool{}
	for _, dir := range sets {
		set, everyone := opened(t, dir)
		for _, test := range tests(t, dir) {
			path, _, _ := strings.Cut(test.Target, "?")
			r := set.Route(test.Method, test.Host, path)
			if r == nil || r.Public != "" || r.Unlisted != "" ||
				test.Response == nil || test.Response.Status != 200 {
				continue
			}
			request := rules.Request{Caller: everyone, Purpose: everyone.Purposes[0]}
			access, err := set.Admit(r, request)
			if err != nil {
				t.Fatalf("%s: %v", test.At, err)
			}
			out, err := r.Layout.Append(context.Background(), nil, test.Response.Body,
				r.Framing(test.Response.Type), shower{access}, nil)
			if err != nil {
				t.Fatalf("%s: %v", test.At, err)
			}
			left := leaves(t, test.Response.Body)
			for leaf := range leaves(t, out) {
				delete(left, leaf)
			}
			route := r.Service + " " + r.Match
			if len(left) > 0 && unnamed[route] == nil {
				unnamed[route] = map[string]bool{}
			}
			maps.Copy(unnamed[route], left) // a route may have several samples
		}
	}
	for route := range leftOut {
		if unnamed[route] == nil {
			unnamed[route] = nil // to be compared
		}
	}
	for route, fields := range unnamed {
		have, want := slices.Sorted(maps.Keys(fields)), leftOut[route]
		if !slices.Equal(have, want) {
			t.Errorf("%s: no rule names %q of the samples, want %q; "+
				"name what is new, or say in leftOut why not", route, have, want)
		}
	}
}

func tests(t *testing.T, dir string) []rules.Test {
	names, err := filepath.Glob(filepath.Join(dir, "*_test.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files of tests, %v", dir, len(names), err)
	}
	var list []rules.Test
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := rules.ParseTests(rules.File{Name: name, Data: data}, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, file.Tests...)
	}
	return list
}

// opened loads an example's service files under a policy that has the example's types and purposes.
// It returns a caller who may use each route.
func opened(t *testing.T, dir string) (*rules.Set, rules.Caller) {
	t.Helper()
	files, err := rules.ReadFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	everyone := rules.Caller{Roles: []string{"everyone"}}
	for i, f := range files {
		var policy map[string]any
		if err := yaml.Load(f.Data, &policy); err != nil {
			t.Fatal(err)
		}
		if policy["kind"] != "policy" {
			continue
		}
		delete(policy, "caps")
		for name := range policy["purposes"].(map[string]any) {
			everyone.Purposes = append(everyone.Purposes, name)
		}
		policy["roles"] = map[string]any{"everyone": map[string]any{
			"purposes": everyone.Purposes, "treat": map[string]any{"L1": "clear"},
		}}
		if files[i].Data, err = yaml.Dump(policy); err != nil {
			t.Fatal(err)
		}
	}
	set, err := rules.Load(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set, everyone
}

// shower is a decider that shows whatever the rules name.
type shower struct{ *rules.Access }

func (s shower) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	show, err := treatment.Expression{Name: "clear"}.Treatment(treatment.Environment{})
	if err != nil {
		return err
	}
	for i, r := range records {
		fields := len(s.Profile(r.Kind, r.Inputs).Treatments)
		profiles[i] = &masking.Profile{Treatments: slices.Repeat([]masking.Treatment{show}, fields)}
	}
	return nil
}

// leaves are the places of a body's values that are neither arrays nor objects, such as
// $.items[*].name. If a string holds a JSON object, the leaves of that object follow the string's
// place and " | ". A value that was masked because no rule names it is no leaf.
func leaves(t *testing.T, body []byte) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	var visit func(at string, v any)
	visit = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				visit(at+"."+name, inner)
			}
		case []any:
			for _, inner := range v {
				visit(at+"[*]", inner)
			}
		case string:
			var inner map[string]any
			if json.Unmarshal([]byte(v), &inner) == nil {
				visit(at+" | $", inner)
			} else if v != "****" {
				found[at] = true
			}
		default:
			found[at] = true
		}
	}
	for _, text := range texts(body) {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		visit("$", v)
	}
	return found
}

// texts are the JSON texts of a body: a document, lines, or the data of events.
func texts(body []byte) [][]byte {
	d := json.NewDecoder(bytes.NewReader(body))
	var list [][]byte
	for {
		var text json.RawMessage
		if err := d.Decode(&text); err == io.EOF {
			return list
		} else if err != nil {
			break
		}
		list = append(list, text)
	}
	list = nil
	for line := range bytes.Lines(body) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			list = append(list, data)
		}
	}
	return list
}
