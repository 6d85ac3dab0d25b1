package payload_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

var update = flag.Bool("update", false, "rewrite the golden files and the OpenAPI document")

const (
	runID    = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
	link     = "https://your-site.atlassian.net/jira/settings/apps/a1/i1/automatedTasks?taskId=t1&processId=" + runID
	settings = "https://your-site.atlassian.net/jira/settings/apps/a1/i1/notifications"
)

func success() payload.TaskSuccess {
	return payload.TaskSuccess{
		ProcessID:   runID,
		Name:        "Deactivate Inactive User",
		ActionTypes: []string{"addToGroups", "removeAppAccess"},
		DeepLink:    link,
	}
}

func failure() payload.TaskFailure { return payload.TaskFailure(success()) }

func expiry() payload.OrgKeyExpiry {
	return payload.OrgKeyExpiry{
		APIKeyID:    "key-7",
		Name:        "Provisioning",
		ExpiresAt:   time.Date(2026, time.May, 27, 15, 4, 5, 0, time.UTC),
		SettingsURL: settings,
	}
}

// mustNew is New for data that must be accepted.
func mustNew(t testing.TB, data payload.Data, opts ...payload.Option) payload.Event {
	t.Helper()
	ev, err := payload.New("acme", data, opts...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return ev
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestNew_goldenBodies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		file string
		data payload.Data
		opts []payload.Option
	}{
		{"taskSuccess.json", success(), nil},
		{"taskFailure.json", failure(), nil},
		{"orgKeyExpiry.json", expiry(), nil},
		{"orgKeyExpiry_rfc3339.json", expiry(), []payload.Option{payload.WithExpiryFormat(payload.ExpiryRFC3339)}},
	}
	for _, tc := range cases {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			golden(t, tc.file, mustNew(t, tc.data, tc.opts...).Body)
		})
	}
}

// The three bodies in full, so that -update cannot change them unseen.
func TestNew_bodies(t *testing.T) {
	t.Parallel()
	const task = `","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205","name":"Deactivate Inactive User",` +
		`"actionTypes":["addToGroups","removeAppAccess"],` +
		`"deepLink":"https://your-site.atlassian.net/jira/settings/apps/a1/i1/automatedTasks?taskId=t1&processId=007b5c6c-0078-4cf2-a9d9-3f8c02f74205"}`
	key := expiry()
	cases := []struct {
		name string
		data payload.Data
		want string
	}{
		{"taskSuccess has five keys in order, compact, no newline", success(), `{"trigger":"taskSuccess` + task},
		{"taskFailure differs in the trigger only", failure(), `{"trigger":"taskFailure` + task},
		{"orgKeyExpiry has five keys in order", key, `{"trigger":"orgKeyExpiry","apiKeyId":"key-7","name":"Provisioning","expiresAt":"2026-05-27","settingsUrl":"` + settings + `"}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ev := mustNew(t, tc.data)
			if diff := cmp.Diff(tc.want, string(ev.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if ev.Type != tc.data.EventType() {
				t.Errorf("Type = %q, want %q", ev.Type, tc.data.EventType())
			}
			if bytes.Contains(ev.Body, []byte(`"data":`)) || bytes.Contains(ev.Body, []byte(`"issues":`)) || bytes.Contains(ev.Body, []byte(`"counts":`)) {
				t.Errorf("the body has a key data, issues or counts: %s", ev.Body)
			}
		})
	}
}

// Every type encodes by pointer like by value; encoding/json would lose the trigger.
func TestNew_pointers(t *testing.T) {
	t.Parallel()
	for trigger, typ := range schemaTypes() {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			value, _ := payload.Sample(trigger)
			pointer := reflect.New(typ)
			pointer.Elem().Set(reflect.ValueOf(value))
			got, want := mustNew(t, pointer.Interface().(payload.Data)), mustNew(t, value)
			if diff := cmp.Diff(string(want.Body), string(got.Body)); diff != "" {
				t.Errorf("(-value +pointer):\n%s", diff)
			}
			if _, err := payload.New("acme", reflect.Zero(reflect.PointerTo(typ)).Interface().(payload.Data)); !errors.Is(err, payload.ErrInvalid) {
				t.Errorf("a nil pointer: New = %v, want ErrInvalid", err)
			}
		})
	}
}
