package payload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
)

func ExampleNew() {
	ev, err := payload.New("acme", payload.TaskSuccess{
		ProcessID:   "007b5c6c-0078-4cf2-a9d9-3f8c02f74205",
		Name:        "Joiners & leavers",
		ActionTypes: []string{"addToGroups", "removeAppAccess"},
		DeepLink:    "https://your-site.atlassian.net/jira/settings/apps/a1/i1/automatedTasks",
	}, payload.WithID("007b5c6c-0078-4cf2-a9d9-3f8c02f74205"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ev.ID, ev.Scope, ev.Type)
	fmt.Println(string(ev.Body))
	// Output:
	// 007b5c6c-0078-4cf2-a9d9-3f8c02f74205 acme taskSuccess
	// {"trigger":"taskSuccess","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205","name":"Joiners & leavers","actionTypes":["addToGroups","removeAppAccess"],"deepLink":"https://your-site.atlassian.net/jira/settings/apps/a1/i1/automatedTasks"}
}

func ExampleNew_invalid() {
	_, err := payload.New("acme", payload.TaskFailure{ProcessID: "42", Name: "Leavers"})
	var bad *payload.InvalidError
	if errors.As(err, &bad) {
		fmt.Println(bad.Type, bad.Field)
	}
	// Output: taskFailure processId
}

// Invoice is a type of the host's own.
type Invoice struct {
	Number string `json:"number"`
	Cents  int    `json:"cents"`
}

func (Invoice) EventType() string { return "invoice.paid" }

func ExampleNew_ownType() {
	ev, err := payload.New("acme", Invoice{Number: "2026-17", Cents: 4200})
	fmt.Println(ev.Type, string(ev.Body), err)
	// Output: invoice.paid {"number":"2026-17","cents":4200} <nil>
}

// A host declares its types once. Handler serves them to its receivers.
func ExampleCatalogue() {
	own := payload.Define[Invoice](payload.Type{Title: "Invoice paid", Description: "When the money has arrived.",
		Example: Invoice{Number: "2026-17", Cents: 4200}})
	catalogue, err := payload.NewCatalogue(append(payload.Builtin(), own)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range catalogue.Types() {
		fmt.Println(t.Name+":", t.Title)
	}
	ev, err := payload.New("acme", Invoice{Number: "2026-18", Cents: 100}, payload.WithEnvelope())
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := catalogue.Decode(ev.Body)
	fmt.Printf("%#v %v\n", data, err)
	// Output:
	// taskSuccess: Automated task succeeded
	// taskFailure: Automated task failed
	// orgKeyExpiry: API key expiring soon
	// invoice.paid: Invoice paid
	// payload_test.Invoice{Number:"2026-18", Cents:100} <nil>
}

func ExampleWithEnvelope() {
	ev, err := payload.New("acme", Invoice{Number: "2026-17", Cents: 4200}, payload.WithEnvelope(), payload.WithID("evt_1"),
		payload.WithTime(time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC)))
	fmt.Println(string(ev.Body), err)
	// Output: {"id":"evt_1","type":"invoice.paid","timestamp":"2026-05-27T09:30:00.000Z","data":{"number":"2026-17","cents":4200}} <nil>
}

func ExampleDecode() {
	for _, body := range []string{
		`{"trigger":"orgKeyExpiry","apiKeyId":"key-7","name":"Provisioning","expiresAt":"2026-05-27","settingsUrl":"https://your-site.atlassian.net/settings"}`,
		`{"trigger":"userInvited"}`,
	} {
		data, err := payload.Decode([]byte(body))
		var unknown *payload.UnknownTriggerError
		switch {
		case errors.As(err, &unknown):
			fmt.Println("not for us:", unknown.Trigger)
		case err != nil:
			fmt.Println(err)
		}
		if key, ok := data.(payload.OrgKeyExpiry); ok {
			fmt.Println(key.Name, "expires", key.ExpiresAt)
		}
	}
	// Output:
	// Provisioning expires 2026-05-27 00:00:00 +0000 UTC
	// not for us: userInvited
}

func ExampleTaskEnded() {
	run := payload.Run{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Leavers"}
	fmt.Println(payload.TaskEnded(run, nil).EventType())
	fmt.Println(payload.TaskEnded(run, errors.New("directory unreachable")).EventType())
	// Output:
	// taskSuccess
	// taskFailure
}

func ExampleDeepLink() {
	link, err := payload.DeepLink(payload.TaskLink{
		Site:       "https://your-site.atlassian.net",
		AppID:      "app 1",
		InstanceID: "instance-1",
		TaskID:     "task-1",
		ProcessID:  "007b5c6c-0078-4cf2-a9d9-3f8c02f74205",
	})
	fmt.Println(link, err)
	// Output: https://your-site.atlassian.net/jira/settings/apps/app%201/instance-1/automatedTasks?taskId=task-1&processId=007b5c6c-0078-4cf2-a9d9-3f8c02f74205 <nil>
}

func ExampleSchema() {
	b, ok := payload.Schema("taskFailure")
	if !ok {
		return
	}
	var schema struct {
		Title    string
		Required []string
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		fmt.Println(err)
	}
	fmt.Println(schema.Title, schema.Required)
	// Output: taskFailure [trigger processId name actionTypes deepLink]
}
