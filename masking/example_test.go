package masking_test

import (
	"context"
	"fmt"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

func ExampleLayout_Append() {
	layout, err := masking.Compile(masking.Spec{
		Records: []masking.RecordSpec{{
			Select:  "$.items[*]",
			Subject: "$.customerId",
			Fields:  []string{"$.customerId", "$.name", "$.accounts[*].cardNo"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var profile masking.Profile
	for _, text := range []string{"clear", "mask(keep_first=1, stars=2)", "mask(keep_last=4)"} {
		e, err := treatment.ParseExpression(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		built, err := e.Treatment(treatment.Environment{})
		if err != nil {
			fmt.Println(err)
			return
		}
		profile.Treatments = append(profile.Treatments, built)
	}
	decider := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) error {
		for i, r := range records {
			profiles[i] = &profile
			if r.Kind == masking.Envelope {
				profiles[i] = &masking.Profile{}
			}
		}
		return nil
	})
	body := `{"items": [{"customerId": "C1", "name": "张三丰", "accounts": [{"cardNo": ` +
		`"6222021234567890128"}], "note": "vip"}]}`
	out, err := layout.Append(context.Background(), nil, []byte(body), masking.Document, decider,
		nil)
	fmt.Println(string(out), err)
	// Output:
	// {"items": [{"customerId": "C1", "name": "张**", "accounts": [{"cardNo": "****0128"}]}]} <nil>
}
