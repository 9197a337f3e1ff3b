package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// decode reads a body that must be one JSON value of v's type, without other members.
func decode(t *testing.T, body []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("body: %v", err)
	}
	if dec.More() {
		t.Fatal("body: more than one value")
	}
}

func TestStatus(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	h := d.Handler()
	const js, nd = "application/json", "application/x-ndjson"
	for _, tt := range []struct {
		method, target string
		status         int
		media          string
	}{
		{"GET", "/v1/customers", 200, js},
		{"GET", "/v1/customers?page=500&size=20", 200, js},
		{"GET", "/v1/customers?page=10000000&size=100", 200, js},
		{"GET", "/v1/customers?agent=nobody", 200, js},
		{"GET", "/v1/customers?page=0", 400, js},
		{"GET", "/v1/customers?page=", 400, js},
		{"GET", "/v1/customers?page=x", 400, js},
		{"GET", "/v1/customers?page=99999999999999999999", 400, js},
		{"GET", "/v1/customers?size=101", 400, js},
		{"GET", "/v1/customers?size=-1", 400, js},
		{"GET", "/v1/customers/C00000001", 200, js},
		{"GET", "/v1/customers/C99999999", 404, js},
		{"GET", "/v1/customers/C00000001/transactions", 200, js},
		{"GET", "/v1/customers/C99999999/transactions", 404, js},
		{"GET", "/v1/customers/C00000001/notices", 200, js},
		{"GET", "/v1/customers/C99999999/notices", 404, js},
		{"GET", "/v1/customers/C00000001/credit-report", 200, js},
		{"GET", "/v1/customers/C99999999/credit-report", 404, js},
		{"GET", "/v1/customers/C00000001/risk-score", 500, js},
		{"GET", "/v1/customers/C99999999/risk-score", 404, js},
		{"GET", "/v1/exports/customers?branch=BJ-001", 200, nd},
		{"GET", "/v1/exports/customers?branch=BJ-006", 404, js},
		{"GET", "/v1/exports/customers", 400, js},
		{"GET", "/v1/companies", 200, js},
		{"GET", "/v1/companies?page=0", 400, js},
		{"GET", "/v1/companies/" + d.Companies()[0].USCC, 200, js},
		{"GET", "/v1/companies/91350100M000100Y43", 404, js},
		{"GET", "/", 404, js},
		{"GET", "/v2/customers", 404, js},
		{"HEAD", "/v1/customers", 405, ""},
		{"HEAD", "/v1/customers/C00000001/risk-score", 405, ""},
		{"POST", "/v1/customers", 405, ""},
		{"DELETE", "/v1/customers/C00000001", 405, ""},
		{"PUT", "/v1/companies/x", 405, ""},
	} {
		w := ask(h, tt.method, tt.target)
		if w.Code != tt.status || w.Header().Get("Content-Type") != tt.media {
			t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.target,
				w.Code, w.Header().Get("Content-Type"), tt.status, tt.media)
		}
		switch tt.status {
		case 400, 404:
			var e ErrorBody
			if decode(t, w.Body.Bytes(), &e); e.Code != tt.status || e.Message == "" {
				t.Errorf("%s %s: body %+v", tt.method, tt.target, e)
			}
			if strings.Contains(w.Body.String(), "C99999999") {
				t.Errorf("%s %s: body repeats the id", tt.method, tt.target)
			}
		case 405:
			if allow := w.Header().Get("Allow"); allow != "GET" || w.Body.Len() != 0 {
				t.Errorf("%s %s: Allow %q, body %q", tt.method, tt.target, allow, w.Body)
			}
		}
		if tt.media == js && w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s %s: Content-Length %s for %d bytes", tt.method, tt.target,
				w.Header().Get("Content-Length"), w.Body.Len())
		}
		if again := ask(h, tt.method, tt.target); !bytes.Equal(again.Body.Bytes(), w.Body.Bytes()) {
			t.Errorf("%s %s: the second answer differs", tt.method, tt.target)
		}
	}
}

// TestBodies compares the single resources with the ground truth.
func TestBodies(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	transactions, _ := d.Transactions(TourCustomerID)
	report, _ := d.CreditReport(TourCustomerID)
	for _, tt := range []struct {
		target    string
		got, want any
	}{
		{"/v1/customers/" + TourCustomerID, &Customer{}, d.TourCustomer()},
		{"/v1/customers/" + TourCustomerID + "/transactions", &Transactions{}, transactions},
		{"/v1/customers/" + TourCustomerID + "/credit-report", &CreditReport{}, report},
		{"/v1/companies/" + d.Companies()[7].USCC, &Company{}, d.Companies()[7]},
	} {
		body := ask(d.Handler(), "GET", tt.target).Body.Bytes()
		decode(t, body, tt.got)
		if got := reflect.ValueOf(tt.got).Elem().Interface(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("GET %s = %+v, want %+v", tt.target, got, tt.want)
		}
		if bytes.ContainsAny(body, "\n\t\\") || bytes.Contains(body, []byte(": ")) {
			t.Errorf("GET %s: not compact, or escaped: %s", tt.target, body)
		}
		indented := ask(d.Handler(Options{Indent: "\t"}), "GET", tt.target).Body.Bytes()
		if !bytes.Contains(indented, []byte("\n\t\"")) {
			t.Errorf("GET %s with Indent: %s", tt.target, indented)
		}
		var compact bytes.Buffer
		err := json.Compact(&compact, indented)
		if err != nil || !bytes.Equal(compact.Bytes(), body) {
			t.Errorf("GET %s: indented differs in more than white space (%v)", tt.target, err)
		}
	}
	if strings.Contains(report.ReportNo, report.Subject.IDCard) || len(report.Guarantors) == 0 {
		t.Errorf("report %+v", report)
	}
	for _, item := range transactions.Items {
		if item.CustomerID != TourCustomerID {
			t.Errorf("transaction %s is of customer %q", item.ID, item.CustomerID)
		}
	}
}

