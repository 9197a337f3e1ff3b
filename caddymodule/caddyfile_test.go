package caddymodule

import (
	"encoding/json"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

// smallApp is the smallest option of the app; prefix begins a Caddyfile with it and a site.
const (
	smallApp = "maskgate {\n data d\n rules r\n token {\n issuer i\n audience a\n keys k\n }\n}"
	prefix   = "{\n" + smallApp + "\n}\n:80 {\n"
)

// config is the part of an adapted configuration that the tests look at.
type config struct {
	Admin struct{ Disabled bool }
	Apps  struct {
		Maskgate json.RawMessage
		HTTP     struct {
			Servers map[string]struct {
				Listen    []string
				Protocols []string
				Routes    []struct {
					Handle []map[string]json.RawMessage
				}
			}
		}
	}
}

func adapted(t *testing.T, text string) (c config, handlers []string) {
	t.Helper()
	out, warnings, err := adapt(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			t.Errorf("warning: %v", w)
		}
	}
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Apps.HTTP.Servers {
		for _, r := range s.Routes {
			for _, h := range r.Handle {
				j, _ := json.Marshal(h)
				handlers = append(handlers, string(j))
			}
		}
	}
	return c, handlers
}

func TestCaddyfileApp(t *testing.T) {
	c, _ := adapted(t, `{
	maskgate {
		data /var/lib/maskgate
		rules /etc/rules extra.yaml
		shadow /etc/next
		watch {
			settle 1s
			poll 1m
		}
		drift 50
		purpose_header X-Purpose
		gateway g1
		token {
			issuer https://idp.example
			audience a b
			keys https://127.0.0.1/jwks
			allow_local_keys
			algorithms ES256 PS256
			types at+jwt
			leeway 10s
			max_size 8KiB
			claim roles realm_access.roles
			claim subject uid
			purpose_prefix purpose:
		}
	}
}`)
	var got, want any
	if err := json.Unmarshal(c.Apps.Maskgate, &got); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(`{
		"data_dir":"/var/lib/maskgate","rules":["/etc/rules","extra.yaml"],"shadow":["/etc/next"],
		"watch":{"settle":1000000000,"poll":60000000000},"drift":50,
		"purpose_header":"X-Purpose","gateway":"g1",
		"token":{
			"issuer":"https://idp.example","audience":["a","b"],
			"keys":"https://127.0.0.1/jwks","allow_local_keys":true,
			"algorithms":["ES256","PS256"],"types":["at+jwt"],"leeway":10000000000,"max_size":8192,
			"claims":{"roles":"realm_access.roles","subject":"uid"},"purpose_prefix":"purpose:"}}`),
		&want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("app (-want +got):\n%s", diff)
	}
	var app App
	err := caddy.StrictUnmarshalJSON(c.Apps.Maskgate, &app)
	if err != nil || time.Duration(app.Token.Leeway) != 10*time.Second {
		t.Errorf("the app does not read what it wrote: %v", err)
	}
}

func TestCaddyfileHandler(t *testing.T) {
	for text, want := range map[string][]string{
		"maskgate http://a:1": {`{"handler":"maskgate","upstream":"http://a:1"}`},
		"maskgate http://a:1 {\n services crm claims\n timeout 5s\n max_response 2MiB\n" +
			" max_request 1KB\n request_headers X-A X-B\n response_headers X-C\n}": {
			`{"handler":"maskgate","max_request":1000,"max_response":2097152,` +
				`"request_headers":["X-A","X-B"],"response_headers":["X-C"],` +
				`"services":["crm","claims"],"timeout":5000000000,"upstream":"http://a:1"}`,
		},
		"maskgate {\n record_shapes s.json\n}": {
			`{"handler":"maskgate","record_shapes":{"file":"s.json"}}`,
		},
		"maskgate {\n record_shapes s.json {\n route GET /a\n route GET /b/{id}\n }\n" +
			" timeout 5s\n}": {
			`{"handler":"maskgate","record_shapes":{"file":"s.json",` +
				`"routes":["GET /a","GET /b/{id}"]},"timeout":5000000000}`,
		},
		"maskgate /v1/* http://a:1": {`{"handler":"maskgate","upstream":"http://a:1"}`},
	} {
		if _, got := adapted(t, prefix+text+"\n}"); cmp.Diff(want, got) != "" {
			t.Errorf("%s: %s", text, cmp.Diff(want, got))
		}
	}
}

