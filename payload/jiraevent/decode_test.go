package jiraevent_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
)

func TestDecode_documentationOf2019(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/update_with_comment_2019.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jiraevent.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2011, 6, 7, 15, 31, 26, 805e6, time.UTC)
	if !c.Timestamp.Equal(at) {
		t.Errorf("of two timestamps the last does not win: %v", c.Timestamp)
	}
	if diff := cmp.Diff(&jiraevent.User{Self: "https://jira.example.com/rest/api/2/user?accountId=99:27935d01", AccountID: "99:27935d01",
		Name: "brollins", EmailAddress: "someone at example dot com", DisplayName: "Bryan", Active: true,
		More: map[string]any{"accoundId": "99:27935d01"}}, c.User); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if c.Comment.UpdateAuthor.AccountID != "99:27935d01" || !c.Comment.Created.Equal(at) || c.Comment.ID != "252789" || c.Comment.Body != "In time!" {
		t.Errorf("comment %+v", c.Comment)
	}
	if c.Issue.Expand != "renderedFields,names" || c.Issue.Fields["priority"] != "Minor" || c.Issue.Key != "JRA-20002" {
		t.Errorf("issue %+v", c.Issue)
	}
	want := &jiraevent.Changelog{ID: "10124", Items: []jiraevent.ChangeItem{
		{Field: "summary", FieldType: "jira", FromString: text("An old one"), ToString: text("A new summary.")},
		{Field: "issuetype", FieldType: "jira", From: text("4"), FromString: text("Improvement"), To: text("2"), ToString: text("New Feature")},
	}}
	if diff := cmp.Diff(want, c.Changelog); diff != "" {
		t.Errorf("changelog (-want +got):\n%s", diff)
	}
	again, err := c.AppendBody(nil)
	if err != nil || !strings.HasSuffix(string(again), `,"id":2}`) {
		t.Errorf("the root's id is lost: %s, %v", again, err)
	}
}

func TestDecode_tolerance(t *testing.T) {
	t.Parallel()
	const head = `"webhookEvent":"jira:issue_updated",`
	for _, tc := range []struct {
		name, in string
		check    func(jiraevent.Callback) bool
	}{
		{"timestamp in milliseconds", `{` + head + `"timestamp":1426661049725}`, func(c jiraevent.Callback) bool { return c.Timestamp.UnixMilli() == 1426661049725 }},
		{"timestamp as text of a number", `{` + head + `"timestamp":"1426661049725"}`, func(c jiraevent.Callback) bool { return c.Timestamp.UnixMilli() == 1426661049725 }},
		{"timestamp in RFC 3339", `{` + head + `"timestamp":"2026-05-27T09:30:00Z"}`, func(c jiraevent.Callback) bool { return c.Timestamp.Hour() == 9 }},
		{"timestamp with a colon in the zone", `{` + head + `"timestamp":"2026-05-27T09:30:00.5+02:00"}`, func(c jiraevent.Callback) bool { return c.Timestamp.UTC().Hour() == 7 }},
		{"timestamp null", `{` + head + `"timestamp":null}`, func(c jiraevent.Callback) bool { return c.Timestamp.IsZero() }},
		{"event instead of webhookEvent", `{"event":"jira:issue_updated"}`, func(c jiraevent.Callback) bool { return c.Event == "jira:issue_updated" }},
		{"webhookEvent wins over event", `{` + head + `"event":"other"}`, func(c jiraevent.Callback) bool { return c.Event == "jira:issue_updated" }},
		{"active true", `{` + head + `"user":{"active":true}}`, func(c jiraevent.Callback) bool { return c.User.Active }},
		{"active as text", `{` + head + `"user":{"active":"true"}}`, func(c jiraevent.Callback) bool { return c.User.Active }},
		{"active as other text", `{` + head + `"user":{"active":"false"}}`, func(c jiraevent.Callback) bool { return !c.User.Active }},
		{"accountId wins over accoundId", `{` + head + `"user":{"accoundId":"b","accountId":"a"}}`, func(c jiraevent.Callback) bool { return c.User.AccountID == "a" }},
		{"changelog id as text", `{` + head + `"changelog":{"id":"10124"}}`, func(c jiraevent.Callback) bool { return c.Changelog.ID == "10124" }},
		{"issue id as number", `{` + head + `"issue":{"id":99291}}`, func(c jiraevent.Callback) bool { return c.Issue.ID == "99291" }},
		{"matched IDs", `{` + head + `"matchedWebhookIds":[1000,1001]}`, func(c jiraevent.Callback) bool {
			return len(c.MatchedWebhookIDs) == 2 && c.MatchedWebhookIDs[1] == 1001
		}},
		{"a repeated object does not blend", `{` + head + `"user":{"name":"x"},"user":{"key":"y"}}`, func(c jiraevent.Callback) bool { return c.User.Name == "" && c.User.Key == "y" }},
		{"a repeated member inside", `{` + head + `"issue":{"key":"A-1","fields":{"a":1},"fields":{"b":2},"key":"A-2"}}`, func(c jiraevent.Callback) bool {
			return c.Issue.Key == "A-2" && len(c.Issue.Fields) == 1
		}},
		{"names are exact", `{` + head + `"Issue":{"key":"A-1"}}`, func(c jiraevent.Callback) bool { return c.Issue == nil && c.More["Issue"] != nil }},
		{"unprefixed version event", `{"webhookEvent":"version_created"}`, func(c jiraevent.Callback) bool { return c.Event == "version_created" }},
		{"issue_event_type_name is open", `{` + head + `"issue_event_type_name":"issue_beamed"}`, func(c jiraevent.Callback) bool { return c.IssueEventTypeName == "issue_beamed" }},
		{"bulkOperationMetaData", `{` + head + `"bulkOperationMetaData":{"sendMail":true}}`, func(c jiraevent.Callback) bool { return c.BulkOperationMetaData.SendMail }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := jiraevent.Decode([]byte(tc.in))
			if err != nil || !tc.check(c) {
				t.Errorf("Decode(%s) = %+v, %v", tc.in, c, err)
			}
		})
	}
}

