package allowlist_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// Every setting that a refusal names can permit the refused input.
func TestErrorNamesTheSettingThatHelps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url     string
		setting string
		policy  allowlist.Policy
	}{
		{"https://10.1.2.3/", "AllowPrefixes", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8")}},
		{"https://[64:ff9b::808:808]/", "AllowNAT64", allowlist.Policy{AllowNAT64: true}},
		{"https://example.com:8443/", "Ports", allowlist.Policy{Ports: []uint16{8443}}},
		{"https://hooks/", "AllowHosts", allowlist.Policy{AllowHosts: []string{"hooks"}}},
		{"https://hooks.internal/", "AllowHosts", allowlist.Policy{AllowHosts: []string{".internal"}}},
		{"https://example.com:80/", "", allowlist.Policy{}},
		{"http://example.com/", "", allowlist.Policy{}},
	} {
		_, err := allowlist.Public().CheckURL(tt.url)
		var e *allowlist.Error
		if !errors.As(err, &e) || e.Setting != tt.setting {
			t.Errorf("%s: %v, want setting %q", tt.url, err, tt.setting)
			continue
		}
		if tt.setting == "" {
			continue
		}
		if !strings.Contains(err.Error(), "Policy."+tt.setting) {
			t.Errorf("%s: the text %q does not name Policy.%s", tt.url, err, tt.setting)
		}
		if _, err := tt.policy.CheckURL(tt.url); err != nil {
			t.Errorf("%s: still refused with the setting: %v", tt.url, err)
		}
	}
}

// An error must not contain any part of the URL, which is a secret.
func TestErrorHoldsNothingOfTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"https://canary.internal/canary", "https://canary/", "https://example.com:8444/canary", "https://u:canary@example.com/",
		"https://example.com/canary#", "https://example.com/canary/..", "https://example.com/%canary", "http://canary/", "https://[canary]/",
		"https://example.com/?canary=%00",
	} {
		_, err := allowlist.Public().CheckURL(url)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error text %v", url, err)
		}
	}
}

// Only refusals of an address match ErrBlocked, not refusals of the text.
func TestErrBlockedMeansAnAddress(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://10.1.2.3/":          true,
		"https://[fd00::1]/":         true,
		"https://hooks.internal/":    false,
		"https://127.1/":             false,
		"https://example.com:8444/":  false,
		"http://example.com/":        false,
		"https://example.com/a/../b": false,
	} {
		_, err := allowlist.Public().CheckURL(url)
		if !errors.Is(err, allowlist.ErrRefused) || errors.Is(err, allowlist.ErrBlocked) != want {
			t.Errorf("%s: %v, want ErrBlocked to be %v", url, err, want)
		}
	}
}

// A caller that writes to an Error must not change the next one.
func TestErrorsAreFresh(t *testing.T) {
	t.Parallel()
	_, err := allowlist.Public().CheckURL("ftp://x")
	var e *allowlist.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	e.Rule = "changed"
	if _, err := allowlist.Public().CheckURL("ftp://x"); ruleOf(err) != "A3" {
		t.Errorf("rule %q, want A3", ruleOf(err))
	}
}
