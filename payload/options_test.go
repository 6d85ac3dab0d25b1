package payload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

func TestNew_anyProcessID(t *testing.T) {
	t.Parallel()
	s := success()
	s.ProcessID = "run/2026 #1"
	if body := string(mustNew(t, s, payload.WithAnyProcessID()).Body); !strings.Contains(body, `"processId":"run/2026 #1"`) {
		t.Errorf("processId was not kept: %s", body)
	}
	s.ProcessID = ""
	if err := refused(t, s, payload.WithAnyProcessID()); err.Field != "processId" {
		t.Errorf("Field = %q, want processId", err.Field)
	}
	s.ProcessID = strings.ToUpper(runID)
	mustNew(t, s)
}

func TestNew_scope(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]string{
		"empty": "", "not UTF-8": "a\xff", "NUL": "a\x00", "newline": "a\n", "DEL": "a\x7f", "too long": strings.Repeat("s", 256),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := payload.New(scope, success())
			var bad *payload.InvalidError
			if !errors.As(err, &bad) || bad.Field != "scope" {
				t.Errorf("New = %v, want an InvalidError for scope", err)
			}
		})
	}
	for _, scope := range []string{"a", "Æ tenant/1", strings.Repeat("s", 255)} {
		ev, err := payload.New(scope, success())
		if err != nil || ev.Scope != scope {
			t.Errorf("New(%q) = scope %q, %v", scope, ev.Scope, err)
		}
	}
}

func TestNew_id(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", runID, "key:acme/7+x=~@_", strings.Repeat("i", 255)} {
		if ev := mustNew(t, success(), payload.WithID(id)); ev.ID != id {
			t.Errorf("ID = %q, want %q", ev.ID, id)
		}
	}
	for _, id := range []string{"", "a.b", "a b", "a\r\nb", "ä", "a,b", `a"b`, "a\x00", strings.Repeat("i", 256)} {
		if err := refused(t, success(), payload.WithID(id)); err.Field != "ID" {
			t.Errorf("WithID(%q): refused %s, want ID", id, err.Field)
		}
	}
}

func TestNew_generatedID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := ""
		for range 1000 {
			id := mustNew(t, success()).ID
			if id <= last {
				t.Fatalf("%s is not above %s", id, last)
			}
			last = id
			if len(id) != 36 || id[14] != '7' || !strings.Contains("89ab", id[19:20]) {
				t.Fatalf("%s is no UUID of version 7", id)
			}
			mustNew(t, success(), payload.WithID(id)) // valid for an ID
			time.Sleep(time.Millisecond)
		}
	})
}

func TestNew_time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := time.Now().UTC().Round(0)
		if got := mustNew(t, success()).Time; got != want {
			t.Errorf("Time = %v, want %v", got, want)
		}
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	if got := mustNew(t, success(), payload.WithTime(at)).Time; got != at.UTC() {
		t.Errorf("Time = %v, want %v", got, at.UTC())
	}
	for _, at := range []time.Time{{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if err := refused(t, success(), payload.WithTime(at)); err.Field != "Time" {
			t.Errorf("WithTime(%v): refused %s, want Time", at, err.Field)
		}
	}
}

func TestNew_vars(t *testing.T) {
	t.Parallel()
	in := map[string]string{"issue.key": "EXA-1", "empty": ""}
	ev := mustNew(t, success(), payload.WithVars(in))
	in["issue.key"] = "changed"
	if diff := cmp.Diff(map[string]string{"issue.key": "EXA-1", "empty": ""}, ev.Vars); diff != "" {
		t.Errorf("Vars (-want +got):\n%s", diff)
	}
	many := map[string]string{}
	for i := range 65 {
		many[strings.Repeat("v", i+1)] = ""
	}
	for name, vars := range map[string]map[string]string{
		"too many": many, "empty name": {"": "x"}, "long name": {strings.Repeat("n", 129): ""}, "name not UTF-8": {"\xff": ""},
		"long value": {"a": strings.Repeat("v", 2049)}, "value not UTF-8": {"a": "\xff"},
	} {
		if err := refused(t, success(), payload.WithVars(vars)); err.Field != "Vars" {
			t.Errorf("%s: refused %s, want Vars", name, err.Field)
		}
	}
}

