package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
)

// The views say what each caller of the demo gets of each field, worked out by hand from
// examples/customer. They are the oracle of the tests in this package: no code of the gateway made
// them.
const (
	gone   = "gone"   // the member is not there
	masked = "masked" // the value is replaced
	clear_ = "clear"  // the value is the upstream's, byte for byte
)

// endpoint is one path of the demo service and what the callers get of it.
type endpoint struct {
	name string
	path string
	// status for customer-service, credit-officer and no-role
	status [3]int
	view   map[string][2]string // by field, for customer-service and credit-officer
	public bool
	mixed  bool // customer-service is not admitted to every record
}

const customerFields = `
customerId            clear   clear
name                  masked  clear
idCard                masked  masked
gender                clear   clear
birthDate             masked  clear
mobile                masked  clear
email                 masked  clear
address               masked  clear
occupation            clear   clear
maritalStatus         clear   clear
ethnicity             gone    gone
income                masked  clear
segment               clear   clear
riskLevel             gone    clear
agentId               clear   clear
branch                clear   clear
openedOn              clear   clear
accounts[].cardNo     masked  masked
accounts[].bank       clear   clear
accounts[].balance    masked  clear
accounts[].openedOn   clear   clear
device                clear   clear
device.deviceId       masked  gone
device.lastIp         gone    gone
queryPin              gone    gone
`

const exportFields = `
customerId            clear   clear
name                  masked  clear
idCard                masked  masked
gender                gone    gone
birthDate             gone    gone
mobile                masked  clear
email                 gone    gone
address               gone    gone
occupation            gone    gone
maritalStatus         gone    gone
ethnicity             gone    gone
income                gone    gone
segment               clear   clear
riskLevel             gone    gone
agentId               clear   clear
branch                clear   clear
openedOn              clear   clear
accounts[].cardNo     masked  masked
accounts[].bank       gone    gone
accounts[].balance    masked  clear
accounts[].openedOn   gone    gone
device                gone    gone
device.deviceId       gone    gone
device.lastIp         gone    gone
queryPin              gone    gone
`

const transactionFields = `
customerId                gone  clear
items[].customerId        gone  gone
items[].id                gone  clear
items[].time              gone  clear
items[].amount            gone  clear
items[].currency          gone  clear
items[].counterpartyName  gone  clear
items[].counterpartyCard  gone  masked
items[].channel           gone  clear
items[].memo              gone  gone
`

const noticeFields = `
customerId                clear   clear
agentId                   clear   clear
items[].id                clear   clear
items[].sentAt            clear   clear
items[].payload           masked  masked
items[].payload.template  clear   clear
items[].payload.name      masked  clear
items[].payload.mobile    masked  clear
items[].payload.cardNo    masked  masked
items[].payload.text      gone    gone
`

const creditReportFields = `
customerId               gone  clear
reportNo                 gone  clear
queriedAt                gone  clear
score                    gone  clear
grade                    gone  clear
subject.name             gone  clear
subject.idCard           gone  masked
loans[].lender           gone  clear
loans[].kind             gone  clear
loans[].principal        gone  clear
loans[].balance          gone  clear
loans[].openedOn         gone  clear
loans[].status           gone  clear
overdues[].month         gone  clear
overdues[].amount        gone  clear
overdues[].days          gone  clear
guarantors[].customerId  gone  clear
guarantors[].name        gone  clear
guarantors[].idCard      gone  masked
guarantors[].mobile      gone  clear
queries[].at             gone  clear
queries[].by             gone  clear
queries[].reason         gone  clear
`

const envelopeFields = `
code        clear  clear
message     clear  clear
data.total  clear  clear
data.page   clear  clear
`

func parseView(t *testing.T, table, prefix string) map[string][2]string {
	t.Helper()
	view := map[string][2]string{}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			t.Fatalf("view: line %q", line)
		}
		view[prefix+f[0]] = [2]string{f[1], f[2]}
	}
	return view
}

func endpoints(t *testing.T) []endpoint {
	list := parseView(t, customerFields, "data.items[].")
	for path, treatments := range parseView(t, envelopeFields, "") {
		list[path] = treatments
	}
	all := [3]int{200, 200, 403}
	officer := [3]int{403, 200, 403}
	id := demo.TourCustomerID
	return []endpoint{
		{name: "customer", path: "/v1/customers/" + id, status: all,
			view: parseView(t, customerFields, "")},
		{name: "customers", path: "/v1/customers?agent=agent-07&page=2&size=25", status: all,
			view: list},
		// Most of these are other agents' customers, and customer-service gets none of them.
		{name: "all agents' customers", path: "/v1/customers?page=3&size=40", status: all,
			view: list, mixed: true},
		{name: "export", path: "/v1/exports/customers?branch=SH-001", status: all, mixed: true,
			view: parseView(t, exportFields, "")},
		{name: "transactions", path: "/v1/customers/" + id + "/transactions", status: officer,
			view: parseView(t, transactionFields, "")},
		{name: "notices", path: "/v1/customers/" + id + "/notices", status: all,
			view: parseView(t, noticeFields, "")},
		{name: "credit report", path: "/v1/customers/" + id + "/credit-report", status: officer,
			view: parseView(t, creditReportFields, "")},
		{name: "risk score", path: "/v1/customers/" + id + "/risk-score",
			status: [3]int{502, 502, 403}},
		{name: "company", path: "/v1/companies/" + firstCompany(), status: [3]int{200, 200, 200},
			public: true},
		{name: "companies", path: "/v1/companies?page=1&size=10", status: [3]int{200, 200, 200},
			public: true},
	}
}

func firstCompany() string { return demo.New(demo.DefaultSeed, 10).Companies()[0].USCC }

var index = regexp.MustCompile(`\[\d+\]`)

// treatment is what a caller (0 customer-service, 1 credit-officer) gets at a path such as
// accounts[1].cardNo.
func (e endpoint) treatment(path string, caller int) string {
	if e.public {
		return clear_
	}
	path = index.ReplaceAllString(path, "[]")
	if t, ok := e.view[path]; ok {
		return t[caller]
	}
	// An object or array is there if anything listed lies in it.
	for listed, t := range e.view {
		if t[caller] != gone &&
			(strings.HasPrefix(listed, path+".") || strings.HasPrefix(listed, path+"[]")) {
			return clear_
		}
	}
	return gone
}
