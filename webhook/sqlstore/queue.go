package sqlstore

import "strings"

// A queue is what lies in one lane for one webhook: what is due in it can be claimed
// from its head, and is switched on and off as a whole. A lane nearly always has one
// queue, and nearly always its webhook's name.

var (
	escapeWebhook   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescapeWebhook = strings.NewReplacer("%25", "%", "%2F", "/")
)

func queueOf(webhook, lane string) string {
	name := webhook
	if strings.ContainsAny(webhook, "%/") {
		name = escapeWebhook.Replace(webhook)
	}
	if lane == webhook {
		return name
	}
	return name + "/" + lane
}

func splitQueue(queue string) (webhook, lane string) {
	webhook, lane, several := strings.Cut(queue, "/")
	if strings.IndexByte(webhook, '%') >= 0 {
		webhook = unescapeWebhook.Replace(webhook)
	}
	if !several {
		lane = webhook
	}
	return webhook, lane
}
