package sign_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

func TestVerifyStandardTolerance(t *testing.T) {
	t.Parallel()
	secret := sign.NewSecret(vectors(t)[1].Secret)
	at := time.Unix(1_700_000_000, 0)
	m := sign.Message{ID: "msg_1", Time: at, Body: []byte(`{}`)}
	h := signed(t, mustStandard(t, secret), m)
	const five = 5 * time.Minute
	tests := []struct {
		name      string
		now       time.Time
		tolerance time.Duration
		want      error
	}{
		{"same moment", at, 0, nil},
		{"default, exactly five minutes old", at.Add(five), 0, nil},
		{"default, a nanosecond older", at.Add(five + 1), 0, sign.ErrTooOld},
		{"default, exactly five minutes ahead", at.Add(-five), 0, nil},
		{"default, a nanosecond further ahead", at.Add(-five - 1), 0, sign.ErrTooNew},
		{"default, a second older", at.Add(five + time.Second), 0, sign.ErrTooOld},
		{"default, a second further ahead", at.Add(-five - time.Second), 0, sign.ErrTooNew},
		{"one second, exactly", at.Add(time.Second), time.Second, nil},
		{"one second, past it", at.Add(time.Second + 1), time.Second, sign.ErrTooOld},
		{"one second, exactly ahead", at.Add(-time.Second), time.Second, nil},
		{"one second, further ahead", at.Add(-time.Second - 1), time.Second, sign.ErrTooNew},
		{"a year", at.AddDate(1, 0, 0), 366 * 24 * time.Hour, nil},
		{"negative", at, -1, sign.ErrConfig},
	}
	for _, tt := range tests {
		if got := sign.VerifyStandard(h, m.Body, tt.now, tt.tolerance, secret); !errors.Is(got, tt.want) {
			t.Errorf("%s: VerifyStandard = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestVerifyStandardHeaders(t *testing.T) {
	t.Parallel()
	v := vectors(t)[1]
	secret, m := sign.NewSecret(v.Secret), v.message()
	const zeros = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	set := func(name string, values ...string) func(http.Header) {
		return func(h http.Header) { h[http.CanonicalHeaderKey(name)] = values }
	}
	tests := []struct {
		name string
		edit func(http.Header)
		want error
	}{
		{"as sent", func(http.Header) {}, nil},
		{"no id", set("webhook-id"), sign.ErrMissingHeader},
		{"empty id", set("webhook-id", ""), sign.ErrMissingHeader},
		{"id twice", set("webhook-id", v.ID, v.ID), sign.ErrMalformedHeader},
		{"another id", set("webhook-id", "msg_2"), sign.ErrSignature},
		{"no timestamp", set("webhook-timestamp"), sign.ErrMissingHeader},
		{"timestamp twice", set("webhook-timestamp", "1700000000", "1700000000"), sign.ErrMalformedHeader},
		{"another timestamp", set("webhook-timestamp", "1700000001"), sign.ErrSignature},
		{"timestamp with a sign", set("webhook-timestamp", "+1700000000"), sign.ErrMalformedHeader},
		{"timestamp with a zero in front", set("webhook-timestamp", "01700000000"), sign.ErrMalformedHeader},
		{"negative timestamp", set("webhook-timestamp", "-1"), sign.ErrMalformedHeader},
		{"timestamp as a float", set("webhook-timestamp", "1700000000.0"), sign.ErrMalformedHeader},
		{"timestamp as a date", set("webhook-timestamp", "2023-11-14T22:13:20Z"), sign.ErrMalformedHeader},
		{"timestamp of 20 digits", set("webhook-timestamp", "99999999999999999999"), sign.ErrMalformedHeader},
		{"timestamp at the end of int64", set("webhook-timestamp", "9223372036854775807"), sign.ErrTooNew},
		{"timestamp in milliseconds", set("webhook-timestamp", "1700000000000"), sign.ErrTooNew},
		{"timestamp zero", set("webhook-timestamp", "0"), sign.ErrTooOld},
		{"no signature", set("webhook-signature"), sign.ErrMissingHeader},
		{"blank signature", set("webhook-signature", "  "), sign.ErrMissingHeader},
		{"wrong signature", set("webhook-signature", zeros), sign.ErrSignature},
		{"short signature", set("webhook-signature", "v1,AAAA"), sign.ErrSignature},
		{"empty v1 signature", set("webhook-signature", "v1,"), sign.ErrSignature},
		{"not base64", set("webhook-signature", "v1,***"), sign.ErrSignature},
		{"unknown versions only", set("webhook-signature", "v2,"+v.Signature[3:]+" v1a,"+v.Signature[3:]), sign.ErrSignature},
		{"no version", set("webhook-signature", v.Signature[3:]), sign.ErrSignature},
		{"right one after unknown and wrong ones", set("webhook-signature", "v1a,AAAA v9,x junk "+zeros+" "+v.Signature), nil},
		{"right one on a second line", set("webhook-signature", zeros, v.Signature), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := signed(t, mustStandard(t, secret), m)
			tt.edit(h)
			if got := sign.VerifyStandard(h, m.Body, m.Time, 0, secret); !errors.Is(got, tt.want) {
				t.Errorf("VerifyStandard = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVerifyStandardCoversTheBody(t *testing.T) {
	t.Parallel()
	v := vectors(t)[1]
	secret, m := sign.NewSecret(v.Secret), v.message()
	h := signed(t, mustStandard(t, secret), m)
	for name, body := range map[string]string{"other": `{}`, "longer": v.Body + " ", "empty": ""} {
		if err := sign.VerifyStandard(h, []byte(body), m.Time, 0, secret); !errors.Is(err, sign.ErrSignature) {
			t.Errorf("%s body: %v, want ErrSignature", name, err)
		}
	}
}

// The signed text joins three parts with dots. Moving a dot's neighbours from
// one part to the next gives the same text: such a request must be refused.
func TestVerifyStandardRefusesAnIDWithADot(t *testing.T) {
	t.Parallel()
	secret := sign.NewSecret(vectors(t)[1].Secret)
	at := time.Unix(1_700_000_000, 0)
	h := signed(t, mustStandard(t, secret), sign.Message{ID: "msg", Time: at, Body: []byte("1700000001.{}")})
	h.Set(sign.IDHeader, "msg.1700000000")
	h.Set(sign.TimestampHeader, "1700000001")
	if err := sign.VerifyStandard(h, []byte("{}"), at, 0, secret); !errors.Is(err, sign.ErrMalformedHeader) {
		t.Errorf("VerifyStandard = %v, want ErrMalformedHeader", err)
	}
}
