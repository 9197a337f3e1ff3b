package discover

import (
	"slices"
	"strings"
	"testing"
)

func TestSamples(t *testing.T) {
	const har = `{"log":{"version":"1.2","entries":[
		{"request":{"method":"GET","url":"https://api.example.cn/v1/customers/C1?page=1&agent=a"},
		 "response":{"status":200,"content":{"mimeType":"application/json; charset=utf-8",
		  "text":"{\"a\":1}"}}},
		{"request":{"method":"GET","url":"https://api.example.cn/v1/lines"},
		 "response":{"status":200,"content":{"mimeType":"application/x-ndjson",
		  "text":"e30Ke30K","encoding":"base64"}}},
		{"request":{"method":"GET","url":"https://api.example.cn/v1/none"},
		 "response":{"status":404,"content":{"mimeType":"application/json","text":"{}"}}},
		{"request":{"method":"GET","url":"https://api.example.cn/"},
		 "response":{"status":200,"content":{"mimeType":"text/html","text":"<p>"}}}]}}`
	for _, tt := range []struct {
		name, file, data, method, path string
		want                           []string // method, path, query, media type and body of each
		fault                          string
	}{
		{"by its directories", "samples/GET/v1/customers/C00000052.json", "{}", "", "",
			[]string{"GET /v1/customers/C00000052 [] application/json {}"}, ""},
		{"with a query", "GET/v1/customers?page=1&size=20.json", "{}", "", "",
			[]string{"GET /v1/customers [page size] application/json {}"}, ""},
		{"lines", "GET/v1/exports.ndjson", "{}\n{}", "", "",
			[]string{"GET /v1/exports [] application/x-ndjson {}\n{}"}, ""},
		{"by the flag", "x.json", "{}", "GET", "/v1/customers/{id}",
			[]string{"GET /v1/customers/{id} [] application/json {}"}, ""},
		{"by neither", "x.json", "{}", "", "", nil, "give --route"},
		{"an archive", "x.har", har, "", "",
			[]string{"GET /v1/customers/C1 [agent page] application/json {\"a\":1}",
				"GET /v1/lines [] application/x-ndjson {}\n{}\n"}, ""},
		{"an archive that is broken", "x.har", strings.Replace(har, "e30Ke30K", "!", 1), "", "",
			nil, "entry 2: the answer is not base64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			samples, err := Samples(tt.file, []byte(tt.data), tt.method, tt.path)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("Samples: %v, want %s", err, tt.fault)
				}
				return
			}
			var got []string
			for _, s := range samples {
				slices.Sort(s.Query)
				got = append(got, s.Method+" "+s.Path+" ["+strings.Join(s.Query, " ")+"] "+
					s.MediaType+" "+string(s.Body))
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("Samples = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	for _, tt := range []struct{ name, paths, want string }{
		{"digits", "/v1/customers/3920", "/v1/customers/{id}"},
		{"versions stay", "/v2.1/customers", "/v2.1/customers"},
		{"a code", "/v1/customers/C00000052/accounts/622202", "/v1/customers/{id}/accounts/{id2}"},
		{"a template", "/v1/customers/{no}", "/v1/customers/{no}"},
		{"not ASCII", "/v1/people/%E5%BC%A0/x", "/v1/people/{id}/x"},
		{"words that are many", "/u/anna/x /u/bert/x /u/carl/x /u/dora/x /u/x",
			"/u/{id}/x /u/{id}/x /u/{id}/x /u/{id}/x /u/x"},
		{"words that are few", "/v1/a /v1/b /v1/c", "/v1/a /v1/b /v1/c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var samples []Sample
			for p := range strings.FieldsSeq(tt.paths) {
				samples = append(samples, Sample{Method: "GET", Path: p})
			}
			if got := strings.Join(templatesOf(samples), " "); got != tt.want {
				t.Errorf("templatesOf(%q) = %q, want %q", tt.paths, got, tt.want)
			}
		})
	}
}
