package masking_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/maskgate/maskgate/examples/demo"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// TestSplitsOfDemoDocuments reads documents of the demo in two parts, split at every byte, and cut
// off at every byte. The output of the parts is that of the whole. The output of a document cut
// short is a prefix of it, with an error.
func TestSplitsOfDemoDocuments(t *testing.T) {
	customer := []string{"$.customerId", "$.name", "$.idCard", "$.accounts[*].cardNo", "$.address",
		"$.device"}
	id := demo.TourCustomerID
	for _, test := range []struct {
		path    string
		framing masking.Framing
		record  string
		fields  []string
	}{
		{"/v1/customers/" + id, masking.Document, "$", customer},
		{"/v1/customers?size=4", masking.Document, "$.data.items[*]", customer},
		{"/v1/customers/" + id + "/transactions", masking.Document, "$.items[*]",
			[]string{"$.customerId", "$.amount", "$.counterpartyName"}},
		{"/v1/customers/" + id + "/credit-report", masking.Document, "$.guarantors[*]",
			[]string{"$.customerId", "$.name"}},
		{"/v1/exports/customers?branch=SH-001", masking.Lines, "$", customer},
		{"/v1/companies?size=5", masking.Document, "$.data.items[*]", []string{"$.uscc", "$.name"}},
		{"/v1/companies/" + demo.New(demo.DefaultSeed, 10).Companies()[0].USCC, masking.Document,
			"$", []string{"$.name"}},
	} {
		for _, indent := range []string{"", "  "} {
			recorded := httptest.NewRecorder()
			demo.New(demo.DefaultSeed,
				demo.DefaultCustomers).Handler(demo.Options{Indent: indent}).ServeHTTP(recorded,
				httptest.NewRequest("GET", test.path, nil))
			src := recorded.Body.Bytes()
			if test.framing == masking.Lines { // four lines of two hundred will do
				src = bytes.Join(bytes.SplitAfter(src, []byte("\n"))[:4], nil)
			}
			expression, err := treatment.ParseExpression("mask(keep_first=1)")
			if err != nil {
				t.Fatal(err)
			}
			built, err := expression.Treatment(treatment.Environment{})
			if err != nil {
				t.Fatal(err)
			}
			d := &oneProfile{&masking.Profile{},
				&masking.Profile{Treatments: make([]masking.Treatment, len(test.fields))}}
			for i := range test.fields[1:] {
				d.record.Treatments[i+1] = built
			}
			layout, err := masking.Compile(masking.Spec{
				Records:  []masking.RecordSpec{{Select: test.record, Fields: test.fields}},
				Unlisted: masking.UnlistedPass,
				Limits:   masking.Limits{Buffer: 1500, Window: 2},
			})
			if err != nil {
				t.Fatal(err)
			}
			rewrite := func(r io.Reader) (out []byte, err error) {
				err = layout.Rewrite(t.Context(), r, test.framing, d,
					func(part []byte, _ *masking.Report) error {
						out = append(out, part...)
						return nil
					})
				return out, err
			}
			want, err := layout.Append(t.Context(), nil, src, test.framing, d, nil)
			if err != nil || len(want) == 0 {
				t.Fatalf("%s: Append = %q, %v", test.path, want, err)
			}
			for i := range len(src) + 1 {
				got, err := rewrite(io.MultiReader(bytes.NewReader(src[:i]),
					bytes.NewReader(src[i:])))
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, split at %d of %d: %v, and not the output of the whole",
						test.path, i, len(src), err)
				}
				got, err = rewrite(bytes.NewReader(src[:i]))
				whole := len(bytes.TrimSpace(src[i:])) == 0 || test.framing == masking.Lines &&
					(i == 0 || src[i-1] == '\n' || src[i] == '\n')
				if !bytes.HasPrefix(want, got) || (err == nil) != whole {
					t.Fatalf("%s, cut at %d of %d: %v, and %d bytes, want a prefix and an error",
						test.path, i, len(src), err, len(got))
				}
			}
		}
	}
}
