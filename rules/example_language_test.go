package rules_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// standingProfiler decides by what is on record about every subject.
type standingProfiler struct {
	*rules.Access
	standing rules.Standing
}

func (p standingProfiler) Decide(_ context.Context, records []masking.Record,
	profiles []*masking.Profile) error {
	for i, r := range records {
		profiles[i] = &p.ProfileOf(r.Kind, r.Inputs, p.standing).Profile
	}
	return nil
}

// The rules of examples/language, which have every key, do what they say.
func TestLanguageExample(t *testing.T) {
	files, err := rules.ReadFiles("../examples/language")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(files, fixedKeys{})
	if err != nil {
		t.Fatal(err)
	}
	friday := time.Date(2026, 11, 20, 10, 0, 0, 0, time.FixedZone("", 8*60*60))
	teller := rules.Caller{ID: "T0117", Roles: []string{"teller"}, Purposes: []string{"reception"},
		Region: "CN", Address: netip.MustParseAddr("10.30.1.7")}
	adviser := rules.Caller{ID: "A0042", Roles: []string{"adviser"}, Purposes: []string{"advice"},
		Region: "CN", AMR: []string{"pwd", "mfa"}, ACR: "loa3"}
	abroad, elsewhere, weak := adviser, teller, adviser
	abroad.Region, elsewhere.Address, weak.ACR = "SG", netip.MustParseAddr("10.31.1.7"), "loa1"
	consent := rules.Consent{ID: "c1", Purposes: []string{"advice"}, Covers: []string{"L2", "L3",
		"sensitive"}, Granted: friday.Add(-time.Hour)}
	grant := rules.Grant{ID: "g1", Caller: "A0042", Purpose: "advice",
		Types: []string{"cn_id_card"}, Approver: "M0001", ApproverRoles: []string{"branch-manager"},
		Approved: friday.Add(-time.Minute)}
	const appointment = `{"code":0,"traceId":"t1","debug":true,"data":{"customerId":"C00000052",` +
		`"tellerId":"T0117","name":"许波泽","idCard":"310110198901292790",` +
		`"mobile":"13832033075","birthDate":"1989-01-29","badge":"G004217",` +
		`"branchAddress":"上海市杨浦区东风大道1号","matter":"遗产","signature":"iVBORw0",` +
		`"message":"{\"mobile\":\"13832033075\",\"text\":\"上海市杨浦区东风大道1号\"}",` +
		`"companions":[{"name":"张三丰","idCard":"11010519491231002X"}]}}`
	for _, test := range []struct {
		name, method, path, purpose string
		caller                      rules.Caller
		standing                    rules.Standing
		framing                     masking.Framing
		in, want                    string
		refused                     rules.Reason
	}{
		{name: "a teller's day", method: "GET", path: "/branch/v1/days/2026-11-20", caller: teller,
			framing: masking.Lines,
			in: `{"customerId":"C00000052","name":"许波泽","tellerId":"T0117","note":"VIP"}` +
				"\n",
			want: `{"customerId":"p7:QxecNqqj-A89isvz1zDjMg","name":"许**","tellerId":"T0117",` +
				`"note":"****"}` + "\n"},
		{name: "a teller elsewhere", method: "GET", path: "/branch/v1/days/2026-11-20",
			caller: elsewhere, refused: rules.NetworkNotAllowed},
		{name: "an adviser, by consent and grant", method: "GET",
			path: "/branch/v1/appointments/A00000001", purpose: "advice", caller: adviser,
			in: appointment,
			standing: rules.Standing{Consents: []rules.Consent{consent},
				Grants: []rules.Grant{grant}},
			want: `{"code":0,"traceId":"t1","data":{"customerId":"C00000052","tellerId":"T0117",` +
				`"name":"许波泽","idCard":"310110198901292790",` +
				`"mobile":"138****3075","birthDate":"1989-**-**","badge":"G004217",` +
				`"branchAddress":"上海市杨浦区东风大道1号",` +
				`"matter":"****","message":"{\"mobile\":\"138****3075\",` +
				`\"text\":\"上海市杨浦区****\"}","companions":[{"name":"张三丰",` +
				`"idCard":"11010519491231002X"}]}}`},
		{name: "an adviser abroad", method: "GET", path: "/branch/v1/appointments/A00000001",
			purpose: "advice", caller: abroad,
			in: `{"data":{"customerId":"C00000052","name":"许波泽",` +
				`"idCard":"310110198901292790","mobile":"13832033075","companions":[]}}`,
			standing: rules.Standing{Consents: []rules.Consent{consent},
				Grants: []rules.Grant{grant}},
			want: `{"data":{"customerId":"C00000052","name":"许波泽","mobile":"138****3075",` +
				`"companions":[]}}`},
		{name: "an adviser without consent", method: "GET",
			path: "/branch/v1/appointments/A00000001", purpose: "advice", caller: adviser,
			in:   `{"data":{"customerId":"C00000052","name":"许波泽","tellerId":"T0117"}}`,
			want: `{"data":{"tellerId":"T0117"}}`},
		{name: "an adviser with one factor", method: "GET",
			path: "/branch/v1/appointments/A00000001", purpose: "advice", caller: weak,
			refused: rules.AssuranceTooLow},
		{name: "codes of matters", method: "GET", path: "/branch/v1/matters", purpose: "advice",
			caller: adviser, in: `[{"code":"01","name":"遗产"}]`,
			want: `[{"code":"01","name":"遗产"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			route := set.Route(test.method, "branch.bank.example", test.path)
			if route == nil {
				t.Fatalf("Route(%s %s) = nil", test.method, test.path)
			}
			access, err := set.Admit(route, rules.Request{Caller: test.caller,
				Purpose: test.purpose, Time: friday})
			var denial *rules.Denial
			if errors.As(err, &denial) && denial.Reason == test.refused {
				return
			} else if err != nil || test.refused != "" {
				t.Fatalf("Admit: %v, want refusal %q", err, test.refused)
			}
			var report masking.Report
			out, err := route.Layout.Append(context.Background(), nil, []byte(test.in),
				test.framing, standingProfiler{access, test.standing}, &report)
			if err != nil || string(out) != test.want {
				t.Errorf("Append(%s)\n = %s, %v\nwant %s", test.in, out, err, test.want)
			}
		})
	}
	if r := set.Route("GET", "branch.bank.example", "/branch/v1/appointments/slots"); r == nil ||
		r.Public == "" {
		t.Errorf("Route(GET slots) = %v, want the public one", r)
	}
	if r := set.Route("GET", "crm.bank.example", "/branch/v1/matters"); r != nil {
		t.Errorf("Route of another host = %v, want none", r)
	}
}
