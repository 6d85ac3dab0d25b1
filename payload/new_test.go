package payload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

func TestNew_actionTypes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		in   []string
		want string
	}{
		{"nil is an empty array", nil, `"actionTypes":[],`},
		{"empty is an empty array", []string{}, `"actionTypes":[],`},
		{"the order is kept and unknown values pass", []string{"z", "addToGroups", "a", "z"}, `"actionTypes":["z","addToGroups","a","z"],`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, f := success(), failure()
			s.ActionTypes, f.ActionTypes = tc.in, tc.in
			for _, data := range []payload.Data{s, f} {
				if body := string(mustNew(t, data).Body); !strings.Contains(body, tc.want) {
					t.Errorf("%s lacks %s", body, tc.want)
				}
			}
		})
	}
}

func TestNew_noHTMLEscaping(t *testing.T) {
	t.Parallel()
	s := success()
	s.Name = "R&D <all> 'x'"
	s.DeepLink = "https://a.example/x?a=1&b=<2>"
	body := string(mustNew(t, s).Body)
	for _, want := range []string{`"name":"R&D <all> 'x'"`, `"deepLink":"https://a.example/x?a=1&b=<2>"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

func TestNew_textSurvivesRoundTrip(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"quotes and backslashes": `say "hi" \ / \u0041`,
		"newlines and controls":  "a\nb\r\tc\x00\x01\x1f\x7f",
		"unicode":                "Æ æ 日本語 😀 \ufffd \u2028\u2029",
		"markup":                 "<b>&amp;</b>",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := success()
			want.Name, want.ActionTypes = text, []string{text}
			got, err := payload.Decode(mustNew(t, want).Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(payload.Data(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNew_expiresAt(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("", 9*3600)
	at := time.Date(2026, time.May, 28, 3, 4, 5, 600_000_000, tokyo) // the 27th in UTC
	cases := []struct {
		name    string
		format  payload.ExpiryFormat
		written string
		decoded time.Time
	}{
		{"date by default, in UTC", payload.ExpiryDate, `"2026-05-27"`, time.Date(2026, time.May, 27, 0, 0, 0, 0, time.UTC)},
		{"RFC 3339 by option", payload.ExpiryRFC3339, `"2026-05-27T18:04:05.6Z"`, at.UTC()},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			k := expiry()
			k.ExpiresAt = at
			body := mustNew(t, k, payload.WithExpiryFormat(tc.format)).Body
			if !strings.Contains(string(body), `"expiresAt":`+tc.written+`,`) {
				t.Errorf("%s lacks %s", body, tc.written)
			}
			got, err := payload.Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			k.ExpiresAt = tc.decoded
			if diff := cmp.Diff(payload.Data(k), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if err := refused(t, expiry(), payload.WithExpiryFormat(2)); err.Field != "ExpiryFormat" {
		t.Errorf("Field = %q, want ExpiryFormat", err.Field)
	}
}

// refused is New for data that must be refused with an InvalidError.
func refused(t *testing.T, data payload.Data, opts ...payload.Option) *payload.InvalidError {
	t.Helper()
	ev, err := payload.New("acme", data, opts...)
	var bad *payload.InvalidError
	if !errors.Is(err, payload.ErrInvalid) || !errors.As(err, &bad) {
		t.Fatalf("New = %s, %v; want an InvalidError", ev.Body, err)
	}
	if ev.Body != nil {
		t.Errorf("New returned a body beside the error %v", err)
	}
	if !strings.HasPrefix(err.Error(), "payload: ") {
		t.Errorf("%q does not name the package", err)
	}
	return bad
}

func TestNew_refusesFields(t *testing.T) {
	t.Parallel()
	task := func(change func(*payload.TaskSuccess)) payload.Data {
		s := success()
		change(&s)
		return s
	}
	key := func(change func(*payload.OrgKeyExpiry)) payload.Data {
		k := expiry()
		change(&k)
		return k
	}
	cases := []struct {
		name  string
		data  payload.Data
		field string
	}{
		{"processId empty", task(func(s *payload.TaskSuccess) { s.ProcessID = "" }), "processId"},
		{"processId no UUID", task(func(s *payload.TaskSuccess) { s.ProcessID = "run-1" }), "processId"},
		{"processId UUID in braces", task(func(s *payload.TaskSuccess) { s.ProcessID = "{" + runID + "}" }), "processId"},
		{"processId misplaced hyphen", task(func(s *payload.TaskSuccess) { s.ProcessID = "007b5c6c0-078-4cf2-a9d9-3f8c02f74205" }), "processId"},
		{"processId not hexadecimal", task(func(s *payload.TaskSuccess) { s.ProcessID = "g07b5c6c-0078-4cf2-a9d9-3f8c02f74205" }), "processId"},
		{"name empty", task(func(s *payload.TaskSuccess) { s.Name = "" }), "name"},
		{"name not UTF-8", task(func(s *payload.TaskSuccess) { s.Name = "M\xfcller" }), "name"},
		{"action type not UTF-8", task(func(s *payload.TaskSuccess) { s.ActionTypes = []string{"a", "\xff"} }), "actionTypes[1]"},
		{"deepLink empty", task(func(s *payload.TaskSuccess) { s.DeepLink = "" }), "deepLink"},
		{"deepLink http", task(func(s *payload.TaskSuccess) { s.DeepLink = "http://a.example/canary" }), "deepLink"},
		{"deepLink relative", task(func(s *payload.TaskSuccess) { s.DeepLink = "/jira/canary" }), "deepLink"},
		{"deepLink without scheme", task(func(s *payload.TaskSuccess) { s.DeepLink = "//a.example/canary" }), "deepLink"},
		{"deepLink without host", task(func(s *payload.TaskSuccess) { s.DeepLink = "https:///canary" }), "deepLink"},
		{"deepLink with a port only", task(func(s *payload.TaskSuccess) { s.DeepLink = "https://:443/canary" }), "deepLink"},
		{"deepLink opaque", task(func(s *payload.TaskSuccess) { s.DeepLink = "https:canary" }), "deepLink"},
		{"deepLink with user", task(func(s *payload.TaskSuccess) { s.DeepLink = "https://canary@a.example/" }), "deepLink"},
		{"deepLink with control", task(func(s *payload.TaskSuccess) { s.DeepLink = "https://a.example/canary\n" }), "deepLink"},
		{"deepLink with bad escape", task(func(s *payload.TaskSuccess) { s.DeepLink = "https://a.example/canary%zz" }), "deepLink"},
		{"deepLink not UTF-8", task(func(s *payload.TaskSuccess) { s.DeepLink = "https://a.example/canary\xff" }), "deepLink"},
		{"taskFailure is judged alike", payload.TaskFailure{ProcessID: runID, Name: "n"}, "deepLink"},
		{"apiKeyId empty", key(func(k *payload.OrgKeyExpiry) { k.APIKeyID = "" }), "apiKeyId"},
		{"apiKeyId not UTF-8", key(func(k *payload.OrgKeyExpiry) { k.APIKeyID = "\xff" }), "apiKeyId"},
		{"key name empty", key(func(k *payload.OrgKeyExpiry) { k.Name = "" }), "name"},
		{"expiresAt zero", key(func(k *payload.OrgKeyExpiry) { k.ExpiresAt = time.Time{} }), "expiresAt"},
		{"expiresAt year of five digits", key(func(k *payload.OrgKeyExpiry) { k.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "expiresAt"},
		{"settingsUrl http", key(func(k *payload.OrgKeyExpiry) { k.SettingsURL = "http://a.example/canary" }), "settingsUrl"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := refused(t, tc.data)
			if err.Field != tc.field || err.Type != tc.data.EventType() {
				t.Errorf("refused %s of %s, want %s of %s", err.Field, err.Type, tc.field, tc.data.EventType())
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error prints a URL: %v", err)
			}
			if v := tc.data.(payload.Validator).Validate(); v == nil || v.Error() != err.Error() {
				t.Errorf("Validate = %v, New said %v", v, err)
			}
		})
	}
}
