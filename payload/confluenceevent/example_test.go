package confluenceevent_test

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
)

func ExampleNew() {
	ev, err := confluenceevent.New("acme", confluenceevent.Callback{
		Event:     "page_created",
		Timestamp: confluenceevent.At(time.UnixMilli(1426661049725)),
		User:      &confluenceevent.Actor{Name: "admin", Key: "ff80"},
		Page:      &confluenceevent.Content{ID: 98306, Title: "Notes", SpaceKey: "ds"},
	})
	fmt.Println(ev.Type, err)
	fmt.Println(string(ev.Body))
	// Output:
	// page_created <nil>
	// {"timestamp":1426661049725,"user":"admin","username":"admin","userKey":"ff80","page":{"id":98306,"title":"Notes","spaceKey":"ds"}}
}

func ExampleCallback_Named() {
	c := confluenceevent.Callback{
		Event:     "logout",
		Timestamp: confluenceevent.At(time.UnixMilli(1426661049725)),
		User:      &confluenceevent.Actor{Name: "admin"},
		Session:   &confluenceevent.Session{RemoteHost: "host.example.com", RemoteIP: "192.0.2.7"},
	}
	ev, err := payload.New("acme", c.Named("event"))
	fmt.Println(string(ev.Body), err)
	// Output: {"timestamp":1426661049725,"user":"admin","remoteHost":"host.example.com","remoteIP":"192.0.2.7","event":"logout"} <nil>
}

func ExampleEvents() {
	fmt.Println(confluenceevent.Events(confluenceevent.FamilySession))
	// Output: [login login_failed logout]
}
