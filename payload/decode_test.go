package payload_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// object builds a body from members, so that a case can drop or repeat one.
func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

const (
	mTrigger = `"trigger":"taskSuccess"`
	mProcess = `"processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205"`
	mName    = `"name":"Deactivate Inactive User"`
	mActions = `"actionTypes":["addToGroups","removeAppAccess"]`
	mLink    = `"deepLink":"` + link + `"`
)

func key(expiresAt string) string {
	return object(`"trigger":"orgKeyExpiry"`, `"apiKeyId":"key-7"`, `"name":"Provisioning"`, `"expiresAt":`+expiresAt, `"settingsUrl":"`+settings+`"`)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	at := func(k payload.OrgKeyExpiry, t time.Time) payload.OrgKeyExpiry { k.ExpiresAt = t; return k }
	date := time.Date(2026, time.May, 27, 0, 0, 0, 0, time.UTC)
	loose := success()
	loose.ProcessID, loose.Name, loose.ActionTypes, loose.DeepLink = "run 1", "", []string{}, "/relative"
	paired := success()
	paired.Name = `😀 \ud800`
	cases := []struct {
		name string
		body string
		want payload.Data
	}{
		{"taskSuccess", object(mTrigger, mProcess, mName, mActions, mLink), success()},
		{"taskFailure", object(`"trigger":"taskFailure"`, mProcess, mName, mActions, mLink), failure()},
		{"any order of keys", object(mLink, mActions, mName, mTrigger, mProcess), success()},
		{"white space around everything", " \n{ " + strings.Join([]string{mTrigger, mProcess, mName, `"actionTypes" : [ "addToGroups" , "removeAppAccess" ]`, mLink}, " ,\r\n\t") + " }\n", success()},
		{"unknown keys, nested and repeated", object(mTrigger, `"new":{"a":[1,{"name":"no"}]}`, mProcess, mName, mActions, mLink, `"new":null`), success()},
		{"keys of another case are unknown", object(mTrigger, `"Trigger":"taskFailure"`, `"NAME":1`, mProcess, mName, mActions, mLink), success()},
		{"escaped key", object(`"tr\u0069gger":"taskSuccess"`, mProcess, mName, mActions, mLink), success()},
		{"unknown key with half a surrogate", object(mTrigger, `"\ud800":1`, mProcess, mName, mActions, mLink), success()},
		{"values are not judged", object(mTrigger, `"processId":"run 1"`, `"name":""`, `"actionTypes":[]`, `"deepLink":"/relative"`), loose},
		{"surrogate pairs, escaped backslashes", object(mTrigger, mProcess, `"name":"\ud83d\uDE00 \\ud800"`, mActions, mLink), paired},
		{"expiresAt as a date", key(`"2026-05-27"`), at(expiry(), date)},
		{"expiresAt as RFC 3339", key(`"2026-05-27T17:04:05.5+02:00"`), at(expiry(), time.Date(2026, 5, 27, 15, 4, 5, 500_000_000, time.UTC))},
		{"nesting of 64", object(mTrigger, `"deep":`+nest(63), mProcess, mName, mActions, mLink), success()},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := payload.Decode([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func nest(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestDecode_refuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		body  string
		field string
	}{
		{"nothing", "", ""},
		{"white space", " \n", ""},
		{"null", "null", ""},
		{"array", "[]", ""},
		{"string", `"taskSuccess"`, ""},
		{"cut off", `{"trigger":"taskSuccess"`, ""},
		{"trailing bytes", object(mTrigger, mProcess, mName, mActions, mLink) + "x", ""},
		{"trailing object", object(mTrigger, mProcess, mName, mActions, mLink) + "{}", ""},
		{"byte order mark", "\ufeff" + object(mTrigger, mProcess, mName, mActions, mLink), ""},
		{"invalid UTF-8 in a value", object(mTrigger, mProcess, "\"name\":\"\xff\"", mActions, mLink), ""},
		{"invalid UTF-8 in an unknown key", object(mTrigger, mProcess, mName, mActions, mLink, "\"\xff\":1"), ""},
		{"nesting of 65", object(mTrigger, `"deep":`+nest(64), mProcess, mName, mActions, mLink), ""},
		{"very deep nesting", nest(1_000_000), ""},
		{"empty object", "{}", "trigger"},
		{"trigger null", `{"trigger":null}`, "trigger"},
		{"trigger in another case", object(`"Trigger":"taskSuccess"`, mProcess, mName, mActions, mLink), "trigger"},
		{"trigger twice", object(mTrigger, mTrigger, mProcess, mName, mActions, mLink), "trigger"},
		{"trigger twice, once escaped", object(mTrigger, `"tr\u0069gger":"taskSuccess"`, mProcess, mName, mActions, mLink), "trigger"},
		{"trigger with half a surrogate", `{"trigger":"\udc00"}`, "trigger"},
		{"processId missing", object(mTrigger, mName, mActions, mLink), "processId"},
		{"processId a number", object(mTrigger, `"processId":7`, mName, mActions, mLink), "processId"},
		{"name twice", object(mTrigger, mProcess, mName, mName, mActions, mLink), "name"},
		{"name null", object(mTrigger, mProcess, `"name":null`, mActions, mLink), "name"},
		{"name ends in half a surrogate", object(mTrigger, mProcess, `"name":"canary\ud83d"`, mActions, mLink), "name"},
		{"name with a high half before text", object(mTrigger, mProcess, `"name":"\uD83Dcanary"`, mActions, mLink), "name"},
		{"name with two high halves", object(mTrigger, mProcess, `"name":"\ud83d\ud83d"`, mActions, mLink), "name"},
		{"actionTypes missing", object(mTrigger, mProcess, mName, mLink), "actionTypes"},
		{"actionTypes null", object(mTrigger, mProcess, mName, `"actionTypes":null`, mLink), "actionTypes"},
		{"actionTypes a string", object(mTrigger, mProcess, mName, `"actionTypes":"canary"`, mLink), "actionTypes"},
		{"an action null", object(mTrigger, mProcess, mName, `"actionTypes":["a",null]`, mLink), "actionTypes[1]"},
		{"an action with half a surrogate", object(mTrigger, mProcess, mName, `"actionTypes":["\ud800"]`, mLink), "actionTypes[0]"},
		{"deepLink missing", object(mTrigger, mProcess, mName, mActions), "deepLink"},
		{"expiresAt a number", key(`1780000000`), "expiresAt"},
		{"expiresAt empty", key(`""`), "expiresAt"},
		{"expiresAt words", key(`"canary"`), "expiresAt"},
		{"expiresAt no such day", key(`"2026-02-30"`), "expiresAt"},
		{"expiresAt without a zone", key(`"2026-05-27T15:04:05"`), "expiresAt"},
		{"expiresAt year 0", key(`"0000-01-01"`), "expiresAt"},
		{"expiresAt in UTC past year 9999", key(`"9999-12-31T23:59:59-01:00"`), "expiresAt"},
		{"settingsUrl missing", `{"trigger":"orgKeyExpiry","apiKeyId":"k","name":"n","expiresAt":"2026-05-27"}`, "settingsUrl"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			data, err := payload.Decode([]byte(tc.body))
			var bad *payload.DecodeError
			if data != nil || !errors.Is(err, payload.ErrDecode) || !errors.As(err, &bad) {
				t.Fatalf("Decode = %v, %v; want a DecodeError", data, err)
			}
			if bad.Field != tc.field || bad.Reason == "" {
				t.Errorf("Field %q, Reason %q; want field %q and a reason", bad.Field, bad.Reason, tc.field)
			}
			if string(bad.Body) != tc.body {
				t.Errorf("the error keeps %d other bytes", len(bad.Body))
			}
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "canary") || !strings.HasPrefix(text, "payload: ") {
				t.Errorf("text of the error: %s", text)
			}
		})
	}
}

func TestDecode_unknownTrigger(t *testing.T) {
	t.Parallel()
	for _, trigger := range []string{"canaryTrigger", "TaskSuccess", "", "syncFailed"} {
		body := []byte(object(`"trigger":"`+trigger+`"`, `"x":"canary"`))
		data, err := payload.Decode(body)
		var unknown *payload.UnknownTriggerError
		if data != nil || !errors.Is(err, payload.ErrUnknownTrigger) || !errors.As(err, &unknown) {
			t.Fatalf("Decode = %v, %v; want an UnknownTriggerError", data, err)
		}
		want := payload.UnknownTriggerError{Trigger: trigger, Body: []byte(string(body))}
		clear(body) // a receiver may reuse its buffer
		if diff := cmp.Diff(want, *unknown); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
			t.Errorf("the error prints what was sent: %v", err)
		}
	}
}

// Rule: a body of the host's own Data has no trigger, and the error says how to read it.
func TestDecode_ownDataHasNoTrigger(t *testing.T) {
	t.Parallel()
	ev := mustNew(t, plain{Type: "invoice.paid", Name: "canary"})
	data, err := payload.Decode(ev.Body)
	var bad *payload.DecodeError
	if data != nil || !errors.As(err, &bad) || bad.Field != "trigger" || string(bad.Body) != string(ev.Body) {
		t.Fatalf("Decode = %v, %v; want a DecodeError for trigger", data, err)
	}
	for _, want := range []string{"trigger is missing", "Triggers", "Catalogue"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error prints what was sent: %v", err)
	}
}
