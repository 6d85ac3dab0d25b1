package oracle

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

type keySet struct {
	Set        json.RawMessage `json:"set"`
	Message    string          `json:"message"`
	Signatures []string        `json:"signatures"`
}

// v1a are the asymmetric signatures of a request.
func v1a(t *testing.T, r webhooktest.Request) (out []string) {
	t.Helper()
	for _, entry := range strings.Fields(r.Header.Get("webhook-signature")) {
		signature, ok := strings.CutPrefix(entry, "v1a,")
		if !ok {
			t.Fatalf("%s is no v1a", entry)
		}
		out = append(out, signature)
	}
	return out
}

// signNow signs a body at this moment.
func signNow(t *testing.T, s sign.Signer, body string) (http.Header, time.Time) {
	t.Helper()
	now := time.Now()
	r := &http.Request{}
	if err := s.Sign(r, sign.Message{ID: "msg_1", Attempt: 1, Time: now, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
	return r.Header, now
}

var foreignBodies = []string{`{"type":"x"}`, "{}", "\u00e9\U0001F600\n\t", strings.Repeat("x", 100_000)}

func twoSecrets(t *testing.T) (newest, older sign.Secret) {
	t.Helper()
	newest, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	if older, err = sign.GenerateSecret(); err != nil {
		t.Fatal(err)
	}
	return newest, older
}

// Rule: Svix's library accepts both sets of header fields, each alone, with both secrets, and no
// other body.
func TestSvix(t *testing.T) {
	t.Parallel()
	newest, older := twoSecrets(t)
	s, err := sign.StandardAs("svix", newest, older)
	if err != nil {
		t.Fatal(err)
	}
	var asked []judged
	var want []bool
	for _, body := range []string{`{"type":"x"}`, "{}"} {
		h, _ := signNow(t, s, body)
		for _, prefix := range []string{"svix-", "webhook-"} {
			headers := map[string]string{}
			for _, end := range []string{"id", "timestamp", "signature"} {
				headers[prefix+end] = h.Get(prefix + end)
			}
			for _, secret := range []sign.Secret{newest, older} {
				asked, want = append(asked, judged{secret.Reveal(), headers, body}, judged{secret.Reveal(), headers, body + " "}), append(want, true, false)
			}
		}
	}
	for i, problem := range ask[[]*string](t, "svix", asked) {
		if (problem == nil) != want[i] {
			t.Errorf("%v over %s: %v, want accepted = %t", asked[i].Headers, asked[i].Body, problem, want[i])
		}
	}
}

// Rule: Stripe's library accepts signatures of Timestamped, with both secrets, and both sign alike.
// VerifyTimestamped accepts the library's signatures and refuses the same ones.
func TestStripe(t *testing.T) {
	t.Parallel()
	type question struct {
		Secret    string `json:"secret"`
		Body      string `json:"body"`
		Signature string `json:"signature"`
		At        int64  `json:"at"`
		want      bool
		alone     string // the output of Timestamped with this secret alone
	}
	const header = "Stripe-Signature"
	newest, older := twoSecrets(t)
	_, foreign := twoSecrets(t)
	both, err := sign.Timestamped(header, newest, older)
	if err != nil {
		t.Fatal(err)
	}
	var asked []question
	for _, body := range foreignBodies {
		h, at := signNow(t, both, body)
		signature := h.Get(header)
		stale := strings.Replace(signature, fmt.Sprint("t=", at.Unix()), fmt.Sprint("t=", at.Unix()-3600), 1)
		for _, secret := range []sign.Secret{newest, older, foreign} {
			one, err := sign.Timestamped(header, secret)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{}
			if err := one.Sign(r, sign.Message{Time: at, Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
			for what, s := range map[string]string{"as signed": signature, "stale": stale, "cut": signature[:40]} {
				asked = append(asked, question{secret.Reveal(), body, s, at.Unix(), what == "as signed" && !secret.Equal(foreign), r.Header.Get(header)})
			}
			asked = append(asked, question{secret.Reveal(), body + " ", signature, at.Unix(), false, ""})
		}
	}
	type verdict struct {
		Problem *string
		Signed  string
	}
	verdicts := ask[[]verdict](t, "stripe", asked)
	if len(verdicts) != len(asked) {
		t.Fatalf("%d verdicts on %d signatures", len(verdicts), len(asked))
	}
	for i, v := range verdicts {
		q, now := asked[i], time.Unix(asked[i].At, 0)
		verify := func(value string) error {
			return sign.VerifyTimestamped(header, http.Header{header: {value}}, []byte(q.Body), now, 0, sign.NewSecret(q.Secret))
		}
		if own := verify(q.Signature); (v.Problem == nil) != q.want || (own == nil) != q.want {
			t.Errorf("%.40q: stripe %v, VerifyTimestamped %v, want accepted = %t", q.Signature, v.Problem, own, q.want)
		}
		if err := verify(v.Signed); err != nil {
			t.Errorf("what stripe signs: %v", err)
		}
		if q.alone != "" && v.Signed != q.alone {
			t.Errorf("stripe signs %s, Timestamped %s", v.Signed, q.alone)
		}
	}
}

// Rule: GitHub's library accepts the X-Hub-Signature-256 of HMACAs, and nothing else.
func TestGitHub(t *testing.T) {
	t.Parallel()
	format := sign.HMACFormat{Header: "X-Hub-Signature-256", Prefix: "sha256="}
	newest, older := twoSecrets(t)
	var asked []hubSigned
	var want []bool
	for _, body := range foreignBodies {
		h, _ := signNow(t, sign.HMACAs(format, newest), body)
		signature := h.Get(format.Header)
		asked = append(asked, hubSigned{newest.Reveal(), body, signature}, hubSigned{older.Reveal(), body, signature}, hubSigned{newest.Reveal(), body + " ", signature})
		want = append(want, true, false, false)
	}
	for i, accepted := range ask[[]bool](t, "octokit", asked) {
		if accepted != want[i] {
			t.Errorf("%.20q over %.20q: accepted = %t, want %t", asked[i].Signature, asked[i].Body, accepted, want[i])
		}
	}
}
