package sqlstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/sealing"
)

// webhookData is the part of a webhook that is stored in clear: the column data.
type webhookData struct {
	ID             string            `json:"id"`
	Scope          string            `json:"scope"`
	Group          string            `json:"group,omitempty"`
	Name           string            `json:"name"`
	Events         []string          `json:"events,omitempty"`
	Filter         string            `json:"filter,omitempty"`
	Notes          string            `json:"notes,omitempty"`
	Timeout        time.Duration     `json:"timeout,omitempty"` // ns
	Order          string            `json:"order,omitempty"`
	Coalesce       bool              `json:"coalesce,omitempty"`
	CoalesceWait   time.Duration     `json:"coalesce_wait,omitempty"` // ns
	Active         bool              `json:"active"`
	ExcludeBody    bool              `json:"exclude_body,omitempty"`
	Expires        int64             `json:"expires,omitempty"` // us, as all times
	Created        int64             `json:"created,omitempty"`
	Updated        int64             `json:"updated,omitempty"`
	DisabledReason string            `json:"disabled_reason,omitempty"`
	Disabled       int64             `json:"disabled,omitempty"`
	Attributes     map[string]string `json:"attributes,omitempty"`
	AuthScheme     string            `json:"auth,omitempty"`
	Certificate    string            `json:"certificate,omitempty"`
	RootCAs        string            `json:"root_cas,omitempty"`
	Version        int64             `json:"version"`
	// SealedVersion is the version to which the secrets are sealed, where the webhook was changed
	// while they could not be opened.
	SealedVersion int64 `json:"sealed_version,omitempty"`
}

func (r *webhookData) sealedVersion() int64 { return cmp.Or(r.SealedVersion, r.Version) }

// dataOf returns the part of a webhook that is stored in clear.
func dataOf(w *webhook.Webhook) webhookData {
	return webhookData{
		ID: w.ID, Scope: w.Scope, Group: w.Group, Name: w.Name, Events: w.Events, Filter: w.Filter, Notes: w.Notes,
		Timeout: w.Timeout, Order: string(w.Order), Coalesce: w.Coalesce, CoalesceWait: w.CoalesceWait, Active: w.Active, ExcludeBody: w.ExcludeBody, Expires: micros(w.ExpiresAt),
		Created: micros(w.CreatedAt), Updated: micros(w.UpdatedAt), DisabledReason: w.DisabledReason,
		Disabled: micros(w.DisabledAt), Attributes: w.Attributes, AuthScheme: string(w.Auth.Scheme),
		Certificate: w.TLS.Certificate, RootCAs: w.TLS.RootCAs, Version: w.Version,
	}
}

