// Package oauth gets access tokens by the client credentials grant of OAuth 2.0 (RFC 6749
// section 4.4) and keeps each until shortly before its end. It opens no connection: its
// caller sends the request. It does not know webhooks.
package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
)

// ClientAuth is the way in which a client sends its ID and secret.
type ClientAuth string

// The values of ClientAuth.
const (
	Basic      ClientAuth = ""            // Basic, both parts form-encoded first: RFC 6749 section 2.3.1
	BasicPlain ClientAuth = "basic_plain" // Basic, both parts unchanged
	Post       ClientAuth = "post"        // in the body
)

// Client is the receiver of a token.
type Client struct {
	// Owner separates the tokens of tenants whose other fields are the same.
	Owner              string
	TokenURL           string
	ID, Secret         string
	Scopes             []string
	Audience, Resource string
	Auth               ClientAuth
}

// Key identifies a Client.
type Key [sha256.Size]byte

// Key returns a digest of every field, each with its length, so that different clients have
// different Keys.
func (c *Client) Key() (k Key) {
	h := sha256.New()
	add := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, s := range []string{c.Owner, c.TokenURL, c.ID, c.Secret, c.Audience, c.Resource, string(c.Auth)} {
		add(s)
	}
	for _, s := range c.Scopes {
		add(s)
	}
	h.Sum(k[:0])
	return k
}

// request returns header and body of the request for a token.
func (c *Client) request() (http.Header, []byte) {
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	if c.Audience != "" {
		form.Set("audience", c.Audience)
	}
	if c.Resource != "" {
		form.Set("resource", c.Resource)
	}
	switch c.Auth {
	case Post:
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case BasicPlain:
		h.Set("Authorization", basic(c.ID, c.Secret))
	default:
		h.Set("Authorization", basic(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)))
	}
	return h, []byte(form.Encode())
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}
