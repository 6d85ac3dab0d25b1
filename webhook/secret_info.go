package webhook

import (
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// SecretInfo is the part of a secret that may be shown.
type SecretInfo struct {
	// ID names it within its webhook; see [Manager.RevokeSecret].
	ID string `json:"id"`
	// CreatedAt is when it was entered or generated, zero where that is not known.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// ExpiresAt is when it ends, zero for never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Kind says what the secret is used for.
	Kind SecretKind `json:"kind"`
	// Public is the public half of a SecretPrivate, as receivers get it; see [sign.JWKS].
	Public string `json:"public,omitempty"`
}

// SecretKind is what a secret is used for.
type SecretKind string

const (
	// SecretShared signs requests, and the receiver has it too.
	SecretShared SecretKind = "shared"
	// SecretPrivate is the private half of a key pair: the receiver has the public half.
	SecretPrivate SecretKind = "private"
	// SecretToken is sent with every request.
	SecretToken SecretKind = "token"
)

func (p *Profile) secretInfo(w *Webhook, s Secret) SecretInfo {
	info := SecretInfo{ID: s.ID(), CreatedAt: s.CreatedAt(), ExpiresAt: s.ExpiresAt(), Kind: SecretShared}
	with := w.Clone()
	with.Secrets = []Secret{s}
	if p.sendsSecret(&with) {
		info.Kind = SecretToken
	} else if public, err := sign.PublicKey(s); err == nil {
		info.Kind, info.Public = SecretPrivate, public
	}
	return info
}
