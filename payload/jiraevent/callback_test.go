package jiraevent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
)

var moment = jiraevent.At(time.UnixMilli(1525698237764).UTC())

func text(s string) *string { return &s }

func user() *jiraevent.User {
	return &jiraevent.User{AccountID: "99:27935d01", AccountType: "atlassian", DisplayName: "Bryan", Active: true}
}

func issue() *jiraevent.Issue {
	return &jiraevent.Issue{ID: "99291", Self: "https://your-site.atlassian.net/rest/api/2/issue/99291", Key: "JRA-20002",
		Fields: map[string]any{"summary": "R&D <x>", "project": map[string]any{"id": "10000", "key": "JRA"}, "priority": map[string]any{"name": "Minor"}}}
}

func comment() *jiraevent.Comment {
	at := jiraevent.Date{Time: time.Date(2011, 6, 7, 10, 31, 26, 805e6, time.FixedZone("", -5*3600))}
	return &jiraevent.Comment{ID: "252789", Author: user(), Body: "In time!", UpdateAuthor: user(), Created: at, Updated: at}
}

func updated() jiraevent.Callback {
	return jiraevent.Callback{
		Timestamp: moment, Event: "jira:issue_updated", IssueEventTypeName: "issue_commented", User: user(), Issue: issue(),
		Changelog: &jiraevent.Changelog{ID: "10124", Items: []jiraevent.ChangeItem{
			{Field: "summary", FieldType: "jira", FromString: text("old"), ToString: text("new")},
			{Field: "issuetype", FieldType: "jira", FieldID: "issuetype", From: text("4"), FromString: text("Improvement"), To: text("2"), ToString: text("New Feature")},
		}},
		Comment:               comment(),
		BulkOperationMetaData: &jiraevent.BulkOperation{SendMail: true},
	}
}

func body(t *testing.T, d payload.Data) string {
	t.Helper()
	ev, err := payload.New("acme", d)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return string(ev.Body)
}

const userJSON = `{"accountId":"99:27935d01","accountType":"atlassian","displayName":"Bryan","active":true}`

