package sign_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
)

func newRequest() *http.Request {
	return httptest.NewRequest(http.MethodPost, "https://api-private.atlassian.com/automation/webhooks/jira/a/x/y", nil)
}

func TestTokenSetsItsHeaderOnly(t *testing.T) {
	t.Parallel()
	r := newRequest()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(sign.TokenHeader, "stale")
	if err := sign.Token(sign.TokenHeader, sign.NewSecret("5ec2e7")).Sign(r, sign.Message{}); err != nil {
		t.Fatal(err)
	}
	want := newRequest()
	want.Header = http.Header{"Content-Type": {"application/json"}, "X-Automation-Webhook-Token": {"5ec2e7"}}
	if diff := cmp.Diff(want.Header, r.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if r.Method != want.Method || r.URL.String() != want.URL.String() || r.Host != want.Host || r.ContentLength != want.ContentLength {
		t.Error("Sign changed more than the header")
	}

	bare := &http.Request{}
	if err := sign.Token(sign.TokenHeader, sign.NewSecret("5ec2e7")).Sign(bare, sign.Message{}); err != nil || bare.Header.Get(sign.TokenHeader) != "5ec2e7" {
		t.Errorf("a request without a header map: %v, %v", err, bare.Header)
	}
}

func TestTokenRefusesWhatAHeaderCannotCarry(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, header, secret, field string }{
		{"empty token", "X-T", "", "token"},
		{"line feed", "X-T", "canary\nX-Evil: 1", "token"},
		{"carriage return", "X-T", "canary\rx", "token"},
		{"folded line", "X-T", "canary\r\n x", "token"},
		{"NUL", "X-T", "canary\x00", "token"},
		{"tab", "X-T", "canary\tx", "token"},
		{"DEL", "X-T", "canary\x7f", "token"},
		{"not ASCII", "X-T", "canaryä", "token"},
		{"not UTF-8", "X-T", "canary\xff", "token"},
		{"leading space", "X-T", " canary", "token"},
		{"trailing space", "X-T", "canary ", "token"},
		{"one byte too long", "X-T", strings.Repeat("c", 4097), "token"},
		{"empty name", "", "canary", "header name"},
		{"space in name", "X T", "canary", "header name"},
		{"colon in name", "X:T", "canary", "header name"},
		{"line break in name", "X\r\nT", "canary", "header name"},
		{"name not ASCII", "X-Ä", "canary", "header name"},
		{"framing field", "content-length", "canary", "header name"},
		{"host", "host", "canary", "header name"},
		{"what makes net/http repeat a POST", "Idempotency-Key", "canary", "header name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRequest()
			err := sign.Token(tt.header, sign.NewSecret(tt.secret)).Sign(r, sign.Message{})
			var ce *sign.ConfigError
			if !errors.As(err, &ce) || !errors.Is(err, sign.ErrConfig) || ce.Field != tt.field {
				t.Fatalf("Sign = %v, want a ConfigError about the %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows the secret: %v", err)
			}
			if len(r.Header) != 0 {
				t.Errorf("a refused request got headers: %v", r.Header)
			}
		})
	}
	longest := sign.NewSecret(strings.Repeat("c", 4096))
	if err := sign.Token("X-T", longest).Sign(newRequest(), sign.Message{}); err != nil {
		t.Errorf("4096 bytes are allowed: %v", err)
	}
}

func TestVerifyToken(t *testing.T) {
	t.Parallel()
	a, b := sign.NewSecret("a1"), sign.NewSecret("b2")
	tests := []struct {
		name    string
		header  http.Header
		secrets []sign.Secret
		want    error
	}{
		{"right", http.Header{"X-T": {"a1"}}, []sign.Secret{a}, nil},
		{"rotation, first", http.Header{"X-T": {"a1"}}, []sign.Secret{a, b}, nil},
		{"rotation, last", http.Header{"X-T": {"b2"}}, []sign.Secret{a, b}, nil},
		{"missing", http.Header{}, []sign.Secret{a}, sign.ErrMissingHeader},
		{"nil header", nil, []sign.Secret{a}, sign.ErrMissingHeader},
		{"empty", http.Header{"X-T": {""}}, []sign.Secret{a}, sign.ErrMissingHeader},
		{"twice", http.Header{"X-T": {"a1", "a1"}}, []sign.Secret{a}, sign.ErrMalformedHeader},
		{"wrong", http.Header{"X-T": {"a2"}}, []sign.Secret{a, b}, sign.ErrToken},
		{"prefix", http.Header{"X-T": {"a"}}, []sign.Secret{a}, sign.ErrToken},
		{"case", http.Header{"X-T": {"A1"}}, []sign.Secret{a}, sign.ErrToken},
		{"no secret", http.Header{"X-T": {"a1"}}, nil, sign.ErrConfig},
		{"empty secret matches nothing", http.Header{"X-T": {""}}, []sign.Secret{{}}, sign.ErrConfig},
	}
	for _, tt := range tests {
		if got := sign.VerifyToken(tt.header, "x-t", tt.secrets...); !errors.Is(got, tt.want) {
			t.Errorf("%s: VerifyToken = %v, want %v", tt.name, got, tt.want)
		}
	}
	for _, name := range []string{"", "x t", "Host"} {
		if got := sign.VerifyToken(http.Header{}, name, a); !errors.Is(got, sign.ErrConfig) {
			t.Errorf("header name %q: VerifyToken = %v, want a ConfigError", name, got)
		}
	}
}
