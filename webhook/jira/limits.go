package jira

import (
	"strings"

	"github.com/postrider/postrider/webhook"
)

// A delivery is primary for a user's action, or secondary for the consequences of one.
const (
	flowPrimary   = "Primary"
	flowSecondary = "Secondary"
)

// secondaryClass is the class of secondary deliveries.
const secondaryClass = "secondary"

// limits bounds requests by flow, tenant and host.
func (s *settings) limits(w webhook.Webhook, class string) []webhook.Limit {
	flow, most := "primary", s.primary
	if class == secondaryClass {
		flow, most = "secondary", s.secondary
	}
	return []webhook.Limit{{Key: "jira " + flow + " " + host(w.URL) + " " + w.Scope, Max: most}}
}

// host is the host of a canonical URL, with its port. It does not parse the URL, because the rest
// may be a template.
func host(u string) string {
	u = strings.TrimPrefix(u, "https://")
	if i := strings.IndexAny(u, "/?"); i >= 0 {
		u = u[:i]
	}
	return u
}
