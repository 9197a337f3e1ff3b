package masking_test

import (
	"bytes"
	"testing"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// treatmentOf is what rule files write as an expression, with a key.
func treatmentOf(t testing.TB, expression string) masking.Treatment {
	t.Helper()
	e, err := treatment.ParseExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	key := bytes.Repeat([]byte("k"), treatment.MinKey)
	built, err := e.Treatment(treatment.Environment{Type: "test",
		PseudonymKey: func() ([]byte, int) { return key, 1 }})
	if err != nil {
		t.Fatal(err)
	}
	return built
}
