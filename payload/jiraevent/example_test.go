package jiraevent_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
)

func ExampleNew() {
	ev, err := jiraevent.New("acme", jiraevent.Callback{
		Timestamp: jiraevent.At(time.UnixMilli(1525698237764)),
		Event:     "jira:issue_created",
		User:      &jiraevent.User{AccountID: "99:27935d01", DisplayName: "Bryan", Active: true},
		Issue:     &jiraevent.Issue{ID: "99291", Key: "EXA-1", Fields: map[string]any{"summary": "Need for speed"}},
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
	c, err := jiraevent.Decode([]byte(`{"timestamp":"2011-06-07T10:31:26.805-0500","webhookEvent":"jira:issue_deleted","issue":{"key":"EXA-1"}}`))
	fmt.Println(err, c.Event, c.Issue.Key, c.Timestamp.UTC())
	_, err = jiraevent.Decode([]byte(`{"webhookEvent":"issue_exploded"}`))
	fmt.Println(errors.Is(err, jiraevent.ErrUnknownEvent))
	// Output:
	// <nil> jira:issue_deleted EXA-1 2011-06-07 15:31:26.805 +0000 UTC
	// true
}

func ExampleLookup() {
	info, _ := jiraevent.Lookup("comment_created")
	fmt.Println(info.Family, info.JQL.Has(jiraevent.Cloud2019), info.Variables)
	// Output: comment true [issue.id issue.key project.id project.key comment.id]
}

func ExampleEvents() {
	fmt.Println(jiraevent.Events(jiraevent.FamilyComment))
	fmt.Println(len(jiraevent.EventsOf(jiraevent.Cloud2019)), len(jiraevent.EventsOf(jiraevent.Current)))
	// Output:
	// [comment_created comment_updated comment_deleted]
	// 42 56
}

// The edition of 2019 differs from the current shape.
func ExampleStyle() {
	c := jiraevent.Callback{Timestamp: jiraevent.At(time.UnixMilli(1525698237764).UTC()), Event: "sprint_started",
		Sprint: &jiraevent.Sprint{ID: 8, Name: "S", State: "active", StartDate: jiraevent.AgileTime{Time: time.UnixMilli(1525698237764).UTC()}}}
	today, err := jiraevent.New("acme", c)
	fmt.Println(string(today.Body), err)
	c.Style = jiraevent.Style{ISOTime: true, EventKey: true, Edition2019: true}
	old, err := jiraevent.New("acme", c)
	fmt.Println(string(old.Body), err)
	// Output:
	// {"timestamp":1525698237764,"webhookEvent":"sprint_started","sprint":{"id":8,"state":"active","name":"S","startDate":"2018-05-07T13:03:57.764Z"}} <nil>
	// {"timestamp":"2018-05-07T13:03:57.764+0000","webhookEvent":"sprint_started","sprint":{"id":8,"state":"active","name":"S","startDate":"2018-05-07T13:03:57.764+0000"},"event":"sprint_started"} <nil>
}
