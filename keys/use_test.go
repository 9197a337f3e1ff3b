//go:build unix

package keys

import (
	"encoding/hex"
	"path/filepath"
	"testing"
)

// TestUses pins what was made with the keys of each use. Computed as in
// TestDerivation, with info "maskgate " and the use.
func TestUses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	first, err := OpenWith(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	set, err := Rotate(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		newest func(*Set) Key
		all    func(*Set) []Key
		want   string
	}{
		{"pseudonym loan-review", func(s *Set) Key { return s.Pseudonym("loan-review") },
			func(s *Set) []Key { return s.Pseudonyms("loan-review") },
			"195edad576e56ffc110aa94704081a5a2e878d4ac93ee72a454cbb0f2b490a57"},
		{"audit subject", (*Set).Subject, (*Set).Subjects,
			"75385e2c42250d31d0f608baf0d825357de21cfa493349b336325d942c40f4be"},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(tt.newest(first).Secret); got != tt.want {
			t.Errorf("%s: the first key is %s, want %s", tt.name, got, tt.want)
		}
		all := tt.all(set)
		if len(all) != 2 || all[0].Version != 2 || all[1].Version != 1 ||
			hex.EncodeToString(all[1].Secret) != tt.want {
			t.Errorf("%s: the versions are %v, want 2 and 1, the first key among them",
				tt.name, all)
		}
		if newest := tt.newest(set); newest.Version != 2 ||
			string(newest.Secret) != string(all[0].Secret) {
			t.Errorf("%s: the newest is %v, want version 2", tt.name, newest)
		}
	}
	// The public key of the seed for "audit checkpoint":
	//
	//	(printf 302e020100300506032b657004220420 | xxd -r -p; openssl kdf -binary …) |
	//		openssl pkey -inform DER -pubout -outform DER | tail -c32 | base64
	const vkey = "maskgate/g1+749d5574+AWZNCx+5+bL2JEJhziFeo7kTmIzfnAIMMeAiURxgbeD5"
	if got := first.VerifierKeys(Origin("g1")); len(got) != 1 || got[0] != vkey {
		t.Errorf("VerifierKeys = %v, want %s", got, vkey)
	}
}

func TestOrigin(t *testing.T) {
	for _, gateway := range []string{"gateway-1", "a/b", "maskgate/x"} {
		if got, ok := Gateway(Origin(gateway)); got != gateway || !ok {
			t.Errorf("Gateway(Origin(%q)) = %q, %v", gateway, got, ok)
		}
	}
	if got := Origin("gateway-1"); got != "maskgate/gateway-1" {
		t.Errorf("Origin = %q", got)
	}
	for _, origin := range []string{"", "maskgate", "maskgate/", "other/gateway-1", "Maskgate/g"} {
		if got, ok := Gateway(origin); ok {
			t.Errorf("Gateway(%q) = %q, want none", origin, got)
		}
	}
}