func TestDecode_refused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, field string }{
		{"no JSON", `{`, ""},
		{"an array", `[]`, ""},
		{"null", `null`, ""},
		{"two values", `{} {}`, ""},
		{"no UTF-8", "{\"a\":\"\xff\"}", ""},
		{"no event", `{}`, "webhookEvent"},
		{"an event of the wrong kind", `{"webhookEvent":1}`, "webhookEvent"},
		{"a timestamp that is none", `{"webhookEvent":"jira:issue_created","timestamp":"soon"}`, "timestamp"},
		{"an issue that is none", `{"webhookEvent":"jira:issue_created","issue":"A-1"}`, "issue"},
		{"an ID that is none", `{"webhookEvent":"jira:issue_created","issue":{"id":{}}}`, "issue"},
		{"a number that is none", `{"webhookEvent":"sprint_closed","sprint":{"id":"x"}}`, "sprint"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := jiraevent.Decode([]byte(tc.in))
			var bad *payload.DecodeError
			if !errors.As(err, &bad) || bad.Field != tc.field || string(bad.Body) != tc.in {
				t.Errorf("Decode = %v, want a DecodeError about %q", err, tc.field)
			}
		})
	}
	if _, err := jiraevent.Decode([]byte(`{"webhookEvent":"issue_exploded"}`)); !errors.Is(err, jiraevent.ErrUnknownEvent) {
		t.Errorf("an unknown event: %v", err)
	}
}

// Rule: only an option accepts a name that the catalogue does not list, for reading and for
// sending.
func TestDecode_anyEvent(t *testing.T) {
	t.Parallel()
	const in = `{"timestamp":1525698237764,"webhookEvent":"issue_exploded","changelog":{"id":"1","items":[]},"debris":[1]}`
	c, err := jiraevent.Decode([]byte(in), jiraevent.AnyEvent())
	if err != nil || !c.AnyEvent || c.Event != "issue_exploded" {
		t.Fatalf("Decode = %+v, %v", c, err)
	}
	ev, err := jiraevent.New("acme", c)
	if err != nil || ev.Type != "issue_exploded" || string(ev.Body) != in {
		t.Errorf("New = %s, %v", ev.Body, err)
	}
	c.AnyEvent = false
	if _, err := jiraevent.New("acme", c); !errors.Is(err, jiraevent.ErrUnknownEvent) {
		t.Errorf("New = %v, want ErrUnknownEvent", err)
	}
	if _, err := jiraevent.Decode([]byte(in)); !errors.Is(err, jiraevent.ErrUnknownEvent) {
		t.Errorf("Decode = %v, want ErrUnknownEvent", err)
	}
	if _, err := jiraevent.New("acme", jiraevent.Callback{Event: jiraevent.IssueUpdated, AnyEvent: true}); !errors.Is(err, payload.ErrInvalid) {
		t.Errorf("a known event is judged all the same: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	raw, err := os.ReadFile("testdata/update_with_comment_2019.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"webhookEvent":"sprint_started","sprint":{"id":"7"},"x":[1.5e3,null]}`))
	f.Add([]byte(`{"event":"user_created","timestamp":null,"user":{"active":"true"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := jiraevent.Decode(in)
		if err != nil {
			return
		}
		out, err := c.AppendBody(nil)
		if err != nil {
			t.Fatalf("AppendBody of %s: %v", in, err)
		}
		if diff := cmp.Diff(tree(t, in), tree(t, out)); diff != "" && !strings.Contains(string(in), "worklogs") {
			t.Fatalf("%s is not written again whole (-sent +written):\n%s", in, diff)
		}
		again, err := jiraevent.Decode(out)
		if err != nil {
			t.Fatalf("Decode(%s) of what was decoded before: %v", out, err)
		}
		if second, err := again.AppendBody(nil); err != nil || string(second) != string(out) {
			t.Fatalf("not stable:\n%s\n%s\n%v", out, second, err)
		}
	})
}
