package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// Type, class, level, sensitive, and the rank of what the treatment mask does: always for a cap
// that no rule lifts.
const catalogueTable = `
person_name      C2  L3  no   mask
cn_id_card       C2  L3  yes  mask
cn_mobile        C2  L3  no   mask
landline         C2  L3  no   mask
email            C2  L3  no   mask
address          C2  L3  no   mask
bank_card        C2  L3  yes  mask
licence_plate    -   L2  no   mask
passport         C2  L3  yes  mask
hkmo_permit      C2  L3  yes  mask
tw_permit        C2  L3  yes  mask
officer_card     C2  L3  yes  mask
uscc             -   L1  no   mask
ip_address       -   L2  no   mask
birth_date       C1  L3  no   mask
gender           C1  L3  no   redact
ethnicity        C1  L3  yes  redact
marital_status   C1  L3  no   redact
occupation       C1  L3  no   redact
amount           C2  L3  yes  mask
balance          C2  L3  yes  mask
income           C2  L3  yes  mask
loan             C2  L3  yes  mask
credit_report    C2  L3  yes  drop
credit_score     C2  L3  yes  drop
transaction      C2  L3  yes  redact
geo_point        -   L3  yes  mask
password         C3  L4  yes  always
pin              C3  L4  yes  always
cvv              C3  L4  yes  always
card_track       C3  L4  yes  always
card_expiry      C3  L4  yes  always
otp              C3  L4  yes  always
biometric        C3  L4  yes  always
secret           C3  L4  yes  always
medical          -   L4  yes  drop
religion         -   L4  yes  drop
minor            -   L4  yes  drop
device_id        -   L2  no   pseudonymise
plate            -   L2  no   pseudonymise
cookie           -   L2  no   pseudonymise
user_agent       C1  L2  no   clear
opening_date     C1  L2  no   clear
branch           C1  L2  no   clear
public           -   L1  no   clear
customer_number  C1  L2  no   pseudonymise
`

func TestCatalogue(t *testing.T) {
	left := maps.Clone(catalogue)
	for line := range strings.Lines(strings.TrimSpace(catalogueTable)) {
		want := strings.Fields(line)
		typ := left[want[0]]
		if typ == nil {
			t.Errorf("%s: not in the catalogue", want[0])
			continue
		}
		delete(left, want[0])
		have := []string{typ.Name, typ.Class, typ.Level, "no", typ.Mask.Rank().String()}
		if typ.Class == "" {
			have[1] = "-"
		}
		if typ.Sensitive {
			have[3] = "yes"
		}
		if typ.Always != nil {
			have[4] = "always"
			if typ.Always.Rank() != masking.RankDrop {
				t.Errorf("%s: always %s, want drop", typ.Name, typ.Always)
			}
		}
		if !slices.Equal(have, want) {
			t.Errorf("type = %v, want %v", have, want)
		}
		if _, err := typ.Mask.Treatment(noKeys); err != nil {
			t.Errorf("%s: %v", typ.Name, err)
		}
	}
	for name := range left {
		t.Errorf("%s: in the catalogue, not in the table", name)
	}
}

// Each row has a value of a type and what the type's mask makes of it. Package treatment tests the
// masks themselves.
func TestCatalogueMasks(t *testing.T) {
	for _, test := range []struct{ typ, value, want string }{
		{"person_name", "张三丰", "张**"},
		{"person_name", "欧阳锋", "欧阳**"},
		{"person_name", "张", "****"},
		{"cn_id_card", "11010519491231002X", "1****************X"},
		{"cn_id_card", "110105491231002", "1*************2"},
		{"cn_id_card", "1101051949", "****"},
		{"cn_mobile", "13812345678", "138****5678"},
		{"cn_mobile", "+86 138 1234 5678", "138****5678"},
		{"cn_mobile", "1381234567", "****"},
		{"landline", "0571-88168709", "0571-****8709"},
		{"landline", "8709", "****"},
		{"email", "zhangsan@example.com", "z***@example.com"},
		{"email", "z", "****"},
		{"address", "北京市海淀区马连洼街道289号", "北京市海淀区****"},
		{"address", "马连洼街道289号", "****"},
		{"bank_card", "6222021234567890128", "622202*********0128"},
		{"bank_card", "6222021234", "****"},
		{"licence_plate", "京A12345", "京A1***5"},
		{"passport", "E12345678", "E1*****78"},
		{"hkmo_permit", "H12345678", "H1*****78"},
		{"tw_permit", "12345678", "12****78"},
		{"officer_card", "军字第12345678号", "军字第******78号"},
		{"uscc", "91350100M000100Y43", "91350100********43"},
		{"ip_address", "192.168.1.100", "192.168.*.*"},
		{"ip_address", "2001:db8::1", "2001:db8:*"},
		{"birth_date", "1949-12-31", "1949-**-**"},
		{"birth_date", "31/12/1949", "****"},
		{"amount", "12345.67", "10000-20000"},
		{"balance", "-1", "-10000-0"},
		{"geo_point", "39.908823", "39.91"},
		{"transaction", "coffee", "****"},
	} {
		treatment, err := catalogue[test.typ].Mask.Treatment(noKeys)
		if err != nil {
			t.Fatalf("%s: %v", test.typ, err)
		}
		want, err := json.Marshal(test.want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := treatment.Transform.Append(nil, masking.Value{Kind: masking.String,
			Text: []byte(test.value)})
		if !ok || string(got) != string(want) {
			t.Errorf("%s(%q) = %s, %v, want %s", test.typ, test.value, got, ok, want)
		}
	}
}
