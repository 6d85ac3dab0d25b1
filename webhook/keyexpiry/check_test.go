package keyexpiry_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook/keyexpiry"
)

// Rule: a key is announced from exactly seven days before its expiry until it expires, and
// later only with Late.
func TestWindow(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		left time.Duration
		o    keyexpiry.Options
		want []string
	}{
		{"seven days and a second", week + time.Second, keyexpiry.Options{}, []string{}},
		{"seven days and a nanosecond", week + 1, keyexpiry.Options{}, []string{}},
		{"exactly seven days", week, keyexpiry.Options{}, []string{"k fired"}},
		{"one second", time.Second, keyexpiry.Options{}, []string{"k fired"}},
		{"expires now", 0, keyexpiry.Options{}, []string{}},
		{"expired a second ago", -time.Second, keyexpiry.Options{}, []string{}},
		{"expired, Late", -time.Hour, keyexpiry.Options{Late: 2 * time.Hour}, []string{"k fired"}},
		{"expired as long ago as Late", -2 * time.Hour, keyexpiry.Options{Late: 2 * time.Hour}, []string{}},
		{"own window, inside", 24 * time.Hour, keyexpiry.Options{Window: 24 * time.Hour}, []string{"k fired"}},
		{"own window, outside", 25 * time.Hour, keyexpiry.Options{Window: 24 * time.Hour}, []string{}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, h *host) {
				h.add("ops")
				got := h.check(h.checker(&tc.o, key("k", tc.left)))
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if n := len(h.to.drain()); n != len(tc.want) {
					t.Errorf("%d requests, want %d", n, len(tc.want))
				}
			})
		})
	}
}

// Rule: a key without an expiry is never announced.
func TestKeyThatDoesNotExpire(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		r, err := h.checker(nil, keyexpiry.Key{Scope: scope, ID: "k", Name: "n", SettingsURL: settings}).Check(t.Context(), time.Now())
		if err != nil || r.Listed != 1 || len(r.Keys) != 0 {
			t.Errorf("Check = %+v, %v", r, err)
		}
	})
}

// Rule: an expiry that is a date ends at 00:00 UTC of that date, for a host in any time zone.
func TestDateOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		expires, err := keyexpiry.ParseExpiry("2026-05-27")
		if err != nil {
			t.Fatal(err)
		}
		k := key("k", 0)
		k.ExpiresAt = expires
		c := h.checker(nil, k)
		tokyo := time.FixedZone("", 9*60*60)
		for _, step := range []struct {
			at   time.Time
			want []string
		}{
			{time.Date(2026, 5, 19, 23, 59, 59, 0, time.UTC), []string{}},
			{time.Date(2026, 5, 20, 9, 0, 0, 0, tokyo), []string{"k fired"}}, // 00:00 UTC
			{time.Date(2026, 5, 26, 23, 59, 59, 0, time.UTC), []string{"k done"}},
			{time.Date(2026, 5, 27, 0, 0, 0, 0, time.UTC), []string{}},
		} {
			r, err := c.Check(t.Context(), step.at)
			if diff := cmp.Diff(step.want, outcomes(r)); diff != "" || err != nil {
				t.Errorf("%v: %v (-want +got):\n%s", step.at, err, diff)
			}
		}
	})
}

// Rule: a renewed key is announced again in its own window.
func TestRenewed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		k := key("k", week)
		renewed := key("k", 10*24*time.Hour)
		steps := []struct {
			after time.Duration
			key   keyexpiry.Key
			want  []string
		}{
			{0, k, []string{"k fired"}},
			{0, renewed, []string{}},
			{3*24*time.Hour - 2*time.Hour, renewed, []string{}},
			{2 * time.Hour, renewed, []string{"k fired"}},
			{time.Hour, renewed, []string{"k done"}},
		}
		for i, s := range steps {
			time.Sleep(s.after)
			if diff := cmp.Diff(s.want, h.check(h.checker(nil, s.key))); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", i, diff)
			}
		}
		got := h.to.drain()
		if len(got) != 2 || got[0].ID == got[1].ID {
			t.Errorf("requests %v, want two with different identifiers", got)
		}
	})
}

// Rule: keys are independent, also when one of them cannot be announced.
func TestTwoKeys(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		a, b := key("a", week), key("b", 6*24*time.Hour)
		nameless := key("bad", week)
		nameless.Name = ""
		elsewhere := key("a", week)
		elsewhere.Scope = "other"
		if diff := cmp.Diff([]string{"a fired"}, h.check(h.checker(nil, a))); diff != "" {
			t.Errorf("first (-want +got):\n%s", diff)
		}
		r, err := h.checker(nil, nameless, a, b, b, elsewhere).Check(t.Context(), time.Now())
		if diff := cmp.Diff([]string{"bad failed", "a done", "b fired", "b done", "a unheard"}, outcomes(r)); diff != "" {
			t.Errorf("second (-want +got):\n%s", diff)
		}
		var invalid *payload.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "name" || !errors.Is(err, r.Keys[0].Err) || !strings.Contains(err.Error(), `key "bad"`) {
			t.Errorf("error %v, want one that names the key and its field", err)
		}
		if r.Listed != 5 {
			t.Errorf("Listed = %d, want 5", r.Listed)
		}
	})
}

// Rule: expiresAt is written as a date, or as RFC 3339 where Format says so.
func TestFormat(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		a, b := key("a", week-time.Hour), key("b", week-time.Hour)
		h.check(h.checker(nil, a))
		h.check(h.checker(&keyexpiry.Options{Format: payload.ExpiryRFC3339}, b))
		want := []request{
			{"ops", keyexpiry.EventID(a), string(body(t, a))},
			{"ops", keyexpiry.EventID(b), string(body(t, b, payload.WithExpiryFormat(payload.ExpiryRFC3339)))},
		}
		if diff := cmp.Diff(want, h.to.drain()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// Rule: an outcome is a word in JSON.
func TestOutcome_json(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal([]keyexpiry.Outcome{keyexpiry.Failed, keyexpiry.Fired, keyexpiry.Unheard})
	if want := `["failed","fired","unheard"]`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}
