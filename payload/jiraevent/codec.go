package jiraevent

import (
	"cmp"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Sent keeps the original form of an entity's members where its fields would be written in another
// way: members that were left out, null or empty, numbers in strings, times in another form. A
// member is written in its original form as long as its field has the value that was read. The zero
// value, of an entity that was not read, is empty.
type Sent = jsonbody.Sent

// The methods below make every entity keep its original form: see [Sent] and [Callback.More].

// MarshalJSON writes the fields, then More.
func (v Visibility) MarshalJSON() ([]byte, error) {
	type plain Visibility
	return jsonbody.Object(plain(v), v.More, v.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (v *Visibility) UnmarshalJSON(b []byte) error {
	type plain Visibility
	return jsonbody.Unmarshal(b, (*plain)(v), &v.More, &v.Sent)
}

// MarshalJSON writes the fields, then More.
func (c Changelog) MarshalJSON() ([]byte, error) {
	type plain Changelog
	return jsonbody.Object(plain(c), c.More, c.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (c *Changelog) UnmarshalJSON(b []byte) error {
	type plain Changelog
	return jsonbody.Unmarshal(b, (*plain)(c), &c.More, &c.Sent)
}

// MarshalJSON writes the fields, then More.
func (c ChangeItem) MarshalJSON() ([]byte, error) {
	type plain ChangeItem
	return jsonbody.Object(plain(c), c.More, c.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (c *ChangeItem) UnmarshalJSON(b []byte) error {
	type plain ChangeItem
	return jsonbody.Unmarshal(b, (*plain)(c), &c.More, &c.Sent)
}

// MarshalJSON writes the fields, then More.
func (o BulkOperation) MarshalJSON() ([]byte, error) {
	type plain BulkOperation
	return jsonbody.Object(plain(o), o.More, o.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (o *BulkOperation) UnmarshalJSON(b []byte) error {
	type plain BulkOperation
	return jsonbody.Unmarshal(b, (*plain)(o), &o.More, &o.Sent)
}

// MarshalJSON writes the fields, then More.
func (c Comment) MarshalJSON() ([]byte, error) {
	type plain Comment
	return jsonbody.Object(plain(c), c.More, c.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (c *Comment) UnmarshalJSON(b []byte) error {
	type plain Comment
	return jsonbody.Unmarshal(b, (*plain)(c), &c.More, &c.Sent)
}

// MarshalJSON writes the fields, then More.
func (w Worklog) MarshalJSON() ([]byte, error) {
	type plain Worklog
	return jsonbody.Object(plain(w), w.More, w.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (w *Worklog) UnmarshalJSON(b []byte) error {
	type plain Worklog
	return jsonbody.Unmarshal(b, (*plain)(w), &w.More, &w.Sent)
}

// MarshalJSON writes the fields, then More.
func (a Attachment) MarshalJSON() ([]byte, error) {
	type plain Attachment
	return jsonbody.Object(plain(a), a.More, a.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (a *Attachment) UnmarshalJSON(b []byte) error {
	type plain Attachment
	return jsonbody.Unmarshal(b, (*plain)(a), &a.More, &a.Sent)
}

// MarshalJSON writes the fields, then More.
func (i IssueLink) MarshalJSON() ([]byte, error) {
	type plain IssueLink
	return jsonbody.Object(plain(i), i.More, i.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (i *IssueLink) UnmarshalJSON(b []byte) error {
	type plain IssueLink
	return jsonbody.Unmarshal(b, (*plain)(i), &i.More, &i.Sent)
}

// MarshalJSON writes the fields, then More.
func (i IssueType) MarshalJSON() ([]byte, error) {
	type plain IssueType
	return jsonbody.Object(plain(i), i.More, i.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (i *IssueType) UnmarshalJSON(b []byte) error {
	type plain IssueType
	return jsonbody.Unmarshal(b, (*plain)(i), &i.More, &i.Sent)
}

// MarshalJSON writes the fields, then More.
func (p Project) MarshalJSON() ([]byte, error) {
	type plain Project
	return jsonbody.Object(plain(p), p.More, p.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (p *Project) UnmarshalJSON(b []byte) error {
	type plain Project
	return jsonbody.Unmarshal(b, (*plain)(p), &p.More, &p.Sent)
}

// MarshalJSON writes the fields, then More.
func (v Version) MarshalJSON() ([]byte, error) {
	type plain Version
	return jsonbody.Object(plain(v), v.More, v.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (v *Version) UnmarshalJSON(b []byte) error {
	type plain Version
	return jsonbody.Unmarshal(b, (*plain)(v), &v.More, &v.Sent)
}

// MarshalJSON writes the fields, then More.
func (s Sprint) MarshalJSON() ([]byte, error) {
	type plain Sprint
	return jsonbody.Object(plain(s), s.More, s.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (s *Sprint) UnmarshalJSON(b []byte) error {
	type plain Sprint
	return jsonbody.Unmarshal(b, (*plain)(s), &s.More, &s.Sent)
}

// MarshalJSON writes the fields, then More.
func (o Board) MarshalJSON() ([]byte, error) {
	type plain Board
	return jsonbody.Object(plain(o), o.More, o.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (o *Board) UnmarshalJSON(b []byte) error {
	type plain Board
	return jsonbody.Unmarshal(b, (*plain)(o), &o.More, &o.Sent)
}

// MarshalJSON writes the fields, then More.
func (f Filter) MarshalJSON() ([]byte, error) {
	type plain Filter
	return jsonbody.Object(plain(f), f.More, f.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (f *Filter) UnmarshalJSON(b []byte) error {
	type plain Filter
	return jsonbody.Unmarshal(b, (*plain)(f), &f.More, &f.Sent)
}

// MarshalJSON writes the fields, then More.
func (p Property) MarshalJSON() ([]byte, error) {
	type plain Property
	return jsonbody.Object(plain(p), p.More, p.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (p *Property) UnmarshalJSON(b []byte) error {
	type plain Property
	return jsonbody.Unmarshal(b, (*plain)(p), &p.More, &p.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (i *Issue) UnmarshalJSON(b []byte) error {
	type plain Issue
	return jsonbody.Unmarshal(b, (*plain)(i), &i.More, &i.Sent)
}

// MarshalJSON writes the fields, then More, without an e-mail address that was not read.
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	return jsonbody.Object(plain(u), u.More, u.Sent)
}

// UnmarshalJSON reads an object; see [Decode].
func (u *User) UnmarshalJSON(b []byte) error {
	type plain User
	members, err := jsonbody.Read(b, (*plain)(u))
	if err != nil {
		return err
	}
	u.More = members.More((*plain)(u))
	id, _ := u.More["accoundId"].(string) // a misspelling in older examples
	u.AccountID = cmp.Or(u.AccountID, id)
	u.Sent = members.Sent((*plain)(u))
	return nil
}
