package jiraevent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
)

// tree is JSON as maps, slices and numbers in their original form.
func tree(t testing.TB, text []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// rewritten is a body after Decode and AppendBody.
func rewritten(t testing.TB, text []byte) []byte {
	t.Helper()
	c, err := jiraevent.Decode(text)
	if err != nil {
		t.Fatalf("Decode(%s) = %v", text, err)
	}
	out, err := c.AppendBody(nil)
	if err != nil {
		t.Fatalf("AppendBody of %s: %v", text, err)
	}
	return out
}

// full makes a callback with all members of all entities.
func full() map[string]any {
	all := map[string]any{}
	for _, name := range jiraevent.Events() {
		text, _ := sample(name).AppendBody(nil)
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		_ = dec.Decode(&all)
	}
	all["mergedTo"] = all["version"]
	all["bulkOperationMetaData"] = map[string]any{"sendMail": true}
	all["matchedWebhookIds"] = []any{json.Number("1000"), json.Number("1001")}
	user := all["user"].(map[string]any)
	user["avatarUrls"] = map[string]any{"48x48": "https://a.example/48"}
	user["emailAddress"], user["self"] = "mia@example.com", "https://a.example/user"
	comment := all["comment"].(map[string]any)
	comment["jsdPublic"], comment["visibility"] = false, map[string]any{"type": "role", "value": "Administrators", "identifier": nil}
	item := all["changelog"].(map[string]any)["items"].([]any)[0].(map[string]any)
	item["tmpFromAccountId"], item["tmpToAccountId"] = nil, "5b10a2844c20165700ede21g"
	sprint := all["sprint"].(map[string]any)
	sprint["startDate"], sprint["endDate"], sprint["completeDate"] = "2026-05-27T09:30:00.123+10:00", "2026-06-10T09:30:00+0200", "2026-06-10T07:30:00.1234567Z"
	all["timestamp"], all["webhookEvent"] = json.Number("1525698237764"), "jira:issue_updated"
	return all
}

// spoiler changes bodies into other forms than the fields are written in.
type spoiler struct{ *rand.Rand }

func (r spoiler) value(depth int) any {
	switch r.IntN(9) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number([]string{"0", "-1", "1.50", "1e400", "12345678901234567890123"}[r.IntN(5)])
	case 3:
		return []string{"", "<&>", "\u2028", "a\"\\\n", "\ufffd", "😀"}[r.IntN(6)]
	case 4:
		return []any{}
	case 5:
		return map[string]any{}
	}
	if depth == 0 {
		return "text"
	}
	if r.IntN(2) == 0 {
		return []any{r.value(depth - 1), r.value(depth - 1)}
	}
	return map[string]any{"id": r.value(depth - 1), "More": r.value(depth - 1)}
}

// spoil changes an object and everything in it. Names that Decode needs stay.
func (r spoiler) spoil(o map[string]any, keep ...string) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		switch member := o[name].(type) {
		case map[string]any:
			r.spoil(member)
		case []any:
			for _, one := range member {
				if inner, ok := one.(map[string]any); ok {
					r.spoil(inner)
				}
			}
		case json.Number:
			if r.IntN(4) == 0 {
				o[name] = member.String()
			}
		case bool:
			if name == "active" && r.IntN(2) == 0 {
				o[name] = fmt.Sprint(member)
			}
		}
		if slices.Contains(keep, name) {
			continue
		}
		switch r.IntN(12) {
		case 0:
			delete(o, name)
		case 1:
			o[name] = nil
		case 2:
			o[strings.ToUpper(name[:1])+name[1:]] = r.value(2) // another case is another name
		}
	}
	for range r.IntN(3) {
		o[fmt.Sprintf("unknown %d <&>", r.IntN(5))] = r.value(3)
	}
}

// Rule: a decoded callback that is not changed is written again whole, with any members, at every
// depth of every entity.
func TestDecode_writtenAgainWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		o := full()
		spoiler{rand.New(rand.NewPCG(seed, 1))}.spoil(o, "webhookEvent")
		in, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		sent, written := tree(t, in), tree(t, rewritten(t, in))
		if reflect.DeepEqual(sent, written) {
			continue // much faster than a diff
		}
		if diff := cmp.Diff(sent, written); diff != "" {
			t.Fatalf("seed %d: (-sent +written):\n%s", seed, diff)
		}
	}
}

