package confluenceevent_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	moment = confluenceevent.At(time.UnixMilli(1426661049725).UTC())
	admin  = &confluenceevent.Actor{Name: "admin", Key: "ff80"}
)

func content(id confluenceevent.Number, title string) *confluenceevent.Content {
	return &confluenceevent.Content{ID: id, Title: title, CreatorName: "admin", CreatorKey: "ff80", LastModifierName: "eve", LastModifierKey: "ff81",
		CreationDate: moment, ModificationDate: moment, Version: 3, Self: "https://wiki.example.com/pages/viewpage.action?pageId=1&x=<y>", SpaceKey: "ds"}
}

// sample makes a valid callback of any event.
func sample(name string) confluenceevent.Callback {
	info, _ := confluenceevent.Lookup(name)
	c := confluenceevent.Callback{Event: name, Timestamp: moment, User: admin}
	switch info.Family {
	case confluenceevent.FamilyPage:
		c.Page = content(1, "Notes")
		switch name {
		case confluenceevent.PageMoved:
			c.OldParent, c.NewParent = content(2, "Old"), content(3, "New")
		case confluenceevent.PageChildrenReordered:
			c.OldSortedChildren = []confluenceevent.Content{*content(4, "A"), *content(5, "B")}
			c.NewSortedChildren = []confluenceevent.Content{*content(5, "B"), *content(4, "A")}
		}
	case confluenceevent.FamilyBlog:
		c.Blog = content(6, "News")
	case confluenceevent.FamilyComment:
		c.Comment = &confluenceevent.Comment{Content: *content(7, ""), Parent: content(1, "Notes"), InReplyTo: &confluenceevent.Reference{ID: 8}}
	case confluenceevent.FamilyAttachment:
		c.AttachedTo = content(1, "Notes")
		c.Attachments = []confluenceevent.Attachment{{FileName: "a.png", Version: 1, Comment: "first", FileSize: 4096, ID: 9, CreatorName: "admin",
			CreatorKey: "ff80", LastModifierName: "admin", LastModifierKey: "ff80", CreationDate: moment, ModificationDate: moment}}
	case confluenceevent.FamilyLabel:
		c.Label = &confluenceevent.Label{Name: "todo", Owner: "admin", OwnerKey: "ff80", Title: "todo", Self: "https://wiki.example.com/label/todo"}
		if name == "label_added" || name == "label_removed" {
			c.Labeled = content(1, "Notes")
		}
	case confluenceevent.FamilySpace:
		c.Space = &confluenceevent.Space{Key: "ds", Title: "Demo", Description: "For trying", Self: "https://wiki.example.com/display/ds",
			HomePage: &confluenceevent.Reference{ID: 1}, CreatorName: "admin", CreatorKey: "ff80", CreationDate: moment}
	case confluenceevent.FamilyUser:
		c.UserProfile = &confluenceevent.UserProfile{UserKey: "ff82", Username: "bob", Email: "bob@example.com", FullName: "Bob"}
	case confluenceevent.FamilyGroup:
		c.Group = &confluenceevent.Group{Name: "staff"}
	case confluenceevent.FamilySession:
		c.Session = &confluenceevent.Session{RemoteHost: "host.example.com", RemoteIP: "192.0.2.7"}
	case confluenceevent.FamilySearch:
		c.Search = &confluenceevent.Search{Results: 12, Query: "webhooks", SpaceKeys: []string{"ds"}, SpaceCategories: []string{"team"}}
	case confluenceevent.FamilyContent:
		c.Content = content(1, "Notes")
	case confluenceevent.FamilyBlueprint:
		c.Page, c.Creator = content(1, "Notes"), "ff80"
		c.Blueprint = &confluenceevent.Blueprint{ID: "b1", IndexKey: "meetings", SpaceKey: "ds", I18nNameKey: "meetings.name",
			IndexTitleI18nKey: "meetings.index", ModuleCompleteKey: "com.example:meetings", CreateResult: "edit", HowToUseTemplate: "howto"}
		c.BlueprintContext = map[string]any{"title": "Notes"}
	case confluenceevent.FamilyStatus:
		c.More = map[string]any{"status": map[string]any{"text": "away"}}
	default:
		c.User, c.More = nil, map[string]any{"key": "my-addon", "oldVersion": "1", "newVersion": "2"}
	}
	return c
}

