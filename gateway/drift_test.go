package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// serving is an upstream whose answer a test sets.
type serving struct {
	mu   sync.Mutex
	body string // guarded by mu
}

func (s *serving) set(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = body
}

func (s *serving) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, s.body)
}

// TestDriftOfSelectors: a selector that matches nothing for so many responses in a row is reported,
// once, and again when it does.
func TestDriftOfSelectors(t *testing.T) {
	t.Parallel()
	up := &serving{}
	w := start(t, upstreamOf(t, up.ServeHTTP), quick, func(w *world) { w.options.Drift = 5 })
	const silentField = `"msg":"a selector matches nothing any more: ` +
		`the upstream may have changed, so look at its answers and at the route's service file",` +
		`"route":"GET /v1/people/{id}","record":"$","field":"$.name","responses":5`
	visit := func(n int, path, body string) {
		t.Helper()
		up.set(body)
		for range n {
			if got := w.get(path); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
		}
	}
	silent := func(route string) int {
		t.Helper()
		for _, d := range w.gateway.Drift() {
			if d.Route == route {
				return d.Silent
			}
		}
		t.Fatalf("nothing is known of the route %s", route)
		return 0
	}
	const one, list = "GET /v1/people/{id}", "GET /v1/people"
	whole := person("C1", "张三丰")
	nameless := strings.Replace(whole, `"name"`, `"fullName"`, 1)
	visit(1, "/v1/people/C1", whole)
	visit(4, "/v1/people/C1", nameless)
	if n := silent(one); n != 0 || strings.Contains(w.log.String(), silentField) {
		t.Errorf("%d silent selectors after 4 responses, want 0", n)
	}
	visit(1, "/v1/people/C1", nameless)
	if n := silent(one); n != 1 || strings.Count(w.log.String(), silentField) != 1 {
		t.Errorf("%d silent selectors after 5 responses, want 1, logged once:\n%s",
			n, w.log.String())
	}
	visit(9, "/v1/people/C1", nameless)
	if n := strings.Count(w.log.String(), silentField); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	// What is known of a place outlives a change of the rules.
	w.rules(testService, testPolicy+"# changed\n")
	eventually(t, "the change is in force", func() bool { return w.inForce() == digestOf(t, w) })
	if n := silent(one); n != 1 {
		t.Errorf("%d silent selectors after a change of the rules, want 1", n)
	}
	visit(1, "/v1/people/C1", whole)
	const again = `"msg":"a selector matches again"`
	if n := silent(one); n != 0 || !strings.Contains(w.log.String(), again) {
		t.Errorf("%d silent selectors once it matched, want 0", n)
	}
	// Records that are not there tell nothing of their fields; but they are missed themselves.
	visit(4, "/v1/people", `{"items":[]}`)
	visit(1, "/v1/people", `{"items":[`+whole+`]}`)
	visit(4, "/v1/people", `{"items":[]}`)
	if n := silent(list); n != 0 {
		t.Errorf("%d silent selectors, want 0", n)
	}
	visit(1, "/v1/people", `{"list":[]}`)
	const silentRecords = `"route":"GET /v1/people","record":"$.items[*]","field":"","responses":5`
	if n := silent(list); n != 1 || !strings.Contains(w.log.String(), silentRecords) {
		t.Errorf("%d silent selectors without records, want 1", n)
	}
	// Nor do records that are denied.
	denied := strings.Replace(nameless, agent.ID, "agent-99", 1)
	visit(9, "/v1/people", `{"items":[`+denied+`]}`)
	if n := silent(list); n != 0 {
		t.Errorf("%d silent selectors where all records were denied, want 0", n)
	}
}

