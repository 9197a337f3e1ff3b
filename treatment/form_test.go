package treatment

import "testing"

func TestFormOf(t *testing.T) {
	for _, tt := range []struct {
		typ, text string
		want      Form
	}{
		{"cn_id_card", "11010519491231002X", FormChecked},
		{"cn_id_card", "1101 0519 4912 3100 2x", FormChecked},
		{"cn_id_card", "810000199001010019", FormChecked},
		{"cn_id_card", "110101199001011234", Formed},
		{"cn_id_card", "110105194913310020", NoForm}, // no 13th month
		{"cn_id_card", "110105491231002", Formed},    // of old, without a check digit
		{"cn_id_card", "110105491331002", NoForm},
		{"cn_id_card", "1101051949123100", NoForm},
		{"bank_card", "6222021234567890128", FormChecked},
		{"bank_card", "6222 0212 3456 7890 128", FormChecked},
		{"bank_card", "6222021234567890123", Formed},
		{"bank_card", "622202", NoForm},
		{"uscc", "91350100M000100Y43", FormChecked},
		{"uscc", "91350100M000100Y44", Formed},
		{"uscc", "91350100M000100I43", NoForm},
		{"cn_mobile", "+86 138 1234 5678", Formed},
		{"cn_mobile", "23812345678", NoForm},
		{"landline", "0571-88168709", Formed},
		{"landline", "13812345678", NoForm},
		{"licence_plate", "京A12345", Formed},
		{"passport", "E12345678", Formed},
		{"address", "北京市海淀区马连洼街道289号", Formed},
		{"address", "马连洼街道289号", NoForm},
		{"ip_address", "203.0.113.7", Formed},
		{"ip_address", "2001:db8::1", Formed},
		{"ip_address", "", NoForm},
		{"ip_address", "203.0.113.700", NoForm},
		{"birth_date", "1949-12-31T08:00:00+08:00", Formed},
		{"birth_date", "1949-02-30", NoForm},
		{"person_name", "张三丰", NoForm},
	} {
		if got := FormOf(tt.typ, []byte(tt.text)); got != tt.want {
			t.Errorf("FormOf(%q, %q) = %v, want %v", tt.typ, tt.text, got, tt.want)
		}
	}
}
