package jira

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// MaxBody is the largest body in bytes: Jira Cloud does not deliver what is
// larger than 25 MB.
const MaxBody = 25_000_000

const (
	maxAge   = 24 * time.Hour
	maxTrace = 1024
)

// Header fields of a callback.
const (
	IdentifierHeader = "X-Atlassian-Webhook-Identifier"
	RetryHeader      = "X-Atlassian-Webhook-Retry"
	FlowHeader       = "X-Atlassian-Webhook-Flow"
	// TraceHeader is copied from webhook.Delivery.Carry, where it stands under
	// this name if webhook.Options.Carry put it there: usually the value of the
	// same header of the request that caused the event. It is left out when it is
	// not 1 to 1,024 characters of printable ASCII.
	TraceHeader = "X-Atlassian-Webhook-Trace"
	// SequenceHeader tells which of two callbacks about one object was dispatched first; see
	// [WithSequence]. Its 19 digits compare as text and as a number.
	SequenceHeader = "X-Atlassian-Webhook-Sequence"
)

// Profile is the profile of Jira Cloud's webhooks. A host may change fields of
// what it got before it gives it to webhook.New.
func Profile(opts ...Option) webhook.Profile {
	s := newSettings(opts)
	m := newMatcher(s)
	p := webhook.Profile{
		Name:    "jira",
		Allow:   allowlist.Policy{Ports: s.ports},
		Retry:   retry.Jira(),
		MaxBody: MaxBody,
		MaxAge:  maxAge,
		Route:   m.route,
		Keep:    func(w webhook.Webhook, d webhook.Delivery) bool { return !isApp(&w) || m.apps.wanted(&w, &d) },
		Prepare: webhook.Prepare{Target: s.target, Header: s.header(), Sign: signer},
		Judge:   s.judge,
		Limits:  s.limits,
		Form: webhook.Form{
			Events:        jiraevent.Events(),
			AllowNoEvents: true,
			Sample:        sample,
			Orders:        []webhook.OrderPolicy{webhook.OrderSkip, webhook.OrderBlock, webhook.OrderHold},
			Coalesces:     true,
			Check: func(w webhook.Webhook) []webhook.FieldError {
				if isApp(&w) {
					m.apps.prepare(&w)
				}
				return s.check(w)
			},
		},
	}
	if s.postFunctions != nil {
		p.Form.Delete = func(ctx context.Context, tenant, id string, remove func(context.Context) error) error {
			return deleteUnattached(ctx, s.postFunctions, tenant, id, remove)
		}
	}
	return p
}

// judge adds certificates that do not verify to what is retried by default:
// to Jira they are connections that failed, and certificates of endpoints of any
// kind get mended.
func (s *settings) judge(a webhook.Attempt) webhook.Verdict {
	verdict := webhook.DefaultJudge(a)
	switch {
	case a.Code == webhook.CodeTLSVerify:
		return webhook.VerdictRetry
	case verdict == webhook.VerdictAccept && a.Status != http.StatusOK && !s.any2xx:
		return webhook.VerdictGiveUp
	}
	return verdict
}

// route gives secondary events a class of their own, so that the fallout of a
// bulk operation does not stand in front of what people wait for, and tells apps
// which of their registrations matched.
func (m *Matcher) route(live []webhook.Webhook, e payload.Event) ([]webhook.Routed, error) {
	c, err := m.choose(live, e)
	if err != nil {
		return nil, err
	}
	usable := func(w webhook.Webhook, _ payload.Event) (bool, error) { return true, c.unusable[w.ID] }
	return webhook.Grouped(usable, func(e payload.Event, group []webhook.Webhook) (webhook.Routed, error) {
		w := &group[0]
		r := webhook.Routed{WebhookID: w.ID, NoBody: w.ExcludeBody}
		if e.Vars[jiraevent.VarFlow] == flowSecondary {
			r.Class = secondaryClass
		}
		if matched := c.matched[w.ID]; matched != nil {
			err = composeMatched(matched, w, &e, &r)
		}
		return r, err
	})(c.hooks, e)
}

// header adds to what Jira sends what the options ask for.
func (s *settings) header() func(webhook.Webhook, webhook.Delivery, http.Header) {
	if !s.sequence {
		return header
	}
	sequence := webhook.SequenceHeader(SequenceHeader)
	return func(w webhook.Webhook, d webhook.Delivery, h http.Header) {
		header(w, d, h)
		sequence(w, d, h)
	}
}

func header(_ webhook.Webhook, d webhook.Delivery, h http.Header) {
	h.Set(IdentifierHeader, d.ID)
	if d.Tries > 0 {
		h.Set(RetryHeader, strconv.Itoa(d.Tries))
	}
	flow := flowPrimary
	if d.Vars[jiraevent.VarFlow] == flowSecondary {
		flow = flowSecondary
	}
	h.Set(FlowHeader, flow)
	if trace := d.Carry[TraceHeader]; printable(trace) {
		h.Set(TraceHeader, trace)
	}
}

func printable(s string) bool {
	return s != "" && len(s) <= maxTrace && ascii.IsPrintable(s) && s[0] != ' ' && s[len(s)-1] != ' '
}

func signer(w webhook.Webhook) (sign.Signer, error) {
	if len(w.Secrets) == 0 {
		return nil, nil
	}
	return sign.HMAC(w.Secrets[0]), nil
}

func sample(event string) (payload.Data, bool) {
	c, ok := jiraevent.Sample(event)
	return c, ok
}
