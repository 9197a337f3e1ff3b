package masking_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// customers is a list response of about 700 bytes a record.
func customers(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"code":0,"message":"ok","data":{"total":10000,"page":1,"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b,
			`{"customerId":"C%08d","name":"许波泽","idCard":"310110198901292790","gender":"男",`+
				`"birthDate":"1989-01-29",`+
				`"mobile":"13832033075","email":"xboze1989@example.cn",`+
				`"address":"上海市杨浦区东风大道367号金桂苑4号楼4单元102室","occupation":"会计",`+
				`"maritalStatus":"已婚","ethnicity":"汉族","income":179800,"segment":"affluent",`+
				`"riskLevel":"R5","agentId":"agent-07","branch":"SH-001",`+
				`"openedOn":"2012-11-30","accounts":[{"cardNo":"6222029725209753352",`+
				`"bank":"中国工商银行","balance":72951.31,"openedOn":"2019-10-03"},`+
				`{"cardNo":"6225889634988119","bank":"招商银行","balance":518415.01,`+
				`"openedOn":"2020-05-08"}],`+
				`"device":{"deviceId":"8c743b872c0a49da677a58e1ae15b8e8",`+
				`"lastIp":"198.51.100.164"},"queryPin":"520471"}`, i)
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

// oneProfile gives every record the same profile.
type oneProfile struct{ envelope, record *masking.Profile }

func (d *oneProfile) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	for i, r := range records {
		profiles[i] = d.record
		if r.Kind == masking.Envelope {
			profiles[i] = d.envelope
		}
	}
	return nil
}

// customerLayout masks six fields of a record and drops one; the others are clear.
func customerLayout(tb testing.TB) (*masking.Layout, *oneProfile) {
	tb.Helper()
	fields := [][2]string{
		{"$.customerId", "clear"}, {"$.name", "person_name"}, {"$.idCard", "cn_id_card"},
		{"$.gender", "clear"}, {"$.birthDate", "clear"}, {"$.mobile", "cn_mobile"},
		{"$.email", "email"}, {"$.address", "address"}, {"$.occupation", "clear"},
		{"$.maritalStatus", "clear"}, {"$.ethnicity", "clear"}, {"$.income", "clear"},
		{"$.segment", "clear"}, {"$.riskLevel", "clear"}, {"$.agentId", "clear"},
		{"$.branch", "clear"}, {"$.openedOn", "clear"}, {"$.accounts[*].cardNo", "bank_card"},
		{"$.accounts[*]['bank','balance','openedOn']", "clear"}, {"$.device", "clear"},
		{"$.queryPin", "drop"},
	}
	spec := masking.Spec{
		Envelope: []string{"$.code", "$.message", "$.data.total", "$.data.page"},
		Records:  []masking.RecordSpec{{Select: "$.data.items[*]", Subject: "$.customerId"}},
	}
	d := &oneProfile{&masking.Profile{Treatments: make([]masking.Treatment, len(spec.Envelope))},
		&masking.Profile{}}
	for _, f := range fields {
		expression, err := treatment.ParseExpression(f[1])
		if err != nil {
			tb.Fatal(err)
		}
		built, err := expression.Treatment(treatment.Environment{})
		if err != nil {
			tb.Fatal(err)
		}
		spec.Records[0].Fields = append(spec.Records[0].Fields, f[0])
		d.record.Treatments = append(d.record.Treatments, built)
	}
	layout, err := masking.Compile(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return layout, d
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		src := customers(n)
		b.Run(fmt.Sprintf("%dKB", len(src)/1000), func(b *testing.B) {
			layout, d := customerLayout(b)
			dst := make([]byte, 0, len(src))
			var report masking.Report
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := layout.Append(b.Context(), dst, src, masking.Document, d, &report)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
