package auth

import (
	"strings"
	"testing"
	"time"
)

func TestNewFaults(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string // in the error; "" for none
	}{
		{"defaults", func(*Config) {}, ""},
		{"most leeway", func(c *Config) { c.Leeway = MaxLeeway }, ""},
		{"no issuer", func(c *Config) { c.Issuer = "" }, "issuer is missing"},
		{"issuer with newline", func(c *Config) { c.Issuer += "\n" }, "issuer has a control"},
		{"no audience", func(c *Config) { c.Audience = nil }, "audience is missing"},
		{"empty audience", func(c *Config) {
			c.Audience = []string{"a", ""}
		}, "audience 2 is empty"},
		{"none", func(c *Config) {
			c.Algorithms = []string{"none"}
		}, `algorithm "none" is not accepted`},
		{"empty algorithm", func(c *Config) {
			c.Algorithms = []string{""}
		}, `algorithm "" is not accepted`},
		{"HS256", func(c *Config) {
			c.Algorithms = []string{"RS256", "HS256"}
		}, `algorithm "HS256" is not accepted`},
		{"RS512", func(c *Config) {
			c.Algorithms = []string{"RS512"}
		}, `algorithm "RS512" is not accepted`},
		{"another case", func(c *Config) {
			c.Algorithms = []string{"rs256"}
		}, `algorithm "rs256" is not accepted`},
		{"no algorithm", func(c *Config) {
			c.Algorithms = []string{}
		}, "algorithms is an empty list"},
		{"negative leeway", func(c *Config) { c.Leeway = -1 }, "leeway is -1ns"},
		{"much leeway", func(c *Config) { c.Leeway = MaxLeeway + 1 }, "leeway is 5m0.000000001s"},
		{"negative size", func(c *Config) { c.MaxTokenSize = -1 }, "token size limit is -1"},
		{"large size", func(c *Config) { c.MaxTokenSize = 2 << 20 }, "token size limit is 2097152"},
		{"no type", func(c *Config) { c.Types = []string{} }, "types is an empty list"},
		{"claim with control", func(c *Config) { c.Claims.Roles = "a\x00" }, "claim for roles"},
		{"claim with many dots", func(c *Config) {
			c.Claims.ACR = strings.Repeat("a.", 20)
		}, "claim for acr"},
		{"prefix with space", func(c *Config) { c.Claims.PurposePrefix = "a b" }, "purpose prefix"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			tt.change(&cfg)
			v, err := New(cfg, allKeys())
			if tt.want == "" {
				if err != nil {
					t.Fatalf("New = %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || v != nil {
				t.Errorf("New = %v, %v, want an error with %q", v, err, tt.want)
			}
		})
	}
}

func TestNewReportsAllFaults(t *testing.T) {
	_, err := New(Config{Algorithms: []string{"none", "HS512"}, Leeway: time.Hour}, nil)
	if err == nil {
		t.Fatal("New: no error")
	}
	for _, want := range []string{"issuer", "audience", `"none"`, `"HS512"`, "leeway", "key set"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %s in it too", err, want)
		}
	}
}

func TestNewKeepsNoSlices(t *testing.T) {
	cfg := testConfig()
	v := mustVerifier(t, cfg, allKeys())
	cfg.Audience[0] = "evil"
	if _, err := v.Verify(t.Context(), mintRaw(`{"alg":"EdDSA","kid":"ed"}`,
		mustJSON(claimsWith(nil)))); err != nil {
		t.Errorf("Verify after the configuration's slice changed: %v", err)
	}
}
