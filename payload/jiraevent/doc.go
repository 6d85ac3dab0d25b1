// Package jiraevent holds the events of Jira Cloud's webhooks and the bodies that
// their callbacks carry.
//
// A [Callback] is one event with the entities it is about. [New] turns it into
// an event that a webhook sender stores and sends, with the issue attached for
// JQL filters and the values for the variables of webhook URLs:
//
//	ev, err := jiraevent.New("acme", jiraevent.Callback{
//		Event:     "jira:issue_updated",
//		User:      &jiraevent.User{AccountID: "99:27935d01", DisplayName: "Bryan"},
//		Issue:     &jiraevent.Issue{ID: "99291", Key: "JRA-20002", Fields: map[string]any{"summary": "Speed"}},
//		Changelog: &jiraevent.Changelog{ID: "10124", Items: items},
//	})
//
// Bodies are written as Jira Cloud sends them by record; [Style] has the edition
// of 2019, which differs. A receiver reads a body with [Decode], which takes both
// and keeps all that was sent: an entity's More holds what it has no field for.
//
// [Lookup] and [Events] describe the catalogue: every event name that Atlassian
// has published since 2015, which generation of the documentation lists it, in
// which generations JQL may narrow it, and the variables its URLs may hold.
//
// All functions are safe for concurrent use and keep no state.
package jiraevent