// secrets is the part of a webhook that Options.Seal encrypts: the fields that allow a call to the
// endpoint, or to get a token for it. It includes the URL, because its path often is the credential.
type secrets struct {
	URL     string            `json:"url"`
	Secrets []string          `json:"secrets,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Auth    *authorization    `json:"auth,omitempty"`
	TLS     *clientTLS        `json:"tls,omitempty"`
	// Lives[i] belongs to Secrets[i]. Rows of older releases lack it.
	Lives []life `json:"lives,omitempty"`
}

// life is the ID and the times of a secret.
type life struct {
	ID      string `json:"id,omitempty"`
	Created int64  `json:"created,omitempty"` // us
	Expires int64  `json:"expires,omitempty"`
}

// all returns the secrets.
func (s *secrets) all() (out []webhook.Secret) {
	for i, text := range s.Secrets {
		one := webhook.NewSecret(text)
		if i < len(s.Lives) && s.Lives[i] != (life{}) {
			l := s.Lives[i]
			one = one.WithLife(l.ID, fromMicros(l.Created), fromMicros(l.Expires))
		}
		out = append(out, one)
	}
	return out
}

// webhookRow holds the columns of a webhook's row from which it is decoded.
type webhookRow struct {
	data   string
	sealed bool
	secret []byte
}

func (s *Store) encodeWebhook(w webhook.Webhook) (out webhookRow, err error) {
	data, err := json.Marshal(dataOf(&w))
	if err != nil {
		return out, err
	}
	sec := secrets{URL: w.URL, Headers: w.Headers, Auth: authorizationOf(&w.Auth), TLS: clientTLSOf(&w.TLS)}
	for _, one := range w.Secrets {
		sec.Secrets = append(sec.Secrets, one.Reveal())
		sec.Lives = append(sec.Lives, life{one.ID(), micros(one.CreatedAt()), micros(one.ExpiresAt())})
	}
	out.data = string(data)
	plain, err := json.Marshal(sec)
	if err != nil {
		return out, err
	}
	if out.secret, out.sealed, err = s.box.Put(sealedTo(w.Scope, w.ID, w.Version), plain); err != nil {
		return out, &SealError{w.ID, err}
	}
	return out, nil
}

// sealedTo names the owner of sealed secrets. The scope prevents that a row opens after a move to
// another tenant; the version prevents that an older value of the same row opens.
func sealedTo(scope, id string, version int64) string {
	return sealing.Name("webhook", scope, id, strconv.FormatInt(version, 10))
}

// decodeWebhook decodes a row. If only the secret part is unreadable, it returns the rest
// with a *SealError.
func (s *Store) decodeWebhook(id string, in webhookRow) (webhook.Webhook, error) {
	if w, ok := s.hooks.get(id, in); ok {
		return w, nil
	}
	var r webhookData
	if err := json.Unmarshal([]byte(in.data), &r); err != nil {
		return webhook.Webhook{ID: id}, fmt.Errorf("sqlstore: webhook %s: its row cannot be read: %w", id, err)
	}
	w := webhook.Webhook{
		ID: id, Scope: r.Scope, Group: r.Group, Name: r.Name, Events: r.Events, Filter: r.Filter, Notes: r.Notes,
		Timeout: r.Timeout, Order: webhook.OrderPolicy(r.Order), Coalesce: r.Coalesce, CoalesceWait: r.CoalesceWait, Active: r.Active, ExcludeBody: r.ExcludeBody, ExpiresAt: fromMicros(r.Expires),
		CreatedAt: fromMicros(r.Created), UpdatedAt: fromMicros(r.Updated), DisabledReason: r.DisabledReason,
		DisabledAt: fromMicros(r.Disabled), Attributes: r.Attributes, Auth: webhook.Auth{Scheme: webhook.AuthScheme(r.AuthScheme)},
		TLS: webhook.ClientTLS{Certificate: r.Certificate, RootCAs: r.RootCAs}, Version: r.Version,
	}
	plain, err := s.box.Get(sealedTo(r.Scope, id, r.sealedVersion()), id, in.secret, in.sealed)
	if err != nil {
		return w, &SealError{id, err}
	}
	var sec secrets
	if json.Unmarshal(plain, &sec) != nil || !sec.fillCredentials(&w, r.AuthScheme) { // an error of Unmarshal would quote secrets
		if in.sealed { // Options.Open returned other bytes, maybe without the right key
			return w, &SealError{id, errors.New("what was opened is not what was stored")}
		}
		return w, &SealError{id, errNotStored}
	}
	w.URL, w.Headers, w.Secrets = sec.URL, sec.Headers, sec.all()
	s.hooks.put(id, in, w)
	return w, nil
}

// hookCache keeps decoded webhooks, so that a claim need not decrypt and parse an unchanged
// row. An entry is valid while the stored row is equal, for any time.
type hookCache struct {
	mu    sync.Mutex
	known map[string]cachedHook
}

type cachedHook struct {
	in webhookRow
	w  webhook.Webhook
}

const maxCachedHooks = 10_000

func (c *hookCache) get(id string, in webhookRow) (webhook.Webhook, bool) {
	c.mu.Lock()
	known, ok := c.known[id]
	c.mu.Unlock()
	if !ok || known.in.data != in.data || known.in.sealed != in.sealed || !bytes.Equal(known.in.secret, in.secret) {
		return webhook.Webhook{}, false
	}
	return known.w.Clone(), true
}

func (c *hookCache) put(id string, in webhookRow, w webhook.Webhook) {
	in.secret = bytes.Clone(in.secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCachedHooks {
		c.known = make(map[string]cachedHook)
	}
	c.known[id] = cachedHook{in, w.Clone()}
}
