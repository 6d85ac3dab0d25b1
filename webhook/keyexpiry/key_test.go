package keyexpiry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/keyexpiry"
)

// Rule: an event's ID depends only on scope, key and expiry.
func TestEventID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 27, 0, 0, 0, 0, time.UTC)
	k := keyexpiry.Key{Scope: "ab", ID: "c", ExpiresAt: at}
	seen := map[string]string{keyexpiry.EventID(k): "the key"}
	for name, other := range map[string]keyexpiry.Key{
		"another scope":   {Scope: "abc", ID: "c", ExpiresAt: at},
		"another key":     {Scope: "ab", ID: "d", ExpiresAt: at},
		"another border":  {Scope: "a", ID: "bc", ExpiresAt: at},
		"another expiry":  {Scope: "ab", ID: "c", ExpiresAt: at.Add(time.Second)},
		"digits in a key": {Scope: "ab", ID: "1:c", ExpiresAt: at},
	} {
		if was, taken := seen[keyexpiry.EventID(other)]; taken {
			t.Errorf("%s has the ID of %s", name, was)
		}
		seen[keyexpiry.EventID(other)] = name
	}
	same := keyexpiry.Key{Scope: "ab", ID: "c", ExpiresAt: at.In(time.FixedZone("", 3600)).Add(time.Millisecond), Name: "n", SettingsURL: "u"}
	if keyexpiry.EventID(same) != keyexpiry.EventID(k) {
		t.Error("zone, fraction, name or URL changed the ID")
	}
	if got, want := keyexpiry.EventID(k), "keyexpiry_03d236e6"; !strings.HasPrefix(got, want) {
		t.Errorf("EventID = %s, want %s...: another derivation would announce every key once more after an update", got, want)
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{"2026-05-27", "2026-05-27T00:00:00Z"},
		{"2026-05-27T01:00:00+02:00", "2026-05-26T23:00:00Z"},
		{"2026-05-27T01:00:00.5Z", "2026-05-27T01:00:00.5Z"},
		{"27.05.2026", ""}, {"", ""}, {"2026-02-30", ""}, {"2026-05-27 ", ""},
	}
	for _, tc := range cases {
		got, err := keyexpiry.ParseExpiry(tc.in)
		text := ""
		if err == nil {
			text = got.Format(time.RFC3339Nano)
		}
		if diff := cmp.Diff(tc.want, text); diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", tc.in, err, diff)
		}
	}
}

func FuzzParseExpiry(f *testing.F) {
	for _, s := range []string{"2026-05-27", "2026-05-27T01:00:00+02:00", "2026-13-01", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := keyexpiry.ParseExpiry(s)
		if err != nil {
			return
		}
		if again, err := keyexpiry.ParseExpiry(got.Format(time.RFC3339Nano)); err == nil && (!again.Equal(got) || got.Location() != time.UTC) {
			t.Errorf("%q parses as %v, and that as %v", s, got, again)
		}
	})
}
