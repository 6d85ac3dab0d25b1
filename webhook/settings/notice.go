package settings

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// notice reports on the next page the outcome of a POST. A cookie carries it.
type notice struct {
	Kind string `json:"k"` // one of the notice constants
	Name string `json:"n,omitempty"`

	Why string `json:"y,omitempty"` // why queued deliveries are held back
	N   int    `json:"q,omitempty"` // number of queued deliveries

	// The outcome of a test.
	Webhook string         `json:"w,omitempty"`
	Status  int            `json:"s,omitempty"`
	Code    webhook.Code   `json:"c,omitempty"`
	Detail  webhook.Detail `json:"e,omitempty"`
	Took    time.Duration  `json:"d,omitempty"`
	Sample  string         `json:"t,omitempty"`
	Snippet string         `json:"a,omitempty"`

	texts *Texts
}

const (
	noticeAdded       = "added"
	noticeSaved       = "saved"
	noticeOn          = "on"
	noticeOff         = "off"
	noticeDeleted     = "deleted"
	noticeRedelivered = "redelivered"
	noticeCancelled   = "cancelled"
	noticeTested      = "tested"
	noticeResent      = "resent"
	noticeAlready     = "gone"
	noticeRepeated    = "repeated"
	noticeRevoked     = "revoked"
	noticeShown       = "shown"
	noticeCertificate = "certificate"
)

const (
	maxNoticeName    = 160 // bytes
	maxNoticeSnippet = 300 // bytes
)

func (v *visit) leaveNotice(n notice) {
	v.left = &n
	n.Name, n.Snippet, n.Why = shorten(n.Name, maxNoticeName), shorten(n.Snippet, maxNoticeSnippet), shorten(n.Why, maxNoticeSnippet)
	for range 2 {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false) // the page escapes it
		if e.Encode(n) != nil {
			return
		}
		if value := v.seal(b.Bytes(), time.Now()); value != "" {
			http.SetCookie(v.w, v.cookie(value, int(noticeLife/time.Second)))
			return
		}
		n.Snippet = "" // it is the longest part
	}
}

// takeNotice returns the waiting notice of this browser, once. The script's requests leave it for
// the person.
func (v *visit) takeNotice() *notice {
	c, err := v.r.Cookie(noticeCookie)
	if err != nil || v.r.Method != http.MethodGet || webpage.Live(v.r) {
		return nil
	}
	http.SetCookie(v.w, v.cookie("", -1))
	body, ok := v.open(c.Value, time.Now())
	n := &notice{texts: v.t}
	if !ok || json.Unmarshal(body, n) != nil || n.Text() == "" {
		return nil
	}
	return n
}

// Text is the sentence that the page shows, empty for a kind that does not exist.
func (n *notice) Text() string {
	t := n.texts
	switch n.Kind {
	case noticeAdded:
		return t.Added(n.Name)
	case noticeSaved:
		return t.Saved(n.Name)
	case noticeOn:
		return t.SwitchedOn(n.Name)
	case noticeOff:
		return t.SwitchedOff(n.Name)
	case noticeDeleted:
		return t.Deleted(n.Name)
	case noticeRedelivered:
		if n.Why != "" {
			return t.RedeliveredBut(n.Why)
		}
		return t.Redelivered
	case noticeResent:
		return t.Resent(n.N)
	case noticeAlready:
		return t.AlreadyGone
	case noticeRepeated:
		return t.Repeated
	case noticeRevoked:
		return t.SecretRevoked(n.Name)
	case noticeShown:
		return t.SecretShown
	case noticeCertificate:
		return t.CertificateSet(n.Name)
	case noticeCancelled:
		return t.Cancelled
	case noticeTested:
		if n.Code == webhook.CodeOK {
			return t.TestAccepted(n.Name, n.Status, n.Took)
		}
		return t.TestRefused(n.Name, n.outcome(), n.Took)
	}
	return ""
}

// Good reports whether the notice is good news.
func (n *notice) Good() bool { return n.Kind != noticeTested || n.Code == webhook.CodeOK }

// Sent says which deliveries became due after an accepted test.
func (n *notice) Sent() string {
	if n.Kind != noticeTested || n.N == 0 {
		return ""
	}
	return n.texts.Resent(n.N)
}

// More explains a refused test, where there is more to say.
func (n *notice) More() string {
	if n.Kind != noticeTested || n.Detail == "" {
		return ""
	}
	return n.texts.Detail(n.Detail)
}

// Proof says what an accepted test proves and its limits; empty for other notices.
func (n *notice) Proof() string {
	if n.Kind != noticeTested || !n.Good() {
		return ""
	}
	return n.texts.TestProof
}

func (n *notice) outcome() string {
	return n.texts.outcome(webhook.Attempt{Status: n.Status, Code: n.Code, Detail: n.Detail})
}

// shorten cuts a text to at most n bytes, at the end of a rune.
func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= n {
		return s
	}
	for n -= len("…"); !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}