// TestCaddyfileOrder: each directive that answers a request comes behind maskgate, wherever the
// Caddyfile has it.
func TestCaddyfileOrder(t *testing.T) {
	for _, text := range []string{
		"reverse_proxy a:1\nmaskgate",
		"handle /v1/* {\n reverse_proxy a:1\n}\nmaskgate",
		"handle_path /v1/* {\n reverse_proxy a:1\n}\nmaskgate",
		"route {\n reverse_proxy a:1\n}\nmaskgate",
		"respond hello\nmaskgate", "metrics\nmaskgate", "test_upstream\nmaskgate",
		"error 404\nmaskgate",
	} {
		_, handlers := adapted(t, prefix+text+"\n}")
		if len(handlers) < 2 || handlers[0] != `{"handler":"maskgate"}` {
			t.Errorf("%q: order %v", text, handlers)
		}
	}
	_, handlers := adapted(t, prefix+"maskgate\nmaskgate_status\n}")
	if len(handlers) != 2 || handlers[0] != `{"handler":"maskgate_status"}` {
		t.Errorf("maskgate_status: order %v", handlers)
	}
	_, handlers = adapted(t, prefix+"maskgate\nheader X-A b\n}")
	if len(handlers) != 2 || handlers[1] != `{"handler":"maskgate"}` {
		t.Errorf("header: order %v", handlers)
	}
}

