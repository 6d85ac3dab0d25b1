// Package payload makes the bodies that webhooks carry.
//
// A [Data] is the typed content of one kind of event; [New] checks it, encodes
// it once and returns an [Event], whose Body is what is stored, signed and sent:
//
//	ev, err := payload.New("acme", payload.TaskSuccess{
//		ProcessID:   run.ID, // a UUID
//		Name:        "Deactivate Inactive User",
//		ActionTypes: []string{"removeAppAccess"},
//		DeepLink:    link,
//	}, payload.WithID(run.ID))
//
// A host that knows only how its run ended lets [TaskEnded] choose between
// [TaskSuccess] and [TaskFailure]. [OrgKeyExpiry] announces an API key that
// runs out. [DeepLink] builds the link of a run.
//
// A receiver turns bytes back into a typed value with [Decode]; [Schema] and
// [OpenAPI] describe the same bodies to programs that are not written in Go.
//
// The bodies come from New alone: json.Marshal of one of these types leaves the
// key "trigger" out.
//
// Any other type can be Data: its EventType names the event, and it is encoded
// by encoding/json without HTML escaping. A type that has a Validate method is
// asked first ([Validator]); one that has an AppendBody method writes its own
// bytes ([Encoder]). A [Catalogue] treats such types like those of this package:
// it decodes their bodies, has a schema and an example of each, and serves them
// to receivers. [WithEnvelope] names the type in a body that does not.
//
// Within one trigger fields are only ever added. A change that would break a
// receiver gets a new trigger name.
//
// Every function is safe for concurrent use, starts no goroutine and keeps no
// state. Errors name the field at fault and never print a body, an address or
// a value taken from either.
package payload
