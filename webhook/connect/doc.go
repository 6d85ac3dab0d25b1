// Package connect sends webhooks to the add-ons of Atlassian Connect, as Jira and Confluence do:
// the webhooks of an add-on's descriptor, signed with the secret that was shared at its
// installation.
//
//	d, err := connect.ParseDescriptor(data)
//	hooks, err := webhook.New(store, connect.Profile(), nil)
//	manager, err := hooks.Manager()
//	ws, err := d.Install(connect.Installation{Scope: "acme", ClientKey: "jira:1234", SharedSecret: secret})
//	for _, w := range ws {
//		_, err = manager.Add(ctx, w)
//	}
//
// Events come from payload/jiraevent and payload/confluenceevent. [NewLifecycle] makes the events
// about the add-on itself. A receiver checks a request with sign.VerifyConnectJWT.
//
// Each request is a POST to the add-on's base URL and the path of the descriptor, with the user who
// caused the event as user_id and user_key in its query, the header Atlassian-Connect-Version, and
// a token that is valid for this URL alone. Connect does not retry.
//
// All functions are safe for concurrent use and keep no state.
package connect
