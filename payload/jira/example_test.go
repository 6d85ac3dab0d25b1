package jira_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/payload/jira"
)

func ExampleNew() {
	ev, err := jira.New("acme", jira.Callback{
		Timestamp: jira.At(time.UnixMilli(1525698237764)),
		Event:     "jira:issue_created",
		User:      &jira.User{AccountID: "99:27935d01", DisplayName: "Bryan", Active: true},
		Issue:     &jira.Issue{ID: "99291", Key: "EXA-1", Fields: map[string]any{"summary": "Need for speed"}},
	})
	fmt.Println(err)
	fmt.Println(ev.Type, ev.Vars["issue.key"])
	fmt.Println(string(ev.Body))
	// Output:
	// <nil>
	// jira:issue_created EXA-1
	// {"timestamp":1525698237764,"webhookEvent":"jira:issue_created","user":{"accountId":"99:27935d01","displayName":"Bryan","active":true},"issue":{"id":"99291","key":"EXA-1","fields":{"summary":"Need for speed"}}}
}

func ExampleDecode() {
	c, err := jira.Decode([]byte(`{"timestamp":"2011-06-07T10:31:26.805-0500","webhookEvent":"jira:issue_deleted","issue":{"key":"EXA-1"}}`))
	fmt.Println(err, c.Event, c.Issue.Key, c.Timestamp.UTC())
	_, err = jira.Decode([]byte(`{"webhookEvent":"issue_exploded"}`))
	fmt.Println(errors.Is(err, jira.ErrUnknownEvent))
	// Output:
	// <nil> jira:issue_deleted EXA-1 2011-06-07 15:31:26.805 +0000 UTC
	// true
}

func ExampleLookup() {
	info, _ := jira.Lookup("comment_created")
	fmt.Println(info.Family, info.JQL.Has(jira.Cloud2019), info.Variables)
	// Output: comment true [issue.id issue.key project.id project.key comment.id]
}

func ExampleEvents() {
	fmt.Println(jira.Events(jira.FamilyComment))
	fmt.Println(len(jira.EventsOf(jira.Cloud2019)), len(jira.EventsOf(jira.Current)))
	// Output:
	// [comment_created comment_updated comment_deleted]
	// 42 56
}

// The edition of 2019 differs from what Jira sends today.
func ExampleStyle() {
	c := jira.Callback{Timestamp: jira.At(time.UnixMilli(1525698237764).UTC()), Event: "sprint_started",
		Sprint: &jira.Sprint{ID: 8, Name: "S", State: "active", StartDate: jira.AgileTime{Time: time.UnixMilli(1525698237764).UTC()}}}
	today, err := jira.New("acme", c)
	fmt.Println(string(today.Body), err)
	c.Style = jira.Style{ISOTime: true, EventKey: true, Edition2019: true}
	old, err := jira.New("acme", c)
	fmt.Println(string(old.Body), err)
	// Output:
	// {"timestamp":1525698237764,"webhookEvent":"sprint_started","sprint":{"id":8,"state":"active","name":"S","startDate":"2018-05-07T13:03:57.764Z"}} <nil>
	// {"timestamp":"2018-05-07T13:03:57.764+0000","webhookEvent":"sprint_started","sprint":{"id":8,"state":"active","name":"S","startDate":"2018-05-07T13:03:57.764+0000"},"event":"sprint_started"} <nil>
}
