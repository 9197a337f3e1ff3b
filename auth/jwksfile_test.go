package auth

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// testClock is a clock that stands until it is moved.
type testClock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func newTestClock() *testClock { return &testClock{now: testNow} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// reports collects what a JWKS reports.
type reports struct {
	mu   sync.Mutex // guards errs
	errs []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// take returns what was reported since the last call.
func (r *reports) take() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	errs := r.errs
	r.errs = nil
	return errs
}

func wantReports(t *testing.T, r *reports, want ...string) {
	t.Helper()
	got := r.take()
	if len(got) != len(want) {
		t.Fatalf("reports = %v, want %d", got, len(want))
	}
	for i, err := range got {
		if !strings.Contains(err.Error(), want[i]) {
			t.Errorf("report %d = %q, want %q in it", i, err, want[i])
		}
	}
}

func wantKids(t *testing.T, keys *JWKS, want ...string) {
	t.Helper()
	found, err := keys.Keys(t.Context(), "")
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	var kids []string
	for _, key := range found {
		kids = append(kids, key.KeyID)
	}
	if !slices.Equal(kids, want) {
		t.Fatalf("Keys has kids %q, want %q", kids, want)
	}
}

// edJWKS returns a JWKS with one new Ed25519 key for each kid.
func edJWKS(kids ...string) string {
	var keys []map[string]any
	for _, kid := range kids {
		keys = append(keys, jwk(testKey{kid, jose.EdDSA, newEd()}.public(), nil))
	}
	return jwks(keys...)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileJWKS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwks.json")
	writeFile(t, path, edJWKS("one"))
	clock, reported := newTestClock(), &reports{}
	keys, err := OpenJWKS(t.Context(), path, JWKSOptions{Now: clock.Now, Report: reported.add})
	if err != nil {
		t.Fatalf("OpenJWKS: %v", err)
	}
	defer keys.Close()
	wantKids(t, keys, "one")

	writeFile(t, path, edJWKS("two", "three"))
	clock.Add(999 * time.Millisecond)
	wantKids(t, keys, "one") // within a second the file is not looked at
	clock.Add(time.Millisecond)
	wantKids(t, keys, "two", "three")
	wantReports(t, reported)

	// Broken: the old keys stay, and it is said once.
	writeFile(t, path, `{"keys":`)
	for range 3 {
		clock.Add(time.Second)
		wantKids(t, keys, "two", "three")
	}
	wantReports(t, reported, "stay in force")
	writeFile(t, path, strings.Replace(edJWKS("p"), `"kid"`, `"d":"canary","kid"`, 1))
	clock.Add(time.Second)
	wantKids(t, keys, "two", "three")
	if errs := reported.take(); len(errs) != 1 || strings.Contains(errs[0].Error(), "canary") {
		t.Errorf("reports = %v, want one without the private key", errs)
	}

	// Gone: the old keys stay. It was broken before, so nothing is said.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		clock.Add(time.Second)
		wantKids(t, keys, "two", "three")
	}
	wantReports(t, reported)

	writeFile(t, path, edJWKS("four"))
	clock.Add(time.Second)
	wantKids(t, keys, "four")
	wantReports(t, reported)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	clock.Add(time.Second)
	wantKids(t, keys, "four")
	wantReports(t, reported, "stay in force")

	if keys.Renew(t.Context()) {
		t.Error("Renew = true, want false for a file")
	}
}

// A Kubernetes ConfigMap is changed by swapping a symbolic link; time and size of the file may be
// the same.
func TestFileJWKSSwappedLink(t *testing.T) {
	dir := t.TempDir()
	for _, kid := range []string{"a", "b"} {
		path := filepath.Join(dir, kid)
		writeFile(t, path, edJWKS(kid))
		if err := os.Chtimes(path, testNow, testNow); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	clock := newTestClock()
	keys, err := OpenJWKS(t.Context(), link, JWKSOptions{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	wantKids(t, keys, "a")
	if err := os.Symlink("b", link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	clock.Add(time.Second)
	wantKids(t, keys, "b")
}

func TestFileJWKSWarns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwks.json")
	small := testKey{"small", jose.RS256, newRSA(1024)}.public()
	writeFile(t, path, jwks(jwk(small, nil), jwk(testKeys()[jose.EdDSA].public(), nil)))
	reported := &reports{}
	keys, err := OpenJWKS(t.Context(), path, JWKSOptions{Report: reported.add})
	if err != nil {
		t.Fatal(err)
	}
	wantKids(t, keys, "ed")
	wantReports(t, reported, "leaving out key 1")
}

func TestOpenJWKSFileFaults(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, content)
		return path
	}
	tests := []struct{ name, path, want string }{
		{"no location", "", "location is missing"},
		{"missing", filepath.Join(dir, "none"), "no such file"},
		{"directory", dir, "not a regular file"},
		{"FIFO", fifo, "not a regular file"},
		{"empty", write("empty", ""), "malformed"},
		{"no keys", write("nokeys", `{"keys":[]}`), "no key that can verify"},
		{"too large", write("large", edJWKS("a")+strings.Repeat(" ", 1<<20)), "larger than"},
		{"private", write("private", strings.Replace(edJWKS("a"), `"kid"`, `"d":"canary","kid"`,
			1)), "private or symmetric"},
		{"other scheme", "file:///etc/jwks.json", "URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := OpenJWKS(t.Context(), tt.path, JWKSOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || keys != nil {
				t.Errorf("OpenJWKS = %v, %v, want an error with %q", keys, err, tt.want)
			}
		})
	}
}
