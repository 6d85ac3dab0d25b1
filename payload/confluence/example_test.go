package confluence_test

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluence"
)

func ExampleNew() {
	ev, err := confluence.New("acme", confluence.Callback{
		Event:     "page_created",
		Timestamp: confluence.At(time.UnixMilli(1426661049725)),
		User:      &confluence.Actor{Name: "admin", Key: "ff80"},
		Page:      &confluence.Content{ID: 98306, Title: "Notes", SpaceKey: "ds"},
	})
	fmt.Println(ev.Type, err)
	fmt.Println(string(ev.Body))
	// Output:
	// page_created <nil>
	// {"timestamp":1426661049725,"user":"admin","username":"admin","userKey":"ff80","page":{"id":98306,"title":"Notes","spaceKey":"ds"}}
}

func ExampleCallback_Named() {
	c := confluence.Callback{
		Event:     "logout",
		Timestamp: confluence.At(time.UnixMilli(1426661049725)),
		User:      &confluence.Actor{Name: "admin"},
		Session:   &confluence.Session{RemoteHost: "host.example.com", RemoteIP: "192.0.2.7"},
	}
	ev, err := payload.New("acme", c.Named("event"))
	fmt.Println(string(ev.Body), err)
	// Output: {"timestamp":1426661049725,"user":"admin","remoteHost":"host.example.com","remoteIP":"192.0.2.7","event":"logout"} <nil>
}

func ExampleEvents() {
	fmt.Println(confluence.Events(confluence.FamilySession))
	// Output: [login login_failed logout]
}
