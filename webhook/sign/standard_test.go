package sign_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
)

func (v vector) message() sign.Message {
	return sign.Message{ID: v.ID, Attempt: 1, Time: time.Unix(v.Timestamp, 999_999_999), Body: []byte(v.Body)}
}

func mustStandard(tb testing.TB, secrets ...sign.Secret) sign.Signer {
	tb.Helper()
	s, err := sign.Standard(secrets...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func signed(tb testing.TB, s sign.Signer, m sign.Message) http.Header {
	tb.Helper()
	r := newRequest()
	if err := s.Sign(r, m); err != nil {
		tb.Fatal(err)
	}
	return r.Header
}

func TestStandardVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		bare := strings.TrimPrefix(v.Secret, "whsec_")
		for _, text := range []string{bare, "whsec_" + bare} {
			m := v.message()
			h := signed(t, mustStandard(t, sign.NewSecret(text)), m)
			want := http.Header{
				"Webhook-Id":        {v.ID},
				"Webhook-Timestamp": {strconv.FormatInt(v.Timestamp, 10)},
				"Webhook-Signature": {v.Signature},
			}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Errorf("%s: header (-want +got):\n%s", v.Name, diff)
			}
			if string(m.Body) != v.Body {
				t.Errorf("%s: Sign changed the body", v.Name)
			}
			if err := sign.VerifyStandard(h, m.Body, m.Time, 0, sign.NewSecret(text)); err != nil {
				t.Errorf("%s: VerifyStandard = %v", v.Name, err)
			}
		}
	}
}

func TestStandardRotationSendsASignaturePerSecret(t *testing.T) {
	t.Parallel()
	vs := vectors(t)
	newest, old := sign.NewSecret(vs[1].Secret), sign.NewSecret(vs[0].Secret)
	m := vs[1].message()
	got := signed(t, mustStandard(t, newest, old), m).Get(sign.SignatureHeader)
	want := signed(t, mustStandard(t, newest), m).Get(sign.SignatureHeader) + " " +
		signed(t, mustStandard(t, old), m).Get(sign.SignatureHeader)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("newest first, one space between (-want +got):\n%s", diff)
	}
	both := signed(t, mustStandard(t, newest, old), m)
	for name, known := range map[string][]sign.Secret{"newest": {newest}, "old": {old}, "both": {old, newest}} {
		if err := sign.VerifyStandard(both, m.Body, m.Time, 0, known...); err != nil {
			t.Errorf("a receiver that knows %s: %v", name, err)
		}
	}
	single := signed(t, mustStandard(t, old), m)
	if err := sign.VerifyStandard(single, m.Body, m.Time, 0, newest, old); err != nil {
		t.Errorf("a sender that has not rotated yet: %v", err)
	}
	if err := sign.VerifyStandard(single, m.Body, m.Time, 0, newest); !errors.Is(err, sign.ErrSignature) {
		t.Errorf("after the rotation the old secret is still accepted: %v", err)
	}
}

func TestStandardKeepsTheIDAndRenewsTheTimestamp(t *testing.T) {
	t.Parallel()
	s := mustStandard(t, sign.NewSecret(vectors(t)[1].Secret))
	m := vectors(t)[1].message()
	first := signed(t, s, m)
	m.Attempt, m.Time = 2, m.Time.Add(30*time.Minute)
	second := signed(t, s, m)
	if a, b := first.Get(sign.IDHeader), second.Get(sign.IDHeader); a != m.ID || b != m.ID {
		t.Errorf("webhook-id = %q, then %q; want %q on every attempt", a, b, m.ID)
	}
	if a, b := first.Get(sign.TimestampHeader), second.Get(sign.TimestampHeader); a != "1700000000" || b != "1700001800" {
		t.Errorf("webhook-timestamp = %s, then %s; want the time of each attempt", a, b)
	}
	if first.Get(sign.SignatureHeader) == second.Get(sign.SignatureHeader) {
		t.Error("the signature must cover the new timestamp")
	}
	if err := sign.VerifyStandard(second, m.Body, m.Time, 0, sign.NewSecret(vectors(t)[1].Secret)); err != nil {
		t.Errorf("a late retry must verify: %v", err)
	}
}

