package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/audit"
)

// TestRecordsNameSubjects shows that a search by subject finds each access to what is about them,
// whatever became of it.
func TestRecordsNameSubjects(t *testing.T) {
	t.Parallel()
	limited := strings.Replace(testPolicy, "    treat: {C1: clear, C2: mask}\n",
		"    treat: {C1: clear, C2: mask}\n    limit: {records: 1/response}\n", 1)
	unconditional := strings.Replace(testPolicy, "    when: record.agentId == caller.id\n", "", 1)
	const unlisted = `
kind: service
name: people
owner: test
routes:
  - match: GET /v1/people/{id}
    subject: $.id
    fields: {$.name: person_name}
`
	for _, tt := range []struct {
		name, service, policy string
		path, answer          string
		decision, reason      string
		subjects              []string
	}{
		{"released", testService, testPolicy, "/v1/people/C1", person("C1", "张三丰"),
			"released", "", []string{"C1"}},
		{"no listed field occurred", unlisted, unconditional, "/v1/people/C1",
			`{"id":"C1","other":1}`,
			"released", "", []string{"C1"}},
		{"refused once its records were known", testService, limited, "/v1/people",
			fmt.Sprintf(`{"items":[%s,%s]}`, person("C1", "张三丰"), person("C2", "李四")),
			"refused", "too_many_records", []string{"C1", "C2"}},
		{"refused for what comes behind", testService, testPolicy, "/v1/people",
			fmt.Sprintf(`{"items":[%s],"items":1}`, person("C1", "张三丰")),
			"refused", "invalid_json", nil}, // of a document that is no JSON nothing is decided
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, tt.answer)
			}), func(w *world) { w.rules(tt.service, tt.policy) })
			records := w.records(w.get(tt.path).header.Get(correlationHeader))
			if len(records) != 1 || string(records[0].Decision) != tt.decision ||
				records[0].Reason != tt.reason {
				t.Fatalf("records %+v, want one: %s, %s", records, tt.decision, tt.reason)
			}
			var want []string
			for _, id := range tt.subjects {
				want = append(want, w.state.pseudonym(id))
			}
			if got := subjectsOf(records[0]); !slices.Equal(got, want) {
				t.Errorf("the record names %q, want %q", got, want)
			}
		})
	}
}

// subjectsOf are the pseudonyms that a record has.
func subjectsOf(r audit.Record) []string {
	var list []string
	for _, p := range r.Profiles {
		list = append(list, p.Subjects...)
	}
	return list
}
