package discover_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
)

type object = map[string]any

// claims is a service that names the fields of the demo's people otherwise.
func claims(t *testing.T) http.Handler {
	people := demo.New(7, 2000)
	person := func(i int) demo.Customer {
		c, ok := people.Customer(fmt.Sprintf("C%08d", 1+i%2000))
		if !ok {
			t.Fatalf("there is no person %d", i)
		}
		return c
	}
	number := func(c demo.Customer) string { return "KH" + c.CustomerID[1:] }
	claim := func(i int) object {
		c := person(i)
		others := []object{}
		for k := range i % 3 {
			o := person(i*31 + k + 1)
			others = append(others, object{"xm": o.Name, "zjhm": o.IDCard, "lxdh": o.Mobile,
				"sybl": 0.5})
		}
		return object{
			"bah": fmt.Sprintf("BA2025%08d", i), "bdh": fmt.Sprintf("P%012d", i*17),
			"khh":     number(c),
			"bbxr_xm": c.Name, "bbxr_zjhm": c.IDCard, "bbxr_sjh": c.Mobile,
			"bbxr_csrq": c.BirthDate, "bbxr_xb": c.Gender,
			"txdz": c.Address, "dzyx": c.Email, "zhiye": c.Occupation,
			"zdmc":  []string{"急性阑尾炎", "左桡骨远端骨折", "2型糖尿病", "肺部感染"}[i%4],
			"yymc":  "上海市第六人民医院",
			"pf_je": c.Accounts[0].Balance, "bao_e": 100_000 + i%5*50_000,
			"skxx": object{"skzh": c.Accounts[0].CardNo, "huming": c.Name,
				"khyh": c.Accounts[0].Bank},
			"xczb": fmt.Sprintf("%.6f,%.6f", 31.1+float64(i)/1000, 121.4+float64(i)/1000),
			"hphm": fmt.Sprintf("沪A%05d", 10007+i*13),
			"yzm":  fmt.Sprintf("%06d", i*7919%1_000_000), "qd": []string{"app", "wechat",
				"counter"}[i%3], "bizhong": "CNY",
			"jbr_gh": fmt.Sprintf("G%04d", i%20), "bz": "被保险人来电 " + c.Mobile + " 催办",
			"fj": []string{}, "sflp": i%2 == 0, "syr": others,
		}
	}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	index := func(r *http.Request) (i int) {
		if _, err := fmt.Sscanf(r.PathValue("id"), "A%d", &i); err != nil {
			t.Error(err)
		}
		return i
	}
	mux.HandleFunc("GET /lipei/v2/anjian/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, object{"fhm": 0, "xiaoxi": "成功", "data": claim(index(r))})
	})
	mux.HandleFunc("GET /lipei/v2/anjian", func(w http.ResponseWriter, r *http.Request) {
		list := []object{}
		for i := range 20 {
			c := person(i)
			list = append(list, object{"khh": number(c), "xm": c.Name, "zjhm": c.IDCard,
				"sjh": c.Mobile, "pf_je": c.Accounts[0].Balance, "ajzt": "已结案"})
		}
		answer(w, object{"fhm": 0, "data": object{"zs": 2000, "ys": 1, "lb": list}})
	})
	mux.HandleFunc("GET /lipei/v2/kehu/{id}/jiaoyi", func(w http.ResponseWriter, r *http.Request) {
		i := index(r)
		c := person(i)
		var list []object
		for k := range 3 + i%3 {
			list = append(list, object{"交易时间": fmt.Sprintf("2025-0%d-1%d 09:30:00", 1+k, i%9),
				"金额": c.Accounts[0].Balance, "对方账号": person(i + k).Accounts[0].CardNo,
				"摘要": "理赔款"})
		}
		answer(w, object{"客户编号": number(c), "姓名": c.Name, "身份证号": c.IDCard,
			"联系电话": c.Mobile, "明细": list})
	})
	return mux
}

// Another service, which names its fields in other ways, yields the file that was written for it by
// hand.
func TestProposeClaims(t *testing.T) {
	byHand, err := os.ReadFile("testdata/claims.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for i := range 30 {
		targets = append(targets, fmt.Sprintf("/lipei/v2/anjian/A%d", i),
			fmt.Sprintf("/lipei/v2/kehu/A%d/jiaoyi", i), fmt.Sprintf("/lipei/v2/anjian?ys=%d", i))
	}
	text := proposal(t, "claims", answers(t, claims(t), targets...))
	for _, field := range compare(t, text, byHand, func(string) bool { return false }) {
		t.Errorf("%s is proposed, and not in the file\n%s", field, text)
	}
}
