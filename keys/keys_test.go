//go:build unix

package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// counting yields the bytes 0, 1, 2, …
type counting byte

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(*c)
		*c++
	}
	return len(p), nil
}

func testOptions() Options {
	return Options{
		Rand: new(counting),
		Now:  func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 5, time.UTC) },
	}
}

func TestOpenMakesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "keys.json")
	set, err := OpenWith(path, testOptions())
	if err != nil {
		t.Fatalf("OpenWith: %v", err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode of a new key file = %v, %v, want -rw-------", info.Mode(), err)
	}
	want := `{
  "keys": [
    {
      "version": 1,
      "created": "2026-03-01T08:00:00Z",
      "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    }
  ]
}
`
	if data, err := os.ReadFile(path); err != nil || string(data) != want {
		t.Errorf("new key file = %s, %v, want %s", data, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory after Open = %v, %v, want the key file alone", entries, err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatalf("Open of a file just made: %v", err)
	}
	if a, b := set.current("x"), again.current("x"); !bytes.Equal(a.Secret, b.Secret) ||
		a.Version != 1 {
		t.Error("Open of a file just made gives another key")
	}
}

func TestOpenRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var secrets [16][]byte
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			set, err := Open(path)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			secrets[i] = set.current("x").Secret
		})
	}
	wg.Wait()
	for i, s := range secrets {
		if !bytes.Equal(s, secrets[0]) {
			t.Errorf("opener %d got another key than opener 0", i)
		}
	}
}

