package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maskgate/maskgate/audit"
)

// TestRenamedGateway: a log of another name, or by other keys, is not corrupt; the error says what
// to do.
func TestRenamedGateway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opens := func(name string) {
		t.Helper()
		s, err := OpenState(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	opens("one")
	_, err := OpenState(dir, "two")
	const advice = `set gateway to "one", or data to a new directory`
	if _, ok := errors.AsType[*audit.OriginError](err); !ok ||
		!strings.Contains(err.Error(), advice) {
		t.Errorf("start under another name: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "keys.json"), filepath.Join(dir, "lost")); err != nil {
		t.Fatal(err)
	}
	_, err = OpenState(dir, "one")
	if _, ok := errors.AsType[*audit.KeyError](err); !ok ||
		strings.Contains(err.Error(), "evidence") {
		t.Errorf("start with other keys: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "lost"), filepath.Join(dir, "keys.json")); err != nil {
		t.Fatal(err)
	}
	opens("one")
}
