package confluenceevent

import "github.com/postrider/postrider/payload/internal/jsonbody"

// Sent keeps the original form of an entity's members where its fields would be written in another
// way: members that were left out, null or empty, numbers in strings, times in another form. A
// member is written in its original form as long as its field has the value that was read. The zero
// value, of an entity that was not read, is empty.
type Sent = jsonbody.Sent

// The methods below make every entity keep its original form: see [Sent] and [Callback.More].

// MarshalJSON writes the fields, then More.
func (c Content) MarshalJSON() ([]byte, error) {
	type plain Content
	return jsonbody.Object(plain(c), c.More, c.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (c *Content) UnmarshalJSON(text []byte) error {
	type plain Content
	return jsonbody.Unmarshal(text, (*plain)(c), &c.More, &c.Sent)
}

// MarshalJSON writes the fields, then More.
func (r Reference) MarshalJSON() ([]byte, error) {
	type plain Reference
	return jsonbody.Object(plain(r), r.More, r.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (r *Reference) UnmarshalJSON(text []byte) error {
	type plain Reference
	return jsonbody.Unmarshal(text, (*plain)(r), &r.More, &r.Sent)
}

// MarshalJSON writes the fields, then More.
func (a Attachment) MarshalJSON() ([]byte, error) {
	type plain Attachment
	return jsonbody.Object(plain(a), a.More, a.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (a *Attachment) UnmarshalJSON(text []byte) error {
	type plain Attachment
	return jsonbody.Unmarshal(text, (*plain)(a), &a.More, &a.Sent)
}

// MarshalJSON writes the fields, then More.
func (l Label) MarshalJSON() ([]byte, error) {
	type plain Label
	return jsonbody.Object(plain(l), l.More, l.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (l *Label) UnmarshalJSON(text []byte) error {
	type plain Label
	return jsonbody.Unmarshal(text, (*plain)(l), &l.More, &l.Sent)
}

// MarshalJSON writes the fields, then More.
func (s Space) MarshalJSON() ([]byte, error) {
	type plain Space
	return jsonbody.Object(plain(s), s.More, s.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (s *Space) UnmarshalJSON(text []byte) error {
	type plain Space
	return jsonbody.Unmarshal(text, (*plain)(s), &s.More, &s.Sent)
}

// MarshalJSON writes the fields, then More.
func (u UserProfile) MarshalJSON() ([]byte, error) {
	type plain UserProfile
	return jsonbody.Object(plain(u), u.More, u.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (u *UserProfile) UnmarshalJSON(text []byte) error {
	type plain UserProfile
	return jsonbody.Unmarshal(text, (*plain)(u), &u.More, &u.Sent)
}

// MarshalJSON writes the fields, then More.
func (g Group) MarshalJSON() ([]byte, error) {
	type plain Group
	return jsonbody.Object(plain(g), g.More, g.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (g *Group) UnmarshalJSON(text []byte) error {
	type plain Group
	return jsonbody.Unmarshal(text, (*plain)(g), &g.More, &g.Sent)
}

// MarshalJSON writes the fields, then More.
func (b Blueprint) MarshalJSON() ([]byte, error) {
	type plain Blueprint
	return jsonbody.Object(plain(b), b.More, b.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (b *Blueprint) UnmarshalJSON(text []byte) error {
	type plain Blueprint
	return jsonbody.Unmarshal(text, (*plain)(b), &b.More, &b.Sent)
}

// MarshalJSON writes the fields, then More.
func (c Comment) MarshalJSON() ([]byte, error) {
	type plain Comment
	return jsonbody.Object(plain(c), c.More, c.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (c *Comment) UnmarshalJSON(text []byte) error {
	type plain Comment
	return jsonbody.Unmarshal(text, (*plain)(c), &c.More, &c.Sent)
}