func TestCallback_issueUpdated(t *testing.T) {
	t.Parallel()
	want := `{"timestamp":1525698237764,"webhookEvent":"jira:issue_updated","issue_event_type_name":"issue_commented",` +
		`"user":` + userJSON + `,` +
		`"issue":{"id":"99291","self":"https://your-site.atlassian.net/rest/api/2/issue/99291","key":"JRA-20002",` +
		`"fields":{"priority":{"name":"Minor"},"project":{"id":"10000","key":"JRA"},"summary":"R&D <x>"}},` +
		`"changelog":{"id":"10124","items":[` +
		`{"field":"summary","fieldtype":"jira","from":null,"fromString":"old","to":null,"toString":"new"},` +
		`{"field":"issuetype","fieldtype":"jira","fieldId":"issuetype","from":"4","fromString":"Improvement","to":"2","toString":"New Feature"}]},` +
		`"comment":{"id":"252789","author":` + userJSON + `,"body":"In time!","updateAuthor":` + userJSON + `,` +
		`"created":"2011-06-07T10:31:26.805-0500","updated":"2011-06-07T10:31:26.805-0500"},` +
		`"bulkOperationMetaData":{"sendMail":true}}`
	if diff := cmp.Diff(want, body(t, updated())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCallback_styles(t *testing.T) {
	t.Parallel()
	c := jiraevent.Callback{Timestamp: moment, Event: "sprint_started", Sprint: &jiraevent.Sprint{ID: 7, State: "active", Name: "S"}}
	rest := `"webhookEvent":"sprint_started","sprint":{"id":7,"state":"active","name":"S"}}`
	withEvent := strings.TrimSuffix(rest, "}") + `,"event":"sprint_started"}`
	for _, tc := range []struct {
		name  string
		style jiraevent.Style
		want  string
	}{
		{"current", jiraevent.Style{}, `{"timestamp":1525698237764,` + rest},
		{"event key", jiraevent.Style{EventKey: true}, `{"timestamp":1525698237764,` + withEvent},
		{"ISO time", jiraevent.Style{ISOTime: true}, `{"timestamp":"2018-05-07T13:03:57.764+0000",` + rest},
		{"both", jiraevent.Style{ISOTime: true, EventKey: true}, `{"timestamp":"2018-05-07T13:03:57.764+0000",` + withEvent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := c
			c.Style = tc.style
			got := body(t, c)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			back, err := jiraevent.Decode([]byte(got))
			if err != nil || back.Event != c.Event || !back.Timestamp.Equal(moment.Time) {
				t.Errorf("Decode = %+v, %v", back, err)
			}
		})
	}
}

// Rule: a created issue may have a changelog, as in recorded bodies.
func TestCallback_issueCreated(t *testing.T) {
	t.Parallel()
	c := updated()
	c.Event = jiraevent.IssueCreated
	if got := body(t, c); !strings.Contains(got, `"webhookEvent":"jira:issue_created"`) || !strings.Contains(got, `"changelog":{"id":"10124","items":[{`) {
		t.Errorf("body %s", got)
	}
}

// Rule: the edition of 2019 writes changelog.id as a number, the dates of a sprint with an
// offset without a colon, and no jsdPublic or visibility; by default a sprint has RFC 3339.
// The caller's entities are not changed.
func TestCallback_edition2019(t *testing.T) {
	t.Parallel()
	public, at := true, time.Date(2026, 5, 27, 9, 30, 0, 123e6, time.FixedZone("", 2*3600))
	c := updated()
	c.Comment.JSDPublic, c.Comment.Visibility = &public, &jiraevent.Visibility{Type: "role", Value: "Administrators"}
	sprint := jiraevent.Callback{Timestamp: moment, Event: "sprint_closed", Sprint: &jiraevent.Sprint{ID: 7, State: "closed", Name: "S",
		StartDate: jiraevent.AgileTime{Time: at}, EndDate: jiraevent.AgileTime{Time: at.UTC()}, CompleteDate: jiraevent.AgileTime{Time: at.UTC()}}}
	const comment = `"updated":"2011-06-07T10:31:26.805-0500"`
	for _, tc := range []struct {
		name, want string
		c          jiraevent.Callback
		edition    bool
	}{
		{"changelog today", `"changelog":{"id":"10124",`, c, false},
		{"changelog in 2019", `"changelog":{"id":10124,`, c, true},
		{"comment today", comment + `,"visibility":{"type":"role","value":"Administrators"},"jsdPublic":true}`, c, false},
		{"comment in 2019", comment + `}`, c, true},
		{"sprint today", `"startDate":"2026-05-27T09:30:00.123+02:00","endDate":"2026-05-27T07:30:00.123Z","completeDate":"2026-05-27T07:30:00.123Z"}`, sprint, false},
		{"sprint in 2019", `"startDate":"2026-05-27T09:30:00.123+0200","endDate":"2026-05-27T07:30:00.123+0000","completeDate":"2026-05-27T07:30:00.123+0000"}`, sprint, true},
	} {
		tc.c.Style.Edition2019 = tc.edition
		for range 2 { // the first must not change the input of the second
			if got := body(t, tc.c); !strings.Contains(got, tc.want) {
				t.Errorf("%s: %s lacks %s", tc.name, got, tc.want)
			}
		}
	}
	c.Changelog.ID, c.Style.Edition2019 = "0012", true
	if got := body(t, c); !strings.Contains(got, `"changelog":{"id":12,`) {
		t.Errorf("an ID with zeros in front: %s", got)
	}
	c.Changelog.ID = "not a number"
	if got := body(t, c); !strings.Contains(got, `"changelog":{"id":"not a number",`) {
		t.Errorf("an ID that is no number: %s", got)
	}
	read, err := jiraevent.Decode([]byte(`{"webhookEvent":"comment_created","comment":{"id":"1","jsdPublic":false,"visibility":null,"x":1}}`))
	read.Style.Edition2019 = true
	if got, encodeErr := read.AppendBody(nil); err != nil || encodeErr != nil || strings.Contains(string(got), "jsdPublic") || strings.Contains(string(got), "visibility") {
		t.Errorf("what was read has members that 2019 does not know: %s, %v, %v", got, err, encodeErr)
	}
}

func TestCallback_everyEventRoundTrips(t *testing.T) {
	t.Parallel()
	for _, name := range jiraevent.Events() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sample(name)
			got, err := jiraevent.Decode([]byte(body(t, c)))
			if err != nil {
				t.Fatal(err)
			}
			again, err := got.AppendBody(nil)
			if err != nil {
				t.Fatal(err)
			}
			second, err := jiraevent.Decode(again)
			if diff := cmp.Diff(got, second); diff != "" || err != nil {
				t.Errorf("encoded again, %v (-want +got):\n%s", err, diff)
			}
			if len(again) != len(body(t, c)) {
				t.Errorf("encoded again it is another body:\n%s\n%s", body(t, c), again)
			}
			if got.Event != name {
				t.Errorf("event %q", got.Event)
			}
		})
	}
}

// sample makes a valid callback of any event.
func sample(name string) jiraevent.Callback {
	c, _ := jiraevent.Sample(name)
	return c
}

func TestSample(t *testing.T) {
	t.Parallel()
	for _, name := range jiraevent.Events() {
		c, ok := jiraevent.Sample(name)
		if !ok || c.Event != name || c.Validate() != nil {
			t.Errorf("Sample(%s) = %v, %v", name, ok, c.Validate())
		}
		info, _ := jiraevent.Lookup(name)
		vars := c.Vars()
		for _, v := range info.Variables {
			if v != "mergedVersion.id" && info.Family != jiraevent.FamilyWorklog && info.Generations != jiraevent.Legacy && vars[v] == "" {
				t.Errorf("the sample of %s has no %s", name, v)
			}
		}
	}
	if _, ok := jiraevent.Sample("issue_exploded"); ok {
		t.Error("an unknown event has a sample")
	}
}

