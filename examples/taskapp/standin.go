package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// ruleURL is an address that Automation could have given to a rule.
const ruleURL = "https://" + webhooktest.AutomationHost + "/automation/webhooks/jira/a/" +
	"1b4c7c5e-0d5f-4a53-9a55-0e4f6c2f8d11/0190b6f2-7a34-7c1e-8e52-3f9d2a6b7c48"

// standIn answers under the real host name, over TLS, and passes everything to the inspector, which
// decides the answer.
type standIn struct{ *webhooktest.Endpoint }

func startStandIn(secret sign.Secret, in *inspector.Inspector) (*standIn, error) {
	e, err := webhooktest.Start(&webhooktest.Options{
		Generic: true, // the inspector checks the token, and shows its faults
		Secret:  secret,
		Script: func(_ int, r webhooktest.Request) webhooktest.Response {
			answer := in.Receive(arrived(r))
			return webhooktest.Response{Status: answer.Status, Delay: answer.Delay, RetryAfter: answer.RetryAfter, Body: answer.Text()}
		},
	})
	if err != nil {
		return nil, err
	}
	return &standIn{e}, nil
}

// arrived converts a request into the form of net/http for the inspector.
func arrived(r webhooktest.Request) *http.Request {
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: r.Path}
	}
	return &http.Request{Method: r.Method, URL: u, RequestURI: target, Host: r.Host, Header: r.Header, Body: io.NopCloser(bytes.NewReader(r.Body))}
}

// ruleSecret is 40 hexadecimal digits, like those of real rules, and the same after every restart
// with the same database.
func ruleSecret(ctx context.Context, db *sql.DB) (sign.Secret, error) {
	var random [20]byte
	if _, err := io.ReadFull(rand.Reader, random[:]); err != nil {
		return sign.Secret{}, err
	}
	var value string
	err := db.QueryRowContext(ctx, `INSERT INTO rule (id, secret) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET id = id RETURNING secret`,
		hex.EncodeToString(random[:])).Scan(&value)
	return sign.NewSecret(value), err
}