func TestNew_subject(t *testing.T) {
	t.Parallel()
	issue := &struct{ Key string }{"EXA-1"}
	ev := mustNew(t, success(), payload.WithSubject(issue))
	if ev.Subject() != any(issue) {
		t.Errorf("Subject = %v, want %v", ev.Subject(), issue)
	}
	if s := mustNew(t, success()).Subject(); s != nil {
		t.Errorf("Subject = %v, want nil", s)
	}
	stored, err := json.Marshal(ev)
	if err != nil || strings.Contains(string(stored), "EXA-1") {
		t.Errorf("the subject leaves memory: %s, %v", stored, err)
	}
}

func TestNew_sizeLimit(t *testing.T) {
	t.Parallel()
	size := len(mustNew(t, success()).Body)
	mustNew(t, success(), payload.WithMaxBody(size))

	_, err := payload.New("acme", success(), payload.WithMaxBody(size-1))
	var large *payload.TooLargeError
	if !errors.Is(err, payload.ErrTooLarge) || !errors.As(err, &large) {
		t.Fatalf("New = %v, want a TooLargeError", err)
	}
	if want := fmt.Sprintf("payload: taskSuccess: the body has %d bytes, the limit is %d; send less or raise WithMaxBody", size, size-1); err.Error() != want {
		t.Errorf("text = %q, want %q", err, want)
	}
	if diff := cmp.Diff(payload.TooLargeError{Type: "taskSuccess", Size: size, Limit: size - 1}, *large); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	s := success()
	s.Name = strings.Repeat("n", payload.DefaultMaxBody)
	if _, err := payload.New("acme", s); !errors.Is(err, payload.ErrTooLarge) {
		t.Errorf("by default New = %v, want ErrTooLarge", err)
	}
	for _, n := range []int{0, -1} {
		if err := refused(t, success(), payload.WithMaxBody(n)); err.Field != "MaxBody" {
			t.Errorf("WithMaxBody(%d): refused %s, want MaxBody", n, err.Field)
		}
	}
}

func TestNew_nilArguments(t *testing.T) {
	t.Parallel()
	refused(t, nil)
	refused(t, (*payload.TaskSuccess)(nil))
	refused(t, success(), nil)
}

// An append to one event's body must not write into another's.
func TestNew_bodyHasNoSpareCapacity(t *testing.T) {
	t.Parallel()
	for _, data := range []payload.Data{success(), failure(), expiry()} {
		if b := mustNew(t, data).Body; cap(b) != len(b) {
			t.Errorf("%s: cap %d, len %d", data.EventType(), cap(b), len(b))
		}
	}
}

func TestNew_key(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"10001", "issue 10001 ä", strings.Repeat("k", 255)} {
		if ev := mustNew(t, success(), payload.WithKey(key)); ev.Key != key {
			t.Errorf("Key = %q, want %q", ev.Key, key)
		}
	}
	for _, key := range []string{"", "a\n", "a\x00", "a\x7f", "a\xff", strings.Repeat("k", 256)} {
		if err := refused(t, success(), payload.WithKey(key)); err.Field != "Key" {
			t.Errorf("WithKey(%q): refused %s, want Key", key, err.Field)
		}
	}
	if ev := mustNew(t, success()); ev.Key != "" || !ev.ExpiresAt.IsZero() {
		t.Errorf("an event has key %q and ends at %v, want neither", ev.Key, ev.ExpiresAt)
	}
}

func TestNew_ttl(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, opts := range [][]payload.Option{{payload.WithTime(at), payload.WithTTL(time.Hour)}, {payload.WithTTL(time.Hour), payload.WithTime(at)}} {
		if ev := mustNew(t, success(), opts...); !ev.ExpiresAt.Equal(at.Add(time.Hour)) {
			t.Errorf("ExpiresAt = %v, want an hour after %v", ev.ExpiresAt, at)
		}
	}
	late := payload.WithTime(time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC))
	for _, opts := range [][]payload.Option{{payload.WithTTL(0)}, {payload.WithTTL(-time.Second)}, {payload.WithTTL(time.Second - 1)}, {late, payload.WithTTL(2 * time.Hour)}} {
		if err := refused(t, success(), opts...); err.Field != "TTL" {
			t.Errorf("refused %s, want TTL", err.Field)
		}
	}
}
