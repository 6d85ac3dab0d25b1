package webhook_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

var updateJSON = flag.Bool("update-json", false, "rewrite the golden files of testdata/json")

// jsonValues are complete: every field that JSON shows is set.
func jsonValues() map[string]any {
	at := time.Date(2026, 5, 27, 9, 30, 0, 123_456_000, time.UTC)
	d := webhook.Delivery{ID: "dlv_1", EventID: "e1", WebhookID: "whk_1", Scope: "acme", Type: "taskSuccess", Class: "secondary",
		Body: []byte(`{"a":1}`), Vars: map[string]string{"issue.key": "EX-1"}, Carry: map[string]string{"traceparent": "00-1"},
		State: webhook.StateFailed, Tries: 2, Attempts: 3, Interrupted: 1, Lease: 3, Held: true, Due: at, FirstFailure: at, CreatedAt: at, QueuedAt: at,
		FinishedAt: at, LastCode: webhook.CodeBlockedAddress, Exhausted: true, Key: "10001", Sequence: 7, ExpiresAt: at, Superseded: true}
	return map[string]any{
		"delivery": d,
		"attempt": webhook.Attempt{Number: 2, Status: 503, Code: webhook.CodeStatus, Detail: webhook.DetailReset, Start: at,
			Duration: 1500 * time.Millisecond, RetryAfter: time.Minute, Snippet: "busy",
			Header: []webhook.HeaderField{{Name: "Content-Type", Value: "text/html"}, {Name: "Server", Value: "nginx"}}},
		"webhook": webhook.Webhook{ID: "whk_1", Scope: "acme", Group: "g", Name: "Ops", URL: "https://hooks.example.com/canary-path?k=canary-query",
			Secrets: []webhook.Secret{webhook.NewSecret("canary-secret")}, Events: []string{"task.*"}, Filter: "project = EX", Notes: "n",
			Headers: map[string]string{"X-Key": "canary-header"}, Auth: webhook.Auth{Scheme: webhook.AuthOAuth, Username: "canary-user", Secret: webhook.NewSecret("canary-password"),
				OAuth: webhook.OAuth{TokenURL: "https://login.example.com/canary-token", ClientID: "canary-client", Scopes: []string{"read"}, Audience: "orders",
					Resource: "https://orders.example.com/canary-resource", ClientAuth: webhook.ClientPost}},
			TLS:     webhook.ClientTLS{Certificate: "-----BEGIN CERTIFICATE-----", Key: webhook.NewSecret("canary-key"), RootCAs: "-----BEGIN CERTIFICATE-----", Pending: webhook.NewSecret("canary-pending")},
			Timeout: time.Second, Order: webhook.OrderHold, Coalesce: true, CoalesceWait: time.Second, Active: true, ExcludeBody: true, ExpiresAt: at,
			CreatedAt: at, UpdatedAt: at, DisabledReason: "410", DisabledAt: at, Attributes: map[string]string{"import_id": "1", "url": "https://other.example.com/canary-attribute"},
			Version: 4, Unreadable: errors.New("canary-cause")},
		"health":      webhook.Health{WebhookID: "whk_1", Scope: "acme", FailingSince: at, Failures: 3, PausedUntil: at, OpenUntil: at, Opened: 1, DisabledReason: "410", CertificateUntil: at},
		"field_error": webhook.FieldError{Field: "url", Rule: "A5", Message: "This URL is not allowed."},
		"secret_info": webhook.SecretInfo{ID: "sec_1", CreatedAt: at, ExpiresAt: at, Kind: webhook.SecretPrivate, Public: "key"},
		"standing":    webhook.Standing{Health: webhook.Health{WebhookID: "whk_1", Scope: "acme", Failures: 3, FailingSince: at}, Latest: &d},
		"receipt":     webhook.Receipt{Events: []webhook.EventReceipt{{ID: "e1", Matched: 2, Added: 1, Deliveries: []string{"dlv_1", "dlv_2"}}}},
		"hour_count":  webhook.HourCount{WebhookID: "whk_1", Hour: at, Accepted: 2, Failed: 1, Took: time.Second, Slowest: time.Second},
		"totals": webhook.Totals{Pending: webhook.Count{N: 10_000, AtLeast: true}, Held: webhook.CountOf(1), Retrying: webhook.CountOf(2), OldestDue: at,
			Webhooks: 3, Inactive: 1},
		"backlog": webhook.Backlog{Scope: "acme", WebhookID: "whk_1", Pending: webhook.CountOf(1), OldestDue: at},
		"preview": webhook.Preview{Method: "POST", URL: "https://hooks.example.com/[redacted]",
			Header: []webhook.PreviewHeader{{Name: "Webhook-Signature", Value: "[redacted]", Masked: true}}, Body: []byte("{}")},
		"status": webhook.Status{Running: true, Paused: true, InFlight: 3, Active: 2, Waiting: 4, Unwritten: 1, LastAnswer: at, StoreError: webhook.ErrClosed,
			Unreadable: 1, Egress: true, OldestDue: at, Delivered: 9, Failed: 1, StoreErrors: map[string]int64{"Claim": 2}},
		"explanation": webhook.Explanation{Delivery: d, Reasons: []webhook.Reason{{Kind: webhook.ReasonRetry, Until: at, Shared: true, Text: "It waits."}}},
	}
}