func TestDecode_writtenAgainWhole_cases(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"all there is":                        string(must(json.Marshal(full()))),
		"nothing but the name":                `{"webhookEvent":"jira:issue_updated"}`,
		"no timestamp":                        `{"webhookEvent":"user_deleted","user":{"name":"x"}}`,
		"timestamp null":                      `{"webhookEvent":"user_deleted","timestamp":null,"user":null}`,
		"timestamp with more than ms":         `{"webhookEvent":"user_deleted","timestamp":"2026-05-27T09:30:00.123456+0000"}`,
		"event beside webhookEvent":           `{"webhookEvent":"user_deleted","event":"user_deleted"}`,
		"event alone":                         `{"event":"user_deleted","timestamp":1}`,
		"event null":                          `{"webhookEvent":"user_deleted","event":null}`,
		"a changelog without items":           `{"webhookEvent":"jira:issue_created","changelog":{"id":"1","items":[]}}`,
		"a changelog without anything":        `{"webhookEvent":"jira:issue_created","changelog":{}}`,
		"items that are null":                 `{"webhookEvent":"jira:issue_created","changelog":{"id":1,"items":[null,{}]}}`,
		"a comment with jsdPublic":            `{"webhookEvent":"comment_created","comment":{"id":"1","body":"b","jsdPublic":true}}`,
		"a comment with visibility":           `{"webhookEvent":"comment_created","comment":{"id":"1","body":null,"visibility":{"type":"group","value":"x","new":[1]}}}`,
		"accounts of a change":                `{"webhookEvent":"jira:issue_updated","changelog":{"id":"1","items":[{"field":"assignee","fieldtype":"jira","fieldId":"assignee","from":null,"fromString":null,"to":"a","toString":"A","tmpFromAccountId":null,"tmpToAccountId":"a"}]}}`,
		"a sprint with Z":                     `{"webhookEvent":"sprint_started","sprint":{"id":1,"startDate":"2026-05-27T09:30:00.000Z","completeDate":""}}`,
		"a sprint with an offset":             `{"webhookEvent":"sprint_started","sprint":{"id":1,"startDate":"2026-05-27T09:30:00.000+10:00"}}`,
		"a sprint with an offset, no colon":   `{"webhookEvent":"sprint_started","sprint":{"id":1,"startDate":"2026-05-27T09:30:00.000+1000"}}`,
		"a sprint without milliseconds":       `{"webhookEvent":"sprint_started","sprint":{"id":"1","startDate":"2026-05-27T09:30:00Z"}}`,
		"slips of the documentation":          `{"webhookEvent":"user_created","user":{"accoundId":"a","active":"true"}}`,
		"active that is neither":              `{"webhookEvent":"user_created","user":{"accountId":"a","active":1}}`,
		"an address of a server":              `{"webhookEvent":"user_created","user":{"name":"a","emailAddress":"a@example.com","active":true}}`,
		"an avatar that is null":              `{"webhookEvent":"user_created","user":{"avatarUrls":{"16x16":null}}}`,
		"no matched webhooks":                 `{"webhookEvent":"jira:issue_created","matchedWebhookIds":[]}`,
		"numbers stay as they are":            `{"webhookEvent":"jira:issue_created","issue":{"id":"1","fields":{"customfield_1":1.50,"customfield_2":12345678901234567890}}}`,
		"names of another case stay":          `{"webhookEvent":"jira:issue_created","issue":{"Id":"2","KEY":"A-1","Fields":{}}}`,
		"a name that comes twice, last of it": `{"webhookEvent":"jira:issue_created","timestamp":"1","timestamp":2}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := rewritten(t, []byte(in))
			if diff := cmp.Diff(tree(t, []byte(in)), tree(t, out)); diff != "" {
				t.Errorf("(-sent +written):\n%s", diff)
			}
			if again := rewritten(t, out); string(again) != string(out) {
				t.Errorf("the second time it is\n%s, the first time\n%s", again, out)
			}
		})
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// Rule: a changed field is written in the way of this package, and the members around it in their
// original form.
func TestDecode_changedFields(t *testing.T) {
	t.Parallel()
	c, err := jiraevent.Decode([]byte(`{"webhookEvent":"sprint_updated","timestamp":"1525698237764","sprint":{"id":"7","goal":null,"startDate":"2026-05-27T09:30:00+0000","endDate":"2026-06-27T09:30:00+0000","board":5},"user":{"active":"true"}}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Timestamp = moment
	c.Timestamp.Time = c.Timestamp.Add(1e9)
	c.Sprint.Goal = "Ship it"
	c.Sprint.StartDate.Time = c.Sprint.StartDate.AddDate(0, 0, 1)
	c.Sprint.More["board"] = 6
	c.User.Active = false
	c.User.DisplayName = "Bryan"
	got, err := c.AppendBody(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"timestamp":1525698238764,"webhookEvent":"sprint_updated","user":{"displayName":"Bryan","active":false},` +
		`"sprint":{"id":"7","goal":"Ship it","startDate":"2026-05-28T09:30:00.000Z","endDate":"2026-06-27T09:30:00+0000","board":6}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.Sprint.Sent = jiraevent.Sent{}
	got, err = c.AppendBody(nil)
	if err != nil || !strings.Contains(string(got), `"sprint":{"id":7,"state":"","name":"","goal":"Ship it","startDate":"2026-05-28T09:30:00.000Z","endDate":"2026-06-27T09:30:00.000Z","board":6}`) {
		t.Errorf("without Sent: %s, %v", got, err)
	}
}
