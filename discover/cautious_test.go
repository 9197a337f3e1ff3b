package discover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/discover"
	"github.com/maskgate/maskgate/examples/demo"
)

// Where name and values disagree, the stricter type is proposed. Where neither tells, the field is
// left out.
func TestProposeIsCautious(t *testing.T) {
	people := demo.New(demo.DefaultSeed, 0)
	for _, tt := range []struct {
		// field is a member and its value, in which ID, MOBILE, NAME and N stand for those of a
		// person. want is the type that is proposed; "" if the field is left out.
		name, field string
		want        string
	}{
		{"the value is stricter", `"mobile":"ID"`, "cn_id_card"},
		{"an identifier is an identity number", `"customerId":"ID"`, "cn_id_card"},
		{"the name is stricter", `"sfzh":"MOBILE"`, "cn_id_card"},
		{"the name of a thing has a person's", `"xqmc":"NAME"`, "person_name"},
		{"no name, but values", `"x1":"MOBILE"`, "cn_mobile"},
		{"a number", `"x1":MOBILE`, "cn_mobile"},
		{"a credential, whatever its values", `"password":"NAME"`, "password"},
		{"public by its name, but for its values", `"channel":"ID"`, "cn_id_card"},
		{"public by its name, but with names", `"channel":"NAME"`, "person_name"},
		{"public by its name, but with many values", `"segment":"sN"`, ""},
		{"public by its name, but of a record", `"total":N`, ""},
		{"public by its name, and a list", `"channel":"app"`, "public"},
		{"a text that holds a number", `"memo":"call MOBILE"`, ""},
		{"free text without one", `"remark":"nothing"`, ""},
		{"a document in a string", `"payload":"{\"a\":1}"`, ""},
		{"a truth", `"married":true`, ""},
		{"a truth by the name of somebody", `"insured":true`, ""},
		{"a truth about children", `"isMinor":true`, "minor"},
		{"some texts with a number", `"x1":"N MOBILE"`, ""},
		{"a contract", `"policyNo":"PN"`, ""},
		{"codes of few digits", `"x1":"N"`, ""},
		{"nothing known", `"status":"normal"`, ""},
		{"null", `"status":null`, ""},
		{"null, but named", `"email":null`, "email"},
		{"an object for some", `"email":{"work":"MOBILE@example.cn"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := discover.New()
			for i := range 50 {
				c, ok := people.Customer(fmt.Sprintf("C%08d", 1+i*61))
				if !ok {
					t.Fatal("too few people")
				}
				field := strings.NewReplacer("ID", c.IDCard, "MOBILE", strings.NewReplacer("+86",
					"", " ", "").Replace(c.Mobile), "NAME", c.Name, "N",
					fmt.Sprint(1000+i*7)).Replace(tt.field)
				if err := r.Add("GET /x", "application/json", nil,
					[][]byte{fmt.Appendf(nil, `{"khbh":"K%05d",%s}`, i, field)}); err != nil {
					t.Fatal(err)
				}
			}
			name := strings.Split(tt.field, `"`)[1]
			for _, f := range discover.Propose("x", "y", r.Routes()).Routes[0].Records[0].Fields {
				if f.Path == "$."+name {
					if f.Type != tt.want || f.Why == "" {
						t.Errorf("%s: %q (%s), want %q", tt.field, f.Type, f.Why, tt.want)
					}
					return
				}
			}
			if tt.want != "" {
				t.Errorf("%s is not proposed, want %q", tt.field, tt.want)
			}
		})
	}
}

// Records, subjects and envelopes are found in the ways in which services lay them out.
func TestProposeStructure(t *testing.T) {
	const a, b = "11010519491231002X", "440524188001010014"
	for _, tt := range []struct{ name, doc, want string }{
		{"the whole document", `{"custNo":"1","idCard":"` + a + `"}`, "$ $.custNo"},
		{"within an envelope", `{"code":0,"data":{"custNo":"1","mobile":"13812345678"}}`,
			"$.data $.custNo"},
		{"a list", `{"data":{"total":1,"rows":[{"custNo":"1"},{"custNo":"2"}]}}`,
			"$.data.rows[*] $.custNo"},
		{"a list at the root", `[{"custNo":"1"},{"custNo":"2"}]`, "$[*] $.custNo"},
		{"a subject of a part",
			`{"data":{"policy":{"holderAddress":"北京市海淀区马连洼街道289号"},` +
				`"insured":{"certNo":"` + a + `"}}}`, "$.data $.insured.certNo"},
		{"others within", `{"custNo":"1","guarantors":[{"custNo":"2"},{"custNo":"3"}]}`,
			"$ $.custNo, $.guarantors[*] $.custNo"},
		{"others by another identifier", `{"custNo":"1","idCard":"` + a +
			`","family":[{"idCard":"` + b + `"}]}`, "$ $.custNo, $.family[*] $.idCard"},
		{"the same within", `{"custNo":"1","orders":[{"custNo":"1","amount":1},{"custNo":"1",` +
			`"amount":2}]}`, "$ $.custNo"},
		{"the same by another identifier", `{"custNo":"1","idCard":"` + a +
			`","cards":[{"idCard":"` + a + `"}]}`, "$ $.custNo"},
		{"not in each", `[{"custNo":"1","idCard":"` + a + `"},{"custNo":null,"idCard":"` + b +
			`"}]`, "$[*] $.idCard"},
		{"no record at times", `[{"code":0,"data":{"custNo":"1"}},{"code":4,"data":null}]`,
			"$[*].data $.custNo"},
		{"lists within lists", `{"branches":[{"no":"x1","rows":[{"ok":1,"data":{"custNo":"1"}},` +
			`{"ok":0,"data":null}]}]}`, "$.branches[*].rows[*].data $.custNo"},
		{"others within the same", `{"custNo":"1","orders":[{"custNo":"1","payees":[{"idCard":"` +
			a + `"}]}]}`, "$ $.custNo, $.orders[*].payees[*] $.idCard"},
		{"a list without", `{"code":0,"rows":[{"xm":"张三丰","sjh":"13812345678"}]}`, "$.rows[*] "},
		{"nothing personal", `{"code":0,"rows":[{"a":1}]}`, "$ "},
		{"nothing at all", `{}`, "$ "},
		{"a list of texts", `["13812345678"]`, "$ "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := discover.New()
			if err := r.Add("GET /x", "application/json", nil,
				[][]byte{[]byte(tt.doc)}); err != nil {
				t.Fatal(err)
			}
			service := discover.Propose("x", "y", r.Routes())
			var got []string
			for _, k := range service.Routes[0].Records {
				got = append(got, k.Select+" "+k.Subject)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("%s: %q, want %q", tt.doc, strings.Join(got, ", "), tt.want)
			}
			fieldTypes(t, service.YAML()) // which loads it
		})
	}
}