// TestNotices shows that the payload of a notice is JSON in a string, about the customer.
func TestNotices(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	var got Notices
	answer := ask(d.Handler(), "GET", "/v1/customers/"+TourCustomerID+"/notices")
	decode(t, answer.Body.Bytes(), &got)
	c := d.TourCustomer()
	if want, _ := d.Notices(TourCustomerID); !reflect.DeepEqual(got, want) ||
		got.AgentID != c.AgentID || len(got.Items) == 0 {
		t.Errorf("notices %+v, want %+v", got, want)
	}
	for _, n := range got.Items {
		var p payload
		decode(t, []byte(n.Payload), &p)
		if p.Name != c.Name || p.Mobile != c.Mobile || p.CardNo == "" ||
			!strings.Contains(p.Text, c.Name) {
			t.Errorf("notice %s: payload %+v", n.ID, p)
		}
	}
}

func TestLists(t *testing.T) {
	h := New(DefaultSeed, DefaultCustomers).Handler()
	for _, tt := range []struct {
		query       string
		total, page int
		n           int
		first       string
	}{
		{"", 10_000, 1, 20, "C00000001"},
		{"?page=2&size=100", 10_000, 2, 100, "C00000101"},
		{"?page=3334&size=3", 10_000, 3334, 1, "C00010000"},
		{"?page=501", 10_000, 501, 0, ""},
		{"?agent=agent-07", 200, 1, 20, TourCustomerID},
		{"?agent=agent-07&page=2&size=100", 200, 2, 100, "C00005052"},
		{"?agent=agent-51", 0, 1, 0, ""},
		{"?agent=", 0, 1, 0, ""},
	} {
		body := ask(h, "GET", "/v1/customers"+tt.query).Body.Bytes()
		var got Page[Customer]
		decode(t, body, &got)
		if got.Code != 0 || got.Message != "ok" {
			t.Errorf("%q: code %d, message %q", tt.query, got.Code, got.Message)
		}
		total, page, n := got.Data.Total, got.Data.Page, len(got.Data.Items)
		if total != tt.total || page != tt.page || n != tt.n {
			t.Errorf("%q: total %d, page %d, %d items; want total %d, page %d, %d items",
				tt.query, total, page, n, tt.total, tt.page, tt.n)
		}
		if tt.n > 0 && got.Data.Items[0].CustomerID != tt.first {
			t.Errorf("%q: first is %s, want %s", tt.query, got.Data.Items[0].CustomerID, tt.first)
		}
		if tt.n == 0 && !bytes.Contains(body, []byte(`"items":[]`)) {
			t.Errorf("%q: items is not an empty list: %s", tt.query, body)
		}
		for _, c := range got.Data.Items {
			if strings.Contains(tt.query, "agent-07") && c.AgentID != "agent-07" {
				t.Errorf("%q: %s is of %s", tt.query, c.CustomerID, c.AgentID)
			}
		}
	}
	var companies Page[Company]
	decode(t, ask(h, "GET", "/v1/companies?page=25&size=20").Body.Bytes(), &companies)
	if companies.Data.Total != 500 || len(companies.Data.Items) != 20 {
		t.Errorf("companies: total %d, %d items", companies.Data.Total, len(companies.Data.Items))
	}
}

func TestExport(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	body := ask(d.Handler(Options{Indent: " "}), "GET", "/v1/exports/customers?branch=BJ-001").Body
	agents, n := map[string]bool{}, 0
	for lines := bufio.NewScanner(body); lines.Scan(); n++ {
		var c Customer
		decode(t, lines.Bytes(), &c)
		agents[c.AgentID] = true
		want, _ := d.Customer(c.CustomerID)
		if !reflect.DeepEqual(c, want) || c.Branch != "BJ-001" {
			t.Errorf("line %d = %+v, want %+v", n+1, c, want)
		}
	}
	if n != 200 || len(agents) != 5 {
		t.Errorf("%d lines of %d agents, want 200 of 5", n, len(agents))
	}
}

// TestRiskScoreLeaks makes sure that there is something for the gateway to stop.
func TestRiskScoreLeaks(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	for c := range d.Customers() {
		if c.CustomerID > TourCustomerID {
			break
		}
		w := ask(d.Handler(), "GET", "/v1/customers/"+c.CustomerID+"/risk-score")
		var body struct{ Error string }
		decode(t, w.Body.Bytes(), &body)
		escaped := w.Header().Get("X-Debug-Customer")
		header, err := url.QueryUnescape(escaped)
		strange := func(r rune) bool { return r < ' ' || r > '~' }
		if err != nil || strings.ContainsFunc(escaped, strange) {
			t.Errorf("%s: X-Debug-Customer is not plain ASCII (%v)", c.CustomerID, err)
		}
		for _, value := range []string{c.Name, c.IDCard, c.Mobile} {
			if !strings.Contains(body.Error, value) || !strings.Contains(header, value) {
				t.Errorf("%s: body %q or header %q lacks %q",
					c.CustomerID, body.Error, header, value)
			}
		}
	}
}