// TestDriftWithin: of what is in a field that was dropped or replaced nobody knows.
func TestDriftWithin(t *testing.T) {
	t.Parallel()
	fields := []string{"$.a", "$.a.b", "$.ab", "$.c[*]", "$.c[*].d", "$['a']", "$.a | $.e"}
	for path, want := range map[string]string{
		"$.a.b": "[0]", "$.ab": "[]", "$.c[*].d": "[3]", "$.a | $.e": "[0]", "$.a": "[]",
	} {
		if got := fmt.Sprint(enclosing(fields, path)); got != want {
			t.Errorf("enclosing(%q) = %s, want %s", path, got, want)
		}
	}
	up := &serving{}
	service := strings.Replace(testService, "$.pin: pin, $.agentId: public",
		"$.pin: pin, $.pin.old: pin, $.agentId: public, $.agentId.x: public", 1)
	w := start(t, upstreamOf(t, up.ServeHTTP), func(w *world) {
		w.rules(service, testPolicy)
		w.options.Drift = 3
	})
	up.set(person("C1", "张三丰"))
	for range 5 {
		w.get("/v1/people/C1")
	}
	text := w.log.String()
	if strings.Contains(text, `"field":"$.pin.old"`) ||
		!strings.Contains(text, `"field":"$.agentId.x"`) {
		t.Errorf("the log: %s", text)
	}
}

