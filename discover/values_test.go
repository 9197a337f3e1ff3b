package discover

import (
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	// A value has the verdict of its row, and no other verdict of personal data.
	personal := func(said []verdict) []verdict {
		return slices.DeleteFunc(slices.Clone(said), func(v verdict) bool {
			return slices.Contains([]verdict{integer, decimal, word, han, hexadecimal, date, moment,
				company}, v)
		})
	}
	for _, tt := range []struct {
		text string
		want []verdict
	}{
		{"11010519491231002X", []verdict{idCard}},
		{"810000199001010019", []verdict{idCard}},
		{"110101199001011234", nil}, // the check digit is wrong
		{"990101199001011237", nil}, // no such region
		{"110105491231002", []verdict{idCard15}},
		{"6222021234567890128", []verdict{bankCard}},
		{"6222 0212 3456 7890 128", []verdict{bankCard}},
		{"6222021234567890123", nil},
		{"91350100M000100Y43", []verdict{uscc}},
		{"13812345678", []verdict{mobile}},
		{"+86 138 1234 5678", []verdict{mobile}},
		{"12812345678", nil},
		{"0571-88168709", []verdict{landline}},
		{"88168709", nil},
		{"zhangsan@example.com", []verdict{email}},
		{"京A12345", []verdict{plate}},
		{"E12345678", []verdict{passport}},
		{"H12345678", []verdict{hkmo}},
		{"军字第12345678号", []verdict{officer}},
		{"203.0.113.7", []verdict{ip}},
		{"39.908823,116.397470", []verdict{geo}},
		{"张三丰", []verdict{person}},
		{"买买提·艾力", []verdict{person}},
		{"急性阑尾炎", nil},
		{"北京市海淀区马连洼街道289号", []verdict{address}},
		{"人民路12号2楼", []verdict{address}},
		{"女", []verdict{sex}},
		{"维吾尔族", []verdict{nation}},
		{"丧偶", []verdict{marriage}},
		{"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", []verdict{secret}},
		{`{"a":1}`, []verdict{document}},
		{"还款 13812345678 张", []verdict{contained}},
		{"写信给 zhangsan@example.com", []verdict{contained}},
		{"2025-01-01", nil}, {"2025-01-01T08:00:00+08:00", nil}, {"12345.67", nil},
		{"C00000052", []verdict{hkmo}}, {"ok", nil}, {"", nil},
	} {
		if got := personal(judge(nil, tt.text)); !slices.Equal(got, tt.want) {
			t.Errorf("judge(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
}
