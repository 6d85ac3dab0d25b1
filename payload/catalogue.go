package payload

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// Type describes one kind of event in a [Catalogue], for people and programs. [Define] makes one
// that can be decoded.
type Type struct {
	// Name is the event type, such as "task.done": 1 to 100 bytes of visible ASCII without "*".
	// Empty means the EventType of Example.
	Name string
	// Title is a short name for people. Empty means Name.
	Title string
	// Description says in a sentence or two when the event happens.
	Description string
	// Group is the heading in lists of types; optional.
	Group string
	// Example is a valid, invented value with every field set. Required.
	Example Data
	// Schema is the JSON Schema of the body: a JSON object with "$schema". nil derives it from the
	// Go type: the members, their kinds, and the required ones.
	Schema []byte
	// Deprecated marks a type that is still sent, but not offered to new webhooks.
	Deprecated bool

	goType reflect.Type
	decode func([]byte) (Data, error)
	form   form
}

// form is a Type prepared by a catalogue.
type form struct {
	bare    []byte // the body of Example without an envelope
	schema  []byte // of the body
	derived bool   // schema was made from the Go type
}

// maxTypeName bounds the name of a Type in bytes, as webhook.Webhook.Events does.
const maxTypeName = 100

// Define returns t with a decoder of its body into a T, by value, as encoding/json does. T is the
// type that hosts pass to [New], or a pointer to it.
func Define[T Data](t Type) Type {
	t.goType = reflect.TypeFor[T]()
	t.decode = decodeInto[T]
	return t
}

// Catalogue is a set of event types for senders and receivers. It is immutable and safe for
// concurrent use. Make one with [NewCatalogue].
type Catalogue struct {
	types    []Type
	at       map[string]int
	envelope bool
}

// Builtin returns the types of this package: taskSuccess, taskFailure, orgKeyExpiry. The
// caller owns the slice.
func Builtin() []Type {
	types := []Type{
		{Name: triggerTaskSuccess, Title: "Automated task succeeded", Group: "Automated tasks",
			Description: "An automated task ended without a top-level error; single items may have failed."},
		{Name: triggerTaskFailure, Title: "Automated task failed", Group: "Automated tasks",
			Description: "An automated task ended with a top-level error."},
		{Name: triggerOrgKeyExpiry, Title: "API key expiring soon", Group: "API keys",
			Description: "An API key of an organization is about to expire."},
	}
	for i := range types {
		t := &types[i]
		t.Example, _ = Sample(t.Name)
		t.Schema, _ = Schema(t.Name)
		t.goType, t.decode = reflect.TypeOf(t.Example), decode
	}
	return types
}

// NewCatalogue returns a catalogue of the given types, in their order; those of this package are in
// it only if [Builtin] is among them. It decodes each Example from its own body and encodes it
// again, to find values that a receiver would lose.
//
// Errors: ErrInvalid, naming the type and the field of [Type], for a name that is taken or invalid,
// a type that [Define] did not make, an Example that loses a value, and a Schema that is no JSON
// object with "$schema".
func NewCatalogue(types ...Type) (*Catalogue, error) {
	c := &Catalogue{types: slices.Clone(types), at: make(map[string]int, len(types))}
	for i := range c.types {
		t := &c.types[i]
		if err := t.complete(); err != nil {
			return nil, err
		}
		if _, taken := c.at[t.Name]; taken {
			return nil, t.refuse("Name", "must be there once", nil)
		}
		c.at[t.Name] = i
	}
	for i := range c.types {
		if err := c.checkBare(&c.types[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (t *Type) refuse(field, reason string, cause error) error {
	return &InvalidError{Type: t.Name, Field: field, Reason: reason, Err: cause}
}

// complete sets the defaults of a Type and checks the rest.
func (t *Type) complete() error {
	switch {
	case t.decode == nil:
		return t.refuse("Type", "must be made by Define, which knows how to decode it", nil)
	case t.goType.Kind() == reflect.Interface:
		return t.refuse("Type", "must be made by Define of a concrete type, not of an interface", nil)
	case t.Example == nil:
		return t.refuse("Example", "must be set", nil)
	}
	enc, err := encode(t.Example, &settings{})
	if err != nil {
		return t.refuse("Example", "must be accepted by New", err)
	}
	t.Name = cmp.Or(t.Name, enc.typ)
	t.Title = cmp.Or(t.Title, t.Name)
	switch {
	case len(t.Name) > maxTypeName || !validType(t.Name) || strings.Contains(t.Name, "*"):
		return t.refuse("Name", `must have 1 to 100 bytes of visible ASCII without "*"`, nil)
	case enc.typ != t.Name:
		return t.refuse("Example", "must be of this event type", nil)
	}
	t.form.bare = enc.body
	again, err := t.read(enc.body)
	if err != nil {
		return t.refuse("Example", "must be decoded from its own body", err)
	}
	if !sameBody(again, enc.body) {
		return t.refuse("Example", "must have the same body after it was decoded: a field is lost on the way", nil)
	}
	return t.describe()
}

// sameBody reports whether data encodes to body.
func sameBody(data Data, body []byte) bool {
	enc, err := encode(data, &settings{})
	return err == nil && bytes.Equal(enc.body, body)
}

// checkBare refuses a type whose body without an envelope would be decoded as another type. A body
// that names no type of the catalogue is accepted, because Decode refuses it.
func (c *Catalogue) checkBare(t *Type) error {
	if o, err := readObject(t.form.bare); err == nil { // a body that is no object needs an envelope
		name, body := c.named(o, t.form.bare)
		if _, known := c.at[name]; known && (name != t.Name || !bytes.Equal(body, t.form.bare)) {
			return t.refuse("Example", "must not have the members of another type or of an envelope", nil)
		}
	}
	return nil
}

// Types returns the types of the catalogue, in its order, with the derived schemas. The caller owns
// all of it.
func (c *Catalogue) Types() []Type {
	types := slices.Clone(c.types)
	for i := range types {
		t := &types[i]
		t.Example, _ = c.Sample(t.Name)
		t.Schema = bytes.Clone(t.form.schema)
	}
	return types
}

// Sample returns the Example of a type, and false for a type that the catalogue does not
// have. The caller owns it.
func (c *Catalogue) Sample(name string) (Data, bool) {
	i, known := c.at[name]
	if !known {
		return nil, false
	}
	data, err := c.types[i].read(c.types[i].form.bare)
	return data, err == nil
}

// New is [New] for the types of the catalogue. Data of another type is refused with ErrInvalid.
// Where the catalogue is [Catalogue.Enveloped], New adds [WithEnvelope].
func (c *Catalogue) New(scope string, data Data, opts ...Option) (Event, error) {
	if c.envelope {
		opts = append(slices.Clip(opts), WithEnvelope())
	}
	e, err := New(scope, data, opts...)
	if err != nil {
		return Event{}, err
	}
	if _, known := c.at[e.Type]; !known {
		return Event{}, &InvalidError{Type: e.Type, Field: "data", Reason: "must be of a type of the catalogue"}
	}
	return e, nil
}

// Enveloped returns the same catalogue for events in an envelope, see [WithEnvelope]: New makes
// them, and Schema, OpenAPI and Handler describe the whole body.
func (c *Catalogue) Enveloped() *Catalogue {
	return &Catalogue{types: c.types, at: c.at, envelope: true}
}