// TestDriftOfNames: a member that no rule lists is reported, by its selector, once; and no name
// that may be data.
func TestDriftOfNames(t *testing.T) {
	t.Parallel()
	up := &serving{}
	w := start(t, upstreamOf(t, up.ServeHTTP))
	const unlistedNames = `so it is dropped; list it in the route's service file, as its type or ` +
		`as secret","route":"GET /v1/people/{id}","names":["`
	told := func() (names []string) {
		for line := range strings.Lines(w.log.String()) {
			if _, rest, ok := strings.Cut(line, unlistedNames); ok {
				list, _, _ := strings.Cut(rest, `"]`)
				names = append(names, strings.Split(list, `","`)...)
			}
		}
		return names
	}
	customers := 0
	visit := func(members string) {
		t.Helper()
		customers++
		up.set(fmt.Sprintf(`{"id":"C%d","name":"张三丰","pin":"1","agentId":%q%s}`,
			customers, agent.ID, members))
		if got := w.get("/v1/people/C1"); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	visit("")
	visit(`,"middleName":"小"`)
	visit(`,"middleName":"小","zhangsan":"1"`)
	for range 2 * enoughMet { // of one customer, who is looked at again and again
		customers--
		visit(`,"zhangsan":"1"`)
	}
	if got := told(); len(got) > 0 {
		t.Errorf("told %s of names that might be somebody's", got)
	}
	for range enoughMet {
		visit(`,"middleName":"小","tax_number":"1"`)
	}
	if got := fmt.Sprint(told()); got != "[$.middleName $.tax_number]" {
		t.Errorf("told %s, want middleName and tax_number, once each", got)
	}
	if list := w.gateway.Drift(); !slices.Contains(list, RouteDrift{"GET /v1/people/{id}", 0, 2}) {
		t.Errorf("Drift() = %v, want 2 unlisted members", list)
	}
	// Names that are data.
	for range enoughMet {
		visit(`,"13912345678":1,"310110198901292790":2,"张三":3,"zhang@example.cn":4,` +
			`"C00000052":5,"a b":6,"ab":7`)
	}
	if got := fmt.Sprint(told()); got != "[$.middleName $.tax_number $.* $.ab]" {
		t.Errorf("told %s", got)
	}
	// Nor is any name told of an object that has had many.
	for i := range 20 {
		for range enoughMet {
			visit(fmt.Sprintf(`,"col%c":1`, 'a'+i))
		}
	}
	// The 10 names above and 6 of these are 16.
	if got := told(); len(got) != 10 || got[len(got)-1] != "$.colf" {
		t.Errorf("told %s", got)
	}
	if text := fmt.Sprint(w.gateway.Drift()) + w.log.String(); strings.Contains(text, "1391234") ||
		strings.Contains(text, "张三") || strings.Contains(text, "zhang") {
		t.Error("data in what is told of drift, or in the log")
	}
}

func TestDriftOff(t *testing.T) {
	t.Parallel()
	up := &serving{}
	w := start(t, upstreamOf(t, up.ServeHTTP), func(w *world) { w.options.Drift = -1 })
	up.set(person("C1", "张三丰"))
	w.get("/v1/people/C1")
	if list := w.gateway.Drift(); list != nil || strings.Contains(w.log.String(), "no rule lists") {
		t.Error("drift is looked for")
	}
}

// TestDriftOfDenied: a record that is denied takes along those in it, so nothing can be told of
// their fields.
func TestDriftOfDenied(t *testing.T) {
	t.Parallel()
	up := &serving{}
	service := testService + `  - match: GET /v1/families
    records:
      - {record: "$.items[*]", subject: $.id, fields: {$.id: customer_number}}
      - record: $.items[*].guarantors[*]
        subject: $.id
        fields: {$.id: customer_number, $.name: person_name}
`
	policy := strings.Replace(testPolicy, "record.agentId == caller.id", "record.id != 'C2'", 1)
	w := start(t, upstreamOf(t, up.ServeHTTP), func(w *world) {
		w.rules(service, policy)
		w.options.Drift = 3
	})
	visit := func(outer, member string) {
		t.Helper()
		up.set(fmt.Sprintf(`{"items":[{"id":%q,"guarantors":[{"id":"G1",%q:"李四"}]}]}`,
			outer, member))
		for range 5 {
			if got := w.get("/v1/families"); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
		}
	}
	const silent = `"record":"$.items[*].guarantors[*]","field":"$.name"`
	if visit("C2", "name"); strings.Contains(w.log.String(), silent) {
		t.Errorf("a selector is called silent where its records were denied:\n%s", w.log.String())
	}
	if visit("C1", "fullName"); !strings.Contains(w.log.String(), silent) {
		t.Errorf("a selector that matches nothing is not reported:\n%s", w.log.String())
	}
}

// TestDriftInherits: places that two sets share keep their counts, of records and of fields.
func TestDriftInherits(t *testing.T) {
	t.Parallel()
	find := func(d *drift, match string) *routeDrift {
		for _, r := range d.routes {
			if r.match == match {
				return r
			}
		}
		t.Fatalf("there is no route %s", match)
		return nil
	}
	old := newDrift(setOf(t, testService, testPolicy), 10, nil, slog.New(slog.DiscardHandler))
	r := find(old, "GET /v1/people")
	r.kinds[0].silent.Store(7)
	r.kinds[0].fields[1].silent.Store(8)
	nobody := func() uint64 { return 0 }
	for range enoughMet {
		r.unlisted.add("$", []byte(`"other"`), nobody)
	}
	// The fields stand in another order, and one is new.
	const head = "$.items[*]\n    subject: $.id\n    fields: "
	service := strings.Replace(testService,
		head+"{$.id: customer_number, $.name: person_name,",
		head+"{$.name: person_name, $.id: customer_number, $.nick: person_name,", 1)
	next := newDrift(setOf(t, service, testPolicy), 10, old, slog.New(slog.DiscardHandler))
	k := &find(next, "GET /v1/people").kinds[0]
	var got []string
	for i := range k.fields {
		got = append(got, fmt.Sprintf("%s %d", k.fields[i].path, k.fields[i].silent.Load()))
	}
	if want := "[$.name 8 $.id 0 $.nick 0 $.agentId 0]"; fmt.Sprint(got) != want ||
		k.silent.Load() != 7 {
		t.Errorf("inherited %v and %d, want %s and 7", got, k.silent.Load(), want)
	}
	r = find(next, "GET /v1/people")
	if _, fresh := r.unlisted.add("$", []byte(`"other"`), nobody); fresh {
		t.Error("a name is told again")
	}
}
