package coverage_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/coverage"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/rules"
)

func load(t *testing.T, text string) *rules.Set {
	t.Helper()
	set, err := rules.Load([]rules.File{{Name: "service.yaml", Data: []byte(text)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// files returns a function that reads files from a map.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := m[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return []byte(text), nil
	}
}

const service = `
kind: service
name: customer
owner: crm-team
routes:
  - match: GET /v1/customers/{id}
    envelope: {$.code: public}
    record: $.data
    subject: $.customerId
    fields:
      {$.customerId: customer_number, $.name: person_name, '$.accounts[*].cardNo': bank_card,
       $.tree..label: public, $.extra: address, '$["a''b"]': public}
  - match: GET /v1/public
    public: a list of countries
`

// spec is a document whose only operation has answers of the schema.
func spec(version, path, schema string) string {
	return fmt.Sprintf(`{openapi: %s, paths: {%s: {get: {responses: {"200": {content: `+
		`{application/json: {schema: %s}}}, "500": {content: `+
		`{application/json: {schema: {properties: {stack: {type: string}}}}}}}}}},
components: {schemas: {
  Name: {type: string},
  Node: {type: object, properties: {label: {type: string}, note: {type: string},
    children: {type: array, items: {$ref: '#/components/schemas/Node'}}}},
  Person: {type: object, properties: {customerId: {type: string},
    name: {$ref: '#/components/schemas/Name'}}}}}}`, version, path, schema)
}

func TestCheck(t *testing.T) {
	set := load(t, service)
	data := func(schema string) string {
		return "{type: object, properties: {data: " + schema + "}}"
	}
	for _, tt := range []struct {
		name, version, schema string
		want                  []string
	}{
		{"all are named", "3.1.0", data("{$ref: '#/components/schemas/Person'}"), nil},
		{"one is not", "3.1.0", data("{type: object, properties: {customerId: {type: string}, " +
			"nickname: {type: string}}}"), []string{"$.data.nickname"}},
		{"outside the record", "3.0.3", "{properties: {code: {type: integer}, message: {type: " +
			"string}, name: {type: string}}}", []string{"$.message", "$.name"}},
		{"allOf", "3.0.3", data("{allOf: [{$ref: '#/components/schemas/Person'}, {properties: " +
			"{a: {type: string}}}]}"), []string{"$.data.a"}},
		{"oneOf and anyOf", "3.0.3", data("{oneOf: [{properties: {a: {}}}, {anyOf: [{properties: " +
			"{b: {type: string}}}, {type: string}]}]}"), []string{"$.data", "$.data.a",
			"$.data.b"}},
		{"then, else and dependentSchemas", "3.1.0", data("{if: {properties: {x: {const: 1}}}, " +
			"then: {properties: {a: true}}, else: {properties: {b: true}}, dependentSchemas: {c: " +
			"{properties: {d: true}}}, properties: {}}"),
			[]string{"$.data.a", "$.data.b", "$.data.d"}},
		{"beside a reference", "3.1.0", data("{$ref: '#/components/schemas/Person', properties: " +
			"{a: {type: string}}}"), []string{"$.data.a"}},
		{"arrays", "3.1.0", data("{properties: {accounts: {type: array, items: {properties: " +
			"{cardNo: {type: string}, bank: {type: string}}}}, pair: {prefixItems: [{type: " +
			"string}], items: false}}}"),
			[]string{"$.data.accounts[*].bank", "$.data.pair[*]"}},
		{"additionalProperties", "3.0.3",
			data("{additionalProperties: {properties: {phone: {type: string}}}}"),
			[]string{"$.data.*.phone"}},
		{"patternProperties", "3.1.0",
			data("{patternProperties: {'^x': {type: string}}, additionalProperties: false}"),
			[]string{"$.data.*"}},
		{"any object", "3.0.3", data("{properties: {a: {type: object}, b: {type: object, " +
			"additionalProperties: true}, c: {type: array}, d: {type: object, " +
			"additionalProperties: false}}}"),
			[]string{"$.data.a.*", "$.data.b.*", "$.data.c[*]"}},
		{"anything", "3.1.0", data("{properties: {a: true, b: {}, c: false, d: {type: 'null'}}}"),
			[]string{"$.data.a", "$.data.b"}},
		{"within what is named", "3.1.0", data("{properties: {extra: {type: array, items: " +
			"{anyOf: [{type: string}, {type: array, items: {type: integer}}]}}}}"), nil},
		{"in an object that is named", "3.1.0", data("{properties: {extra: {properties: {street: " +
			"{type: string}, more: {type: array, items: {type: string}}}}}}"),
			[]string{"$.data.extra.more[*]", "$.data.extra.street"}},
		{"several types", "3.1.0", data("{properties: {name: {type: [string, 'null']}, a: {type: " +
			"[object, 'null'], properties: {b: {type: string}}}}}"), []string{"$.data.a.b"}},
		{"recursion", "3.1.0", data("{properties: {tree: {$ref: '#/components/schemas/Node'}}}"),
			[]string{"$.data.tree.note"}},
		{"recursion, to where rules tell no more apart", "3.1.0",
			data("{properties: {other: {$ref: '#/components/schemas/Node'}}}"),
			[]string{"$.data.other.label", "$.data.other.note"}},
		{"never in a response", "3.0.3",
			data("{properties: {password: {type: string, writeOnly: true}}}"), nil},
		{"a name in quotes", "3.1.0", data(`{properties: {"a'b": {type: string}, "c'd": {type: ` +
			`string}}}`), []string{`$.data['c\'d']`}},
		{"an alias", "3.1.0", "{properties: {code: &a {type: integer}, other: *a}}",
			[]string{"$.other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := coverage.Check(set, "api.yaml",
				files(map[string]string{"api.yaml": spec(tt.version, "'/v1/customers/{customerId}'",
					tt.schema)}), "")
			if err != nil || len(list) != 1 || !slices.Equal(list[0].Unnamed, tt.want) ||
				list[0].Route != "GET /v1/customers/{id}" || list[0].Service != "customer" {
				t.Errorf("Check = %+v, %v, want %v", list, err, tt.want)
			}
		})
	}
}

func TestCheckRoutes(t *testing.T) {
	set, err := rules.Load([]rules.File{{Name: "service.yaml", Data: []byte(service)},
		{Name: "hosted.yaml", Data: []byte(
			"kind: service\nname: hosted\nowner: x\nhosts: [crm.bank.example]\n" +
				"routes: [{match: GET /v1/hosted, public: a list}]")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	person := "{$ref: '#/components/schemas/Person'}"
	for _, tt := range []struct {
		name, path, servers, base string
		want                      string
	}{
		{"no route", "/v9/none", "", "",
			`{"match":"GET /v9/none","fields":2,"unnamed":["$.customerId","$.name"]}`},
		{"a public route", "/v1/public", "", "", `{"match":"GET /v1/public","route":"GET ` +
			`/v1/public","service":"customer","public":true,"fields":2,"unnamed":[]}`},
		{"by a server", "/public", "[{url: 'https://api.example.cn/{version}/', variables: " +
			"{version: {default: v1}}}]", "",
			`{"match":"GET /public","route":"GET /v1/public","service":"customer","public":true,` +
				`"fields":2,"unnamed":[]}`},
		{"by a host", "/hosted", "[{url: 'https://crm.bank.example:8443/v1'}]", "",
			`{"match":"GET /hosted","route":"GET /v1/hosted","service":"hosted","public":true,` +
				`"fields":2,"unnamed":[]}`},
		{"by another host", "/hosted", "[{url: 'https://claims.bank.example/v1'}]", "",
			`{"match":"GET /hosted","fields":2,"unnamed":["$.customerId","$.name"]}`},
		{"by a base with a host", "/hosted", "", "https://crm.bank.example/v1", `{"match":"GET ` +
			`/hosted","route":"GET /v1/hosted","service":"hosted","public":true,"fields":2,` +
			`"unnamed":[]}`},
		{"by a base", "/public", "", "/v1/", `{"match":"GET /public","route":"GET /v1/public",` +
			`"service":"customer","public":true,"fields":2,"unnamed":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := spec("3.1.0", tt.path, person)
			if tt.servers != "" {
				text = strings.Replace(text, "paths:", "servers: "+tt.servers+", paths:", 1)
			}
			list, err := coverage.Check(set, "api.yaml", files(map[string]string{"api.yaml": text}),
				tt.base)
			if err != nil || len(list) != 1 {
				t.Fatalf("Check = %v, %v", list, err)
			}
			if got, err := json.Marshal(list[0]); err != nil || string(got) != tt.want {
				t.Errorf("Check = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCheckFiles(t *testing.T) {
	set := load(t, service)
	main := spec("3.1.0", "'/v1/customers/{id}'",
		"{properties: {data: {$ref: 'schemas/customer.yaml#/Customer'}}}")
	for _, tt := range []struct {
		name string
		more map[string]string
		want string // the unnamed fields, or the error
	}{
		{"another file, and back", map[string]string{"dir/schemas/customer.yaml": "Customer: " +
			"{properties: {name: {$ref: '../api.yaml#/components/schemas/Name'}, x: {$ref: " +
			"'#/X'}}}\nX: {type: string}"}, "[$.data.x]"},
		{"escapes", map[string]string{"dir/schemas/customer.yaml": "Customer: {properties: {x: " +
			"{$ref: '#/a~1b~0c%20d/0'}}}\na/b~c d: [{type: string}]"}, "[$.data.x]"},
		{"no file", nil, "dir/api.yaml:1:"},
		{"no such place", map[string]string{"dir/schemas/customer.yaml": "Person: {}"},
			`dir/api.yaml:1:139: reference "schemas/customer.yaml#/Customer": there is no ` +
				`"Customer"`},
		{"the network", map[string]string{"dir/schemas/customer.yaml": "Customer: {$ref: " +
			"'https://example.cn/x.yaml'}"}, "dir/schemas/customer.yaml:1:18: reference " +
			"\"https://example.cn/x.yaml\": only files beside this one are read"},
		{"a merge key", map[string]string{"dir/schemas/customer.yaml": "Customer:\n" +
			"  properties:\n    <<: {a: {type: string}}"}, "dir/schemas/customer.yaml:3:5: merge " +
			"keys"},
		{"a dynamic reference", map[string]string{"dir/schemas/customer.yaml": "Customer: " +
			"{$dynamicRef: '#x'}"}, "$dynamicRef is not read"},
		{"a circle", map[string]string{"dir/schemas/customer.yaml": "Customer: {$ref: " +
			"'#/Customer'}"}, "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := maps.Clone(tt.more)
			if m == nil {
				m = map[string]string{}
			}
			m["dir/api.yaml"] = main
			list, err := coverage.Check(set, "dir/api.yaml", files(m), "")
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprint(list[0].Unnamed)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("Check = %s, want %s", got, tt.want)
			}
		})
	}
	for text, want := range map[string]string{
		"swagger: '2.0'": "api.yaml:1:1: want openapi: 3.0 or 3.1",
		"":               "api.yaml: this is neither YAML nor JSON",
		"{":              "api.yaml: this is neither",
		"{openapi: 3.1.0, paths: {/a: {$ref: '#/x'}}, x: {$ref: '#/paths/~1a'}}": "the " +
			"references go round in a circle",
	} {
		if _, err := coverage.Check(set, "api.yaml", files(map[string]string{"api.yaml": text}),
			""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%q) = %v, want %s", text, err, want)
		}
	}
}

// The document of the demo describes what the demo answers: both have the same fields.
func TestDemoDocument(t *testing.T) {
	nothing := load(t, "kind: service\nname: x\nowner: x\nroutes: [{match: GET /x, public: x}]")
	list, err := coverage.Check(nothing, "../examples/demo/openapi.yaml", os.ReadFile, "")
	if err != nil {
		t.Fatal(err)
	}
	data := demo.New(demo.DefaultSeed, 0)
	handler := data.Handler()
	for _, o := range list {
		fields := map[string]bool{}
		for i := range 60 {
			path := strings.TrimPrefix(o.Match, "GET ")
			path = strings.ReplaceAll(path, "{id}", fmt.Sprintf("C%08d", i+1))
			path = strings.ReplaceAll(path, "{uscc}", data.Companies()[i].USCC)
			if strings.Contains(path, "/exports/") {
				path += "?branch=BJ-001"
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			for line := range strings.Lines(w.Body.String()) {
				var v any
				if err := json.Unmarshal([]byte(line), &v); err != nil || w.Code != 200 {
					t.Fatalf("GET %s: %d, %v", path, w.Code, err)
				}
				flatten(fields, "$", v)
			}
		}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, o.Unnamed) {
			t.Errorf("%s answers with %v, and the document has %v", o.Match, got, o.Unnamed)
		}
	}
	if len(list) != 8 {
		t.Errorf("%d operations, want 8", len(list))
	}
}

func flatten(to map[string]bool, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			flatten(to, at+"."+name, v)
		}
	case []any:
		for _, v := range v {
			flatten(to, at+"[*]", v)
		}
	default:
		to[at] = true
	}
}
