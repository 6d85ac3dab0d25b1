package confluenceevent

import "time"

// Sample returns an invented, valid callback of an event with the members of such an event, to try
// a receiver's mapping, and false for a name that the catalogue does not list.
func Sample(event string) (Callback, bool) {
	info, err := Lookup(event)
	if err != nil {
		return Callback{}, false
	}
	at := At(time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC))
	content := func(id Number, title string) *Content {
		return &Content{ID: id, Title: title, CreatorName: "admin", CreatorKey: "ff80", CreationDate: at, Version: 3,
			SpaceKey: "ds", Self: "https://your-site.atlassian.net/wiki/spaces/ds/pages/1"}
	}
	c := Callback{Event: event, Timestamp: at, User: &Actor{Name: "admin", Key: "ff80"}}
	switch info.Family {
	case FamilyPage:
		c.Page = content(1, "Notes")
		switch event {
		case PageMoved:
			c.OldParent, c.NewParent = content(2, "Drafts"), content(3, "Home")
		case PageChildrenReordered:
			c.OldSortedChildren = []Content{*content(4, "First"), *content(5, "Second")}
			c.NewSortedChildren = []Content{*content(5, "Second"), *content(4, "First")}
		}
	case FamilyBlog:
		c.Blog = content(6, "News")
	case FamilyComment:
		c.Comment = &Comment{Content: *content(7, ""), Parent: content(1, "Notes")}
	case FamilyAttachment:
		c.AttachedTo = content(1, "Notes")
		c.Attachments = []Attachment{{FileName: "plan.png", Version: 1, FileSize: 4096, ID: 8, CreatorName: "admin", CreatorKey: "ff80", CreationDate: at}}
	case FamilyLabel:
		c.Label, c.Labeled = &Label{Name: "todo", Owner: "admin", Title: "todo"}, content(1, "Notes")
	case FamilySpace:
		c.Space = &Space{Key: "ds", Title: "Demonstration", CreatorName: "admin", CreationDate: at}
	case FamilyUser:
		c.UserProfile = &UserProfile{UserKey: "ff81", Username: "kim", FullName: "Kim"}
	case FamilyGroup:
		c.Group = &Group{Name: "staff"}
	case FamilySession:
		c.Session = &Session{RemoteHost: "host.example.com", RemoteIP: "192.0.2.7"}
	case FamilySearch:
		c.Search = &Search{Results: 12, Query: "webhooks", SpaceKeys: []string{"ds"}}
	case FamilyContent:
		c.Content = content(1, "Notes")
	case FamilyBlueprint:
		c.Page, c.Creator = content(1, "Notes"), "ff80"
		c.Blueprint = &Blueprint{ID: "meeting", SpaceKey: "ds"}
	default: // these families have their own members
		c.More = map[string]any{"key": "sample"}
	}
	return c, true
}