func TestDerivation(t *testing.T) {
	set, err := OpenWith(filepath.Join(t.TempDir(), "keys.json"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	// Computed with OpenSSL:
	//
	//	openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102…1f \
	//		-kdfopt info:'maskgate pseudonym' HKDF
	const want = "e9aeebfdf7afd24b4999e367b56ff0ac349e46e080f2e17c47ab3453a2ba061b"
	if got := hex.EncodeToString(set.current("pseudonym").Secret); got != want {
		t.Errorf("current(%q) = %v, want %v", "pseudonym", got, want)
	}
	if bytes.Equal(set.current("a").Secret, set.current("b").Secret) {
		t.Error("two uses have one secret")
	}
}

func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	old, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Rotate(path)
	if err != nil {
		t.Fatalf("Rotate: %v", err)
	}
	reopened, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{set, reopened} {
		all := s.all("x")
		if len(all) != 2 || all[0].Version != 2 || all[1].Version != 1 {
			t.Fatalf("all after Rotate = %v, want versions 2 and 1", all)
		}
		if s.current("x").Version != 2 {
			t.Errorf("current after Rotate = %v, want version 2", s.current("x"))
		}
		if !bytes.Equal(all[1].Secret, old.current("x").Secret) {
			t.Error("Rotate changed the old secret")
		}
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode after Rotate = %v, %v, want -rw-------", info.Mode(), err)
	}
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Rotate(path); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("Rotate during another = %v, want an error that says what to do", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	entry := func(version int, secret string) string {
		return fmt.Sprintf(`{"version":%d,"created":"2026-03-01T08:00:00Z","secret":%q}`,
			version, secret)
	}
	good := `{"keys":[` + entry(1, secret) + `]}`
	tests := []struct {
		name, input string
		want        string // in the error; empty: accepted
	}{
		{"good", good, ""},
		{"gap", `{"keys":[` + entry(3, secret) + `]}`, ""},
		{"empty file", ``, "restore"},
		{"not JSON", `secret`, "restore"},
		{"BOM", "\ufeff" + good, "restore"},
		{"array", `[]`, "restore"},
		{"no keys", `{}`, `lacks its member "keys"`},
		{"empty keys", `{"keys":[]}`, "no key is listed"},
		{"null keys", `{"keys":null}`, "restore"},
		{"cut short", good[:len(good)-1], "restore"},
		{"trailing object", good + `{}`, "something follows"},
		{"trailing comma", `{"keys":[` + entry(1, secret) + `,]}`, "restore"},
		{"unknown member", `{"keys":[` + entry(1, secret) + `],"x":1}`, "member other than"},
		{"other case", `{"Keys":[` + entry(1, secret) + `]}`, "member other than"},
		{"unknown in key", `{"keys":[` + strings.Replace(entry(1, secret), "{", `{"x":1,`, 1) +
			`]}`, "member other than"},
		{"duplicate keys", `{"keys":[` + entry(1, secret) + `],"keys":[]}`, "twice"},
		{"duplicate escaped", `{"keys":[` + entry(1, secret) + `],"\u006beys":[]}`, "twice"},
		{"duplicate secret", `{"keys":[` +
			strings.Replace(entry(1, secret), "{", `{"secret":"x",`, 1) + `]}`,
			"secret is not 32 bytes"},
		{"no secret", `{"keys":[{"version":1,"created":"2026-03-01T08:00:00Z"}]}`, "lacks"},
		{"version 0", `{"keys":[` + entry(0, secret) + `]}`, "positive integer"},
		{"version 1.5", strings.Replace(good, `:1,`, `:1.5,`, 1), "positive integer"},
		{"version text", strings.Replace(good, `:1,`, `:"1",`, 1), "positive integer"},
		{"version huge", strings.Replace(good, `:1,`, `:1e30,`, 1), "positive integer"},
		{"created", strings.Replace(good, `08:00:00Z`, ``, 1), "RFC 3339"},
		{"short secret", strings.Replace(good, "AAEC", "", 1), "32 bytes"},
		{"trailing bits", strings.Replace(good, "Hh8=", "Hh9=", 1), "32 bytes"},
		{"URL base64", strings.Replace(good, "AAEC", "__--", 1), "32 bytes"},
		{"same version", `{"keys":[` + entry(1, secret) + `,` +
			entry(1, strings.Replace(secret, "A", "B", 1)) + `]}`, "not greater"},
		{"same secret", `{"keys":[` + entry(1, secret) + `,` + entry(2, secret) + `]}`,
			"older version"},
		{"too long", good + strings.Repeat(" ", maxFile), "1 MiB"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(path, []byte(tt.input), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if (err == nil) != (tt.want == "") ||
			err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Open = %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), secret[4:20]) {
			t.Errorf("%s: Open = %v, which shows the secret", tt.name, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != tt.input {
			t.Errorf("%s: Open changed the file", tt.name)
		}
	}
}

func TestOpenRefusesFile(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.json")
	if _, err := Open(good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"symlink", func(p string) error { return os.Symlink(good, p) }, "regular file"},
		{"dangling symlink", func(p string) error { return os.Symlink(good+"x", p) },
			"regular file"},
		{"FIFO", func(p string) error { return syscall.Mkfifo(p, 0o600) }, "regular file"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "regular file"},
		{"group can read", func(p string) error { return copyFile(p, good, 0o640) }, "chmod 600"},
		{"others can read", func(p string) error { return copyFile(p, good, 0o604) }, "chmod 600"},
		{"others can write", func(p string) error { return copyFile(p, good, 0o602) }, "chmod 600"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := tt.make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Open = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func copyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return err
	}
	return os.Chmod(to, mode) // whatever the umask
}

func TestOpenBadRand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	o := testOptions()
	o.Rand = io.LimitReader(o.Rand, 31)
	if _, err := OpenWith(path, o); err == nil {
		t.Error("OpenWith too little randomness = nil, want an error")
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("OpenWith too little randomness left a key file")
	}
}

// TestNoSecretPrinted prints keys and sets in every way there is.
func TestNoSecretPrinted(t *testing.T) {
	set, err := OpenWith(filepath.Join(t.TempDir(), "keys.json"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	key := set.current("pseudonym")
	secrets := [][]byte{set.masters[0].secret, key.Secret}
	type holder struct{ K any }
	var out strings.Builder
	for _, v := range []any{key, &key, []Key{key}, set, *set, holder{key}, holder{*set},
		map[string]Key{"k": key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b",
			"%t", "%c", "%U"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Errorf("Marshal(%T): %v", v, err)
		}
		out.Write(data)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	for _, s := range secrets {
		for _, form := range []string{string(s[:4]), fmt.Sprintf("%x", s[:4]),
			fmt.Sprintf("%X", s[:4]), strings.Trim(fmt.Sprint(s[:4]), "[]"),
			fmt.Sprintf("%#v", s[:4])[7:20], base64Of(s)} {
			if strings.Contains(out.String(), form) {
				t.Errorf("a key was printed with its secret, as %q", form)
			}
		}
	}
}

func base64Of(s []byte) string {
	data, _ := json.Marshal(s)
	return string(data[1:20])
}

func TestSigner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	set, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	const name = "maskgate/gateway-1"
	signer, err := set.Signer(name)
	if err != nil {
		t.Fatalf("Signer: %v", err)
	}
	msg, err := note.Sign(&note.Note{Text: "text\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := Rotate(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{set, rotated} {
		if _, err := note.Open(msg, s); err != nil {
			t.Errorf("opening a note signed with version 1, by %v: %v", s, err)
		}
	}
	if old, all := set.VerifierKeys(name), rotated.VerifierKeys(name); len(all) != 2 ||
		all[1] != old[0] || all[0] == old[0] {
		t.Errorf("VerifierKeys after Rotate = %v, want a new one and %v", all, old)
	}
	newest, err := rotated.Signer(name)
	if err != nil || newest.KeyHash() == signer.KeyHash() {
		t.Errorf("Signer after Rotate has the old key (%v)", err)
	}
	for _, bad := range []string{"", "a b", "a+b", "a\nb"} {
		if _, err := set.Signer(bad); err == nil {
			t.Errorf("Signer(%q) = nil, want an error", bad)
		}
		if _, err := set.Verifier(bad, signer.KeyHash()); err == nil {
			t.Errorf("Verifier(%q) = nil, want an error", bad)
		}
	}
}
