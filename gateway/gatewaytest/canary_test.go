package gatewaytest_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/gateway/gatewaytest"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	canary := gatewaytest.NewCanary()
	var u strings.Builder
	for _, c := range []byte(canary) {
		fmt.Fprintf(&u, `\u%04x`, c)
	}
	for _, text := range []string{
		canary, u.String(), hex.EncodeToString([]byte(canary)),
		"%" + "zz%" + hex.EncodeToString([]byte(canary[:1])) + canary[1:],
		base64.StdEncoding.EncodeToString([]byte("a" + canary + "b")),
		base64.RawURLEncoding.EncodeToString([]byte("ab" + canary + "?")),
	} {
		if !gatewaytest.Holds([]byte("x"+text+"y"), canary) {
			t.Errorf("Holds(%q) = false", text)
		}
	}
	if gatewaytest.Holds([]byte("nothing"), canary) {
		t.Error("Holds(nothing) = true")
	}
}
