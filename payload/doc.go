// Package payload makes the bodies of webhooks.
//
// A [Data] is the typed content of one kind of event. [New] checks it, encodes it once and returns
// an [Event], whose Body is stored, signed and sent:
//
//	ev, err := payload.New("acme", payload.TaskSuccess{
//		ProcessID:   run.ID, // a UUID
//		Name:        "Deactivate Inactive User",
//		ActionTypes: []string{"removeAppAccess"},
//		DeepLink:    link,
//	}, payload.WithID(run.ID))
//
// [TaskEnded] chooses between [TaskSuccess] and [TaskFailure] by the error of a run. [OrgKeyExpiry]
// announces the expiry of an API key. [DeepLink] builds the link of a run.
//
// A receiver decodes bytes into a typed value with [Decode]; [Schema] and [OpenAPI] describe the
// same bodies to programs that are not written in Go.
//
// Only New makes complete bodies: json.Marshal of one of these types leaves the key "trigger" out.
//
// Any other type can be Data: its EventType names the event, and encoding/json encodes it without
// HTML escaping. New first calls Validate if the type has it ([Validator]); a type with an
// AppendBody method writes its own bytes ([Encoder]). A [Catalogue] treats such types like those of
// this package: it decodes their bodies, has a schema and an example of each, and serves them to
// receivers. [WithEnvelope] adds the type to a body that does not name it.
//
// Fields are only ever added to a trigger. A change that would break a receiver gets a new trigger
// name.
//
// Every function is safe for concurrent use, starts no goroutine and keeps no
// state. Errors name the field at fault and never print a body, an address or
// a value taken from either.
package payload
