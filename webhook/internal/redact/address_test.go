package redact_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// Rule: addresses are not kept in any spelling; texts that only look like one are.
func TestCleanHidesAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"10.0.0.1":                                       "[redacted]",
		"dial tcp 10.0.0.1:443: refused":                 "dial tcp [redacted]:443: refused",
		"ip:10.0.0.1":                                    "ip:[redacted]",
		"from10.0.0.1to192.168.0.1":                      "from[redacted]to[redacted]",
		"10.0.0.1..10.0.0.9":                             "[redacted]..[redacted]",
		"10.0.0.1.":                                      "[redacted].",
		"10.0.0.0/8":                                     "[redacted]/8",
		"010.000.000.001":                                "[redacted]",
		`{"ip":"fe80::1%eth0"}`:                          `{"ip":"[redacted]%eth0"}`,
		"[2001:db8::1]:443 refused":                      "[[redacted]]:443 refused",
		"connect to 2001:db8::1: refused":                "connect to [redacted]: refused",
		"ip:2001:db8:0:0:0:0:0:1.":                       "ip:[redacted].",
		"::ffff:10.0.0.1":                                "[redacted]",
		"at ::1, not at fd00::":                          "at [redacted], not at [redacted]",
		"0000:0000:0000:0000:0000:ffff:1.2.3.255":        "[redacted]",
		"12:34:56 is a time, std::string a type":         "12:34:56 is a time, std::string a type",
		"version 1.2.3, 3:4, x::y::z, 00:1b:44:11:3a:b7": "version 1.2.3, 3:4, x::y::z, 00:1b:44:11:3a:b7",
		"{ :: } 2026-11-22T05:42:49Z":                    "{ :: } 2026-11-22T05:42:49Z",
		"ip-10-0-12-34.ec2.internal":                     "ip-[redacted].ec2.internal",
		"10-244-1-5.web.pod":                             "[redacted].web.pod",
		"2026-11-30-08-25-01, 1-800-555-0100, a-1-2-3":   "2026-11-30-08-25-01, 1-800-555-0100, a-1-2-3",
		"1b4e28ba-2fa1-11d2-883f-0016d3cca427":           "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
	} {
		if got := redact.Secrets(nil).Clean(in, most, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Rule: of an address that was cut off at its end at most the first group is kept, in any spelling.
func TestCleanCutsAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, second string }{
		{"10.20.30.40", "20"}, {"2001:db8:1:2:3:4:5:6", "db8"}, {"fe80::1:2:3:4", ":"}, {"::ffff:10.20.30.40", "f"},
		{`10\u002e77\u002e30\u002e40`, "77"}, {"10%2E77%2E30%2E40", "77"},
		{"ip-10-77-30-40", "77"},
	} {
		for end := 1; end < len(tt.address); end++ {
			text := strings.Repeat("x", 40) + " dial " + tt.address[:end]
			if got := redact.Secrets(nil).Clean(text, most, true); strings.Contains(got, tt.second) {
				t.Errorf("%q at the end became %q", tt.address[:end], got) // the first group alone may be any number
			}
		}
	}
	for _, text := range []string{"within 5.", "at 10:20 o'clock", "see a.b.c", "added."} {
		if got := redact.Secrets(nil).Clean(text, most, false); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
