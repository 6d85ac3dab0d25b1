package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/postrider/postrider/payload"
)

// ErrNotTask: the event of Build is not the end of a task run.
var ErrNotTask = errors.New("report: only taskSuccess and taskFailure have results")

// Report is a task run with resolved names, the input of the renderers. Values are the host's;
// renderers escape them.
type Report struct {
	Trigger     string // "taskSuccess" or "taskFailure"
	ProcessID   string
	Name        string
	ActionTypes []string
	DeepLink    string
	Users       []User
	Totals
}

// User is one row of a Report.
type User struct {
	Name             string
	Link             string // https, or empty
	Email            string
	GroupsAdded      []string // names
	GroupsRemoved    []string // names
	AppAccessRemoved []string // names
	Suspended        bool
	Restored         bool
	Failed           bool
	Action           string
	Outcome          string
}

// Build looks up the results of the run of an event, a [payload.TaskSuccess] or
// [payload.TaskFailure], and resolves its identifiers. names may be nil, which is the same as an
// empty [NameFuncs]. Errors: [ErrNotTask], that of the Source, and one for a nil Source.
func Build(ctx context.Context, source Source, names Names, event payload.Data) (Report, error) {
	if source == nil {
		return Report{}, errors.New("report: Build needs a Source")
	}
	r, ok := head(event)
	if !ok {
		return Report{}, ErrNotTask
	}
	results, err := source.SearchTaskResults(ctx, r.ProcessID)
	if err != nil {
		return Report{}, fmt.Errorf("report: results of the run: %w", err)
	}
	if names == nil {
		names = NameFuncs{}
	}
	b := book{names: names, seen: make(map[[2]string]string)}
	for _, c := range results.UserChanges {
		r.Users = append(r.Users, b.row(ctx, c))
	}
	r.Totals = results.completed()
	return r, nil
}

func head(event payload.Data) (Report, bool) {
	switch e := event.(type) {
	case *payload.TaskSuccess:
		if e != nil {
			return head(*e)
		}
	case *payload.TaskFailure:
		if e != nil {
			return head(*e)
		}
	case payload.TaskSuccess:
		return Report{Trigger: e.EventType(), ProcessID: e.ProcessID, Name: e.Name, ActionTypes: e.ActionTypes, DeepLink: e.DeepLink}, true
	case payload.TaskFailure:
		return Report{Trigger: e.EventType(), ProcessID: e.ProcessID, Name: e.Name, ActionTypes: e.ActionTypes, DeepLink: e.DeepLink}, true
	}
	return Report{}, false
}

func (b *book) row(ctx context.Context, c UserChange) User {
	u := User{
		Name:             b.user(ctx, c.UserID, c.Name),
		Email:            c.Email,
		GroupsAdded:      b.all(ctx, "group", c.GroupsAdded, b.names.GroupName),
		GroupsRemoved:    b.all(ctx, "group", c.GroupsRemoved, b.names.GroupName),
		AppAccessRemoved: b.all(ctx, "app", c.AppAccessRemoved, b.names.AppName),
		Suspended:        c.Suspended,
		Restored:         c.Restored,
		Failed:           c.Failed,
		Action:           c.Action,
		Outcome:          c.Outcome,
	}
	if c.UserID != "" {
		u.Link = b.names.UserLink(ctx, c.UserID)
	}
	return u
}

// failed reports whether the run as a whole failed.
func (r Report) failed() bool { return r.Trigger == payload.TaskFailure{}.EventType() }

// changes lists the changes of the user: "+group", "-group", "-App access", "suspended",
// "restored".
func (u User) changes() []string {
	var out []string
	for _, g := range u.GroupsAdded {
		out = append(out, "+"+g)
	}
	for _, g := range u.GroupsRemoved {
		out = append(out, "-"+g)
	}
	for _, a := range u.AppAccessRemoved {
		out = append(out, "-"+a+" access")
	}
	if u.Suspended {
		out = append(out, "suspended")
	}
	if u.Restored {
		out = append(out, "restored")
	}
	return out
}
