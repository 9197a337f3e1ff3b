package command

import (
	"testing"

	"github.com/maskgate/maskgate/keys"
)

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := keys.OpenDirectory(dir); err != nil {
		t.Fatal(err)
	}
	call{"", "keys rotate --data DIR", "", 0,
		[]string{"key version 2 is in place; restart the gateway"}, nil}.check(t, dir)
	d, err := keys.ReadDirectory(dir)
	if err != nil || d.Keys().Subject().Version != 2 {
		t.Errorf("the key file: %v, want version 2", err)
	}
	call{"", "keys rotate --data DIR/none", "", 2, nil,
		[]string{"maskgate: rotating keys: DIR/none/keys.json does not exist"}}.check(t, dir)
}
