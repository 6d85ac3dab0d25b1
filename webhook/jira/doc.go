// Package jira sends webhooks the way Jira Cloud does, so that receivers written
// for Atlassian understand them.
//
// [Profile] is all that a dispatcher needs:
//
//	hooks, err := webhook.New(store, jira.Profile(), nil)
//
// Events come from package payload/jira, whose New attaches the issue that JQL
// filters look at and the values of the variables that webhook URLs may hold:
//
//	ev, err := payloadjira.New("acme", payloadjira.Callback{Event: "jira:issue_created", User: user, Issue: issue})
//	_, err = hooks.Dispatch(ctx, ev)
//
// A callback counts as delivered when it is answered with 200 and nothing else.
// It is tried up to six times, the last time 15 to 30 minutes after the first
// failure. Its header fields are
//
//	X-Atlassian-Webhook-Identifier  the delivery's ID, the same on every attempt
//	X-Atlassian-Webhook-Retry       1 to 5, absent on the first attempt
//	X-Atlassian-Webhook-Flow        Primary, or Secondary for the fallout of another event
//	X-Atlassian-Webhook-Trace       what Options.Carry of package webhook gave, see [TraceHeader]
//	X-Hub-Signature                 the HMAC-SHA256 of the body, where the webhook has a secret
//
// Figures and names follow Atlassian's public documentation of Jira Cloud
// webhooks; where it is silent or changed over the years, an [Option] chooses.
package jira
