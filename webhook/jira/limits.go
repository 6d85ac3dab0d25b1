package jira

import (
	"strings"

	"github.com/postrider/postrider/webhook"
)

// What a delivery is: what somebody did, or the fallout of that.
const (
	flowPrimary   = "Primary"
	flowSecondary = "Secondary"
)

// secondaryLane ends the name of a webhook's second lane. An ID of a webhook
// holds no such character.
const secondaryLane = "~secondary"

// Beginnings of the limiter's keys. They cannot be taken for a lane, which begins
// with the ID of a webhook.
const (
	primaryKey   = "jira primary "
	secondaryKey = "jira secondary "
)

// limits counts requests by class, tenant and host.
func limits(w webhook.Webhook, lane string) []string {
	key := primaryKey
	if strings.HasSuffix(lane, secondaryLane) {
		key = secondaryKey
	}
	return []string{key + host(w.URL) + " " + w.Scope}
}

func (s *settings) keyLimit(key string) (n int, rate float64, burst int) {
	switch {
	case strings.HasPrefix(key, primaryKey):
		return s.primary, 0, 0
	case strings.HasPrefix(key, secondaryKey):
		return s.secondary, 0, 0
	}
	return 0, 0, 0
}

// host is the host of a canonical URL, with its port. It does not parse: the
// rest may be a template.
func host(u string) string {
	u = strings.TrimPrefix(u, "https://")
	if i := strings.IndexAny(u, "/?"); i >= 0 {
		u = u[:i]
	}
	return u
}
