package auth

import (
	"testing"
)

func BenchmarkVerify(b *testing.B) {
	v := mustVerifier(b, testConfig(), allKeys())
	payload := mustJSON(claimsWith(map[string]any{
		"roles": []string{"customer-service", "credit-officer"}, "org": "crm",
		"purpose": "loan-review",
		"amr":     []string{"pwd", "mfa"}, "acr": "2", "region": "CN",
	}))
	for _, algorithm := range algorithms {
		key := testKeys()[algorithm]
		token := mint(key, key.kid, payload, nil)
		b.Run(string(algorithm), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