func TestNew_goldenPerEvent(t *testing.T) {
	t.Parallel()
	for _, name := range confluenceevent.Events() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := confluenceevent.New("acme", sample(name))
			if err != nil {
				t.Fatal(err)
			}
			if ev.Type != name || strings.Contains(string(ev.Body), `"`+name+`"`) {
				t.Errorf("type %s; a body must not name its event: %s", ev.Type, ev.Body)
			}
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, ev.Body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(ev.Body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventsOf_publishedLists(t *testing.T) {
	t.Parallel()
	shared := strings.Fields(`attachment_created attachment_removed attachment_updated attachment_viewed
		blog_created blog_removed blog_restored blog_trashed blog_updated blog_viewed
		comment_created comment_removed comment_updated connect_addon_disabled connect_addon_enabled
		group_created group_removed label_added label_created label_deleted label_removed login login_failed logout
		page_children_reordered page_created page_moved page_removed page_restored page_trashed page_updated page_viewed
		search_performed space_created space_logo_updated space_permissions_updated space_removed space_updated
		user_created user_deactivated user_followed user_reactivated user_removed`)
	for _, tc := range []struct {
		name    string
		edition confluenceevent.Generation
		extra   string
		size    int
	}{
		{"Connect 2015", confluenceevent.Connect2015, "attachment_restored attachment_trashed blueprint_page_created content_permissions_updated", 47},
		{"legacy", confluenceevent.Legacy, `cache_statistics_changed plugin_enabled plugins_upgraded remote_plugin_disabled remote_plugin_enabled
			remote_plugin_installed server_upgraded status_cleared status_created status_removed`, 53},
		{"both", confluenceevent.Connect2015 | confluenceevent.Legacy, "", 43},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := append(slices.Clone(shared), strings.Fields(tc.extra)...)
			slices.Sort(want)
			got := confluenceevent.EventsOf(tc.edition)
			if diff := cmp.Diff(want, got); diff != "" || len(got) != tc.size {
				t.Errorf("%d names, want %d (-want +got):\n%s", len(got), tc.size, diff)
			}
		})
	}
	want := []string{"folder_created", "page_archived", "page_published", "whiteboard_created"}
	if diff := cmp.Diff(want, confluenceevent.EventsOf(confluenceevent.Current)); diff != "" {
		t.Errorf("sent today and in neither list (-want +got):\n%s", diff)
	}
	if n := len(confluenceevent.Events()); n != 57+len(want) {
		t.Errorf("%d names in all, want the 57 of both lists and %d", n, len(want))
	}
	if !slices.IsSorted(confluenceevent.Events()) {
		t.Error("the names are not in alphabetical order")
	}
}

func TestEvents_families(t *testing.T) {
	t.Parallel()
	for _, name := range confluenceevent.Events() {
		info, err := confluenceevent.Lookup(name)
		if err != nil || !slices.Contains(confluenceevent.Events(info.Family), name) {
			t.Errorf("Lookup(%s) = %+v, %v", name, info, err)
		}
	}
	for _, name := range []string{"", "page", "PAGE_CREATED", "jira:issue_created"} {
		_, err := confluenceevent.Lookup(name)
		var unknown *confluenceevent.UnknownEventError
		if !errors.Is(err, confluenceevent.ErrUnknownEvent) || !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("Lookup(%q) = %v", name, err)
		}
	}
}

