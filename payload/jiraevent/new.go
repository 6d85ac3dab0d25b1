package jiraevent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Names in Vars that are no URL variables. They stand there because the store keeps Vars with the
// event.
const (
	VarUserID  = "user_id"  // the user who caused the event, for the query of the callback
	VarUserKey = "user_key" // the same user's key
	VarFlow    = "flow"     // "Secondary", or absent
)

// New makes an event of a callback: its body, the issue as the subject of JQL filters
// ([payload.WithSubject]), and the values of URL variables. A zero Timestamp becomes now; it is the
// event's time as well. Options override these. For the errors see [payload.New].
func New(scope string, c Callback, opts ...payload.Option) (payload.Event, error) {
	if c.Timestamp.IsZero() {
		c.Timestamp = At(time.Now())
	}
	all := []payload.Option{payload.WithTime(c.Timestamp.Time), payload.WithVars(c.Vars())}
	if c.Issue != nil {
		all = append(all, payload.WithSubject(c.Issue))
	}
	return payload.New(scope, c, append(all, opts...)...)
}

// Vars returns the values of the callback for the variables of webhook URLs, and those of
// [VarUserID], [VarUserKey] and [VarFlow]. An unknown value is absent.
func (c Callback) Vars() map[string]string {
	v := vars{}
	if i := c.Issue; i != nil {
		v.set("issue.id", string(i.ID))
		v.set("issue.key", i.Key)
		v.set("project.id", fieldMember(i.Fields["project"], "id"))
		v.set("project.key", fieldMember(i.Fields["project"], "key"))
	}
	if w := c.Worklog; w != nil {
		v.set("worklog.id", string(w.ID))
		v.set("issue.id", string(w.IssueID))
	}
	if m := c.Comment; m != nil {
		v.set("comment.id", string(m.ID))
	}
	if a := c.Attachment; a != nil {
		v.set("attachment.id", string(a.ID))
	}
	if l := c.IssueLink; l != nil {
		v.number("issueLink.sourceIssueId", l.SourceIssueID)
		v.number("issueLink.destinationIssueId", l.DestinationIssueID)
	}
	if p := c.Property; p != nil {
		v.set("property.key", p.Key)
	}
	if p := c.Version; p != nil {
		v.set("version.id", string(p.ID))
		v.number("project.id", p.ProjectID)
		v.set("project.key", p.ProjectKey)
	}
	if m := c.MergedTo; m != nil {
		v.set("mergedVersion.id", string(m.ID))
	}
	if p := c.Project; p != nil {
		v.number("project.id", p.ID)
		v.set("project.key", p.Key)
	}
	if s := c.Sprint; s != nil {
		v.number("sprint.id", s.ID)
	}
	if b := c.Board; b != nil {
		v.number("board.id", b.ID)
	}
	c.userVars(v)
	if c.Secondary {
		v.set(VarFlow, "Secondary")
	}
	return v
}

func (c Callback) userVars(v vars) {
	u := c.User
	if u == nil {
		return
	}
	if info, err := Lookup(c.Event); err == nil && info.Family == FamilyUser {
		v.set("modifiedUser.accountId", u.AccountID)
		v.set("modifiedUser.key", cmp.Or(u.Key, u.AccountID))
		v.set("modifiedUser.name", cmp.Or(u.Name, u.AccountID))
	}
	v.set(VarUserID, cmp.Or(u.Name, u.AccountID))
	v.set(VarUserKey, cmp.Or(u.Key, u.AccountID))
}

type vars map[string]string

func (v vars) set(name, value string) {
	if value != "" {
		v[name] = value
	}
}

func (v vars) number(name string, n Number) {
	if n != 0 {
		v[name] = strconv.FormatInt(int64(n), 10)
	}
}

// fieldMember reads a scalar member of a field's value, which may be a map or
// any type that encodes to an object.
func fieldMember(field any, name string) string {
	object, ok := field.(map[string]any)
	if !ok {
		if field == nil {
			return ""
		}
		raw, err := jsonbody.Marshal(field)
		if err != nil || json.Unmarshal(raw, &object) != nil {
			return ""
		}
	}
	switch value := object[name].(type) {
	case string:
		return value
	case json.Number, int, int64, ID, Number:
		return fmt.Sprint(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}