func TestStandardRefusesSecrets(t *testing.T) {
	t.Parallel()
	key := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("c"), n)) }
	good := sign.NewSecret(key(32))
	tests := []struct {
		name, secret string
		ok           bool
	}{
		{"23 bytes", key(23), false},
		{"24 bytes", key(24), true},
		{"64 bytes", key(64), true},
		{"65 bytes", key(65), false},
		{"prefix", "whsec_" + key(32), true},
		{"prefix twice", "whsec_whsec_" + key(32), false},
		{"prefix in capitals", "WHSEC_" + key(32), false},
		{"prefix alone", "whsec_", false},
		{"empty", "", false},
		{"no padding", strings.TrimRight(key(32), "="), false},
		{"loose last bits", "whsec_" + strings.Repeat("A", 42) + "B=", false},
		{"URL alphabet", strings.Repeat("-_", 20), false},
		{"line break", key(32) + "\n", false},
		{"line break inside", key(24) + "\r\n" + key(24), false},
		{"outer space", " " + key(32), false},
		{"plain text", "not base64 at all, but long enough", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for place, secrets := range map[string][]sign.Secret{
				"secret 1 ": {sign.NewSecret(tt.secret)},
				"secret 2 ": {good, sign.NewSecret(tt.secret)},
			} {
				_, err := sign.Standard(secrets...)
				if (err == nil) != tt.ok {
					t.Fatalf("Standard = %v, want ok = %t", err, tt.ok)
				}
				if tt.ok {
					continue
				}
				if !errors.Is(err, sign.ErrConfig) || !strings.Contains(err.Error(), place) {
					t.Errorf("Standard = %v, want a ConfigError that names %s", err, place)
				}
				if tt.secret != "" && strings.Contains(err.Error(), tt.secret) {
					t.Errorf("the error shows the secret: %v", err)
				}
				if err := sign.VerifyStandard(http.Header{}, nil, time.Time{}, 0, secrets...); !errors.Is(err, sign.ErrConfig) {
					t.Errorf("VerifyStandard = %v, want ErrConfig", err)
				}
			}
		})
	}
	if _, err := sign.Standard(); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("without a secret: %v, want ErrConfig", err)
	}
}

func TestStandardRefusesMessages(t *testing.T) {
	t.Parallel()
	s := mustStandard(t, sign.NewSecret(vectors(t)[0].Secret))
	at := time.Unix(1_700_000_000, 0)
	for name, m := range map[string]sign.Message{
		"no ID":             {Time: at},
		"a dot in the ID":   {ID: "msg.1", Time: at},
		"a space in the ID": {ID: "msg 1", Time: at},
		"line break in ID":  {ID: "msg\r\n1", Time: at},
		"ID not ASCII":      {ID: "msgä", Time: at},
		"ID too long":       {ID: strings.Repeat("m", 4097), Time: at},
		"no time":           {ID: "msg_1"},
		"before 1970":       {ID: "msg_1", Time: time.Unix(-1, 0)},
	} {
		r := newRequest()
		if err := s.Sign(r, m); !errors.Is(err, sign.ErrConfig) || len(r.Header) != 0 {
			t.Errorf("%s: Sign = %v with header %v, want ErrConfig and no header", name, err, r.Header)
		}
	}
	if err := s.Sign(newRequest(), sign.Message{ID: "msg_1", Time: at}); err != nil {
		t.Errorf("an empty body is signed over zero bytes: %v", err)
	}
}

func TestStandardSignsConcurrently(t *testing.T) {
	t.Parallel()
	vs := vectors(t)
	s := mustStandard(t, sign.NewSecret(vs[0].Secret), sign.NewSecret(vs[1].Secret))
	want := make([]http.Header, len(vs))
	for i, v := range vs {
		want[i] = signed(t, s, v.message())
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				j := (i + n) % len(vs)
				if diff := cmp.Diff(want[j], signed(t, s, vs[j].message())); diff != "" {
					t.Errorf("goroutine %d (-want +got):\n%s", i, diff)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestGenerateSecret(t *testing.T) {
	t.Parallel()
	a, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	b, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	if a.Equal(b) {
		t.Error("two generated secrets are equal")
	}
	text, ok := strings.CutPrefix(a.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) != 32 {
		t.Errorf("want whsec_ and 32 bytes: prefix %t, %d bytes, %v", ok, len(key), err)
	}
	mustStandard(t, a)
}
