package quota_test

import (
	"testing"

	"github.com/maskgate/maskgate/gateway"
	"github.com/maskgate/maskgate/gateway/gatewaytest"
	"github.com/maskgate/maskgate/quota"
)

// TestMemoryContract: counting in memory keeps to the contract of a gateway's quotas.
func TestMemoryContract(t *testing.T) {
	t.Parallel()
	gatewaytest.Quotas(t, func(testing.TB) gateway.Quotas { return new(quota.Memory) })
}
