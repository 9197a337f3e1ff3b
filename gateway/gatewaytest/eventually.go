package gatewaytest

import (
	"runtime"
	"testing"
	"time"
)

// Eventually waits until something is so that other goroutines are about to bring about. After 10 s
// the test fails, with what it was waiting for and every goroutine's stack, and goes on.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%s: not within 10 s\n%s", what, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
