// Package jira sends webhooks like Jira Cloud, so that receivers written for Atlassian understand
// them.
//
// [Profile] configures a dispatcher:
//
//	hooks, err := webhook.New(store, jira.Profile(), nil)
//
// Events come from package payload/jiraevent, whose New attaches the issue for JQL filters and the
// values of the variables in webhook URLs:
//
//	ev, err := jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_created", User: user, Issue: issue})
//	_, err = hooks.Dispatch(ctx, ev)
//
// A callback counts as delivered when it is answered with 200 and nothing else. It is tried up to
// six times, the last time 15 to 30 minutes after the first failure. Its header fields are
//
//	X-Atlassian-Webhook-Identifier  the delivery's ID, the same on every attempt
//	X-Atlassian-Webhook-Retry       1 to 5, absent on the first attempt
//	X-Atlassian-Webhook-Flow        Primary, or Secondary for the fallout of another event
//	X-Atlassian-Webhook-Trace       what Options.Carry of package webhook gave, see [TraceHeader]
//	X-Atlassian-Webhook-Sequence    only with [WithSequence]
//	X-Hub-Signature                 the HMAC-SHA256 of the body, where the webhook has a secret
//
// # Registration
//
// Users of the host register webhooks over HTTP as with Jira. [NewAdmin] is the administrators' API
// over the webhook.Manager. [NewDynamic] is that of apps, whose registrations expire. [OpenAPI]
// describes both. The registrations of an app live in [Registrations] and are sent through one
// webhook that [Sync] keeps in line with them. An event is therefore one callback to the app for
// any number of matching registrations; the body lists them as matchedWebhookIds.
//
//	rs := new(jira.Memory)
//	hooks, err := webhook.New(store, jira.Profile(jira.WithRegistrations(rs)), nil)
//	manager, err := hooks.Manager()
//	api, err := jira.NewDynamic(rs, authenticate, &jira.DynamicOptions{
//		Changed: func(r *http.Request, o jira.Owner) { err := jira.Sync(r.Context(), manager, rs, o) ... },
//	})
//
// Failed callbacks to apps are on the failed list, [Failures], that [RecordFailures] fills.
// Webhooks can also be post functions of workflow transitions: [PostFunctions] stores which, and
// [Transitioned] makes the event that fires them:
//
//	ev, fires, err := jira.Transitioned(ctx, postFunctions, "acme", jira.Transition{Workflow: "bugs", ID: "31"}, callback)
//
// With [WithPostFunctions] such a webhook cannot be deleted.
//
// Filters are read when apps register them. An event waits at most 5 ms for registrations that
// changed in another process, and then uses the old ones. An error in an app's registrations fails
// the deliveries to that app alone, and a stored filter that cannot be read those to its webhook; see
// webhook.Routed.
//
// [Memory] keeps all three until the process ends, package jirasql keeps them in a database, and
// package registrationtest proves other implementations. [Prune] removes expired registrations and
// old failures.
//
// Figures and names follow Atlassian's public documentation of Jira Cloud webhooks; where it is
// silent or changed over the years, an [Option] chooses.
package jira
