package sqlstore

import (
	"bytes"
	"crypto/sha256"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/sealing"
)

// clientTLS holds the secrets of a webhook's TLS and a digest of the part that is stored in clear, so
// that a changed certificate or authority is detected.
type clientTLS struct {
	Key     string `json:"key,omitempty"`
	Pending string `json:"pending,omitempty"`
	Digest  []byte `json:"digest"`
}

func clientTLSOf(c *webhook.ClientTLS) *clientTLS {
	if c.IsZero() {
		return nil
	}
	return &clientTLS{c.Key.Reveal(), c.Pending.Reveal(), digestOf(c)}
}

func digestOf(c *webhook.ClientTLS) []byte {
	sum := sha256.Sum256([]byte(sealing.Name("tls", c.Certificate, c.RootCAs)))
	return sum[:]
}

// fill adds the keys to the clear part, and reports whether the clear part matches the digest.
func (c *clientTLS) fill(to *webhook.ClientTLS) bool {
	if c == nil {
		return to.IsZero()
	}
	if !bytes.Equal(c.Digest, digestOf(to)) {
		return false
	}
	to.Key, to.Pending = webhook.NewSecret(c.Key), webhook.NewSecret(c.Pending)
	return true
}

// authorization is a webhook's Auth. The scheme is stored in clear too, and the two must agree:
// otherwise a change of the clear one sends a client's secret to the webhook instead of its token endpoint.
type authorization struct {
	Scheme   webhook.AuthScheme `json:"scheme"`
	Username string             `json:"username,omitempty"`
	Secret   string             `json:"secret"`
	oauth
}

// oauth is a webhook.OAuth that JSON does not mask.
type oauth struct {
	TokenURL   string             `json:"token_url,omitempty"`
	ClientID   string             `json:"client_id,omitempty"`
	Scopes     []string           `json:"scopes,omitempty"`
	Audience   string             `json:"audience,omitempty"`
	Resource   string             `json:"resource,omitempty"`
	ClientAuth webhook.ClientAuth `json:"client_auth,omitempty"`
}

func authorizationOf(a *webhook.Auth) *authorization {
	if a.IsZero() {
		return nil
	}
	return &authorization{a.Scheme, a.Username, a.Secret.Reveal(), oauth(a.OAuth)}
}

func (a *authorization) auth() (out webhook.Auth) {
	if a == nil {
		return out
	}
	return webhook.Auth{Scheme: a.Scheme, Username: a.Username, Secret: webhook.NewSecret(a.Secret), OAuth: webhook.OAuth(a.oauth)}
}

// fillCredentials adds the secret part to a webhook's clear part, and reports whether both parts belong
// together.
func (s *secrets) fillCredentials(w *webhook.Webhook, scheme string) bool {
	auth := s.Auth.auth()
	if string(auth.Scheme) != scheme || !s.TLS.fill(&w.TLS) {
		return false
	}
	w.Auth = auth
	return true
}