func TestCaddyfileErrors(t *testing.T) {
	inApp := func(line string) string { return "{\nmaskgate {\n" + line + "\n}\n}" }
	inToken := func(line string) string { return inApp("token {\n" + line + "\n}") }
	inSite := func(text string) string { return ":80 {\n" + text + "\n}" }
	inHandler := func(line string) string { return inSite("maskgate {\n" + line + "\n}") }
	for _, tt := range []struct{ text, want string }{
		{inApp("date x"),
			`unknown option "date"; want data, rules, shadow, watch, drift, purpose_header, ` +
				`gateway or token, at Caddyfile:3`},
		{inApp("data"),
			"wrong argument count or unexpected line ending after 'data', at Caddyfile:3"},
		{inApp("data a b"),
			"wrong argument count or unexpected line ending after 'b', at Caddyfile:3"},
		{inApp("data a\ndata b"), "data stands twice; remove one, at Caddyfile:4"},
		{inApp("data a {\n x\n}"), "at Caddyfile:3"},
		{inApp("rules"), "after 'rules', at Caddyfile:3"},
		{inApp("shadow"), "after 'shadow', at Caddyfile:3"},
		{inApp("watch on"), "want watch off, or a block with settle and poll, at Caddyfile:3"},
		{inApp("watch off {\n poll 1s\n}"),
			"watch is off, so poll says nothing; remove one of the two, at Caddyfile:4"},
		{inApp("watch {\n every 1s\n}"),
			`watch: unknown option "every"; want settle or poll, at Caddyfile:4`},
		{inApp("watch {\n poll 0s\n}"), `want a duration, as in 30s; have "0s", at Caddyfile:4`},
		{inApp("drift 0"),
			`want drift off, or a number of responses, as in 1000; have "0", at Caddyfile:3`},
		{inApp("drift on"), `have "on", at Caddyfile:3`},
		{inSite("maskgate_status x"), "after 'x', at Caddyfile:2"},
		{inSite("maskgate_status {\n path /x\n}"),
			`unknown option "path"; maskgate_status has none, at Caddyfile:3`},
		{inApp("token x {\n}"), "after 'x', at Caddyfile:3"},
		{"{\nmaskgate x {\n}\n}", "after 'x', at Caddyfile:2"},
		{"{\nmaskgate {\n}\nmaskgate {\n}\n}",
			"the maskgate option stands twice; merge the two, at Caddyfile:4"},
		{inToken("secret x"), `token: unknown option "secret", at Caddyfile:4`},
		{inToken("issuer"), "after 'issuer', at Caddyfile:4"},
		{inToken("issuer a\nissuer b"), "issuer stands twice; remove one, at Caddyfile:5"},
		{inToken("audience a\naudience b"), "audience stands twice; remove one, at Caddyfile:5"},
		{inToken("allow_local_keys false"), "after 'false', at Caddyfile:4"},
		{inToken("leeway fast"), `want a duration, as in 30s; have "fast", at Caddyfile:4`},
		{inToken("leeway -1s"), `want a duration, as in 30s; have "-1s", at Caddyfile:4`},
		{inToken("max_size many"),
			`want a size, as in 1MiB or 1048576; have "many", at Caddyfile:4`},
		{inToken("claim role x"),
			"want claim, one of subject, roles, organisation, purposes, amr, acr, region, " +
				"and the claim's name in tokens, at Caddyfile:4"},
		{inToken("claim roles"), "want claim, one of subject"},
		{inToken("claim roles x\nclaim roles y"),
			"claim roles stands twice; remove one, at Caddyfile:5"},
		{inSite("maskgate http://a http://b"), "after 'http://b', at Caddyfile:2"},
		{inHandler("retries 3"),
			`unknown option "retries"; want services, timeout, max_response, stream, ` +
				`max_request, request_headers, response_headers or record_shapes, at Caddyfile:3`},
		{inHandler("record_shapes"), "after 'record_shapes', at Caddyfile:3"},
		{inHandler("record_shapes a b"), "after 'b', at Caddyfile:3"},
		{inHandler("record_shapes a {\n routes GET /x\n}"),
			"record_shapes: want route, a method and a path, as in route GET /v2/claims/{id}, " +
				"at Caddyfile:4"},
		{inHandler("record_shapes a {\n route /x\n}"),
			"record_shapes: want route, a method and a path, as in route GET /v2/claims/{id}, " +
				"at Caddyfile:4"},
		{inHandler("timeout 0s"), `want a duration, as in 30s; have "0s", at Caddyfile:3`},
		{inHandler("timeout 1s\ntimeout 2s"), "timeout stands twice; remove one, at Caddyfile:4"},
		{inHandler("max_response 0"),
			`want a size, as in 1MiB or 1048576; have "0", at Caddyfile:3`},
		{inHandler("max_request 2TiB"), `have "2TiB", at Caddyfile:3`},
		{inHandler("request_headers"), "after 'request_headers', at Caddyfile:3"},
		{inHandler("response_headers"), "after 'response_headers', at Caddyfile:3"},
	} {
		if _, _, err := adapt(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// TestShippedCaddyfile: each server listens on the loopback interface and speaks HTTP/1 only; there
// is no admin endpoint.
func TestShippedCaddyfile(t *testing.T) {
	text, err := os.ReadFile("../Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	c, handlers := adapted(t, string(text))
	if !c.Admin.Disabled {
		t.Error("the admin endpoint is on")
	}
	for name, s := range c.Apps.HTTP.Servers {
		if cmp.Diff([]string{"h1"}, s.Protocols) != "" {
			t.Errorf("%s: protocols %v", name, s.Protocols)
		}
		for _, l := range s.Listen {
			host, _, err := net.SplitHostPort(l)
			if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
				t.Errorf("%s listens on %s", name, l)
			}
		}
	}
	guards := func(h string) bool { return strings.Contains(h, `"handler":"maskgate"`) }
	if len(c.Apps.HTTP.Servers) != 2 || !slices.ContainsFunc(handlers, guards) {
		t.Errorf("handlers %v", handlers)
	}
	if !slices.Contains(handlers, `{"handler":"maskgate_status"}`) {
		t.Errorf("nobody answers /ready: %v", handlers)
	}
}
