package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// payloads returns the page.
func payloads() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Payloads\n\n" +
		"<!-- Written by go run ./webhook/internal/proof/docs from the Go types. Do not edit. -->\n\n" +
		"What an incoming webhook of Atlassian Automation receives: one JSON object per event, by POST. The key `trigger` names the\n" +
		"kind of event. Within one trigger fields are only ever added; a break gets a new name. Keys come in the order shown.\n\n" +
		"In a rule every key is a smart value below `webhookData`. Two more stand in rules that use them: `{{agentResponse}}` is\n" +
		"what an agent step answered, `{{now()}}` the time. A Test sends `{}`: it shows that URL and secret are accepted, and every\n" +
		"smart value of it is empty.\n")

	b.WriteString("\n## Triggers\n\n| trigger | sent when |\n|---|---|\n")
	all := payload.Triggers()
	var pages []trigger
	for _, name := range all {
		t, err := describe(name)
		if err != nil {
			return nil, err
		}
		pages = append(pages, t)
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", name, strings.ToLower(name), t.description)
	}
	b.WriteString("\nInteractive bulk operations send nothing. Success and failure mean a task's top level: items that failed inside a task that\nwent through are not told; look them up by the `processId`. orgKeyExpiry comes once for a key and its expiry, in the last seven days before it.\n")
	for _, t := range pages {
		t.write(&b)
	}
	writeURLs(&b)
	writeDelivery(&b)
	return b.Bytes(), nil
}

// writeURLs shows the URL rule by the policy's verdict on examples.
func writeURLs(b *bytes.Buffer) {
	allow := webhook.Automation().Allow
	b.WriteString("\n## URLs\n\nOnly `https://api-private.atlassian.com/automation/webhooks/…` is accepted, when a webhook is saved and again before every\n" +
		"request. The rules are those of package [allowlist](../allowlist/doc.go); a refusal names the one that was broken.\n\n| URL | |\n|---|---|\n")
	const good = "https://api-private.atlassian.com/automation/webhooks/"
	for _, u := range []string{
		good + "jira/a/{cloudId}/{ruleId}",
		good + "confluence/a/{cloudId}/{ruleId}",
		"HTTPS://API-PRIVATE.ATLASSIAN.COM/automation/webhooks/jira/a/{cloudId}/{ruleId}",
		good + "jira/a/{cloudId}/{ruleId}?x=1",
		"http://api-private.atlassian.com/automation/webhooks/jira/a/{cloudId}/{ruleId}",
		"https://api-private.atlassian.com.example.com/automation/webhooks/jira/a/{cloudId}/{ruleId}",
		"https://api-private.atlassian.com@example.com/automation/webhooks/jira/a/{cloudId}/{ruleId}",
		"https://api-private.atlassian.com:8443/automation/webhooks/jira/a/{cloudId}/{ruleId}",
		"https://automation.atlassian.com/pro/hooks/{token}",
		good,
		good + "../admin",
		good + "jira//a",
		good + "jira/a/{cloudId}/{ruleId}#x",
	} {
		sample := strings.NewReplacer("{cloudId}", "0b7d1a3e-52c4-4f86-9a1e-6d2f8c3b4a59", "{ruleId}", "0190d5a8-7c1e-7b3a-8f52-4e6d9c0b1a27", "{token}", "0123").Replace(u)
		verdict := "accepted"
		if _, err := allow.CheckURL(sample); err != nil {
			verdict = "refused: " + rule(err)
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", u, verdict)
	}
}

// writeDelivery describes how a request is made, judged and repeated.
func writeDelivery(b *bytes.Buffer) {
	p := webhook.Automation()
	fmt.Fprintf(b, "\n## Delivery\n\n| header | value |\n|---|---|\n| `Content-Type` | `application/json` |\n"+
		"| `User-Agent` | `Postrider/1 (+https://github.com/postrider/postrider)`, unless the sender sets another in `Profile.Prepare.Header` |\n"+
		"| `%s` | the webhook's secret; left out where the secret is the last segment of the path |\n"+
		"| `webhook-id` | the event's ID, the same on every attempt: drop what you have seen |\n", sign.TokenHeader)
	fmt.Fprintf(b, "\nDelivery is at least once, in no particular order; every attempt carries the same bytes. Redirects are never followed. An\n"+
		"installation has up to %d webhooks.\n\n| answer | means |\n|---|---|\n", p.Form.MaxPerScope)
	var ok, again, never []int
	for status := 200; status <= 599; status++ {
		a := webhook.Attempt{Status: status, Code: webhook.CodeStatus}
		if status >= 300 && status <= 399 {
			a.Code = webhook.CodeRedirect
		}
		switch p.Judge(a) {
		case webhook.VerdictAccept:
			ok = append(ok, status)
		case webhook.VerdictRetry:
			again = append(again, status)
		default:
			never = append(never, status)
		}
	}
	fmt.Fprintf(b, "| %s | accepted; whether the rule did its work stands in its audit log |\n| %s, no connection, no answer in time | tried again |\n| %s, a certificate that does not verify | failed for good |\n",
		ranges(ok), ranges(again), ranges(never))
	fmt.Fprintf(b, "\nAfter the first attempt there are up to %d retries, each at a random moment of its slot, counted from the end of the attempt\nbefore:\n\n| retry | earliest | latest |\n|---|---|---|\n", len(p.Retry.Slots))
	for i, s := range p.Retry.Slots {
		fmt.Fprintf(b, "| %d | %s | %s |\n", i+1, duration(s.Min), duration(s.Max))
	}
	fmt.Fprintf(b, "\nA `Retry-After` of the answer moves a retry back, never forward, and by at most %s; with %d or %d it holds back the whole webhook.\n",
		duration(p.Retry.MaxAfter), http.StatusTooManyRequests, http.StatusServiceUnavailable)
}

func duration(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// ranges writes ascending numbers as "408, 500 to 599".
func ranges(ns []int) string {
	var out []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if j > i+1 {
			out = append(out, fmt.Sprintf("%d to %d", ns[i], ns[j]))
		} else {
			j = i // two numbers in a row are listed one by one
			out = append(out, fmt.Sprint(ns[i]))
		}
		i = j + 1
	}
	return strings.Join(out, ", ")
}
