package oracle

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/sign"
)

type hubSigned struct {
	Secret    string `json:"secret"`
	Body      string `json:"body"`
	Signature string `json:"signature"`
}

// Rule: the library for GitHub's webhooks, whose X-Hub-Signature-256 is the X-Hub-Signature of
// Jira, accepts signatures of HMAC and signs alike. It refuses the same signatures as VerifyHMAC.
func TestHubSignature(t *testing.T) {
	t.Parallel()
	var asked []hubSigned
	var want []bool
	for i, secret := range []string{"It's a Secret to Everybody", "0123456789abcdef", "a secret with spaces ", strings.Repeat("long", 40), "\u00e4\u00f6\u00fc \u65e5\u672c\u8a9e"} {
		for _, body := range []string{"Hello World!", `{"webhookEvent":"jira:issue_created"}`, "\u00e9\U0001F600\n\x00\t", strings.Repeat("x", 100_000), "{}"} {
			r := &http.Request{}
			if err := sign.HMAC(sign.NewSecret(secret)).Sign(r, sign.Message{Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
			signature := r.Header.Get(sign.HubSignatureHeader)
			digits := strings.TrimPrefix(signature, "sha256=")
			for name, s := range map[string]string{
				"as signed": signature, "in capitals": "sha256=" + strings.ToUpper(digits), "another method": "sha1=" + digits,
				"no method": digits, "cut off": signature[:len(signature)-2], "longer": signature + "00", "of another body": "sha256=" + strings.Repeat("0", 64),
			} {
				asked, want = append(asked, hubSigned{secret, body, s}), append(want, name == "as signed")
				err := sign.VerifyHMAC(http.Header{sign.HubSignatureHeader: {s}}, []byte(body), sign.NewSecret(secret))
				if (err == nil) != (name == "as signed") {
					t.Errorf("secret %d, %s: VerifyHMAC = %v", i, name, err)
				}
			}
		}
	}
	type verdict struct {
		Valid  bool
		Signed string
	}
	verdicts := ask[[]verdict](t, "hub", asked)
	if len(verdicts) != len(asked) {
		t.Fatalf("%d verdicts on %d signatures", len(verdicts), len(asked))
	}
	for i, v := range verdicts {
		what := fmt.Sprintf("%.40q over %.20q", asked[i].Signature, asked[i].Body)
		if v.Valid != want[i] {
			t.Errorf("%s: accepted = %t, want %t", what, v.Valid, want[i])
		}
		if want[i] && v.Signed != asked[i].Signature {
			t.Errorf("%s: the library signs %s", what, v.Signed)
		}
	}
}
