package sign_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// allOfThem are the known answers of testdata/vectors.json.
type allOfThem struct {
	Standard []vector
	V1a      []struct {
		vector
		Public string // Secret is the private key
	}
	Ed25519 []struct{ Name, Seed, Public, Message, Signature string } // hexadecimal
	Hub     []struct{ Name, Secret, Body, Signature string }
	QSH     []struct{ Name, Method, URL, Canonical, QSH string }
	JWT     []jwtVector
}

// vector is a known answer of Standard Webhooks.
type vector struct {
	Name, Secret, ID, Body, Signature string
	Timestamp                         int64
}

type jwtVector struct {
	Name, Secret, Method, URL, Header, Claims, Signature string
	ClientKey                                            string `json:"client_key"`
	Iat, Exp                                             int64
}

// allVectors reads the file and refuses members that no test knows.
func allVectors(tb testing.TB) allOfThem {
	tb.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var all allOfThem
	if err := dec.Decode(&all); err != nil {
		tb.Fatal(err)
	}
	counts := map[string][2]int{
		"standard": {len(all.Standard), 2}, "v1a": {len(all.V1a), 1}, "ed25519": {len(all.Ed25519), 3},
		"hub": {len(all.Hub), 3}, "qsh": {len(all.QSH), 14}, "jwt": {len(all.JWT), 1},
	}
	for name, c := range counts {
		if c[0] != c[1] {
			tb.Fatalf("%d vectors under %q, want %d", c[0], name, c[1])
		}
	}
	return all
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	return allVectors(tb).Standard
}

func TestHubVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).Hub {
		r, secret := newRequest(), sign.NewSecret(v.Secret)
		for _, at := range []time.Time{time.Unix(1, 0), time.Unix(2000, 0)} {
			if err := sign.HMAC(secret).Sign(r, sign.Message{Time: at, Body: []byte(v.Body)}); err != nil {
				t.Fatal(err)
			}
			if got := r.Header.Get("X-Hub-Signature"); got != v.Signature {
				t.Errorf("%s: X-Hub-Signature = %s, want %s at any time", v.Name, got, v.Signature)
			}
		}
		if err := sign.VerifyHMAC(http.Header{"X-Hub-Signature": {v.Signature}}, []byte(v.Body), secret); err != nil {
			t.Errorf("%s: VerifyHMAC = %v", v.Name, err)
		}
	}
}
