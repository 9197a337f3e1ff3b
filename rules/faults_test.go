package rules

import (
	"errors"
	"fmt"
	"testing"
)

// What faults say may quote a file; where they are does not.
func TestFaults(t *testing.T) {
	one := &Fault{File: "a.yaml", Line: 3, Column: 4, Message: "unknown key 张三"}
	other := &Fault{File: "b.yaml", Line: 1, Column: 1, Message: "x"}
	err := fmt.Errorf("loading rules:\n%w", errors.Join(one, other))
	const faults = "[a.yaml:3:4: unknown key 张三 b.yaml:1:1: x]"
	if got := fmt.Sprint(Faults(err)); got != faults {
		t.Errorf("Faults = %s, want %s", got, faults)
	}
	if got, want := fmt.Sprint(Places(err)), "[a.yaml:3:4 b.yaml:1:1]"; got != want {
		t.Errorf("Places = %s, want %s", got, want)
	}
	if got := Places(errors.New("reading rules: a.yaml is a secret")); got != nil {
		t.Errorf("Places(an error without a place) = %v", got)
	}
}