var (
	jsonName = regexp.MustCompile(`"([^"]*)":`)
	stable   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// Rule: values that a host's API shows have stable names, times in RFC 3339 and words for states
// and codes, and no secret.
func TestJSON_golden(t *testing.T) {
	t.Parallel()
	for name, v := range jsonValues() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "json", name+".json")
			if *updateJSON {
				if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(string(got), "canary") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			for _, m := range jsonName.FindAllStringSubmatch(string(got), -1) {
				if !stable.MatchString(m[1]) && m[1] != "issue.key" && m[1] != "X-Key" && m[1] != "Claim" {
					t.Errorf("name %q", m[1])
				}
			}
		})
	}
}

// Rule: every exported field has a name in JSON of its own, or is left out on purpose; the golden
// values set all of them.
func TestJSON_everyFieldIsNamed(t *testing.T) {
	t.Parallel()
	for name, value := range jsonValues() {
		v := reflect.ValueOf(value)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "" || tag != "-" && v.Field(i).IsZero() {
				t.Errorf("%s: %s has the name %q and the value %v", name, f.Name, tag, v.Field(i))
			}
		}
	}
}

// Rule: a delivery, an attempt and a health are decoded as they were encoded.
func TestJSON_roundTrip(t *testing.T) {
	t.Parallel()
	values := jsonValues()
	for name, v := range map[string]any{"delivery": values["delivery"], "attempt": values["attempt"], "health": values["health"],
		"zero delivery": webhook.Delivery{}, "zero attempt": webhook.Attempt{}, "zero health": webhook.Health{},
		"empty": webhook.Delivery{Body: []byte{}, Vars: map[string]string{}}, "accepted": webhook.Delivery{State: webhook.StateDelivered}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(text, got.Interface()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(v, got.Elem().Interface()); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, text, diff)
		}
	}
}

func TestJSON_words(t *testing.T) {
	t.Parallel()
	type words struct {
		States []webhook.State
		Codes  []webhook.Code
	}
	v := words{[]webhook.State{webhook.StatePending, webhook.StateDelivered, webhook.StateFailed}, []webhook.Code{webhook.CodeOK, webhook.CodeDNS}}
	text, err := json.Marshal(v)
	if want := `{"States":["pending","delivered","failed"],"Codes":["ok","dns"]}`; err != nil || string(text) != want {
		t.Fatalf("%s, %v; want %s", text, err, want)
	}
	var got words
	if err := json.Unmarshal(text, &got); err != nil || !cmp.Equal(got, v) {
		t.Errorf("decoded %v, %v", got, err)
	}
	if _, err := json.Marshal(webhook.State(9)); err == nil {
		t.Error("a state that does not exist is encoded")
	}
	for _, word := range []string{`"done"`, `""`, `1`} {
		s := webhook.StateFailed
		if err := json.Unmarshal([]byte(word), &s); err == nil || s != webhook.StateFailed {
			t.Errorf("%s is read as %v, %v", word, s, err)
		}
	}
	invalid, err := json.Marshal(&webhook.ValidationError{Fields: []webhook.FieldError{{Field: "url", Rule: "A5", Message: "No."}}})
	if want := `{"fields":[{"field":"url","rule":"A5","message":"No."}]}`; err != nil || string(invalid) != want {
		t.Errorf("%s, %v; want %s", invalid, err, want)
	}
	none, err := json.Marshal(webhook.Webhook{ID: "whk_1"})
	if want := `{"id":"whk_1","scope":"","name":"","url":"","events":[],"active":false,"version":0}`; err != nil || string(none) != want {
		t.Errorf("%s, %v; want %s", none, err, want)
	}
}

// Rule: a receipt has lists in JSON, never null, also for an event that no webhook receives and for
// no event at all.
func TestJSON_emptyReceipt(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	nobody := h.dispatchAll()
	nothing, err := h.Dispatch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]webhook.Receipt{
		`{"events":[]}`: nothing,
		`{"events":[{"id":"` + nobody.Events[0].ID + `","matched":0,"added":0,"deliveries":[]}]}`: nobody,
	} {
		if got, err := json.Marshal(r); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
