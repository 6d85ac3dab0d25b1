package sign_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

var (
	foreignAt   = time.Unix(1_700_000_000, 0)
	foreignBody = []byte(`{"type":"task.done"}`)
	foreignKey  = sign.NewSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	otherKey    = sign.NewSecret("whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=")
)

// The signatures of Timestamped with foreignKey and otherKey, made with openssl dgst -sha256 -hmac.
const (
	stripeNewest = "a9dadc0717dad8c52dc44771ccdfed4acb1990e094c42547a666c0c9021f6a3c"
	stripeOlder  = "3a7e99acc28c8f51564f2bae8e63d984cd946d64726801912de306ed6fa21700"
)

func foreignMessage() sign.Message {
	return sign.Message{ID: "msg_1", Attempt: 1, Time: foreignAt, Body: foreignBody}
}

func mustTimestamped(t testing.TB, header string, secrets ...sign.Secret) sign.Signer {
	t.Helper()
	s, err := sign.Timestamped(header, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Rule: StandardAs sends the fields of Standard Webhooks and prefixed fields with the same values,
// and each set verifies by itself.
func TestStandardAs(t *testing.T) {
	t.Parallel()
	s, err := sign.StandardAs("svix", foreignKey, otherKey)
	if err != nil {
		t.Fatal(err)
	}
	h := signed(t, s, foreignMessage())
	for _, end := range []string{"id", "timestamp", "signature"} {
		if own, twin := h.Get("webhook-"+end), h.Get("svix-"+end); own == "" || own != twin {
			t.Errorf("webhook-%s %q, svix-%s %q", end, own, end, twin)
		}
	}
	for _, secret := range []sign.Secret{foreignKey, otherKey} {
		if err := sign.VerifyStandard(h, foreignBody, foreignAt, 0, secret); err != nil {
			t.Errorf("VerifyStandard = %v", err)
		}
		if err := sign.VerifyStandardAs("Svix", h, foreignBody, foreignAt, 0, secret); err != nil {
			t.Errorf("VerifyStandardAs = %v", err)
		}
	}
	half := http.Header{}
	for name, values := range h {
		if strings.HasPrefix(name, "Svix-") {
			half[name] = values
		}
	}
	if err := sign.VerifyStandardAs("svix", half, foreignBody, foreignAt, 0, foreignKey); err != nil {
		t.Errorf("the twins alone: %v", err)
	}
	err = sign.VerifyStandard(half, foreignBody, foreignAt, 0, foreignKey)
	if !errors.Is(err, sign.ErrMissingHeader) || !strings.Contains(err.Error(), "webhook-id") {
		t.Errorf("without its own fields: %v", err)
	}
	half.Del("Svix-Timestamp")
	err = sign.VerifyStandardAs("svix", half, foreignBody, foreignAt, 0, foreignKey)
	if !errors.Is(err, sign.ErrMissingHeader) || !strings.Contains(err.Error(), "svix-timestamp") {
		t.Errorf("without its time: %v", err)
	}
	for _, prefix := range []string{"", "-", "svix-", "a b", "a_b", "svíx", "a\r\nb", strings.Repeat("a", 65)} {
		_, err := sign.StandardAs(prefix, foreignKey)
		if verify := sign.VerifyStandardAs(prefix, h, foreignBody, foreignAt, 0, foreignKey); !errors.Is(err, sign.ErrConfig) || !errors.Is(verify, sign.ErrConfig) {
			t.Errorf("prefix %q: %v and %v, want ErrConfig", prefix, err, verify)
		}
	}
	if _, err := sign.StandardAs("svix"); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("without a secret: %v", err)
	}
}

// Rule: Timestamped writes the time and a signature for each secret, newest first, and each
// signature verifies.
func TestTimestamped(t *testing.T) {
	t.Parallel()
	const header = "Stripe-Signature"
	h := signed(t, mustTimestamped(t, header, foreignKey, otherKey), foreignMessage())
	value := h.Get(header)
	const want = "t=1700000000,v1=" + stripeNewest + ",v1=" + stripeOlder
	if value != want || len(h) != 1 {
		t.Errorf("headers %v, want %s alone", h, want)
	}
	for name, tc := range map[string]struct {
		value   string
		body    string
		now     time.Time
		secrets []sign.Secret
		want    error
	}{
		"newest":             {value, string(foreignBody), foreignAt, []sign.Secret{foreignKey}, nil},
		"older":              {value, string(foreignBody), foreignAt, []sign.Secret{otherKey}, nil},
		"one of two known":   {value, string(foreignBody), foreignAt, []sign.Secret{sign.NewSecret("another-secret-of-some"), otherKey}, nil},
		"spaces between":     {strings.ReplaceAll(value, ",", ", "), string(foreignBody), foreignAt, []sign.Secret{foreignKey}, nil},
		"an unknown scheme":  {value + ",v0=00", string(foreignBody), foreignAt, []sign.Secret{foreignKey}, nil},
		"the last moment":    {value, string(foreignBody), foreignAt.Add(sign.DefaultTolerance), []sign.Secret{foreignKey}, nil},
		"too old":            {value, string(foreignBody), foreignAt.Add(sign.DefaultTolerance + 1), []sign.Secret{foreignKey}, sign.ErrTooOld},
		"too new":            {value, string(foreignBody), foreignAt.Add(-sign.DefaultTolerance - 1), []sign.Secret{foreignKey}, sign.ErrTooNew},
		"another body":       {value, "{}", foreignAt, []sign.Secret{foreignKey}, sign.ErrSignature},
		"another secret":     {value, string(foreignBody), foreignAt, []sign.Secret{sign.NewSecret("another-secret-of-some")}, sign.ErrSignature},
		"another time":       {strings.Replace(value, "t=1700000000", "t=1700000001", 1), string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrSignature},
		"in capitals":        {strings.ToUpper(value), string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
		"digits in capitals": {"t=1700000000,v1=" + strings.ToUpper(stripeNewest), string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrSignature},
		"no time":            {value[len("t=1700000000,"):], string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
		"two times":          {"t=1700000000," + value, string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
		"time with a sign":   {strings.Replace(value, "t=", "t=+", 1), string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
		"no signature":       {"t=1700000000", string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrSignature},
		"no pair":            {value + ",", string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
		"after 16 others":    {"t=1700000000" + strings.Repeat(",v1="+strings.Repeat("0", 64), 16) + ",v1=" + stripeNewest, string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrSignature},
		"empty":              {"", string(foreignBody), foreignAt, []sign.Secret{foreignKey}, sign.ErrMissingHeader},
		"no secret":          {value, string(foreignBody), foreignAt, nil, sign.ErrConfig},
		"an empty secret":    {value, string(foreignBody), foreignAt, []sign.Secret{foreignKey, {}}, sign.ErrConfig},
	} {
		h := http.Header{header: {tc.value}}
		if err := sign.VerifyTimestamped(header, h, []byte(tc.body), tc.now, 0, tc.secrets...); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if err := sign.VerifyTimestamped(header, http.Header{header: {value, value}}, foreignBody, foreignAt, 0, foreignKey); !errors.Is(err, sign.ErrMalformedHeader) {
		t.Errorf("two fields: %v", err)
	}
	if err := sign.VerifyTimestamped(header, h, foreignBody, foreignAt, -1, foreignKey); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("a negative tolerance: %v", err)
	}
	for _, name := range []string{"", "a b", "Host"} {
		_, err := sign.Timestamped(name, foreignKey)
		if verify := sign.VerifyTimestamped(name, h, foreignBody, foreignAt, 0, foreignKey); !errors.Is(err, sign.ErrConfig) || !errors.Is(verify, sign.ErrConfig) {
			t.Errorf("header %q: %v and %v, want ErrConfig", name, err, verify)
		}
	}
	for _, secrets := range [][]sign.Secret{nil, {foreignKey, {}}} {
		if _, err := sign.Timestamped(header, secrets...); !errors.Is(err, sign.ErrConfig) {
			t.Errorf("%d secrets: %v, want ErrConfig", len(secrets), err)
		}
	}
	if err := mustTimestamped(t, header, foreignKey).Sign(&http.Request{}, sign.Message{}); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("without a time: %v, want ErrConfig", err)
	}
}

// Rule: HMACAs writes prefix and signature in the encoding, and each format accepts only its own
// canonical spelling.
func TestHMACAs(t *testing.T) {
	t.Parallel()
	github := sign.HMACFormat{Header: "X-Hub-Signature-256", Prefix: "sha256="}
	plain := sign.HMACFormat{Header: "X-Convoy-Signature"}
	base64s := sign.HMACFormat{Header: "X-Signature", Prefix: "HMAC ", Encoding: sign.HMACBase64}
	sum, ok := strings.CutPrefix(signed(t, sign.HMAC(foreignKey), foreignMessage()).Get("X-Hub-Signature"), "sha256=")
	if !ok {
		t.Fatal("HMAC has another form")
	}
	for _, tc := range []struct {
		format sign.HMACFormat
		want   string
	}{{github, "sha256=" + sum}, {plain, sum}, {base64s, "HMAC " + base64.StdEncoding.EncodeToString(unhex(t, sum))}} {
		h := signed(t, sign.HMACAs(tc.format, foreignKey), foreignMessage())
		if got := h.Get(tc.format.Header); got != tc.want || len(h) != 1 {
			t.Errorf("headers %v, want %s alone", h, tc.want)
		}
		for name, c := range map[string]struct {
			value   string
			body    string
			secrets []sign.Secret
			want    error
		}{
			"as sent":        {tc.want, string(foreignBody), []sign.Secret{otherKey, foreignKey}, nil},
			"another body":   {tc.want, "", []sign.Secret{foreignKey}, sign.ErrSignature},
			"another secret": {tc.want, string(foreignBody), []sign.Secret{otherKey}, sign.ErrSignature},
			"a byte more":    {tc.want + "0", string(foreignBody), []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
			"a prefix more":  {"x" + tc.want, string(foreignBody), []sign.Secret{foreignKey}, sign.ErrMalformedHeader},
			"nothing":        {"", string(foreignBody), []sign.Secret{foreignKey}, sign.ErrMissingHeader},
			"no secret":      {tc.want, string(foreignBody), nil, sign.ErrConfig},
		} {
			if err := sign.VerifyHMACAs(tc.format, http.Header{tc.format.Header: {c.value}}, []byte(c.body), c.secrets...); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", tc.format.Header, name, err, c.want)
			}
		}
	}
	if err := sign.VerifyHMACAs(github, http.Header{github.Header: {"sha256=" + strings.ToUpper(sum)}}, foreignBody, foreignKey); !errors.Is(err, sign.ErrMalformedHeader) {
		t.Errorf("in capitals: %v", err)
	}
	for name, f := range map[string]sign.HMACFormat{
		"no header": {}, "a reserved header": {Header: "Content-Type"}, "a line break": {Header: "X-A", Prefix: "a\r\nb"},
		"a long prefix": {Header: "X-A", Prefix: strings.Repeat("a", 101)}, "an unknown encoding": {Header: "X-A", Encoding: 2},
	} {
		err := sign.HMACAs(f, foreignKey).Sign(&http.Request{}, foreignMessage())
		if verify := sign.VerifyHMACAs(f, http.Header{}, nil, foreignKey); !errors.Is(err, sign.ErrConfig) || !errors.Is(verify, sign.ErrConfig) {
			t.Errorf("%s: %v and %v, want ErrConfig", name, err, verify)
		}
	}
	if err := sign.HMACAs(github, sign.Secret{}).Sign(&http.Request{}, foreignMessage()); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("an empty secret: %v, want ErrConfig", err)
	}
}

// FuzzVerifyTimestamped uses hostile headers: no panic, only documented errors, and only fields
// with the signed time and a signature of it are accepted.
func FuzzVerifyTimestamped(f *testing.F) {
	f.Add("t=1700000000,v1="+stripeNewest, foreignBody)
	f.Add("v1="+stripeNewest+", t=1700000000", foreignBody)
	f.Add("t=,t=1700000000,=,v1", []byte(nil))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		err := sign.VerifyTimestamped("X-S", http.Header{"X-S": {value}}, body, foreignAt, 0, foreignKey)
		if err == nil {
			if string(body) != string(foreignBody) || !strings.Contains(value, "t=1700000000") || !strings.Contains(value, "v1="+stripeNewest) {
				t.Fatalf("%q over %q is accepted", value, body)
			}
			return
		}
		for _, known := range []error{sign.ErrMissingHeader, sign.ErrMalformedHeader, sign.ErrTooOld, sign.ErrTooNew, sign.ErrSignature} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("undocumented error %v", err)
	})
}

// FuzzVerifyHMACAs: only the canonical spelling of the signature is accepted.
func FuzzVerifyHMACAs(f *testing.F) {
	formats := []sign.HMACFormat{{Header: "X-S", Prefix: "sha256="}, {Header: "X-S", Encoding: sign.HMACBase64}}
	want := make([]string, len(formats))
	for i, format := range formats {
		want[i] = signed(f, sign.HMACAs(format, foreignKey), foreignMessage()).Get("X-S")
		f.Add(want[i], foreignBody)
	}
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		for i, format := range formats {
			err := sign.VerifyHMACAs(format, http.Header{"X-S": {value}}, body, foreignKey)
			if (err == nil) != (value == want[i] && string(body) == string(foreignBody)) {
				t.Fatalf("%q over %q: %v", value, body, err)
			}
		}
	})
}