func TestNew_cloudMembers(t *testing.T) {
	t.Parallel()
	cloud := &confluenceevent.Actor{AccountID: "99:27935d01", AccountType: "atlassian"}
	for name, tc := range map[string]struct {
		c    confluenceevent.Callback
		want string
	}{
		"page": {confluenceevent.Callback{Event: "page_created", Timestamp: moment, User: cloud,
			Page: &confluenceevent.Content{ID: 1, Title: "N", ContentType: "page", Version: 1, SpaceKey: "ds", CreatorAccountID: "a", LastModifierAccountID: "b"}},
			`{"timestamp":1426661049725,"userAccountId":"99:27935d01","accountType":"atlassian","page":{"id":1,"title":"N","contentType":"page","creatorAccountId":"a","lastModifierAccountId":"b","version":1,"spaceKey":"ds"}}`},
		"attachment": {confluenceevent.Callback{Event: "attachment_created", Timestamp: moment, User: cloud,
			Attachment: &confluenceevent.Attachment{FileName: "a.png", FileSize: 1, MediaType: "image/png", ID: 2, Parent: &confluenceevent.Content{ID: 1}}},
			`{"timestamp":1426661049725,"userAccountId":"99:27935d01","accountType":"atlassian","attachment":{"fileName":"a.png","fileSize":1,"mediaType":"image/png","id":2,"parent":{"id":1}}}`},
		"label": {confluenceevent.Callback{Event: "label_added", Timestamp: moment, User: cloud,
			Label: &confluenceevent.Label{Name: "todo", ID: 3, Prefix: "global"}, Content: &confluenceevent.Content{ID: 1}},
			`{"timestamp":1426661049725,"userAccountId":"99:27935d01","accountType":"atlassian","label":{"name":"todo","id":3,"prefix":"global"},"content":{"id":1}}`},
		"anonymous": {confluenceevent.Callback{Event: "page_viewed", Timestamp: moment, Page: &confluenceevent.Content{ID: 1}},
			`{"timestamp":1426661049725,"user":"","username":"","userKey":"","page":{"id":1}}`},
		"anonymous search": {confluenceevent.Callback{Event: "search_performed", Timestamp: moment, Search: &confluenceevent.Search{}},
			`{"timestamp":1426661049725,"results":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := confluenceevent.New("acme", tc.c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(ev.Body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !ev.Time.Equal(moment.Time) {
				t.Errorf("event time %v", ev.Time)
			}
		})
	}
}

func TestNew_refused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data payload.Data
		want string
	}{
		"unknown event":               {confluenceevent.Callback{Event: "page_exploded"}, "unknown event"},
		"page without page":           {confluenceevent.Callback{Event: "page_created"}, ": page must be set"},
		"archived page without page":  {confluenceevent.Callback{Event: "page_archived"}, ": page must be set"},
		"AnyEvent keeps the rules":    {confluenceevent.Callback{Event: "page_created", AnyEvent: true}, ": page must be set"},
		"AnyEvent without a name":     {confluenceevent.Callback{AnyEvent: true}, "EventType"},
		"blueprint without page":      {confluenceevent.Callback{Event: "blueprint_page_created"}, ": page must be set"},
		"blueprint without blueprint": {confluenceevent.Callback{Event: "blueprint_page_created", Page: content(1, "")}, ": blueprint must be set"},
		"reorder without children":    {confluenceevent.Callback{Event: confluenceevent.PageChildrenReordered, Page: content(1, "")}, ": newSortedChildren must be set"},
		"a parent on another event":   {confluenceevent.Callback{Event: "page_created", Page: content(1, ""), OldParent: content(2, "")}, ": oldParent and newParent must be left out"},
		"More hides a member":         {confluenceevent.Callback{Event: "server_upgraded", More: map[string]any{"timestamp": 1}}, ": More must not hold"},
		"Named hides a member":        {sample("page_created").Named("page"), ": Named must be given"},
		"Named hides one of More":     {sample("server_upgraded").Named("key"), ": Named must be given"},
		"Named without a name":        {sample("page_created").Named(""), ": Named must be given"},
		"Named keeps the other rules": {confluenceevent.Callback{Event: "page_created"}.Named("event"), ": page must be set"},
		"invalid UTF-8":               {confluenceevent.Callback{Event: "page_created", Page: content(1, "a\xff")}, "UTF-8"},
		"invalid UTF-8 in More":       {confluenceevent.Callback{Event: "server_upgraded", More: map[string]any{"x": "\xff"}}, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := payload.New("acme", tc.data)
			if !errors.Is(err, payload.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New = %v, want ErrInvalid with %q", err, tc.want)
			}
		})
	}
}

func TestNew_vars(t *testing.T) {
	t.Parallel()
	ev, err := confluenceevent.New("acme", sample("login"), payload.WithTime(time.Unix(1, 0)))
	if diff := cmp.Diff(map[string]string{"user_id": "admin", "user_key": "ff80"}, ev.Vars); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if ev.Time.Unix() != 1 {
		t.Errorf("an option of the caller does not win: %v", ev.Time)
	}
}
