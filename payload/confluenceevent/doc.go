// Package confluenceevent holds the events of Confluence's webhooks and the bodies
// that their callbacks carry.
//
//	ev, err := confluenceevent.New("acme", confluenceevent.Callback{
//		Event: "page_created",
//		User:  &confluenceevent.Actor{Name: "admin", Key: "ff80"},
//		Page:  &confluenceevent.Content{ID: 98306, Title: "Notes", SpaceKey: "ds"},
//	})
//
// A body of Confluence does not say which event it is about: a receiver learns
// it from the URL, so each event is registered with a URL of its own. Who sends
// to receivers that cannot do that adds the name with [Callback.Named]. A receiver
// reads a body with [Decode], given the name, or with [DecodeNamed].
//
// What is documented about these bodies comes from two times: Connect on servers
// names users by name and key, Confluence Cloud by account ID. Both sets of
// members are here; what is not set is left out.
//
// All functions are safe for concurrent use and keep no state.
package confluenceevent
