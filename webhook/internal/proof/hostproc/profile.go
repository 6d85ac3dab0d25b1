package hostproc

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/sign"
)

// The names of the profiles, for [Config].Profile.
const (
	Automation = "automation"
	Standard   = "standard"
	Jira       = "jira"
	Connect    = "connect"
)

// Profiles are the names of all profiles.
func Profiles() []string { return []string{Automation, Standard, Jira, Connect} }

// NewProfile is the profile of that name, Standard if it is empty, with short retries where it has
// any, for webhooks at [receiver.Host]; Automation otherwise has its own host.
func NewProfile(name string, slots []retry.Slot) webhook.Profile {
	var p webhook.Profile
	switch name {
	case Automation:
		p = webhook.Automation()
		p.Allow = allowlist.Public()
	case Jira:
		p = jira.Profile()
	case Connect:
		return connect.Profile() // it has no retries
	default:
		p = webhook.Standard()
	}
	p.Retry = retry.Policy{Slots: slots}
	return p
}

// EventType is the type of the events that a host with this profile dispatches.
func EventType(profile string) string {
	if profile == Jira || profile == Connect {
		return "sprint_started"
	}
	return "taskSuccess"
}

// NewEvent makes an event with its ID in the body, which is about pad bytes longer than necessary.
func NewEvent(profile, id string, pad int) (payload.Event, error) {
	if profile == Jira || profile == Connect {
		c := jiraevent.Callback{Event: EventType(profile), Sprint: &jiraevent.Sprint{ID: 37, Name: id, Goal: strings.Repeat("x", pad)}}
		return jiraevent.New(Scope, c, payload.WithID(id))
	}
	return payload.New(Scope, payload.TaskSuccess{
		ProcessID: id, Name: "Nightly", ActionTypes: []string{"deactivate", strings.Repeat("x", pad)}, DeepLink: "https://example.com/tasks/" + id,
	}, payload.WithID(id), payload.WithAnyProcessID())
}

// NewReader reads requests like a receiver of the profile. keys returns the secrets of a webhook.
func NewReader(profile string, keys func(webhookID string) []sign.Secret) receiver.Reader {
	if profile == Standard || profile == "" {
		return receiver.Standard(keys)
	}
	return func(r *http.Request, webhookID string, body []byte, now time.Time) (m receiver.Mark) {
		secrets := keys(webhookID)
		switch profile {
		case Automation:
			m.Identifier = r.Header.Get(sign.IDHeader)
			m.Event, m.Signed = m.Identifier, sign.VerifyToken(r.Header, sign.TokenHeader, secrets...)
		case Jira:
			m.Identifier = r.Header.Get(jira.IdentifierHeader)
			m.Event, m.Signed = IDOf(body), sign.VerifyHMAC(r.Header, body, secrets...)
		case Connect: // has no identifier
			m.Event = IDOf(body)
			_, m.Signed = sign.VerifyConnectJWT(r, now, sign.ConnectReceiver{Secrets: sign.ForClient(Scope, secrets...), BaseURL: "https://" + receiver.Host})
		}
		return m
	}
}

// IDOf is the ID that NewEvent has written into a body.
func IDOf(body []byte) string {
	var b struct {
		ProcessID string
		Sprint    struct{ Name string }
	}
	_ = json.Unmarshal(body, &b) // a body that is no JSON has no ID
	return b.ProcessID + b.Sprint.Name
}
