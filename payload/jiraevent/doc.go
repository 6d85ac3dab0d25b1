// Package jiraevent has the events of Jira Cloud's webhooks and the bodies of their callbacks.
//
// A [Callback] is one event with its entities. [New] turns it into an event that a webhook sender
// stores and sends, with the issue attached for JQL filters and the values for the variables of
// webhook URLs:
//
//	ev, err := jiraevent.New("acme", jiraevent.Callback{
//		Event:     "jira:issue_updated",
//		User:      &jiraevent.User{AccountID: "99:27935d01", DisplayName: "Bryan"},
//		Issue:     &jiraevent.Issue{ID: "99291", Key: "JRA-20002", Fields: map[string]any{"summary": "Speed"}},
//		Changelog: &jiraevent.Changelog{ID: "10124", Items: items},
//	})
//
// Bodies are written as recorded from Jira Cloud; [Style] has the edition of 2019, which differs. A
// receiver reads a body with [Decode], which reads both and keeps everything that was sent: an
// entity's More holds the members without a field.
//
// [Lookup] and [Events] describe the catalogue: every event name that Atlassian has published since
// 2015, the editions of the documentation that list it, the editions in which JQL may narrow it,
// and the variables its URLs may hold.
//
// All functions are safe for concurrent use and keep no state.
package jiraevent
