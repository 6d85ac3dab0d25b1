package report

import (
	"context"
	"regexp"
)

// Names translates identifiers into names for people. ok is false for an identifier without a name;
// it then shows as unknown, and so does a name that holds a UUID. Build asks once for each
// identifier.
type Names interface {
	UserName(ctx context.Context, id string) (name string, ok bool)
	GroupName(ctx context.Context, id string) (name string, ok bool)
	// AppName names a type of app; see the function [AppName].
	AppName(ctx context.Context, id string) (name string, ok bool)
	// UserLink is an https URL that opens the host's list of users with this one found, or empty
	// for none. A link that holds a UUID or leads to a profile below /people/ is not used: search
	// by e-mail address or name.
	UserLink(ctx context.Context, id string) string
}

// NameFuncs are functions as [Names]. Any may be nil: then UserChange.Name names the user, group
// identifiers count as names, the function [AppName] names apps, and users have no link.
type NameFuncs struct {
	User, Group, App func(ctx context.Context, id string) (name string, ok bool)
	Link             func(ctx context.Context, id string) string
}

// UserName calls f.User.
func (f NameFuncs) UserName(ctx context.Context, id string) (string, bool) {
	if f.User == nil {
		return "", false
	}
	return f.User(ctx, id)
}

// GroupName calls f.Group.
func (f NameFuncs) GroupName(ctx context.Context, id string) (string, bool) {
	if f.Group == nil {
		return id, true
	}
	return f.Group(ctx, id)
}

// AppName calls f.App.
func (f NameFuncs) AppName(ctx context.Context, id string) (string, bool) {
	if f.App == nil {
		return AppName(id), true
	}
	return f.App(ctx, id)
}

// UserLink calls f.Link.
func (f NameFuncs) UserLink(ctx context.Context, id string) string {
	if f.Link == nil {
		return ""
	}
	return f.Link(ctx, id)
}

// AppName returns the display name of a type of app: Jira, Confluence, Assets ("cmdb"), Customer
// Service, Jira Service Management ("jira-servicedesk"). Others stay as they are.
func AppName(id string) string {
	switch id {
	case "jira":
		return "Jira"
	case "confluence":
		return "Confluence"
	case "cmdb":
		return "Assets"
	case "customer-service":
		return "Customer Service"
	case "jira-servicedesk":
		return "Jira Service Management"
	}
	return id
}

var uuid = regexp.MustCompile(`[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`)

// book calls Names once for each identifier.
type book struct {
	names Names
	seen  map[[2]string]string
}

func (b *book) user(ctx context.Context, id, name string) string {
	if !showable(name) {
		name = b.lookup(ctx, "user", id, b.names.UserName)
	}
	return name
}

func (b *book) all(ctx context.Context, kind string, ids []string, ask func(context.Context, string) (string, bool)) []string {
	var out []string
	for _, id := range ids {
		out = append(out, b.lookup(ctx, kind, id, ask))
	}
	return out
}

func (b *book) lookup(ctx context.Context, kind, id string, ask func(context.Context, string) (string, bool)) string {
	name, known := b.seen[[2]string{kind, id}]
	if known {
		return name
	}
	name, ok := "", false
	if id != "" {
		name, ok = ask(ctx, id)
	}
	if !ok || !showable(name) {
		name = "unknown " + kind
	}
	b.seen[[2]string{kind, id}] = name
	return name
}

// showable reports whether a name is useful to people.
func showable(name string) bool { return clean(name) != "" && !uuid.MatchString(name) }
