package discover

import (
	"slices"
	"testing"
)

func TestOfName(t *testing.T) {
	for _, tt := range []struct {
		name string
		want named
	}{
		{"idCard", "cn_id_card"}, {"id_no", "cn_id_card"}, {"certNo", "cn_id_card"},
		{"cert_num", "cn_id_card"}, {"sfzh", "cn_id_card"},
		{"zjhm", "cn_id_card"}, {"ZJHM", "cn_id_card"}, {"身份证号", "cn_id_card"},
		{"被保险人证件号码", "cn_id_card"}, {"custIdNo", "cn_id_card"},
		{"khzjhm", "cn_id_card"}, {"IDCardNo2", "cn_id_card"},
		{"mobile", "cn_mobile"}, {"phone", "cn_mobile"}, {"sjh", "cn_mobile"},
		{"手机号", "cn_mobile"}, {"联系人电话", "cn_mobile"}, {"contactMobileNo", "cn_mobile"},
		{"custName", "person_name"}, {"custname", "person_name"}, {"xm", "person_name"},
		{"姓名", "person_name"}, {"bbxr_xm", "person_name"}, {"户名", "person_name"},
		{"home-address", "address"}, {"ipAddress", "ip_address"}, {"emailAddress", "email"},
		{"lastIp", "ip_address"},
		{"cardNo", "bank_card"}, {"银行卡号", "bank_card"}, {"bankName", "public"},
		{"branchName", "branch"}, {"cvv2", "cvv"}, {"track2Data", "card_track"},
		{"queryPin", "pin"}, {"accessToken", "secret"}, {"dlmm", "password"}, {"dxyzm", "otp"},
		{"customerId", "customer_number"}, {"客户编号", "customer_number"},
		{"khid", "customer_number"}, {"userid", "customer_number"},
		{"agentId", bareID}, {"id", bareID}, {"name", bareName}, {"productName", bareName},
		{"idType", nothing}, {"mobileVerified", nothing}, {"phoneType", nothing},
		{"status", nothing}, {"valid", nothing}, {"grid", nothing}, {"", nothing},
		{"证件类型", nothing}, {"policyNo", contract}, {"备注", text}, {"message", text},
		{"total", harmless}, {"data.total", harmless},
		{"riskLevel", "credit_score"}, {"openedOn", "opening_date"}, {"zdmc", "medical"},
	} {
		if got := ofName(tt.name); got != tt.want {
			t.Errorf("ofName(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Each word of the dictionary is a type that has a place in strictness, or a word for what no type
// has.
func TestDictionary(t *testing.T) {
	for name, what := range dictionary {
		if !slices.Contains(strictness, string(what)) &&
			!slices.Contains([]named{text, contract, bareName, bareID}, what) {
			t.Errorf("%s: %q is not in strictness", name, what)
		}
		if got := ofName(name); got != what {
			t.Errorf("ofName(%q) = %q, want %q", name, got, what)
		}
	}
	for _, j := range judgements {
		if !slices.Contains(strictness, j.typ) {
			t.Errorf("%q is not in strictness", j.typ)
		}
	}
}

func TestPresentable(t *testing.T) {
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"customerId", true}, {"cust_id_no", true}, {"address1", true}, {"md5", true},
		{"sha256", true}, {"iso3166Code", true}, {"@type", true}, {"$ref", true},
		{"身份证号", true}, {"姓名", true}, {"明细", true}, {"余额", true}, {"金额", true},
		{"用户名", true}, {"first-name", true},
		{"13812345678", false}, {"11010519491231002X", false}, {"u13812345678", false},
		{"C00000052", false}, {"", false},
		{"zhang@example.cn", false}, {"张三丰", false}, {"欧阳锋", false}, {"欧阳娜娜", false},
		{"北京市海淀区马连洼街道289号", false},
		{"8c743b872c0a49da677a58e1ae15b8e8", false}, {"Xk3Fq9Lm2Vt7Bz1c", false},
		{"f47ac10b-58cc-4372-a567-0e02b2c3d479", false},
		{"John Smith", false}, {"a/b", false}, {"it's", false}, {"上海华盛科技有限公司", false},
		{"qwertyuiopasdfghjklzxcvbn", false},
	} {
		if got := presentable(tt.name); got != tt.want {
			t.Errorf("presentable(%q) = %v, want %v", tt.name, got, tt.want)
		}
	}
}
