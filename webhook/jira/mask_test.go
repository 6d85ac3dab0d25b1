package jira_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/webhook/jira"
)

// Rule: a printed, logged or encoded registration or failure lacks its URL behind the host, and has
// all other fields.
func TestCanaryOfPrinters(t *testing.T) {
	t.Parallel()
	const at = "https://hooks.example.com"
	for name, c := range map[string]struct{ url, want string }{
		"a path":        {at + "/pathCanary/{issue.key}?q=queryCanary#Canary", at + "/[redacted]"},
		"a query":       {at + "?q=queryCanary", at + "/[redacted]"},
		"a broken path": {at + "/pathCanary%zz\x7f", at + "/[redacted]"},
		"a user":        {"https://u:secretCanary@hooks.example.com/", "[redacted]"},
		"an IPv4":       {"https://203.0.113.77/pathCanary", "[redacted]"},
		"with a dot":    {"https://203.0.113.77./pathCanary", "[redacted]"},
		"with zeros":    {"https://203.000.113.77/pathCanary", "[redacted]"},
		"an IPv6":       {"https://[2001:db8::77]:8443/pathCanary", "[redacted]"},
		"no URL":        {"secretCanary", "[redacted]"},
		"opaque":        {"mailto:secretCanary@hooks.example.com", "[redacted]"},
		"none":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := jira.Registration{ID: 1007, URL: c.url, Filter: "project = KEPT", Events: []string{"jira:issue_updated"}}
			f := jira.Failure{ID: "dlv_kept", URL: c.url, At: time.UnixMilli(1)}
			var all canary.Notes
			for what, vs := range map[string][]any{
				"registration": {r, &r, []jira.Registration{r}, map[string]*jira.Registration{"a": &r}, struct{ R jira.Registration }{r}, r.String()},
				"failure":      {f, &f, []jira.Failure{f}, map[string]*jira.Failure{"a": &f}, struct{ F jira.Failure }{f}, f.String()},
			} {
				all.Add(what, vs...)
				for _, v := range vs {
					fmt.Fprintf(&all, "%s %q %x %X %d %10v\n", v, v, v, v, v, v)
				}
			}
			all.MustNotHold(t, "Canary", fmt.Sprintf("%x", "Canary"), fmt.Sprintf("%X", "Canary"), "203.0.113.77", "203.000.113.77", "2001:db8::77")
			text := all.String()
			for _, kept := range []string{"{ID:1007 URL:" + c.want + " Filter:project = KEPT ", "{ID:dlv_kept URL:" + c.want + " Body:", `"URL":"` + c.want + `"`} {
				if !strings.Contains(text, kept) {
					t.Errorf("%s is missing in\n%s", kept, text)
				}
			}
		})
	}
}
