package inspector

import (
	"time"

	"github.com/postrider/postrider/payload/confluence"
)

// confluenceSample is an invented, valid callback of an event, or false for an unknown one.
func confluenceSample(event string) (confluence.Callback, bool) {
	info, err := confluence.Lookup(event)
	if err != nil {
		return confluence.Callback{}, false
	}
	at := confluence.At(time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC))
	content := func(id int64, title string) *confluence.Content {
		return &confluence.Content{ID: id, Title: title, CreatorName: "admin", CreatorKey: "ff80", CreationDate: at, Version: 3,
			SpaceKey: "ds", Self: "https://your-site.atlassian.net/wiki/spaces/ds/pages/1"}
	}
	c := confluence.Callback{Event: event, Timestamp: at, User: &confluence.Actor{Name: "admin", Key: "ff80"}}
	switch info.Family {
	case confluence.FamilyPage:
		c.Page = content(1, "Notes")
		switch event {
		case confluence.PageMoved:
			c.OldParent, c.NewParent = content(2, "Drafts"), content(3, "Home")
		case confluence.PageChildrenReordered:
			c.OldSortedChildren = []confluence.Content{*content(4, "First"), *content(5, "Second")}
			c.NewSortedChildren = []confluence.Content{*content(5, "Second"), *content(4, "First")}
		}
	case confluence.FamilyBlog:
		c.Blog = content(6, "News")
	case confluence.FamilyComment:
		c.Comment = &confluence.Comment{Content: *content(7, ""), Parent: content(1, "Notes")}
	case confluence.FamilyAttachment:
		c.AttachedTo = content(1, "Notes")
		c.Attachments = []confluence.Attachment{{FileName: "plan.png", Version: 1, FileSize: 4096, ID: 8, CreatorName: "admin", CreatorKey: "ff80", CreationDate: at}}
	case confluence.FamilyLabel:
		c.Label, c.Labeled = &confluence.Label{Name: "todo", Owner: "admin", Title: "todo"}, content(1, "Notes")
	case confluence.FamilySpace:
		c.Space = &confluence.Space{Key: "ds", Title: "Demonstration", CreatorName: "admin", CreationDate: at}
	case confluence.FamilyUser:
		c.UserProfile = &confluence.UserProfile{UserKey: "ff81", Username: "kim", FullName: "Kim"}
	case confluence.FamilyGroup:
		c.Group = &confluence.Group{Name: "staff"}
	case confluence.FamilySession:
		c.Session = &confluence.Session{RemoteHost: "host.example.com", RemoteIP: "192.0.2.7"}
	case confluence.FamilySearch:
		c.Search = &confluence.Search{Results: 12, Query: "webhooks", SpaceKeys: []string{"ds"}}
	case confluence.FamilyContent:
		c.Content = content(1, "Notes")
	case confluence.FamilyBlueprint:
		c.Page, c.Creator = content(1, "Notes"), "ff80"
		c.Blueprint = &confluence.Blueprint{ID: "meeting", SpaceKey: "ds"}
	default: // statuses, add-ons and the system have members of their own
		c.More = map[string]any{"key": "sample"}
	}
	return c, true
}
