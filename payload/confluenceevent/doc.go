// Package confluenceevent has the events of Confluence's webhooks and the bodies of their
// callbacks.
//
//	ev, err := confluenceevent.New("acme", confluenceevent.Callback{
//		Event: "page_created",
//		User:  &confluenceevent.Actor{Name: "admin", Key: "ff80"},
//		Page:  &confluenceevent.Content{ID: 98306, Title: "Notes", SpaceKey: "ds"},
//	})
//
// A body of Confluence does not name its event: a receiver knows it from the URL, so each event is
// registered with its own URL. For receivers that cannot do that, a sender adds the name with
// [Callback.Named]. A receiver reads a body with [Decode], given the name, or with [DecodeNamed].
//
// The documentation of these bodies comes from two times: Connect on servers names users by name
// and key, Confluence Cloud by account ID. Both sets of members are here; a member that is not set
// is left out.
//
// All functions are safe for concurrent use and keep no state.
package confluenceevent
