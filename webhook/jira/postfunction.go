package jira

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
)

// Transition names a transition of a workflow, as the host knows them.
type Transition struct{ Workflow, ID string }

// PostFunctions keeps which webhooks are post functions: which transitions of
// workflows trigger them, beside their events. What it accepted survives whatever
// it survives. All methods are safe for concurrent use, from several processes where
// the implementation is shared. Tenants never meet. Package registrationtest proves
// an implementation.
type PostFunctions interface {
	// Attach lets a transition trigger a webhook. Doing so again changes nothing.
	// Whether the webhook exists is not looked at.
	Attach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Detach ends that. What is not attached is ignored.
	Detach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Attached returns the webhooks that a transition triggers, ordered by ID.
	Attached(ctx context.Context, tenant string, t Transition) (webhookIDs []string, err error)
	// Transitions returns those that trigger a webhook, ordered by workflow and ID. A
	// webhook that has any is not deleted by the administrators' API.
	Transitions(ctx context.Context, tenant, webhookID string) ([]Transition, error)
}

var errTransitionEvent = errors.New("jira: the callback of a transition must have Event empty, " + jiraevent.IssueUpdated +
	", " + jiraevent.PostFunction + ", or " + issueCreated + " for the transition that creates an issue")

const issueCreated = "jira:issue_created"

// Transitioned makes the event for the webhooks that a transition triggers, or
// answers ok false when there are none. It is to be dispatched beside the event of
// the change, under an ID of its own: a webhook that listens to that as well gets
// both.
//
// The body is that of jira:issue_updated, or, where c.Event says so, of the older
// jira-webhook-post-function, which has no changelog; c.Issue is the issue after the
// transition. A callback of jira:issue_created belongs to the transition that creates
// an issue, on which post functions do not fire: ok is false. Webhooks get the event
// whatever their events and filters are, as long as they are active; those of apps
// do not.
func Transitioned(ctx context.Context, p PostFunctions, tenant string, t Transition, c jiraevent.Callback, opts ...payload.Option) (e payload.Event, ok bool, err error) {
	switch c.Event {
	case issueCreated:
		return payload.Event{}, false, nil
	case "":
		c.Event = jiraevent.IssueUpdated
	case jiraevent.PostFunction:
		c.Changelog = nil
	case jiraevent.IssueUpdated:
	default:
		return payload.Event{}, false, errTransitionEvent
	}
	attached, err := p.Attached(ctx, tenant, t)
	if err != nil {
		return payload.Event{}, false, fmt.Errorf("jira: post functions of a transition: %w", err)
	}
	if len(attached) == 0 {
		return payload.Event{}, false, nil
	}
	opts = append(slices.Clone(opts), payload.WithSubject(&triggered{attached}))
	e, err = jiraevent.New(tenant, c, opts...)
	return e, err == nil, err
}

// triggered is the subject of the event of a transition: whom it is for.
type triggered struct{ webhookIDs []string }

// byTransition reports whether an event is that of a transition, and if so whether
// it is for this webhook.
func byTransition(w *webhook.Webhook, e *payload.Event) (is, forIt bool) {
	t, is := e.Subject().(*triggered)
	return is, is && !isApp(w) && slices.Contains(t.webhookIDs, w.ID)
}
