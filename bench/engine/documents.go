package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// document is a page of so many customers.
func document(records int) []byte {
	data := demo.New(demo.DefaultSeed, records)
	var b bytes.Buffer
	b.WriteString(`{"code":0,"message":"ok","data":{"total":10000,"page":1,"items":[`)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	first := true
	for c := range data.Customers() {
		if !first {
			b.WriteByte(',')
		}
		first = false
		must(encoder.Encode(c))
		b.Truncate(b.Len() - 1) // the encoder's newline
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// masked are the fields that are masked, with their treatments; one more is dropped and the others
// are clear.
var masked = [][2]string{
	{"$.name", "person_name"}, {"$.idCard", "cn_id_card"}, {"$.mobile", "cn_mobile"},
	{"$.email", "email"}, {"$.address", "address"}, {"$.accounts[*].cardNo", "bank_card"},
}

var kept = []string{
	"$.customerId", "$.gender", "$.birthDate", "$.occupation", "$.maritalStatus", "$.ethnicity",
	"$.income", "$.segment", "$.riskLevel", "$.agentId", "$.branch", "$.openedOn",
	"$.accounts[*]['bank', 'balance', 'openedOn']", "$.device",
}

// profiles gives each record the same profile.
type profiles struct{ envelope, record masking.Profile }

func (p *profiles) Decide(
	_ context.Context, records []masking.Record, list []*masking.Profile,
) error {
	for i, r := range records {
		list[i] = &p.record
		if r.Kind == masking.Envelope {
			list[i] = &p.envelope
		}
	}
	return nil
}

// engine compiles the layout of the documents, with rules for fields that do not occur besides.
func engine(unused int) (*masking.Layout, *profiles) {
	spec := masking.Spec{
		Envelope: []string{"$.code", "$.message", "$.data.total", "$.data.page"},
		Records:  []masking.RecordSpec{{Select: "$.data.items[*]", Subject: "$.customerId"}},
	}
	p := &profiles{}
	p.envelope.Treatments = make([]masking.Treatment, len(spec.Envelope))
	add := func(field string, t masking.Treatment) {
		spec.Records[0].Fields = append(spec.Records[0].Fields, field)
		p.record.Treatments = append(p.record.Treatments, t)
	}
	for _, m := range masked {
		expression, err := treatment.ParseExpression(m[1])
		must(err)
		built, err := expression.Treatment(treatment.Environment{})
		must(err)
		add(m[0], built)
	}
	for _, k := range kept {
		add(k, masking.Treatment{})
	}
	add("$.queryPin", masking.Treatment{Rank: masking.RankDrop})
	for i := range unused {
		add(fmt.Sprintf("$.unused%d.deeper", i), masking.Treatment{})
	}
	layout, err := masking.Compile(spec)
	must(err)
	return layout, p
}

// rules rewrites a page of 100 customers under so many field rules.
func rules(n int) func() {
	doc := document(100)
	layout, p := engine(max(0, n-len(masked)-len(kept)-1))
	out := make([]byte, 0, len(doc))
	var report masking.Report
	return func() {
		_, err := layout.Append(context.Background(), out, doc, masking.Document, p, &report)
		must(err)
	}
}