func TestCallback_refused(t *testing.T) {
	t.Parallel()
	change := func(f func(*jiraevent.Callback)) jiraevent.Callback {
		c := updated()
		f(&c)
		return c
	}
	for _, tc := range []struct {
		name string
		data jiraevent.Callback
		want string // in the text
	}{
		{"unknown event", jiraevent.Callback{Event: "issue_created"}, "unknown event"},
		{"an alias is for reading", jiraevent.Callback{Event: "version_created", Version: &jiraevent.Version{}}, "jira:version_created"},
		{"issue event without user", change(func(c *jiraevent.Callback) { c.User = nil }), ": user must be set"},
		{"issue event without issue", change(func(c *jiraevent.Callback) { c.Issue = nil }), ": issue must be set"},
		{"changelog on a deleted issue", change(func(c *jiraevent.Callback) { c.Event = "jira:issue_deleted" }), ": changelog must be left out"},
		{"changelog on a created issue in 2019", change(func(c *jiraevent.Callback) { c.Event, c.Style.Edition2019 = jiraevent.IssueCreated, true }), ": changelog must be left out"},
		{"unknown event with matched IDs", jiraevent.Callback{Event: "issue_exploded", AnyEvent: true, MatchedWebhookIDs: []jiraevent.Number{1}}, ": matchedWebhookIds must be left out"},
		{"mergedTo on an issue", change(func(c *jiraevent.Callback) { c.MergedTo = &jiraevent.Version{} }), ": mergedTo must be left out"},
		{"merge without mergedTo", jiraevent.Callback{Event: jiraevent.VersionMerged, Version: &jiraevent.Version{}}, ": mergedTo must be set"},
		{"matched IDs set by the host", change(func(c *jiraevent.Callback) { c.MatchedWebhookIDs = []jiraevent.Number{1} }), ": matchedWebhookIds must be left out"},
		{"More hides a member", change(func(c *jiraevent.Callback) { c.More = map[string]any{"issue": 1} }), ": More must not hold"},
		{"sprint event without sprint", jiraevent.Callback{Event: "sprint_closed"}, ": sprint must be set"},
		{"invalid UTF-8 in a field", change(func(c *jiraevent.Callback) { c.Issue.Fields["summary"] = "a\xff" }), "UTF-8"},
		{"invalid UTF-8 in More", change(func(c *jiraevent.Callback) { c.More = map[string]any{"x": "\xff"} }), "UTF-8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := jiraevent.New("acme", tc.data)
			if !errors.Is(err, payload.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New = %v, want ErrInvalid with %q", err, tc.want)
			}
		})
	}
}

func TestCallback_emptyChangelogLeftOut(t *testing.T) {
	t.Parallel()
	c := updated()
	c.Changelog.Items = nil
	if got := body(t, c); strings.Contains(got, "changelog") {
		t.Errorf("a changelog without items is written: %s", got)
	}
	if c.Changelog == nil {
		t.Error("the callback of the caller was changed")
	}
}

func TestCallback_mailAddressIsNotWritten(t *testing.T) {
	t.Parallel()
	c := updated()
	c.User.EmailAddress, c.Comment.Author.EmailAddress = "a@example.com", "b@example.com"
	if got := body(t, c); strings.Contains(got, "example.com") {
		t.Errorf("an e-mail address is written: %s", got)
	}
}

func TestCallback_accountTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"atlassian", "app", "customer", "robot"} {
		c := updated()
		c.User.AccountType = typ
		got, err := jiraevent.Decode([]byte(body(t, c)))
		if err != nil || got.User.AccountType != typ {
			t.Errorf("accountType %q came back as %q, %v", typ, got.User.AccountType, err)
		}
	}
}

func TestWithMatched(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		ids  []int64
		want string
	}{
		{`{"a":1}`, []int64{1000, 1001}, `{"a":1,"matchedWebhookIds":[1000,1001]}`},
		{`{"a":1}`, nil, `{"a":1,"matchedWebhookIds":[]}`},
		{`{}`, []int64{7}, `{"matchedWebhookIds":[7]}`},
		{" { } \n", []int64{7}, `{ "matchedWebhookIds":[7]}`},
	} {
		in := []byte(tc.in)
		got, err := jiraevent.WithMatched(in, tc.ids)
		if err != nil || string(got) != tc.want || string(in) != tc.in {
			t.Errorf("WithMatched(%s) = %s, %v; want %s", tc.in, got, err, tc.want)
		}
	}
	for _, in := range []string{"", "[]", "}", "1"} {
		if _, err := jiraevent.WithMatched([]byte(in), nil); !errors.Is(err, payload.ErrDecode) {
			t.Errorf("WithMatched(%s) = %v, want ErrDecode", in, err)
		}
	}
}
