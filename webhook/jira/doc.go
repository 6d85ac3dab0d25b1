// Package jira sends webhooks the way Jira Cloud does, so that receivers written
// for Atlassian understand them.
//
// [Profile] is all that a dispatcher needs:
//
//	hooks, err := webhook.New(store, jira.Profile(), nil)
//
// Events come from package payload/jiraevent, whose New attaches the issue that JQL
// filters look at and the values of the variables that webhook URLs may hold:
//
//	ev, err := jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_created", User: user, Issue: issue})
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
//	X-Atlassian-Webhook-Sequence    only with [WithSequence]
//	X-Hub-Signature                 the HMAC-SHA256 of the body, where the webhook has a secret
//
// # Registration
//
// Users of the host register webhooks over HTTP as they do with Jira. [NewAdmin]
// is the administrators' API over the webhook.Manager, [NewDynamic] that of apps,
// whose registrations expire; [OpenAPI] describes both. The registrations of an
// app live in [Registrations] and are sent through one webhook that [Sync] keeps
// in line with them, so an event is one callback to the app however many of its
// registrations match; the body lists those as matchedWebhookIds.
//
//	rs := new(jira.Memory)
//	hooks, err := webhook.New(store, jira.Profile(jira.WithRegistrations(rs)), nil)
//	manager, err := hooks.Manager()
//	api, err := jira.NewDynamic(rs, authenticate, &jira.DynamicOptions{
//		Changed: func(r *http.Request, o jira.Owner) { err := jira.Sync(r.Context(), manager, rs, o) ... },
//	})
//
// What apps could not be told is on the failed list, [Failures], that [RecordFailures]
// fills. Webhooks can also be post functions of workflow transitions: [PostFunctions]
// knows which, and [Transitioned] makes the event that fires them:
//
//	ev, fires, err := jira.Transitioned(ctx, postFunctions, "acme", jira.Transition{Workflow: "bugs", ID: "31"}, callback)
//
// With [WithPostFunctions] a webhook that is one cannot be deleted, however that is tried.
//
// Filters are read when apps register them. An event waits for registrations that changed
// in another process for 5 ms at most, and meets what was known before; what is wrong with
// an app's registrations fails the deliveries to that app alone.
//
// [Memory] keeps all three until the process ends, package jirasql keeps them in a
// database, and package registrationtest proves other implementations. [Prune] removes
// what has had its time.
//
// Figures and names follow Atlassian's public documentation of Jira Cloud
// webhooks; where it is silent or changed over the years, an [Option] chooses.
package jira
