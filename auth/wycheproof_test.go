package auth

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wycheproofGroup is a group of json_web_signature_test.json or json_web_key_test.json.
type wycheproofGroup struct {
	Comment string          `json:"comment"`
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"` // missing for symmetric keys
	Tests   []struct {
		ID      int    `json:"tcId"`
		Comment string `json:"comment"`
		JWS     string `json:"jws"`
		Result  string `json:"result"`
	} `json:"tests"`
}

// readWycheproof reads a file of the conformance directory. Where the directory is not, the test is
// skipped, but not in CI.
func readWycheproof(t *testing.T, name string) []wycheproofGroup {
	t.Helper()
	dir := os.Getenv("MASKGATE_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "conformance")
	}
	data, err := os.ReadFile(filepath.Join(dir, "wycheproof", name))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v; CI must set MASKGATE_CONFORMANCE to the conformance vectors", err)
		}
		t.Skipf("no conformance vectors here: %v; set MASKGATE_CONFORMANCE to their directory", err)
	}
	var file struct {
		Groups []wycheproofGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups
}

// stricter names the valid vectors that are refused here, and why.
func stricter(jws string) string {
	algorithm := algorithmOf(jws)
	switch {
	case strings.Contains(jws, ".."):
		return "an empty payload is no JWT, so the token is malformed"
	case strings.HasPrefix(algorithm, "HS"):
		return "a symmetric key would make every verifier an issuer, so it is refused when the " +
			"JWKS is read"
	case !slices.Contains([]string{"RS256", "PS256", "ES256", "EdDSA"}, algorithm):
		return "the algorithm is not among the allowed ones"
	}
	return ""
}

func algorithmOf(jws string) string {
	var h struct {
		Algorithm string `json:"alg"`
	}
	first, _, _ := strings.Cut(jws, ".")
	if decoded, ok := decodePart(first); ok {
		_ = json.Unmarshal(decoded, &h)
	}
	return h.Algorithm
}

// runWycheproof checks the signature step alone: the vectors' payloads are no JWT claims.
func runWycheproof(t *testing.T, groups []wycheproofGroup, keysOf func(wycheproofGroup) string) {
	accepted, refused := 0, 0
	for _, group := range groups {
		var keys KeySet = staticKeys(nil)
		set, _, err := parseJWKS([]byte(keysOf(group)))
		if err == nil {
			keys = staticKeys(set.keys)
		}
		v := mustVerifier(t, testConfig(), keys)
		for _, tt := range group.Tests {
			_, refusal := v.payload(context.Background(), tt.JWS)
			reason := stricter(tt.JWS)
			switch want := tt.Result == "valid" && reason == ""; {
			case want && refusal != nil:
				t.Errorf("%s, tcId %d (%s): %v (JWKS: %v), want it accepted", group.Comment, tt.ID,
					tt.Comment, refusal, err)
			case !want && refusal == nil:
				t.Errorf("%s, tcId %d (%s): accepted, want it refused (%s; %s)", group.Comment,
					tt.ID, tt.Comment, tt.Result, reason)
			case want:
				accepted++
			default:
				refused++
			}
		}
	}
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted == 0 || refused == 0 {
		t.Error("the vectors were not exercised both ways")
	}
}

func TestWycheproofSignatures(t *testing.T) {
	runWycheproof(t, readWycheproof(t, "json_web_signature_test.json"),
		func(g wycheproofGroup) string {
			if g.Public == nil {
				return `{"keys":[` + string(g.Private) + `]}`
			}
			return `{"keys":[` + string(g.Public) + `]}`
		})
}

func TestWycheproofKeys(t *testing.T) {
	runWycheproof(t, readWycheproof(t, "json_web_key_test.json"), func(g wycheproofGroup) string {
		if g.Public == nil {
			return string(g.Private)
		}
		return string(g.Public)
	})
}

// A JWKS with a private key must be refused, for every private key there is a vector of.
func TestWycheproofPrivateKeys(t *testing.T) {
	for _, group := range readWycheproof(t, "json_web_signature_test.json") {
		_, _, err := parseJWKS([]byte(`{"keys":[` + string(group.Private) + `]}`))
		if err == nil || !strings.Contains(err.Error(), "private or symmetric") {
			t.Errorf("parseJWKS(private key of %s) = %v, want it refused", group.Comment, err)
		}
	}
}
